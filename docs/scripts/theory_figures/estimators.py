"""Page 1: what an AUC measured on few seeds is worth, by drawing the experiment again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from marks import table
from scipy.special import ndtr, ndtri

from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.learning.metrics import (
    Scores,
    auc,
    bootstrap_weights,
    interval,
    resampled_auc,
    resampled_unpaired_auc,
    unpaired_auc,
)

TRUTH = 0.7  # AUC between universes
SHIFT = float(np.sqrt(2.0) * ndtri(TRUTH))  # of the GR scores, in standard deviations of a score
TWINS = 0.98  # correlation of the scores of twins
SIZES = (5, 10, 50)
SLICES, SHARED = 16, 0.3  # a cube, and the share of the variance of a slice score that its cube decides


def drawn(random: np.random.Generator, seeds: int, correlation: float) -> Scores:
    """Gaussian scores of unit variance, GR higher by SHIFT, twins correlated."""
    newton, rest = random.standard_normal((2, seeds))
    return Scores(tuple(range(seeds)), newton, correlation * newton + np.sqrt(1 - correlation**2) * rest + SHIFT)


def sliced(random: np.random.Generator, seeds: int) -> Scores:
    """Scores of SLICES slices a seed, each distributed as in ``drawn``; universes of the two theories independent."""
    cube, own = random.standard_normal((2, seeds, 1)), random.standard_normal((2, seeds, SLICES))
    newton, gr = np.sqrt(SHARED) * cube + np.sqrt(1 - SHARED) * own
    return Scores(tuple(np.repeat(range(seeds), SLICES)), newton.ravel(), gr.ravel() + SHIFT)


def paired_truth(correlation: float) -> float:
    return float(ndtr(SHIFT / np.sqrt(2 * (1 - correlation))))


def projected_error(correlation: float, draws: int = 200_000) -> float:
    """sqrt(n) times the standard error for many seeds: the spread of F(gr) - G(newton), F and G the distributions."""
    scores = drawn(np.random.default_rng(1), draws, correlation)
    return float(np.std(ndtr(scores.gr) - ndtr(scores.newton - SHIFT)))


def experiment(seeds: int, correlation: float, draws: int, resamples: int) -> dict[str, Any]:
    """``draws`` test parts of ``seeds`` pairs: the estimates, and whether their intervals hold the truth."""
    random = np.random.default_rng([seeds, round(100 * correlation)])
    weights = bootstrap_weights(seeds, resamples)
    plain, between, held, widths = [], [], [], []
    for _ in range(draws):
        scores = drawn(random, seeds, correlation)
        plain.append(auc(scores))
        between.append(unpaired_auc(scores))
        found = (
            interval(plain[-1], resampled_auc(scores, weights)),
            interval(between[-1], resampled_unpaired_auc(scores, weights)),
        )
        held.append([e.low <= TRUTH <= e.high for e in found])
        widths.append([e.high - e.low for e in found])
    return {
        "seeds": seeds, "correlation": correlation, "estimates": between, "auc": float(np.mean(plain)),
        "expected_auc": TRUTH + (paired_truth(correlation) - TRUTH) / seeds, "unpaired": float(np.mean(between)),
        "spread": float(np.std(between)), "projected": projected_error(correlation) / np.sqrt(seeds),
        "coverage": np.mean(held, axis=0).tolist(), "width": np.mean(widths, axis=0).tolist(),
    }  # fmt: skip


def slices(seeds: int, draws: int, resamples: int) -> dict[str, Any]:
    """Coverage of the bootstrap over slices as if each were a seed, and over seeds with their slices together."""
    random = np.random.default_rng(77)
    alone, together = bootstrap_weights(seeds * SLICES, resamples), bootstrap_weights(seeds, resamples)
    held, estimates = [], []
    for _ in range(draws):
        scores = sliced(random, seeds)
        estimates.append(unpaired_auc(scores))
        for taken, weights in ((replace(scores, seeds=tuple(range(seeds * SLICES))), alone), (scores, together)):
            found = interval(unpaired_auc(taken), resampled_unpaired_auc(taken, weights))
            held.append(found.low <= TRUTH <= found.high)
    return {
        "seeds": seeds, "spread": float(np.std(estimates)),
        "coverage": np.reshape(held, (-1, 2)).mean(axis=0).tolist(),
    }  # fmt: skip


def measure(tiny: bool) -> dict[str, Any]:
    draws, resamples = (20, 50) if tiny else (1000, 400)
    rows = [experiment(seeds, rho, draws, resamples) for rho in (TWINS, 0.0) for seeds in SIZES]
    return {"rows": rows, "slices": slices(10, draws // 4, resamples), "draws": draws}


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=2)
    spread, coverage = axes[0]
    bins = np.arange(-0.025, 1.05, 0.05)  # five seeds give multiples of 1/20
    twins = [row for row in results["rows"] if row["correlation"] == TWINS]
    for row, colour in zip(twins, OTHERS, strict=False):
        spread.hist(row["estimates"], bins, density=True, histtype="step", lw=1.5, color=colour,
                    label=f"{row['seeds']} seeds")  # fmt: skip
    spread.axvline(TRUTH, color=GREY, lw=1, ls=":")
    spread.set(xlabel="measured AUC between universes", ylabel="density over test parts")
    spread.set_title(f"twins, correlation {TWINS:g}; dotted: the truth", fontsize=10)
    for rho, mark in ((TWINS, "o-"), (0.0, "s--")):
        chosen = [row for row in results["rows"] if row["correlation"] == rho]
        held = np.array([row["coverage"][1] for row in chosen])
        error = np.sqrt(held * (1 - held) / results["draws"])
        name = "twins" if rho else "independent universes"
        coverage.errorbar(SIZES, held, error, fmt=mark, ms=4, capsize=2, color=OTHERS[0 if rho else 3], label=name)
    held = results["slices"]["coverage"][0]
    coverage.plot(
        [results["slices"]["seeds"]], [held], "x", color=OTHERS[2], label=f"{SLICES} slices as {SLICES} seeds"
    )
    coverage.axhline(0.95, color=GREY, lw=1, ls=":")
    coverage.set(xscale="log", xlabel="seeds", ylabel="share of 95 % intervals that hold the truth")
    coverage.set_xticks(SIZES, [str(n) for n in SIZES])
    coverage.minorticks_off()
    for panel in (spread, coverage):
        panel.legend(fontsize=8, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
    head = ("scores of twins", "seeds", "mean AUC", "expected", "mean AUC between universes", "standard error",
            "by the formula", "width of the interval", "interval holds 0.7: AUC", "between universes")  # fmt: skip
    rows = []
    for row in results["rows"]:
        rows.append((
            f"correlation {row['correlation']:g}", str(row["seeds"]), f"{row['auc']:.3f}",
            f"{row['expected_auc']:.3f}", f"{row['unpaired']:.3f}", f"{row['spread']:.3f}", f"{row['projected']:.3f}",
            f"{row['width'][1]:.2f}", *(f"{held:.1%}" for held in row["coverage"]),
        ))  # fmt: skip
    found, single = results["slices"], results["rows"][len(SIZES) + SIZES.index(10)]
    worth = SLICES / (1 + (SLICES - 1) * SHARED)
    return "\n".join([
        f"{results['draws']} test parts for each row, true AUC between universes {TRUTH:g}, paired accuracy "
        f"{paired_truth(TWINS):.3f} for twins:",
        "",
        table(head, rows),
        "",
        f"**Slices.** {found['seeds']} seeds with {SLICES} slices a cube, {SHARED:.0%} of the variance of a slice "
        f"score common to its cube: the standard error is {found['spread']:.3f}; that of one score a cube, "
        f"{single['spread']:.3f}, over the square root of {worth:.2g} independent ones is "
        f"{single['spread'] / np.sqrt(worth):.3f}. An interval that takes slices for seeds holds "
        f"the truth in {found['coverage'][0]:.0%} of {results['draws'] // 4} test parts, one that draws "
        f"seeds with all their slices in {found['coverage'][1]:.0%}.",
    ])  # fmt: skip
