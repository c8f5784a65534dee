"""Whether the cubes of the two theories are two samples of one distribution: PQMass, with errors that know of pairs.

Space is cut into the Voronoi cells of some reference points, and the cubes of each theory are counted in every cell
(PQMass: Lemos et al., arXiv:2402.04355). For as many cubes of both, with k and k' of them in a cell, Pearson's
statistic of two samples is

    chi^2 = sum over cells of (k - k')^2 / (k + k'),

about the number of cells minus 1 where the samples are independent draws from one distribution. Here they are not:
the members of a pair share their universe, mostly lie in one cell and cancel, so that chi^2 is smaller. What it is by
chance is therefore measured, by exchanging the members of random pairs: if the theories do not differ, every exchange
is as likely as what is seen. References are cubes of pairs that are then not counted, drawn without regard to the
theory, many times over; statistic and exchanges are averaged over these tessellations. Points are the summary
statistics of a cube in units of their scatter.
"""

from __future__ import annotations

import numpy as np

from weakfield.learning.results import TwoSample
from weakfield.learning.scores import Array, Estimate, interval, proportion

#: what is known of a cube: all summary statistics but its mean
FEATURES = ("log_power", "asinh_bispectrum", "scattering", "wavelet_moments")
#: pairs for each cell, and the most cells
PAIRS_PER_CELL, MOST_CELLS = 5, 20
TESSELLATIONS, EXCHANGES = 200, 999
SEED = 5_309


def two_sample(features: Array) -> TwoSample | None:
    """The test of ``features`` (pairs, 2, F), Newton first; ``None`` for fewer than four pairs."""
    pairs = len(features)
    if pairs < 4:
        return None
    flat = features.reshape(2 * pairs, -1)
    scatter = flat.std(axis=0)
    points = (features - flat.mean(axis=0)) / np.where(scatter > 0, scatter, 1.0)
    cells = int(np.clip(pairs // PAIRS_PER_CELL, 2, MOST_CELLS))
    random = np.random.default_rng(SEED)
    contrasts = np.stack([_contrast(points, cells, random) for _ in range(TESSELLATIONS)])  # (T, pairs, cells)
    signs = random.choice([-1.0, 1.0], size=(EXCHANGES, pairs))
    seen = (contrasts.sum(axis=1) ** 2).sum(axis=1) / (cells - 1)
    exchanged = (np.tensordot(signs, contrasts, axes=(1, 1)) ** 2).sum(axis=(1, 2)) / (TESSELLATIONS * (cells - 1))
    # to rounding: an exchange that changes nothing is as large as what is seen
    larger = int((exchanged >= seen.mean() * (1 - 1e-9)).sum())
    return TwoSample(
        pairs=pairs,
        cells=cells,
        chi2=interval(float(seen.mean()), seen),
        chance=interval(float(exchanged.mean()), exchanged),
        p_value=_share(larger),
    )


def _contrast(points: Array, cells: int, random: np.random.Generator) -> Array:
    """(pairs, cells): which cell the Newton member lies in minus which one GR does, over sqrt(k + k')."""
    chosen = random.choice(len(points), cells, replace=False)
    references = points[chosen, random.integers(2, size=cells)]
    distances = ((points[:, :, None] - references) ** 2).sum(axis=-1)
    inside = np.eye(cells)[distances.argmin(axis=-1)]  # (pairs, 2, cells)
    inside[chosen] = 0
    counts = inside.sum(axis=(0, 1))
    return np.asarray((inside[:, 0] - inside[:, 1]) / np.sqrt(np.maximum(counts, 1)))


def _share(larger: int) -> Estimate:
    """The share of exchanges that give as much, what is seen being one of them, with the interval of their number."""
    return proportion((1 + larger) / (1 + EXCHANGES), 1 + EXCHANGES)
