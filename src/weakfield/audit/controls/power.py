"""What the network knows beyond the power spectrum, and beyond the bispectrum."""

from __future__ import annotations

import numpy as np

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import (
    Control,
    Result,
    above_chance,
    learns,
    one_retraining,
    said,
    survives,
    tells,
)
from weakfield.audit.records import Verdict
from weakfield.audit.regression import (
    Answer,
    Evidence,
    answer,
    in_words,
    left_over_difference,
    measured,
    of_nothing_more,
    partial_correlation,
    regressed,
    same_members,
)
from weakfield.learning import Scores
from weakfield.learning.scores import FEWEST_SEEDS

#: what the answer to "does it know more?" means for the result
ANSWERS: dict[Answer, Verdict] = {"yes": "clean", "no": "shortcut", "not at this sample size": "inconclusive"}


def log_pk_baseline(audit: AuditRun) -> Result:
    """Compare the network with logistic regression on log P(k)."""
    network, spectrum = audit.scores(), audit.scores("log_pk")
    gain = audit.auc_difference(network, spectrum)
    spectrum_auc = audit.auc(spectrum)
    verdict: Verdict = "inconclusive"
    if audit.test_seeds >= FEWEST_SEEDS:
        if gain.low > 0:
            verdict = "clean"
        elif above_chance(audit.unpaired_auc(spectrum)):
            verdict = "shortcut"
    return Result(
        gain,
        "test AUC of the network minus that of log P(k)",
        verdict,
        remark=f"AUC of the network {audit.auc(network)}, of log P(k) {spectrum_auc}."
        + (" The network sees the cube mean too, P(k) does not." if audit.keep_mean else ""),
        scores=spectrum,
        p=alarms.of_knowing(audit, spectrum),
        more={"baselines": {name: audit.reached(audit.scores(name)) for name in audit.baselines}},
    )


LOG_PK_BASELINE = Control(
    name="log_pk_baseline",
    question="Does the network know more than the power spectrum?",
    expectation=(
        "The network must have the larger AUC. If log P(k) alone is above chance and does as well, the network's result"
        " shows nothing beyond P(k)."
    ),
    how="Logistic regression on log P(k) in shells of k_F, on the same seeds and parts.",
    verdicts="Clean: the network's AUC is larger. Shortcut: log P(k) is above chance and the network does not beat it.",
    blind="Two classifiers with equal AUC may know different things (p_matched, beyond_power).",
    run=log_pk_baseline,
)


def p_matched(audit: AuditRun) -> Result:
    """Show the network GR cubes rescaled, shell by shell, to the power of the Newton members of their pairs."""
    scores, finest = (audit.score(audit.equal_power[which]) for which in (False, True))
    share, left = audit.share(scores), audit.share(finest)
    return Result(
        share,
        "share of the network's logit difference left at equal P(k)",
        survives(audit, scores, share),
        remark=(
            f"Twins of equal power are ordered in {audit.paired(scores)} of the seeds. With the power of every |k|"
            f" matched, not of shells, {said(left)} of the logit difference is left, twins are ordered in"
            f" {audit.paired(finest)}."
        ),
        scores=scores,
        more={"finest": {"share": left, "paired_accuracy": audit.paired(finest)}},
        p=alarms.of_less(audit, scores.gr - scores.newton),
    )


P_MATCHED = Control(
    name="p_matched",
    question="What does the network still see when twins have the same power spectrum?",
    expectation="At least half of its logit difference, if it looks beyond P(k).",
    how=(
        "The modes of each GR test cube are rescaled, in shells of k_F, corners and Nyquist planes included, to the"
        " power of the Newtonian twin; the network as trained scores both. Once more with a shell for every |k|."
    ),
    verdicts="Clean: more than half is left. Shortcut: P(k) explains more than half.",
    blind="Power that varies inside a shell or with direction; p_matched_retrained asks what there is to learn.",
    run=p_matched,
    asks_of="pairs",
)


def p_matched_retrained(audit: AuditRun) -> Result:
    """Train a network on GR cubes rescaled, at every |k|, to the power of the Newton members of their pairs."""
    scores = audit.retrain("p_matched_retrained", audit.all_altered(audit.with_equal_power))
    network = audit.scores()
    difference = audit.auc_difference(scores, network)
    verdict: Verdict = "inconclusive"
    if tells(audit, scores):
        verdict = "clean"
    elif learns(audit) and difference.high < 0:
        verdict = "shortcut"
    return Result(
        audit.unpaired_auc(scores),
        "test AUC between universes of a network trained on pairs of equal P(k)",
        verdict,
        remark=f"Twins of equal power are ordered in {audit.paired(scores)} of the seeds.",
        scores=scores,
        p=max(alarms.of_learning(audit), alarms.of_gain(audit, network, scores)),
    )


P_MATCHED_RETRAINED = Control(
    name="p_matched_retrained",
    question="Is there anything to learn when twins have the same power spectrum?",
    expectation="An AUC or paired accuracy above 0.5, if the theories differ beyond P(k) by enough for these seeds.",
    how="All parts are matched in power at every |k|, and a network is trained on them.",
    verdicts=(
        "Clean: it tells the theories apart. Shortcut: it does not, and its AUC is below that of the network, so that"
        " the result is P(k)."
    ),
    blind="What a network of this size cannot learn from this many seeds.",
    run=p_matched_retrained,
    asks_of="pairs",
    uses=("other_weights",),
    needs=one_retraining,
    least=1,
)


