"""What of the decision lies in triangles, amplitudes and phases: the Fourier methods, as JSON over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.explain.amplitude_phase import AmplitudePhase, amplitude_phase
from weakfield.explain.over_seeds import SeedMean
from weakfield.explain.surrogate import FOLDS, agreement, fit_surrogate, measured
from weakfield.explain.triangles import triangle_response

Reals = NDArray[np.float64]


def edges(grid: int, shells: int) -> tuple[float, ...]:
    """Edges of shells of one width from half a fundamental mode to a third of the grid, beyond which few triples close
    [k_F]."""
    return tuple(np.linspace(0.5, max(grid / 3, 1.5), shells + 1).tolist())


def triangles(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    seeds: list[int],
    bounds: tuple[float, ...],
    unit: float,
    logits: Reals,
    memory_mib: float,
) -> dict[str, Any]:
    """Contribution of each triangle of shells to the logit difference of pairs (B, C, N, N[, N]), two independent ways.

    ``unit`` is k_F in h/Mpc, ``logits`` (B, 2). ``response`` is the third order of the logit from its gradients,
    ``surrogate`` a sparse regression of logits on measured spectra, which wants five seeds; weights are logits per
    standard deviation of the bispectrum of a triangle. In the first channel.
    """
    kind = next((parameter.dtype for parameter in network.parameters()), torch.float64)
    found = triangle_response(network, newton, gr, bounds, seeds, dtype=kind, memory=int(memory_mib * 2**20))
    shells, scatter = found.basis.shells, found.scatter
    sides = found.basis.wavenumbers[found.triangles] * unit
    result: dict[str, Any] = {
        "k_hmpc": np.sort(sides, axis=1)[:, ::-1].tolist(),
        "shells": found.triangles.tolist(),
        "seeds": len(seeds),
        "response": {
            "contribution": _json(found.contributions, slice(shells, None)),
            "weight": _json(found.weights, slice(shells, None), scatter[shells:]),
            "shares": dict(zip(("power", "triangles", "remainder"), _rows(found.shares), strict=True)),
            "explained": dict(zip(("power", "with_triangles"), _rows(found.explained), strict=True)),
        },
        "surrogate": None,
        "agreement": None,
    }
    if len(set(seeds)) >= FOLDS:
        fitted = fit_surrogate(measured(newton, gr, bounds), logits, seeds, shells)
        result["surrogate"] = {
            "weight": {"value": fitted.triangles.tolist(), "error": fitted.error[shells:].tolist()},
            "contribution": {"value": fitted.contributions[shells:].tolist(), "error": None},
            "explained": fitted.explained,
        }
        result["agreement"] = agreement(found, fitted).as_json()
    return result


def polar_parts(network: nn.Module, newton: Tensor, gr: Tensor, options: dict[str, Any]) -> dict[str, Any]:
    """Amplitudes and phases of one pair (1, C, N, N[, N]): what each adds to the logit, in all and by shell.

    ``options`` are those of ``amplitude_phase``.
    """
    found: AmplitudePhase = amplitude_phase(network, newton, gr, **options)
    parts = {"amplitude": found.amplitude, "phase": found.phase}
    return {
        name: {"total": float(part.total[0]), "shells": part.by_shell().shells[0].tolist()}
        for name, part in parts.items()
    }


def _json(found: SeedMean, part: slice, scale: Reals | float = 1.0) -> dict[str, Any]:
    """Value and error, none for a single seed or where it is not a number."""
    error = np.asarray(found.error[part] * scale)
    finite = found.seeds > 1 and bool(np.isfinite(error).all())
    return {"value": np.asarray(found.value[part] * scale).tolist(), "error": error.tolist() if finite else None}


def _rows(found: SeedMean) -> list[dict[str, Any]]:
    return [
        {"value": float(value), "error": float(error) if np.isfinite(error) else None}
        for value, error in zip(found.value, found.error, strict=True)
    ]
