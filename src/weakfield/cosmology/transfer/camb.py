"""Newtonian-gauge transfer functions from CAMB's synchronous output (EQUATIONS 14), cached on disk.

CAMB solves in the rest frame of cold dark matter for zeta = -1. Once the sign of its output is flipped,
alpha = theta_cdm / k^2, together with the conformal Hubble rate H, leads to Newtonian gauge (EQUATIONS 3.2). With the
nodes ``class`` the tables are those that CLASS would give, on its wavenumbers and through its times.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH, Background
from weakfield.cosmology.transfer.cache import cached_arrays
from weakfield.cosmology.transfer.class_times import through_class_times
from weakfield.cosmology.transfer.fluid import effective_state, fluid_perturbations
from weakfield.cosmology.transfer.massive import massive_neutrinos, require_one_mass, set_neutrinos
from weakfield.cosmology.transfer.nodes import FINE_RULE, class_nodes, fine_nodes
from weakfield.cosmology.transfer.tables import (
    SplinedHistory,
    box_wavenumbers,
    require_coverage,
    standard_universe,
    total_contrast,
    total_density,
    total_divergence,
    total_inertia,
)

Array = npt.NDArray[np.float64]

_RECIPE = 2  # raised whenever the numbers of a table change for the same input
_FIRST_SCALE_FACTOR = 1.0 / 104.0
_TIMES = 240  # number of nodes from there to today, uniform in ln a
_STATES = 1000  # nodes in ln a of the equation of state of dark energy, from 1e-6 to today
_ACCURACY = 4  # lAccuracyBoost: 2 is off by 1.5e-4; 8 exceeds CAMB's array bounds and ends the process
_VARIABLES = (
    "a",
    "H",
    "etak",
    "Weyl",
    "delta_cdm",
    "delta_baryon",
    "delta_photon",
    "delta_neutrino",
    "v_newtonian_cdm",
    "v_newtonian_baryon",
    "v_photon",
    "v_neutrino",
)
_MASSIVE = ("delta_nu",)  # what is asked for besides if there are massive neutrinos


def provide(settings: SimulationSettings, cosmology: CosmologySettings) -> SplinedHistory:
    """Tables on the nodes of ``settings.transfer_nodes``, from a little before the initial redshift to today."""
    require_one_mass(cosmology)
    history = _history(
        standard_universe(cosmology, "camb"),
        settings.transfer_nodes,
        settings.box_size_mpch,
        settings.grid,
        _scale_factor_range(settings.initial_redshift),
        settings.initial_redshift if settings.transfer_nodes == "class" else None,
    )
    require_coverage(history.k_hmpc, settings.box_size_mpch, settings.grid, history.source)
    return history


def _scale_factor_range(initial_redshift: float) -> float:
    """The first scale factor of the tables: 3 % before the initial one, to leave room for differences in time."""
    return min(_FIRST_SCALE_FACTOR, 0.97 / (1.0 + initial_redshift))


@lru_cache(maxsize=8)
def _history(
    cosmology: CosmologySettings,
    nodes: str,
    box_size_mpch: float,
    grid: int,
    a_first: float,
    sampled_from: float | None,
) -> SplinedHistory:
    """``sampled_from`` is the initial redshift of a simulation that sees CLASS's times, or None for accurate ones."""
    try:
        import camb
    except ImportError as error:
        raise WeakfieldError("CAMB is not installed, expected it for transfer 'camb'") from error
    key = content_hash(
        {
            "recipe": _RECIPE,
            "camb": camb.__version__,
            "accuracy": _ACCURACY,
            "cosmology": cosmology.model_dump(mode="json"),
            "nodes": [nodes, box_size_mpch, grid, FINE_RULE],
            "times": [a_first, _TIMES, sampled_from],
        }
    )
    arrays = cached_arrays(
        f"camb-{key}", lambda: _compute(cosmology, nodes, box_size_mpch, grid, a_first, sampled_from)
    )
    k, a = arrays.pop("k_hmpc"), arrays.pop("a")
    return SplinedHistory(k, a, arrays, f"CAMB {camb.__version__}")


def _compute(
    cosmology: CosmologySettings,
    nodes: str,
    box_size_mpch: float,
    grid: int,
    a_first: float,
    sampled_from: float | None,
) -> dict[str, Array]:
    """Every column in (a, k), together with the nodes."""
    try:
        results = _background(cosmology)
        k = _nodes(results, cosmology, nodes, box_size_mpch, grid)
        count = math.ceil((_TIMES - 1) * math.log(a_first) / math.log(_FIRST_SCALE_FACTOR)) + 1
        a = np.exp(np.linspace(math.log(a_first), 0.0, count))
        variables = [*_VARIABLES, *(_MASSIVE if cosmology.m_ncdm_ev else ())]
        output = results.get_redshift_evolution(k, 1.0 / a - 1.0, variables, lAccuracyBoost=_ACCURACY)
        tau = np.asarray(results.conformal_time(1.0 / a - 1.0), dtype=np.float64)
    except BadInput:
        raise
    except Exception as error:  # CAMB's own errors share no base class
        raise WeakfieldError(f"CAMB could not compute the transfer functions: {error}") from error
    table = {name: np.asarray(output[:, :, i], dtype=np.float64).T for i, name in enumerate(variables)}
    columns = _newtonian_gauge(table, k, a, cosmology)
    if sampled_from is not None:
        a, columns = through_class_times(columns, a, tau, sampled_from)
    if not all(np.isfinite(column).all() for column in columns.values()):
        raise WeakfieldError("CAMB returned transfer functions that are not finite")
    return {"k_hmpc": k / cosmology.h, "a": a, **columns}