def beyond_power(audit: AuditRun) -> Result:
    """Ask whether the network knows more than P(k): members of equal power, and logits freed of P(k)."""
    cubes = audit.equal_power[True]
    identical = same_members(cubes)
    evidence = [Evidence("network as trained", audit.score(cubes), identical)]
    if (again := audit.retrained("p_matched_retrained")) is not None:
        evidence.append(Evidence("network trained on such pairs", again, identical, learns(audit)))
    found = answer(audit, evidence)
    power = measured(audit.cubes["test"], audit.dataset.box_size_mpch, bispectrum=False)
    network = audit.scores()
    correlation = partial_correlation(audit, network, power)
    rest = regressed(network, power)
    best = max(evidence, key=lambda item: audit.paired(item.scores).value)
    paired = audit.paired(best.scores)
    twins = "the same to rounding" if identical else f"ordered in {paired} of the seeds"
    sentence = f"{in_words(found, 'the power spectrum')} (twins of equal P(k) are {twins})"
    verdict = ANSWERS[found] if found == "yes" or tells(audit, network) else "inconclusive"
    return Result(
        paired,
        f"paired accuracy at equal P(k), {best.label}",
        verdict,
        remark=(
            f"{sentence[0].upper()}{sentence[1:]}. Partial correlation of logit and label given P(k)"
            f" {said(correlation)}; logits freed of P(k) have AUC {said(audit.unpaired_auc(rest))} between"
            f" universes and order twins in {audit.paired(rest)}."
        ),
        scores=best.scores,
        more={
            "answer": sentence,
            "beyond": found,
            "partial_correlation": correlation,
            "regressed": audit.reached(rest),
            "evidence": [{"label": item.label, **dict(audit.reached(item.scores))} for item in evidence],
        },
        p=of_nothing_more(audit, evidence),
    )


BEYOND_POWER = Control(
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
    run=beyond_power,
    asks_of="pairs",
)


def beyond_bispectrum(audit: AuditRun) -> Result:
    """Ask whether the network knows more than P(k) and B(k1, k2, k3)."""
    box = audit.dataset.box_size_mpch
    cubes = audit.equal_power[True]
    seen, identical = audit.score(cubes), same_members(cubes)
    at_equal_power = measured(cubes, box, bispectrum=True)
    rest = left_over_difference(seen.gr - seen.newton, at_equal_power[:, 1] - at_equal_power[:, 0])
    # the part of the logit differences that bispectra do not predict: only members of a pair can be compared
    freed = Scores(seen.seeds, seen.newton, seen.newton + rest)
    twins = [Evidence("network as trained", freed, identical)]
    found = answer(audit, twins)
    network = audit.scores()
    features = measured(audit.cubes["test"], box, bispectrum=True)
    correlation = partial_correlation(audit, network, features)
    whole = regressed(network, features)
    differences = network.gr - network.newton
    left = audit.ratio(left_over_difference(differences, features[:, 1] - features[:, 0]), differences)
    paired, said_of_both = audit.paired(freed), in_words(found, "P(k) and B(k1, k2, k3)")
    verdict = ANSWERS[found] if found == "yes" or tells(audit, network) else "inconclusive"
    return Result(
        paired,
        "paired accuracy at equal P(k), freed of the bispectrum",
        verdict,
        remark=(
            f"{said_of_both[0].upper()}{said_of_both[1:]}. Partial correlation of logit and label given both"
            f" {said(correlation)}; logits freed of both have AUC {said(audit.unpaired_auc(whole))} between"
            f" universes; a regression on twins' differences leaves {said(left)} of the logit difference."
            f" {np.shape(features)[-1]} features on {audit.test_seeds} seeds."
        ),
        scores=freed,
        more={
            "beyond": found,
            "partial_correlation": correlation,
            "regressed": audit.reached(whole),
            "left_of_difference": left,
        },
        p=of_nothing_more(audit, twins),
    )


BEYOND_BISPECTRUM = Control(
    name="beyond_bispectrum",
    question="Does the network know more than the power spectrum and the bispectrum?",
    expectation="Nothing is promised: second-order physics is mostly in the bispectrum.",
    how=(
        "Twins of equal power are scored by the network as trained; what differences of their bispectra predict of the"
        " logit difference, by a regression that never saw the seed, is taken off. Beside it the partial correlation of"
        " logit and label given P(k) and B, and the AUC of logits freed of both."
    ),
    verdicts="Clean: yes. Shortcut: no, P(k) and B explain the network. Inconclusive: not at this sample size.",
    blind="Triangles finer than the few shells used, or beyond two thirds of the Nyquist wavenumber, count as beyond.",
    run=beyond_bispectrum,
    asks_of="pairs",
)


CONTROLS = (
    LOG_PK_BASELINE,
    P_MATCHED,
    P_MATCHED_RETRAINED,
    BEYOND_POWER,
    BEYOND_BISPECTRUM,
)
