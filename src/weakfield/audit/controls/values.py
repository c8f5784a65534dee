"""What single numbers give away about a cube: its mean, and the histogram of its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, NotRun, Result, at_chance, chance_expected
from weakfield.audit.records import Verdict
from weakfield.dataset import PARTS
from weakfield.learning.baselines import removed_mean, score_baseline
from weakfield.learning.classifiers import logistic
from weakfield.learning.scores import FEWEST_SEEDS


def monopole_only(audit: AuditRun) -> Result:
    """Test the cube mean alone as a classifier."""
    scores = audit.scores("mean")
    auc = audit.unpaired_auc(scores)
    verdict = chance_expected(auc, audit.test_seeds, audit.unpaired_auc(audit.scores()))
    quantity, p = "test AUC between universes of the cube mean, mean kept", alarms.of_knowing(audit, scores)
    return Result(auc, quantity, verdict, scores=scores, p=p)


MONOPOLE_ONLY = Control(
    name="monopole_only",
    question="Does the mean of the cube, one number, tell the theories apart?",
    expectation=(
        "At chance if the mean knows nothing. Newtonian gravity leaves the mean at exactly 0 and relativity does not,"
        " so cubes with their mean kept are expected to fail here."
    ),
    of_classes="At chance if the mean knows nothing; above it, one number tells cubes with their mean kept apart.",
    how="Logistic regression on the mean of each cube, the mean kept.",
    verdicts="Clean: at chance. Shortcut: a network that sees the mean can win by it alone.",
    blind="Whether a network uses the mean (monopole_kept, monopole_removed).",
    run=monopole_only,
)


def monopole_kept(audit: AuditRun) -> Result:
    """Compare the network that sees the cube mean with the one that does not."""
    if not (audit.folder.model("cnn_meankept") / "scores.json").exists():
        raise NotRun("The study trained no network with the mean kept (training.mean_kept_too).")
    kept, removed = audit.scores(model="cnn_meankept"), audit.scores(model="cnn")
    gain = audit.auc_difference(kept, removed)
    verdict: Verdict = "inconclusive"
    if audit.test_seeds >= FEWEST_SEEDS:
        verdict = "shortcut" if gain.low > 0 else "clean" if gain.high < 0.1 else "inconclusive"
    return Result(
        gain,
        "test AUC of the network with the mean kept minus that with the mean removed",
        verdict,
        remark=f"AUC {audit.auc(kept)} with the mean, {audit.auc(removed)} without.",
        scores=kept,
        p=alarms.of_gain(audit, kept, removed),
    )


MONOPOLE_KEPT = Control(
    name="monopole_kept",
    question="Does a network gain from seeing the cube mean?",
    expectation="It must not, if the mean knows nothing; where it gains, results with the mean kept mean little.",
    how="The same network is trained with the mean kept and with the mean removed; both see the same test seeds.",
    verdicts="Clean: no gain, and a gain of 0.1 excluded. Shortcut: a gain, the monopole is used.",
    blind="A monopole that is there but that the training did not find (monopole_only).",
    run=monopole_kept,
)


def monopole_removed(audit: AuditRun) -> Result:
    """Test the network, and the cube mean, on cubes whose mean was removed."""
    scores = audit.scores(model="cnn")
    network = audit.auc(scores)
    trace = score_baseline(audit.dataset, removed_mean, "cube mean, removed")["test"]
    mean = audit.unpaired_auc(trace)
    return Result(
        network,
        "test AUC of the network, mean removed",
        chance_expected(mean, audit.test_seeds, network),
        remark=f"The cube mean on the same cubes has AUC {mean}; the verdict is about it.",
        scores=scores,
        p=alarms.of_knowing(audit, trace),
    )


MONOPOLE_REMOVED = Control(
    name="monopole_removed",
    question="What is left when the mean of every cube is removed?",
    expectation="The cube mean must fall to chance; whatever AUC the network then has does not come from it.",
    how="The network trained and tested without the mean; and logistic regression on what rounding leaves of the mean.",
    verdicts="Clean: the mean, removed, is at chance. Shortcut: its removal leaves a trace.",
    blind="Anything but the mean.",
    run=monopole_removed,
)


def moments(x: Tensor, dim: int = 3) -> NDArray[np.float64]:
    """Quantiles of the values of each cube in units of its own spread about its own mean, (..., 9).

    They do not depend on the mean, on the total power or on where a value lies.
    """
    flat = x.to(torch.float64).flatten(-dim).numpy()
    centred = flat - flat.mean(-1, keepdims=True)
    spread = centred.std(-1, keepdims=True)
    scaled: NDArray[Any] = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.moveaxis(np.quantile(scaled, np.linspace(0.02, 0.98, 9), axis=-1), 0, -1)


def value_histogram(audit: AuditRun) -> Result:
    """Test the values of a cube, without their positions, as a classifier."""
    rows = {
        part: np.array([moments(pair, audit.dim).reshape(2, -1) for pair in audit.cubes[part].values]) for part in PARTS
    }
    scores = logistic(rows, {part: audit.cubes[part].seeds for part in PARTS})["test"]
    return Result(
        audit.unpaired_auc(scores),
        "test AUC between universes of the values without places",
        at_chance(audit, scores),
        remark=audit.ordered(scores),
        scores=scores,
        p=alarms.of_knowing(audit, scores),
    )


VALUE_HISTOGRAM = Control(
    name="value_histogram",
    question="Does the histogram of values, without their places, tell the theories apart?",
    expectation="At chance: mean and variance are taken out, and the rest of the histogram should hold little.",
    how="Logistic regression on nine quantiles of the values of each cube, in units of its own spread.",
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes. Twins only: inconclusive.",
    blind="A skewness that relativity really causes counts as a shortcut here: it needs no network.",
    run=value_histogram,
)


CONTROLS = (
    MONOPOLE_ONLY,
    MONOPOLE_KEPT,
    MONOPOLE_REMOVED,
    VALUE_HISTOGRAM,
)
