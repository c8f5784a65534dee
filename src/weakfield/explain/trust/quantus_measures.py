"""Measures of Quantus (Hedstroem et al. 2023, JMLR 24, 34), where it is installed, on the maps that are tested here.

They are of the families that the tests of ``trust`` lack: how many cells a map needs (complexity, sparseness), how much
it changes for a relative change of the sample (relative input stability), whether its sums follow the logit
(sensitivity-n), and whether it points at a region that is known to matter (localisation). Quantus knows series and
images but no cubes, so that samples go to it as series of cells; none of these measures asks how cells lie.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.base.optional import from_extra
from weakfield.explain.over_seeds import over_seeds
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked
from weakfield.explain.records import QuantusTests

Reals = NDArray[np.float64]
#: maps of samples (n, channels, ...)
Explain = Callable[[Tensor], Tensor]

NOISE_SEED = 2_203
#: noise of relative stability, in units of the rms of the samples, as in ``perturbations.sensitivity``
RADIUS = 0.02
#: steps in which sensitivity-n goes through the cells
STEPS = 16


def installed() -> bool:
    """Whether Quantus is there; it is not imported. A folder of that name is no package of that name."""
    spec = find_spec("quantus")
    return spec is not None and spec.origin is not None


def measured(
    network: nn.Module, newton: Tensor, gr: Tensor, explain: Explain, draws: int, memory_mib: float = MEMORY_MIB
) -> QuantusTests:
    """The measures of all pairs (n, channels, ...) by one method, whose maps of GR samples ``explain`` gives."""
    maps = explain(gr)
    sums = sensitivity_n(network, newton, gr, maps, memory_mib)
    return QuantusTests(
        **{name: over_seeds(values) for name, values in complexity(gr, maps).items()},
        relative_stability=over_seeds(relative_stability(network, gr, maps, explain, draws, memory_mib)),
        **({} if sums is None else {"sensitivity_n": sums}),
    )


def complexity(samples: Tensor, maps: Tensor) -> dict[str, Reals]:
    """By measure, for maps (n, channels, ...) of samples: (n,).

    ``complexity``: entropy of the shares of the cells in the sum of moduli (Bhatt et al., arXiv:2005.00631), from 0, a
    single cell, to the logarithm of the number of cells. ``sparseness``: their Gini coefficient (Chalasani et al.,
    arXiv:1810.06583), 0 where all cells are alike, 1 for a single one.
    """
    with _quantus() as quantus:
        measures = {"complexity": quantus.Complexity, "sparseness": quantus.Sparseness}
        return {name: _asked(measure(**_QUIET), samples, maps) for name, measure in measures.items()}


def relative_stability(
    network: nn.Module, samples: Tensor, maps: Tensor, explain: Explain, draws: int = 4, memory_mib: float = MEMORY_MIB
) -> Reals:
    """Relative input stability (Agarwal et al., arXiv:2203.06877), (n,): smaller is steadier.

    The largest relative change of a map, cell by cell, over that of the sample, under white noise of ``RADIUS`` times
    the rms of the samples. ``explain`` gives the maps of samples as these.
    """
    random = np.random.default_rng(NOISE_SEED)
    spread = RADIUS * float(samples.to(torch.float64).std(correction=0))

    def noisy(arr: Reals, indices: object, **options: object) -> Reals:
        return arr + spread * random.standard_normal(arr.shape)

    def again(model: object, inputs: Reals, targets: object, **options: object) -> Reals:
        return _series(explain(torch.from_numpy(inputs.reshape(samples.shape)).to(samples.dtype)))

    with _quantus() as quantus:
        measure = quantus.RelativeInputStability(
            nr_samples=draws, perturb_func=noisy, return_nan_when_prediction_changes=False, **_QUIET
        )
        model = _OfSeries(network, samples, memory_mib)
        return _asked(measure, samples, maps, model=model, explain_func=again)


def sensitivity_n(
    network: nn.Module, newton: Tensor, gr: Tensor, maps: Tensor, memory_mib: float = MEMORY_MIB
) -> float | None:
    """Sensitivity-n (Ancona et al., arXiv:1711.06104): 1 for maps whose sums follow the logit; ``None`` for one pair.

    Cells of the GR samples (n, channels, ...), those of strongest attribution first, are taken from the Newtonian
    members. Quantus correlates, over pairs, the attributions of each step with the fall of the logit so far; this is
    the mean over the steps of the first 80 % of the cells in which both scatter.
    """
    if len(gr) < 2:
        return None
    twins = _series(newton).reshape(len(newton), -1)

    def to_newton(arr: Reals, indices: NDArray[np.int64], **options: object) -> Reals:
        changed = arr.copy()
        np.put_along_axis(changed, indices, np.take_along_axis(twins, indices, 1), 1)
        return changed

    cells = gr[0, 0].numel()
    step = next(size for size in range(max(1, cells // STEPS), 0, -1) if cells % size == 0)
    with _quantus() as quantus:
        measure = quantus.SensitivityN(features_in_step=step, perturb_func=to_newton, return_aggregate=False, **_QUIET)
        found = _asked(measure, gr, maps, model=_OfSeries(network, gr, memory_mib), softmax=False)
    return float(found[np.isfinite(found)].mean()) if np.isfinite(found).any() else None


def localisation(samples: Tensor, maps: Tensor, regions: Tensor) -> dict[str, Reals]:
    """By measure, for the moduli of maps (n, channels, ...) and planted ``regions`` (n, ...) bool: (n,).

    ``rank``: the share of the region among as many of the strongest cells (Arras et al., arXiv:2003.07258); ``mass``:
    the share of the sum in the region (the same); ``auc``: how often a cell of the region stands above one outside.
    """
    masks = _series(regions[:, None].expand(samples.shape)).astype(bool)
    with _quantus() as quantus:
        measures = {
            "rank": quantus.RelevanceRankAccuracy,
            "mass": quantus.RelevanceMassAccuracy,
            "auc": quantus.AUC,
        }
        return {
            name: _asked(measure(abs=True, **_QUIET), samples, maps, s_batch=masks[:, :1])
            for name, measure in measures.items()
        }


_QUIET: dict[str, Any] = {"disable_warnings": True, "display_progressbar": False}


class _OfSeries(nn.Module):
    """A network of samples (n, channels, ...) as one of series (n, channels, cells), with logits of both theories."""

    def __init__(self, network: nn.Module, samples: Tensor, memory_mib: float) -> None:
        super().__init__()
        self._shape, self._kind = samples.shape[1:], checked(network, samples[:1])[0].dtype
        self._response = asked(network, samples[:1].to(self._kind), memory_mib)
        self.eval()

    def forward(self, series: Tensor) -> Tensor:
        logits = self._response.logits(series.reshape(len(series), *self._shape).to(self._kind))
        return torch.stack([torch.zeros_like(logits), logits], dim=1)


def _series(values: Tensor) -> Reals:
    """(n, channels, ...) as (n, channels, cells)."""
    return np.ascontiguousarray(values.detach().cpu().flatten(2).double().numpy())


def _asked(measure: Any, samples: Tensor, maps: Tensor, model: nn.Module | None = None, **options: Any) -> Reals:
    """What a measure of Quantus says of all samples, in one batch."""
    labels = np.ones(len(samples), dtype=np.int64)
    found = measure(
        model=model,
        x_batch=_series(samples),
        y_batch=labels,
        a_batch=_series(maps),
        channel_first=True,
        batch_size=len(samples),
        **options,
    )
    return np.asarray(found, dtype=np.float64)


@contextmanager
def _quantus() -> Iterator[Any]:
    """The package, with its own warnings about its parameters kept to itself."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with from_extra("quantus", "measures of Quantus"):
            import quantus
        yield quantus