def _background(cosmology: CosmologySettings) -> Any:
    """CAMB's solution of the background, without late truncation of radiation, which would zero its velocities."""
    import camb

    parameters = camb.set_params(
        H0=100.0 * cosmology.h,
        ombh2=cosmology.omega_b,
        omch2=cosmology.omega_cdm,
        TCMB=cosmology.t_cmb_kelvin,
        nnu=cosmology.n_ur,
        mnu=0.0,
        num_massive_neutrinos=0,
        tau=0.0535,
    )
    parameters.DoLateRadTruncation = False
    set_neutrinos(parameters, cosmology)
    set_dark_energy(parameters, cosmology)
    return camb.get_background(parameters)


def set_dark_energy(parameters: Any, cosmology: CosmologySettings) -> None:
    """Give CAMB the fluid and Lambda as one dark energy, with perturbations in its post-Friedmann form."""
    if not cosmology.has_fluid:
        return
    if cosmology.cs2_fld != 1.0:
        raise BadInput(
            f"cs2_fld is {cosmology.cs2_fld:g}, expected 1 for transfer 'camb', whose dark energy has no other speed of"
            " sound, or transfer 'class'"
        )
    from camb.dark_energy import DarkEnergyPPF

    a = np.geomspace(1e-6, 1.0, _STATES)
    dark_energy = DarkEnergyPPF()
    dark_energy.set_w_a_table(a, effective_state(cosmology, a))
    parameters.DarkEnergy = dark_energy


def _nodes(results: Any, cosmology: CosmologySettings, nodes: str, box_size_mpch: float, grid: int) -> Array:
    """Wavenumbers in 1/Mpc."""
    sound_horizon = float(results.get_derived_params()["rstar"])
    if nodes == "class":
        k_max = 2.0 * math.pi * grid * cosmology.h / box_size_mpch
        return class_nodes(float(results.conformal_time(0)), sound_horizon, k_max)
    low, high = box_wavenumbers(box_size_mpch, grid)
    return fine_nodes(low, high, sound_horizon * cosmology.h) * cosmology.h


def _newtonian_gauge(table: dict[str, Array], k: Array, a: Array, cosmology: CosmologySettings) -> dict[str, Array]:
    """The columns of the first bullets of EQUATIONS 14; rows are times."""
    H = table["H"]
    flipped = {name: -values for name, values in table.items() if name not in ("a", "H")}
    theta_cdm = -H * flipped["v_newtonian_cdm"]
    alpha = theta_cdm / k**2
    phi = flipped["etak"] / k - H * alpha
    delta = {
        "cdm": flipped["delta_cdm"] - 3.0 * H * alpha,
        "b": flipped["delta_baryon"] - 3.0 * H * alpha,
        "g": flipped["delta_photon"] - 4.0 * H * alpha,
        "ur": flipped["delta_neutrino"] - 4.0 * H * alpha,
    }
    theta = {
        "cdm": theta_cdm,
        "b": -H * flipped["v_newtonian_baryon"],
        "g": 0.75 * k * flipped["v_photon"] + theta_cdm,
        "ur": 0.75 * k * flipped["v_neutrino"] + theta_cdm,
    }
    times = list(enumerate(a))
    delta["tot"] = np.stack([total_contrast({s: c[i] for s, c in delta.items()}, cosmology, at) for i, at in times])
    theta["tot"] = np.stack([total_divergence({s: c[i] for s, c in theta.items()}, cosmology, at) for i, at in times])
    inertia = np.array([total_inertia(cosmology, at) for at in a])
    density = np.array([total_density(cosmology, at) for at in a])
    if cosmology.m_ncdm_ev:
        others = inertia[:, None] * (theta["tot"] - theta_cdm)
        found = massive_neutrinos(cosmology, k, a, H, alpha, flipped["etak"], flipped["delta_nu"], others)
        _add_to_total(delta, density, found.delta, found.density)
        _add_to_total(theta, inertia, found.theta, found.inertia)
        density, inertia = density + found.density, inertia + found.inertia
        for p in range(len(cosmology.m_ncdm_ev)):
            delta[f"ncdm[{p}]"], theta[f"ncdm[{p}]"] = found.delta, found.theta
    if cosmology.has_fluid:
        background = Background(cosmology, HUBBLE_LENGTH_MPCH)
        fluid = np.asarray(background.fluid_density(a))
        delta["fld"], momentum = fluid_perturbations(cosmology, k, a, H, theta["tot"], inertia)
        _add_to_total(delta, density, delta["fld"], fluid)
        pressed = np.asarray(1.0 + background.fluid_state(a)) * fluid
        theta["tot"] = (inertia[:, None] * theta["tot"] + fluid[:, None] * momentum) / (inertia + pressed)[:, None]
    columns = {f"delta {species}": column for species, column in delta.items()}
    columns |= {f"theta {species}": column for species, column in theta.items()}
    return {**columns, "phi": phi, "psi": 2.0 * flipped["Weyl"] / k**2 - phi}


def _add_to_total(columns: dict[str, Array], weight: Array, added: Array, by: Array) -> None:
    """Make the mean ``columns["tot"]``, weighted by ``weight`` (m,), one that has ``added`` with the weight ``by``."""
    columns["tot"] = (weight[:, None] * columns["tot"] + by[:, None] * added) / (weight + by)[:, None]
