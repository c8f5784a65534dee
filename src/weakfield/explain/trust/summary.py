"""The tests of trust over seeds: means and their standard errors, which ``trust.json`` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from weakfield.explain.over_seeds import over_seeds
from weakfield.explain.records import (
    Agreement,
    Alike,
    PairCurves,
    PairTrust,
    Randomisation,
    Similarity,
    SimilarityByLayer,
    Trust,
    TrustCurves,
)
from weakfield.learning import Estimate

Reals = NDArray[np.float64]
T = TypeVar("T")


def summarise(
    rows: Sequence[PairTrust],
    seeds: Sequence[int],
    methods: Sequence[str],
    auc: dict[str, Estimate],
    epochs: int,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> Trust:
    """The tests of pairs with these ``seeds`` combined; ``methods`` are those whose agreement was examined.

    ``auc`` and ``epochs`` are those of the networks of comparison. A test that ``left_out`` has for one of the seeds is
    left out of the whole.
    """
    matrices = [row.agreement for row in rows if row.agreement is not None]
    randomised = [row.parameter_randomisation for row in rows if row.parameter_randomisation is not None]
    banded = [row.band_curves for row in rows if row.band_curves is not None]
    parts: dict[str, Any] = {}
    if len(matrices) == len(rows):
        parts["agreement"] = Agreement(methods=list(methods), **dict(over_seeds(matrices)))
    if len(randomised) == len(rows):
        by_method = [one.methods for one in randomised]
        parts["parameter_randomisation"] = Randomisation(
            layers=randomised[0].layers,
            methods=_of_all(
                by_method,
                lambda found: SimilarityByLayer(
                    signed=over_seeds([one.signed for one in found]),
                    absolute=over_seeds([one.absolute for one in found]),
                ),
            ),
        )
    if len(banded) == len(rows):
        parts["band_curves"] = curves(banded)
    if left_out:
        parts["left_out"] = dict(left_out)
    return Trust(
        seeds=list(seeds),
        auc=auc,
        epochs=epochs,
        networks={who: _of_all([row.networks[who] for row in rows], _similarity) for who in rows[0].networks},
        curves=_of_all([row.curves for row in rows], curves),
        infidelity=_of_all([row.infidelity for row in rows], over_seeds),
        sensitivity=_of_all([row.sensitivity for row in rows], over_seeds),
        equivariance=_of_all([row.equivariance for row in rows], over_seeds),
        **parts,
    )


def _of_all(rows: Sequence[Mapping[str, T]], combine: Callable[[list[T]], Any]) -> dict[str, Any]:
    """What ``combine`` makes of the values of every name that all rows have."""
    return {name: combine([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}


def _similarity(rows: Sequence[Alike]) -> Similarity:
    return Similarity(
        signed=over_seeds([row.signed for row in rows]), absolute=over_seeds([row.absolute for row in rows])
    )


def curves(rows: Sequence[PairCurves]) -> TrustCurves:
    """Curves of all seeds together, and by how much they beat chance."""
    deletion, insertion, random_deletion, random_insertion = (
        np.array([getattr(row, name) for row in rows])
        for name in ("deletion", "insertion", "random_deletion", "random_insertion")
    )
    shape_out, shape_in = (partial(_shape, kind=kind) for kind in ("deletion", "insertion"))
    area_out, area_in = (partial(_area, kind=kind) for kind in ("deletion", "insertion"))
    gain_out, gain_in = (partial(_advantage, kind=kind) for kind in ("deletion", "insertion"))
    return TrustCurves(
        share=np.linspace(0, 1, deletion.shape[1]).tolist(),
        deletion=over_seeds(deletion, shape_out),
        random_deletion=over_seeds(random_deletion, shape_out),
        deletion_area=over_seeds(deletion, area_out),
        deletion_advantage=over_seeds(np.stack([deletion, random_deletion], axis=1), gain_out),
        insertion=over_seeds(insertion, shape_in),
        random_insertion=over_seeds(random_insertion, shape_in),
        insertion_area=over_seeds(insertion, area_in),
        insertion_advantage=over_seeds(np.stack([insertion, random_insertion], axis=1), gain_in),
    )


def _shape(logits: Reals, kind: str) -> Reals:
    """Curves of logits (..., steps): 0 where everything is Newtonian, 1 where everything is GR."""
    newton, gr = (logits[..., -1:], logits[..., :1]) if kind == "deletion" else (logits[..., :1], logits[..., -1:])
    span = gr - newton
    return np.asarray(np.divide(logits - newton, span, out=np.zeros_like(logits), where=span != 0))


def _area(logits: Reals, kind: str) -> Reals:
    """Area under the curve over the share exchanged, by the trapezoidal rule."""
    return np.asarray(np.trapezoid(_shape(logits, kind), dx=1 / (logits.shape[-1] - 1), axis=-1))


def _advantage(logits: Reals, kind: str) -> Reals:
    """By how much the curve beats the random order, from logits (2, steps): attribution and random order."""
    own, random = _area(logits, kind)
    return np.asarray(random - own if kind == "deletion" else own - random)
