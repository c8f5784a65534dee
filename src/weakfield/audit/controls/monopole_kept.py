"""The network that sees the cube mean beside the one that does not."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import FEWEST_SEEDS, Control, Result, Verdict
from weakfield.learning.metrics import Estimate


def run(context: Context) -> Result:
    if not (context.folder.model("cnn_meankept") / "scores.json").exists():
        return Result(
            Estimate(0.0, -1.0, 1.0), "not run", "inconclusive",
            "The study trained no network with the mean kept (training.mean_kept_too).",
        )  # fmt: skip
    kept, removed = context.scores(model="cnn_meankept"), context.scores(model="cnn")
    gain = context.auc_difference(kept, removed)
    verdict: Verdict = "inconclusive"
    if context.test_seeds >= FEWEST_SEEDS:
        verdict = "shortcut" if gain.low > 0 else "clean" if gain.high < 0.1 else "inconclusive"
    return Result(
        gain,
        "test AUC of the network with the mean kept minus that with the mean removed",
        verdict,
        remark=f"AUC {context.auc(kept)} with the mean, {context.auc(removed)} without.",
        scores=kept,
    )


CONTROL = Control(
    name="monopole_kept",
    question="Does a network gain from seeing the cube mean?",
    expectation="It must not, if the mean knows nothing; where it gains, results with the mean kept mean little.",
    how="The same network is trained with the mean kept and with the mean removed; both see the same test seeds.",
    verdicts="Clean: no gain, and a gain of 0.1 excluded. Shortcut: a gain, the monopole is used.",
    blind="A monopole that is there but that the training did not find (monopole_only).",
    run=run,
)
