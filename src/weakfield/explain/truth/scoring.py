"""Scores of methods and of a network on C1: pair by pair, then over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.config.explain import ExplainSettings
from weakfield.explain.bands import Bands, by_band
from weakfield.explain.decision import edges, triangles
from weakfield.explain.over_seeds import Number, over_seeds, share_over_seeds, written
from weakfield.explain.pair_explainer import PairExplainer
from weakfield.explain.pixels.contract import MEMORY_MIB, asked
from weakfield.explain.records import PairAttribution, Triangles
from weakfield.explain.surrogate import rank_correlation
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.explain.truth.quantities import Parts, filter_parts, filter_triangles, shapes
from weakfield.explain.truth.records import QUANTITIES, PairTruth, Ranks, Score, Truth

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class KnownPair:
    """phi of Newton (N, N, N) float64 of mean zero in any unit, with C1 and the pair's own GR - Newton in this unit."""

    seed: int
    newton: Tensor
    c1: Tensor
    difference: Tensor

    @classmethod
    def of(cls, seed: int, newton: Tensor, gr: Tensor, c1: Tensor) -> KnownPair:
        """From phi of both theories and C1, dimensionless, (N, N, N); the unit is the rms of Newton's phi."""
        first, second = (field.to(torch.float64) - field.to(torch.float64).mean() for field in (newton, gr))
        unit = first.square().mean().sqrt()
        return cls(seed, first / unit, c1 / unit, (second - first) / unit)


def unit_of(known: MatchedFilter, pair: KnownPair) -> float:
    """The size of the filter's answer to C1 in a pair, by which answers are divided so that they are of order one."""
    return abs(float((known.gradient(pair.newton) * pair.c1).sum())) or 1.0


def judged(known: MatchedFilter, pair: KnownPair, settings: ExplainSettings) -> PairTruth:
    """What C1 contributes to its filter in a pair, and how well every method of the settings finds it.

    Methods are given the filter as a network and the pair (Newton, Newton + C1).
    """
    parts = filter_parts(known, pair.newton, pair.c1)
    own = filter_parts(known, pair.newton, pair.difference)
    measured = parts.ranks({"own": own.shells}, {"own": own.cells})
    newton, gr = pair.newton[None, None], (pair.newton + pair.c1)[None, None]
    found, maps = PairExplainer(known, settings).attributions(newton, gr)
    return PairTruth(
        shells=parts.shells.tolist(),
        measured={quantity: ranks["own"] for quantity, ranks in measured.items()},
        filter=ranks_of(parts, found, maps, pair.c1[None, None]),
        left_out={name: said.replace("the network", "the matched filter") for name, said in found.left_out.items()},
    )


def ranks_of(parts: Parts, found: PairAttribution, maps: Mapping[str, Tensor], change: Tensor) -> Ranks:
    """Rank correlations of the attributions of a pair (1, 1, N, N, N) with known contributions.

    Shells are those of the path integral (``pair_integrated``), of the exchange of a shell (``occlusion``), of
    amplitudes and phases together, and of the gradient at GR times ``change``, GR - Newton of the attributed pair.
    """
    shells: dict[str, Reals] = {}
    if found.bands is not None and found.occluded_bands is not None and found.polar is not None:
        shells["pair_integrated"] = np.array(found.bands[:-2])
        shells["occlusion"] = np.array(found.occluded_bands[:-2])
        shells["amplitude_phase"] = np.add(found.polar.amplitude.shells, found.polar.phase.shells)
    if "gradient" in maps:
        bands = Bands.of(change)
        shells["gradient_x_input"] = by_band(maps["gradient"], change, bands)[0, : bands.shells]
    return parts.ranks(shells, {name: values[0].sum(dim=0) for name, values in maps.items()})


