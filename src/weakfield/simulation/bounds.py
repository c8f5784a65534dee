"""Runs that cannot end well are refused before anything is computed: their size, their clock, and their amplitude.

The bounds on the amplitude are those of the theory. Universes begin with linear theory, or with second order built on
it, and particles are displaced by the gradient of a potential: where the linear density contrast has an rms of 1 on the
mesh, particle paths have crossed and linear theory says nothing any more. The metric is that of weak fields, of which
terms of order phi^2 are left out: with an rms of 0.1 these are a per cent of phi at a typical place and more at peaks.
The primordial curvature zeta has the same bound, as phi is 2/3 of it outside the horizon in matter domination; local
non-Gaussianity, (3/5) f_nl zeta^2, has to be a correction to zeta.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from weakfield.base.errors import BadInput
from weakfield.base.memory import largest_memory
from weakfield.config import CosmologySettings, RunSettings, SimulationSettings
from weakfield.cosmology import Background, amplitude
from weakfield.formats.templates import built_in_template
from weakfield.simulation.linear_start import InitialSpectra
from weakfield.simulation.realisation import Source

#: rms of the linear density contrast, and of the potential and the curvature, where a start is refused
LARGEST_CONTRAST, LARGEST_POTENTIAL = 1.0, 0.1
#: cycles of a run; those of the finest meshes that people run are ten thousand
MOST_CYCLES = 100_000
_NODES, _COUNTED = 512, 12.5


def require_possible(run: RunSettings, device: torch.device | None = None) -> None:
    """Raise ``BadInput`` for a run whose memory cannot be had on the device, that never ends or leaves weak fields.

    ``device`` is where it runs; without it, memory is not looked at.
    """
    if device is not None:
        _require_memory(run.simulation, device)
    require_clock(run.simulation, run.cosmology)
    _require_weak_curvature(run.simulation, run.cosmology)


def least_memory(settings: SimulationSettings) -> int:
    """Bytes that a run needs at the least: its particles, the fields packed side by side, phi, chi and their source."""
    word = 8 if settings.precision == "double" else 4
    cells = settings.grid**3
    particles = 0
    if settings.initial_conditions == "linear":
        of_template = built_in_template(settings.template).count if settings.template_file is None else 1
        particles = settings.tiling_factor**3 * of_template
    return cells * 11 * word + particles * (6 * word + 8)


def _require_memory(settings: SimulationSettings, device: torch.device) -> None:
    needed = least_memory(settings)
    there = largest_memory() if device.type == "cpu" else torch.cuda.get_device_properties(device).total_memory
    if needed > there:
        raise BadInput(
            f"simulation.grid is {settings.grid}, which takes at least {needed / 1e9:.3g} GB of memory, but this"
            f" {'machine' if device.type == 'cpu' else 'GPU'} has {there / 1e9:.3g} GB, expected a smaller grid"
        )


def require_clock(settings: SimulationSettings, cosmology: CosmologySettings) -> None:
    """Raise ``BadInput`` for steps so short that a run takes more than ``MOST_CYCLES``."""
    first = 1.0 / (1.0 + settings.initial_redshift)
    last = 1.0 / (1.0 + min((*settings.snapshot_redshifts, *settings.spectra_redshifts), default=0.0))
    if last <= first:
        return
    background = Background(cosmology, settings.box_size_mpch)
    log_a = np.linspace(np.log(first), np.log(last), _NODES)
    hubble = np.asarray(background.conformal_hubble(np.exp(log_a)))
    # a step is the smaller of the two; its reciprocal is the number of steps per unit of ln a
    rate = np.maximum(settings.grid / settings.courant_factor / hubble, 1.0 / settings.step_limit_hubble)
    cycles = float(np.trapezoid(rate, log_a))
    if not cycles <= MOST_CYCLES:
        raise BadInput(
            f"courant_factor = {settings.courant_factor:g} and step_limit_hubble = {settings.step_limit_hubble:g} make"
            f" a run of {cycles:.3g} cycles, expected at most {MOST_CYCLES}"
        )


def _require_weak_curvature(settings: SimulationSettings, cosmology: CosmologySettings) -> None:
    """The curvature that the primordial spectrum gives the box, and what f_nl adds to it."""
    if settings.initial_conditions == "snapshot" or settings.transfer == "spectrum":
        return
    zeta = _rms(settings, lambda x: amplitude(cosmology, settings.box_size_mpch, x))
    if not zeta <= LARGEST_POTENTIAL:
        raise BadInput(
            f"A_s = {cosmology.a_s:g} and n_s = {cosmology.n_s:g} give the primordial curvature an rms of {zeta:.3g} in"
            f" this box, expected at most {LARGEST_POTENTIAL:g}: beyond it gravity is not weak"
        )
    if not 0.6 * abs(settings.f_nl) * zeta <= 1.0:
        raise BadInput(
            f"f_nl is {settings.f_nl:g}, with which 3/5 f_nl zeta^2 is {0.6 * abs(settings.f_nl) * zeta:.3g} times zeta"
            " (rms in this box), expected at most 1: a correction"
        )


def require_linear(run: RunSettings, sources: InitialSpectra) -> None:
    """Raise ``BadInput`` where linear theory gives the start a density contrast or a potential beyond its reach."""
    contrast = max(_rms(run.simulation, source) for source in sources.displacement)
    _require_contrast(run, contrast)
    potential = _rms(run.simulation, lambda x: sources.potential(x) / x**2)
    if not potential <= LARGEST_POTENTIAL:
        raise BadInput(
            f"linear theory gives phi an rms of {potential:.3g} at the start, expected at most {LARGEST_POTENTIAL:g}:"
            " beyond it gravity is not weak; lower A_s"
        )


def require_linear_contrast(run: RunSettings, source: Source) -> None:
    """The same for a start that has a spectrum of matter alone; ``source`` is k^2 times the displacement potential."""
    _require_contrast(run, _rms(run.simulation, source))


def _require_contrast(run: RunSettings, contrast: float) -> None:
    settings = run.simulation
    if not contrast <= LARGEST_CONTRAST:
        raise BadInput(
            f"linear theory gives the density an rms contrast of {contrast:.3g} at z = {settings.initial_redshift:g} in"
            f" cells of {settings.cell_size_mpch:.3g} Mpc/h, expected at most {LARGEST_CONTRAST:g}: beyond it particle"
            " paths cross; raise the initial redshift or lower A_s"
        )


def _rms(settings: SimulationSettings, source: Source) -> float:
    """The rms in the box of the field with this source: the root of the sum of 2 S^2 over its modes.

    Modes are counted one by one up to ``_COUNTED`` k_F, where a few of them may decide, and integrated over beyond.
    """
    reach = max(settings.grid / 2 - 1, 1.001)  # modes are drawn below it [k_F]
    edge = min(reach, _COUNTED)
    half = np.arange(-math.ceil(edge), math.ceil(edge) + 1) ** 2
    square, count = np.unique(half[:, None, None] + half[:, None] + half, return_counts=True)
    inside = (square > 0) & (square < edge**2)
    n = np.geomspace(edge, reach, _NODES)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.sum(2.0 * count[inside] * np.square(source(2.0 * np.pi * np.sqrt(square[inside]))))
        if reach > edge:
            total += np.trapezoid(8.0 * np.pi * n**3 * np.square(source(2.0 * np.pi * n)), np.log(n))
        return float(np.sqrt(total))
