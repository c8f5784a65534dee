"""The network beside logistic regression on log P(k)."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import FEWEST_SEEDS, Control, Result, Verdict, above_chance


def run(context: Context) -> Result:
    network, spectrum = context.scores(), context.scores("log_pk")
    gain = context.auc_difference(network, spectrum)
    spectrum_auc = context.auc(spectrum)
    verdict: Verdict = "inconclusive"
    if context.test_seeds >= FEWEST_SEEDS:
        if gain.low > 0:
            verdict = "clean"
        elif above_chance(context.unpaired_auc(spectrum)):
            verdict = "shortcut"
    return Result(
        gain,
        "test AUC of the network minus that of log P(k)",
        verdict,
        remark=f"AUC of the network {context.auc(network)}, of log P(k) {spectrum_auc}."
        + (" The network sees the cube mean too, P(k) does not." if context.keep_mean else ""),
        scores=spectrum,
        more={"baselines": _baselines(context)},
    )


def _baselines(context: Context) -> dict[str, dict[str, dict[str, float]]]:
    """What every baseline of the train stage reaches on the test seeds."""
    found = {name: context.scores(name) for name in context.baselines}
    return {
        name: {
            "unpaired_auc": context.unpaired_auc(scores).as_json(),
            "paired_accuracy": context.paired(scores).as_json(),
        }
        for name, scores in found.items()
    }


CONTROL = Control(
    name="log_pk_baseline",
    question="Does the network know more than the power spectrum?",
    expectation=(
        "The network must have the larger AUC. If log P(k) alone is above chance and does as well, the network's result"
        " shows nothing beyond P(k)."
    ),
    how="Logistic regression on log P(k) in shells of k_F, on the same seeds and parts.",
    verdicts="Clean: the network's AUC is larger. Shortcut: log P(k) is above chance and the network does not beat it.",
    blind="Two classifiers with equal AUC may know different things (p_matched, beyond_power).",
    run=run,
)
