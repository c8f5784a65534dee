"""How often chance does as well as a classifier: exact tests over seeds, one-sided."""

from __future__ import annotations

import numpy as np

from weakfield.learning.scores import Array, Scores

#: with so few seeds every exchange is tried; with more, this many random ones
EVERY, RANDOM = 12, 9_999
EXCHANGE_SEED = 1_935


def chance_of_order(ordered: float, seeds: int, share: float = 0.5) -> float:
    """Probability that at least the share ``ordered`` of the ``seeds`` is in order where each is with this ``share``.

    Binomial, and the same that decides the lower end of ``scores.proportion``; half successes are allowed.
    """
    from scipy.special import betainc

    successes = ordered * seeds
    return float(betainc(successes, seeds - successes + 1, share)) if successes > 0 else 1.0


def chance_of_auc(scores: Scores) -> float:
    """Probability of so large an AUC between universes if the members of every pair were labelled at random.

    One score per seed. The labels of the two members are exchanged in every subset of the pairs (Fisher 1935), or in
    ``RANDOM`` random ones where there are more than ``EVERY`` pairs; the probability is the share of exchanges that do
    as well, the labels as they are counted among them. It is exact however few the pairs.
    """
    count = len(scores.seeds)
    if count <= EVERY:
        flips = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    else:
        drawn = np.random.default_rng(EXCHANGE_SEED).integers(2, size=(RANDOM, count))
        flips = np.concatenate([np.zeros((1, count), dtype=drawn.dtype), drawn])
    reached = _exchanged_wins(scores, flips.astype(np.float64))
    return float((reached >= reached[0] - 1e-9).mean())


def _exchanged_wins(scores: Scores, flips: Array) -> Array:
    """(exchanges,): wins of GR over Newton members of other seeds where pairs with a 1 in ``flips`` are exchanged."""
    kept = 1 - flips
    roles = ((kept, scores.gr, scores.newton), (flips, scores.newton, scores.gr))  # who stands for GR, who for Newton
    total = np.zeros(len(flips))
    for as_gr, gr, _ in roles:
        for as_newton, _, newton in roles:
            table = 0.5 * (1.0 + np.sign(gr[:, None] - newton[None, :]))
            np.fill_diagonal(table, 0.0)
            total += ((as_gr @ table) * as_newton).sum(axis=1)
    return total
