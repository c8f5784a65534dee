"""The factor by which non-linear growth changes the matter power: halofit and HMcode, from CAMB, cached on disk."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput, WeakfieldError, nearest
from weakfield.base.files import content_hash
from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.transfer.cache import cached_arrays
from weakfield.cosmology.transfer.camb import set_dark_energy
from weakfield.cosmology.transfer.massive import set_neutrinos

Array = npt.NDArray[np.float64]
NonLinearModel = Literal["halofit", "hmcode"]

#: CAMB's names for Takahashi et al. 2012 (1208.2701) and Mead et al. 2021 (2009.01858)
_VERSIONS = {"halofit": "takahashi", "hmcode": "mead2020"}
_RECIPE = 1  # raised whenever the same input begins to give other numbers
_NODES = 240
_LOW, HIGHEST_HMPC = 1e-4, 10.0


def nonlinear_boost(
    cosmology: CosmologySettings, k_hmpc: npt.ArrayLike, z: float, model: NonLinearModel = "hmcode"
) -> Array:
    """P_nonlinear / P_linear of matter at k [h/Mpc] (any shape) and redshift ``z``; 1 below 1e-4 h/Mpc.

    The matter is in CAMB's synchronous gauge; on scales where growth is non-linear the gauges agree. Raises
    ``BadInput`` for an unknown model or k above 10 h/Mpc, and ``WeakfieldError`` where CAMB fails.
    """
    if model not in _VERSIONS:
        models = get_args(NonLinearModel)
        raise BadInput(f"non-linear model is '{model}', expected one of {', '.join(models)}" + nearest(model, models))
    k = np.asarray(k_hmpc, dtype=np.float64)
    if k.size and not (k.max() <= HIGHEST_HMPC and k.min() >= 0):
        raise BadInput(f"k is {k.min():g} to {k.max():g} h/Mpc, expected 0 to {HIGHEST_HMPC:g} for {model}")
    nodes, boost = _table(cosmology, float(z), model)
    spline = CubicSpline(np.log(nodes), boost, bc_type="natural")
    inside = np.clip(k, nodes[0], nodes[-1])
    return np.where(k < nodes[0], 1.0, spline(np.log(inside)))


@lru_cache(maxsize=64)
def _table(cosmology: CosmologySettings, z: float, model: NonLinearModel) -> tuple[Array, Array]:
    try:
        import camb
    except ImportError as error:
        raise WeakfieldError(f"CAMB is not installed, expected it for the non-linear model '{model}'") from error
    values = cosmology.model_dump(mode="json")
    key = content_hash({"recipe": _RECIPE, "camb": camb.__version__, "cosmology": values, "z": z, "model": model})
    arrays = cached_arrays(f"boost-{key}", lambda: _compute(cosmology, z, model))
    return arrays["k_hmpc"], arrays["boost"]


def _compute(cosmology: CosmologySettings, z: float, model: NonLinearModel) -> dict[str, Array]:
    import camb

    try:
        parameters = camb.set_params(
            H0=100.0 * cosmology.h,
            ombh2=cosmology.omega_b,
            omch2=cosmology.omega_cdm,
            TCMB=cosmology.t_cmb_kelvin,
            nnu=cosmology.n_ur,
            mnu=0.0,
            num_massive_neutrinos=0,
            tau=0.0535,
            As=cosmology.a_s,
            ns=cosmology.n_s,
            pivot_scalar=cosmology.k_pivot_invmpc,
            halofit_version=_VERSIONS[model],
        )
        set_neutrinos(parameters, cosmology)
        set_dark_energy(parameters, cosmology)
        parameters.set_matter_power(redshifts=[z], kmax=1.2 * HIGHEST_HMPC * cosmology.h, silent=True)
        spectra = []
        for kind in (camb.model.NonLinear_none, camb.model.NonLinear_both):
            parameters.NonLinear = kind
            results = camb.get_results(parameters)
            spectra.append(results.get_matter_power_spectrum(minkh=_LOW, maxkh=HIGHEST_HMPC, npoints=_NODES))
    except BadInput:
        raise
    except Exception as error:  # CAMB's own errors share no base class
        raise WeakfieldError(f"CAMB could not compute the non-linear spectrum '{model}': {error}") from error
    (k, _, linear), (_, _, grown) = spectra
    boost = np.asarray(grown[0] / linear[0], dtype=np.float64)
    if not np.isfinite(boost).all():
        raise WeakfieldError(f"CAMB returned a non-linear spectrum '{model}' that is not finite")
    return {"k_hmpc": np.asarray(k, dtype=np.float64), "boost": boost}
