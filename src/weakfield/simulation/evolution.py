"""The main loop, in the order of EQUATIONS section 7."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from weakfield.base.loading import loading
from weakfield.base.progress import bar
from weakfield.config import RunSettings, Theory
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh.devices import device_for
from weakfield.mesh.threads import threads, threads_for_mesh
from weakfield.simulation.checkpoint import Checkpoints
from weakfield.simulation.clock import Clock, cycles_until
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.newton import Newton
from weakfield.simulation.output import Outputs, needs_diagnostics
from weakfield.simulation.relativity import Relativity
from weakfield.simulation.second_order import SecondOrderNewton, SecondOrderRelativity
from weakfield.simulation.spectral.newton import SpectralNewton
from weakfield.simulation.spectral.relativity import SpectralRelativity
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.universe import DTYPES, Universe
from weakfield.simulation.velocity import measure_velocity
from weakfield.simulation.writer import Writer


class Gravity(Protocol):
    """What a theory of gravity has to do: compute fields from particles, and move particles by the fields."""

    name: str

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool) -> None:
        """Compute the fields from the particles; ``diagnostics`` asks for chi and B even where motion needs neither."""

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick with the fields of this cycle and drift one step."""


#: mesh, theory and time integration -> the class that solves and moves
THEORIES: dict[tuple[str, Theory, str], type[Gravity]] = {
    ("staggered", "newton", "euler"): Newton,
    ("staggered", "gr", "euler"): Relativity,
    ("staggered", "newton", "second-order"): SecondOrderNewton,
    ("staggered", "gr", "second-order"): SecondOrderRelativity,
    ("spectral", "newton", "second-order"): SpectralNewton,
    ("spectral", "gr", "second-order"): SpectralRelativity,
}


def grow_member(
    run: RunSettings,
    folder: Path,
    history: TransferHistory | None = None,
    shared: StudyCache | None = None,
    writer: Writer | None = None,
) -> list[Path]:
    """Grow one universe from its initial redshift to its last output; returns the files written into ``folder``.

    ``history`` holds the transfer functions to start from; without it they are read or computed as the settings say.
    ``shared`` is what runs of the same study have in common; ``writer`` writes the fields, if this thread does not. A
    run that left a checkpoint goes on from it and ends with the same bits (on a GPU up to rounding, unless
    ``deterministic``). Raises ``Hibernated`` when a wallclock limit is set and has passed.
    """
    with threads(threads_for_mesh(run.simulation.grid)):
        compile_kernels_of(run)
        gravity = THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator]()
        universe = initial_universe(run, history, shared=shared)
        clock, outputs = Clock(run, universe.background), Outputs(run, folder, writer)
        checkpoints = Checkpoints(run, folder)
        checkpoints.resume(universe, clock, outputs)
        total = cycles_until(run, universe.background, outputs.last_redshift)
        with bar(f"{run.theory} seed {run.seed}", total) as progress:
            progress.advance(clock.cycle)
            while True:
                measure_velocity(universe, clock)
                gravity.solve(universe, clock, outputs.need_diagnostics)
                outputs.write_due(universe, clock)
                if outputs.finished:
                    outputs.settle()  # the checkpoint stays until all files are written
                    checkpoints.clear()
                    return outputs.paths
                gravity.move(universe, clock)
                clock.advance()
                progress.advance()
                checkpoints.keep(universe, clock, outputs)


def at_redshifts(
    run: RunSettings, shared: StudyCache | None = None, diagnostics: bool = False, backend: str | None = None
) -> Iterator[tuple[Universe, Clock]]:
    """Yield the universe of a run at each of its snapshot redshifts, descending, in memory: nothing is written.

    It is the same object each time, later in its history, so copy what you want to keep. ``diagnostics`` asks for chi
    and B in Newton too; ``backend`` names kernels other than the fastest. It uses the caller's number of threads.
    """
    gravity = THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator]()
    universe = initial_universe(run, backend=backend, shared=shared)
    clock = Clock(run, universe.background)
    wanted = sorted(run.simulation.snapshot_redshifts)
    while wanted:
        measure_velocity(universe, clock)
        gravity.solve(universe, clock, diagnostics)
        while wanted and clock.passed(wanted[-1]):
            wanted.pop()
            yield universe, clock
        gravity.move(universe, clock)
        clock.advance()


def compile_kernels_of(run: RunSettings) -> None:
    """On a CPU, get the kernels of a run ready, compiled or from the cache, before its first cycle."""
    if device_for(run.simulation.device).type == "cpu":
        with loading():
            from weakfield.mesh.kernels.cpu.warm import compile_kernels

            needs_chi = run.linear_fields or needs_diagnostics(run)
            spectra = bool(run.simulation.spectra_redshifts and run.simulation.spectra_fields)
            compile_kernels(DTYPES[run.simulation.precision], run.theory, needs_chi, run.simulation.mesh, spectra)
