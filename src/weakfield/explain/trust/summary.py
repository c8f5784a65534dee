"""The tests of trust over seeds: means and their standard errors, which ``trust.json`` holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

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


def summarise(
    rows: Sequence[PairTrust], seeds: Sequence[int], methods: Sequence[str], auc: dict[str, Estimate], epochs: int
) -> Trust:
    """The tests of pairs with these ``seeds`` combined; ``methods`` are those whose agreement was examined.

    ``auc`` and ``epochs`` are those of the networks of comparison.
    """
    first = rows[0]
    randomised = [row.parameter_randomisation for row in rows]
    return Trust(
        seeds=list(seeds),
        auc=auc,
        epochs=epochs,
        agreement=Agreement(methods=list(methods), **dict(over_seeds([row.agreement for row in rows]))),
        parameter_randomisation=Randomisation(
            layers=first.parameter_randomisation.layers,
            methods={
                name: SimilarityByLayer(
                    signed=over_seeds([one.methods[name].signed for one in randomised]),
                    absolute=over_seeds([one.methods[name].absolute for one in randomised]),
                )
                for name in first.parameter_randomisation.methods
            },
        ),
        networks={
            who: {name: _similarity([row.networks[who][name] for row in rows]) for name in found}
            for who, found in first.networks.items()
        },
        curves={name: curves([row.curves[name] for row in rows]) for name in first.curves},
        band_curves=curves([row.band_curves for row in rows]),
        infidelity={name: over_seeds([row.infidelity[name] for row in rows]) for name in first.infidelity},
        sensitivity={name: over_seeds([row.sensitivity[name] for row in rows]) for name in first.sensitivity},
        equivariance={name: over_seeds([row.equivariance[name] for row in rows]) for name in first.equivariance},
    )


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