def known_triangles(
    known: MatchedFilter, pairs: Sequence[KnownPair], shells: int, unit: float, memory_mib: float = MEMORY_MIB
) -> tuple[Reals, Reals, Triangles]:
    """Contributions to the filter by triangle of C1 and of the pairs' own difference, (B, T) each; and both methods'.

    ``unit`` is k_F in h/Mpc; methods are given the filter as a network and pairs (Newton, Newton + C1).
    """
    bounds = edges(known.n, shells)
    basis = triangle_basis(known.n, 3, bounds)
    truth, own = (
        np.stack([filter_triangles(known, pair.newton, getattr(pair, name), basis) for pair in pairs])
        for name in ("c1", "difference")
    )
    newton = torch.stack([pair.newton for pair in pairs])[:, None]
    gr = newton + torch.stack([pair.c1 for pair in pairs])[:, None]
    answers = asked(known, newton, memory_mib)
    logits = np.stack([answers.logits(members).numpy() for members in (newton, gr)], axis=1)
    seeds = [pair.seed for pair in pairs]
    return truth, own, triangles(known, newton, gr, seeds, bounds, unit, logits, memory_mib)


def scored(
    z: float,
    seeds: Sequence[int],
    wavenumbers: Reals,
    rows: Sequence[PairTruth],
    by_triangle: tuple[Reals, Reals, Triangles],
    network: Mapping[str, Score] | None = None,
    left_out: Mapping[str, str] | None = None,
) -> Truth:
    """The record over seeds, from what was found for each of ``seeds`` and for triangles of the test part.

    ``wavenumbers`` are those of the shells, (S,) [h/Mpc].
    """
    truth, own, found = by_triangle
    methods = over_rows([row.filter for row in rows])
    for name, score in triangle_scores(truth, found).items():
        methods[name] = merged(methods.get(name), score)
    ranks = {name: over_seeds([row.measured[name] for row in rows]) for name in rows[0].measured}
    measured = merged(Score(rank=ranks), triangle_score(truth, own, found))
    said = {name: sentence for row in rows for name, sentence in row.left_out.items()} | dict(left_out or {})
    values: dict[str, Any] = {"left_out": said} if said else {}
    return Truth(
        z=z,
        seeds=list(seeds),
        k_hmpc=wavenumbers.tolist(),
        shells=over_seeds([row.shells for row in rows]),
        triangle_seeds=len(truth),
        sides_hmpc=found.k_hmpc,
        contribution=over_seeds(truth),
        shares=shares_of(truth, found),
        measured=measured,
        methods=methods,
        network=None if network is None else dict(network),
        **values,
    )


def over_rows(rows: Sequence[Ranks]) -> dict[str, Score]:
    """Scores over seeds of the methods that every row has."""
    found: dict[str, dict[str, Number]] = {}
    for quantity in QUANTITIES:
        first = rows[0].get(quantity, {})
        for name in (name for name in first if all(name in row.get(quantity, {}) for row in rows)):
            found.setdefault(name, {})[quantity] = over_seeds([row[quantity][name] for row in rows])
    return {name: Score(rank=ranks) for name, ranks in found.items()}


def triangle_scores(truth: Reals, found: Triangles) -> dict[str, Score]:
    """Scores of the methods by triangle on known contributions of the same pairs, (B, T)."""
    parts = {"response": found.response.pairs}
    if found.surrogate is not None:
        parts["surrogate"] = found.surrogate.pairs
    return {name: triangle_score(truth, np.array(values), found) for name, values in parts.items()}


def triangle_score(truth: Reals, values: Reals, found: Triangles) -> Score:
    """The score of contributions by triangle (B, T), and their shares by shape."""
    ranks = [rank_correlation(*rows) for rows in zip(values, truth, strict=True)]
    return Score(rank={"triangles": over_seeds(ranks)}, shares=shares_of(values, found))


def shares_of(values: Reals, found: Triangles) -> dict[str, Number]:
    """Shares of the shapes in the contributions of all triangles, (B, T), of all pairs together."""
    chosen = shapes(np.array(found.k_hmpc), np.array(found.shells))
    whole = values.sum(axis=1)
    if not np.abs(values).sum() > 0:
        return {}
    result = {}
    for name, which in chosen.items():
        share = share_over_seeds(values[:, which].sum(axis=1), whole)
        result[name] = written(share.value, share.error if share.seeds > 1 else None)
    return result


def merged(first: Score | None, second: Score) -> Score:
    """One score of the quantities of two."""
    if first is None:
        return second
    return Score(rank=first.rank | second.rank, shares=first.shares | second.shares)
