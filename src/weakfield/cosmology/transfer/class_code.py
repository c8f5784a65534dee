"""Newtonian-gauge transfer functions from CLASS through its Python module ``classy`` (EQUATIONS 3.2), cached on disk.

With the nodes ``class``, CLASS is asked for what a simulation linked to CLASS asks for: its own wavenumbers and its own
coarse sampling in time. The nodes ``fine`` refine both samplings.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.transfer.cache import cached_arrays
from weakfield.cosmology.transfer.tables import SplinedHistory, require_coverage, standard_universe

Array = npt.NDArray[np.float64]

_RECIPE = 1  # raised whenever the numbers of a table change for the same input
#: number of times in a table, uniform in ln a: many for ``class``, to follow CLASS's own spline through its few times
_TIMES = {"class": 1000, "fine": 240}
#: instead of CLASS's defaults (10 and 70 wavenumbers per decade, steps of 0.1 in time)
_FINE = {"k_per_decade_for_pk": 40, "k_per_decade_for_bao": 200, "perturbations_sampling_stepsize": 0.01}
_SPECIES = ("cdm", "b", "g", "ur", "tot")


def provide(settings: SimulationSettings, cosmology: CosmologySettings) -> SplinedHistory:
    """Tables from a little before the initial redshift to today, on CLASS's wavenumbers or on finer ones."""
    history = _history(
        standard_universe(cosmology, "class"),
        settings.transfer_nodes,
        settings.box_size_mpch,
        settings.grid,
        settings.initial_redshift,
    )
    require_coverage(history.k_hmpc, settings.box_size_mpch, settings.grid, history.source)
    return history


@lru_cache(maxsize=8)
def _history(
    cosmology: CosmologySettings, nodes: str, box_size_mpch: float, grid: int, initial_redshift: float
) -> SplinedHistory:
    try:
        import classy
    except ImportError as error:
        raise BadInput(
            "transfer is 'class' but CLASS's module classy is not installed, expected it from"
            " 'pip install weakfield[class]'"
        ) from error
    parameters = _parameters(cosmology, nodes, box_size_mpch, grid, initial_redshift)
    name = f"CLASS {version('classy')}"
    key = content_hash({"recipe": _RECIPE, "code": name, "parameters": parameters, "times": _TIMES[nodes]})
    arrays = cached_arrays(f"class-{key}", lambda: _compute(classy.Class(), parameters, _TIMES[nodes]))
    k, a = arrays.pop("k_hmpc"), arrays.pop("a")
    return SplinedHistory(k, a, arrays, name)


def _parameters(
    cosmology: CosmologySettings, nodes: str, box_size_mpch: float, grid: int, initial_redshift: float
) -> dict[str, Any]:
    """The parameters that CLASS is called with."""
    k_max = 2.0 * math.pi * grid / box_size_mpch
    z_max = 1.015 * initial_redshift + 0.01
    if nodes == "fine":  # the start of CLASS's times shifts all of its coarse times, which changes phi by 4e-6
        z_max = max(z_max, initial_redshift + 2.0)
    parameters: dict[str, Any] = {
        "output": "dTk,vTk",
        "gauge": "newtonian",
        "z_max_pk": z_max,
        "h": cosmology.h,
        "Omega_b": cosmology.Omega_b,
        "Omega_cdm": cosmology.Omega_c,
        # densities, as CLASS and the run derive slightly different ones from a temperature, which changes phi by 8e-6
        "Omega_g": cosmology.Omega_gamma,
        "Omega_ur": cosmology.Omega_ur,
    }
    if cosmology.m_ncdm_ev:
        lists = {
            "m_ncdm": cosmology.m_ncdm_ev,
            "T_ncdm": cosmology.temperatures_ncdm,
            "deg_ncdm": cosmology.degeneracies_ncdm,
        }
        parameters |= {name: ", ".join(map(repr, values)) for name, values in lists.items()}
        parameters["N_ncdm"] = len(cosmology.m_ncdm_ev)
    if cosmology.has_fluid:  # with perturbations in the post-Friedmann form, CLASS's default; Lambda is what is left
        parameters["Omega_fld"] = cosmology.Omega_fld
        parameters |= {name: getattr(cosmology, name) for name in ("w0_fld", "wa_fld", "cs2_fld")}
    if nodes == "class":
        return {**parameters, "P_k_max_h/Mpc": k_max}
    return {**parameters, **_FINE, "P_k_max_h/Mpc": 2.0 * k_max}


def _compute(code: Any, parameters: dict[str, Any], times: int) -> dict[str, Array]:
    """Every column in (a, k), together with the nodes."""
    a = np.exp(np.linspace(-math.log1p(parameters["z_max_pk"]), 0.0, times))
    redshifts = np.clip(1.0 / a - 1.0, 0.0, parameters["z_max_pk"])
    try:
        code.set(parameters)
        code.compute()
        tables = [code.get_transfer(float(z)) for z in redshifts]
    except Exception as error:  # CLASS raises errors of several kinds
        raise WeakfieldError(
            f"CLASS could not compute the transfer functions: {' '.join(str(error).split())}"
        ) from error
    finally:
        code.struct_cleanup()
        code.empty()
    species = (*_SPECIES, *(f"ncdm[{p}]" for p in range(parameters.get("N_ncdm", 0))))
    columns = {f"delta {s}": f"d_{s}" for s in species} | {f"theta {s}": f"t_{s}" for s in species}
    columns |= {"phi": "phi", "psi": "psi"}
    if "Omega_fld" in parameters:
        columns["delta fld"] = "d_fld"
    missing = [column for column in columns.values() if column not in tables[0]]
    if missing:
        raise WeakfieldError(f"CLASS returned no column '{missing[0]}', found {', '.join(tables[0])}")
    arrays = {
        name: np.stack([np.asarray(table[column], dtype=np.float64) for table in tables])
        for name, column in columns.items()
    }
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise WeakfieldError("CLASS returned transfer functions that are not finite")
    return {"k_hmpc": np.asarray(tables[0]["k (h/Mpc)"], dtype=np.float64), "a": a, **arrays}
