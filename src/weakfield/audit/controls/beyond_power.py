"""Whether the network knows more than P(k): twins of equal power, and logits freed of P(k)."""

from __future__ import annotations

from weakfield.audit.beyond import Evidence, answer, measured, partial_correlation, regressed, same_twins
from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, learns, said, tells

VERDICTS: dict[str, Verdict] = {"yes": "clean", "no": "shortcut", "not at this sample size": "inconclusive"}


def run(context: Context) -> Result:
    cubes = context.equal_power[True]
    identical = same_twins(cubes)
    evidence = [Evidence("network as trained", context.score(cubes), identical)]
    if (again := context.retrained("p_matched_retrained")) is not None:
        evidence.append(Evidence("network trained on such pairs", again, identical, learns(context)))
    found = answer(context, evidence)
    power = measured(context.cubes["test"], context.dataset.box_size_mpch, bispectrum=False)
    network = context.scores()
    correlation = partial_correlation(context, network, power)
    rest = regressed(network, power)
    best = max(evidence, key=lambda item: context.paired(item.scores).value)
    paired = context.paired(best.scores)
    sentence = (
        f"information beyond the power spectrum: {found} (twins of equal P(k) are ordered in {paired} of the seeds)"
        if not identical
        else f"information beyond the power spectrum: {found} (twins of equal P(k) are the same to rounding)"
    )
    verdict = VERDICTS[found] if found == "yes" or tells(context, network) else "inconclusive"
    return Result(
        paired,
        f"paired accuracy at equal P(k), {best.label}",
        verdict,
        remark=(
            f"{sentence[0].upper()}{sentence[1:]}. Partial correlation of logit and label given P(k)"
            f" {said(correlation)}; logits freed of P(k) have AUC {said(context.unpaired_auc(rest))} between"
            f" universes and order twins in {context.paired(rest)}."
        ),
        scores=best.scores,
        more={
            "answer": sentence,
            "beyond": found,
            "partial_correlation": correlation.as_json(),
            "regressed": {
                "unpaired_auc": context.unpaired_auc(rest).as_json(),
                "paired_accuracy": context.paired(rest).as_json(),
            },
            "evidence": [
                {
                    "label": item.label,
                    "unpaired_auc": context.unpaired_auc(item.scores).as_json(),
                    "paired_accuracy": context.paired(item.scores).as_json(),
                }
                for item in evidence
            ],
        },
    )


CONTROL = Control(
    name="beyond_power",
    question="Does the network know more than the power spectrum?",
    expectation="Yes, if the theories differ in the coupling of modes and the network found it.",
    how=(
        "Twins get the same power at every |k| and are scored by the network as trained and by that of"
        " p_matched_retrained (four tests, 5 % error together). Beside it, over the test seeds: the partial"
        " correlation of logit and label given P(k), and the AUC of logits freed of P(k) by regression that never saw"
        " the seed."
    ),
    verdicts=(
        "Clean: yes, there is information beyond P(k). Shortcut: no, a paired accuracy above 0.65 and an AUC above 0.55"
        " are excluded, or nothing but rounding is left. Inconclusive: not at this sample size."
    ),
    blind="Power that depends on direction, or on place, counts as beyond P(k); the regression is linear in ln P.",
    run=run,
)
