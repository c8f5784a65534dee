"""Page 3: losses as functions of a logit, and what each makes of the slope of a logit whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from marks import table
from scipy.optimize import minimize_scalar
from scipy.special import expit

from theory_figures.universes import best_scores, planted
from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.config.training import TrainingSettings
from weakfield.learning import Scores
from weakfield.learning.losses import training_loss
from weakfield.learning.metrics import auc, log_loss

GRID, EXCESS, SMOOTHING = 8, 0.15, 0.1
FEW = 35  # pairs of one training part
SCALES = np.linspace(0.05, 3.0, 60)


def times(scores: Scores, scale: float) -> Scores:
    """Every logit multiplied."""
    return scores.divided(1 / scale)


def loss_of(**settings: Any) -> Callable[[Scores], float]:
    """The loss that training minimises under these settings, of scores."""
    options = TrainingSettings.from_mapping(settings)

    def loss(scores: Scores) -> float:
        outputs = torch.from_numpy(np.stack([scores.newton, scores.gr], axis=1).ravel())
        return float(training_loss(options, outputs, len(scores.seeds)))

    return loss


LOSSES = {
    "cross-entropy": loss_of(),
    "cross-entropy, labels smoothed": loss_of(label_smoothing=SMOOTHING),
    "squared error": loss_of(loss="mse"),
}


def best_scale(loss: Callable[[Scores], float], scores: Scores) -> float:
    """The factor on the logits with the smallest loss: what maximum likelihood estimates if ``loss`` is -ln L."""
    return float(minimize_scalar(lambda a: loss(times(scores, a)), bounds=(1e-3, 20.0), method="bounded").x)


def part_of(scores: Scores, places: np.ndarray[Any, Any]) -> Scores:
    return Scores(tuple(scores.seeds[i] for i in places), scores.newton[places], scores.gr[places])


def measure(tiny: bool) -> dict[str, Any]:
    """What the picture shows and the page quotes."""
    parts = 4 if tiny else 200
    scores = best_scores(planted(GRID, range(parts * FEW), EXCESS), EXCESS)
    groups = [part_of(scores, np.arange(i, i + FEW)) for i in range(0, parts * FEW, FEW)]
    both = np.concatenate([scores.newton, scores.gr])
    information = np.mean(expit(both) * expit(-both) * both**2)  # of the scale, one cube, at the truth
    rows = {}
    for name, loss in LOSSES.items():
        few = np.array([best_scale(loss, group) for group in groups])
        rows[name] = {
            "all": best_scale(loss, scores), "few": np.quantile(few, [0.16, 0.5, 0.84]).tolist(),
            "curve": [loss(times(scores, a)) for a in SCALES],
        }  # fmt: skip
    return {
        "rows": rows, "pairs": parts * FEW, "fisher": float(1 / np.sqrt(2 * FEW * information)),
        "auc": auc(scores), "auc_tripled": auc(times(scores, 3.0)), "log_loss": log_loss(scores),
        "one_part": [log_loss(times(groups[0], a)) for a in SCALES],
    }  # fmt: skip


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=2)
    shape, fitted = axes[0]
    z = np.linspace(-6, 6, 241)
    curves = {
        "cross-entropy": (np.logaddexp(0, -z), expit(z) - 1),
        "cross-entropy, labels smoothed": (np.logaddexp(0, -z) + SMOOTHING / 2 * z, expit(z) - 1 + SMOOTHING / 2),
        "squared error": (expit(-z) ** 2, -2 * expit(-z) * expit(z) * expit(-z)),
    }
    for (name, (loss, slope)), colour in zip(curves.items(), (OTHERS[0], OTHERS[1], OTHERS[2]), strict=True):
        shape.plot(z, loss, color=colour, label=name)
        shape.plot(z, slope, "--", color=colour, lw=1)
        curve = np.array(results["rows"][name]["curve"])
        fitted.plot(SCALES, curve - curve.min(), color=colour, label=name)
    one = np.array(results["one_part"])
    fitted.plot(SCALES, one - one.min(), ":", color=OTHERS[0], lw=1.2, label=f"cross-entropy, {FEW} pairs")
    shape.set(xlabel="logit of a GR sample", ylabel="loss (solid), its derivative (dashed)", ylim=(-1.2, 4))
    fitted.axvline(1, color=GREY, lw=1, ls=":")
    fitted.set(xlabel="factor on the true logit", ylabel="mean loss above its minimum", xlim=(0, 4.2), ylim=(0, 0.1))
    for panel in (shape, fitted):
        panel.legend(fontsize=8, frameon=False, loc="upper right")
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
    head = (
        "loss",
        f"best factor, {results['pairs']} pairs together",
        f"parts of {FEW} pairs: median",
        "16 to 84 % of them",
    )
    rows = [
        (name, f"{row['all']:.2f}", f"{row['few'][1]:.2f}", f"{row['few'][0]:.2f} to {row['few'][2]:.2f}")
        for name, row in results["rows"].items()
    ]
    loss = results["log_loss"]
    return "\n".join([
        f"Logits: the exact log likelihood ratio of planted cubes of {GRID}³ whose GR member is {1 + EXCESS:g} times "
        "its twin, multiplied by a factor; the truth is 1.",
        "",
        table(head, rows),
        "",
        f"The Fisher information gives cross-entropy a standard error of {results['fisher']:.2f} for {2 * FEW} "
        f"independent cubes. Cross-entropy of the true logits is {loss:.3f}, so they carry "
        f"{(np.log(2) - loss) / np.log(2):.2f} bit a cube. The AUC is {results['auc']:.4f} "
        f"with any factor (three: {results['auc_tripled']:.4f}).",
    ])  # fmt: skip
