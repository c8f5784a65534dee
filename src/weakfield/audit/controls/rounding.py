"""Traces of arithmetic: the last bits of the stored numbers, precision, number of threads, Fourier transforms."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, Result, at_chance, one_retraining, said
from weakfield.audit.universes import (
    changed,
    grow_newton,
    newton_pairs,
    newton_snapshots,
    share_of_different_numbers,
)
from weakfield.config import THEORIES, RunSettings, StudyConfig, Theory
from weakfield.dataset import PARTS, PairTensor
from weakfield.learning.classifiers import logistic

LOW_BITS = 4
#: the numbers of threads that are compared
THREADS = (1, 2)
#: number of seeds grown both ways: two are enough to show what is so by construction
SEEDS = 2


def difference_of_members(cubes: PairTensor) -> float:
    """Standard deviation over all cells of member 1 minus member 0."""
    return float((cubes.values[:, 1] - cubes.values[:, 0]).double().numpy().std())


def fingerprint(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the bits of floats give away, apart from their size: (2^4 + 3,).

    The shares of the 16 patterns of the lowest four bits of the mantissa; the share of numbers whose lowest eight bits
    are 0; the share of distinct magnitudes; the share of exact zeros.
    """
    bits = np.ascontiguousarray(values).ravel().view(np.int32 if values.dtype == np.float32 else np.int64)
    low = np.bitwise_and(bits, 2**LOW_BITS - 1)
    patterns = np.bincount(low, minlength=2**LOW_BITS) / bits.size
    round_ones = float((np.bitwise_and(bits, 255) == 0).mean())
    distinct = np.unique(np.abs(values)).size / bits.size
    return np.array([*patterns, round_ones, distinct, float((values == 0).mean())])


def float_fingerprint(audit: AuditRun) -> Result:
    """Test the last bits of the stored numbers as a classifier."""
    dataset = audit.dataset

    def features(seed: int, theory: Theory) -> NDArray[np.float64]:
        return np.concatenate([fingerprint(field.numpy()) for field in dataset.stored(seed, theory)])

    rows = {
        part: np.array([[features(seed, theory) for theory in THEORIES] for seed in dataset.part(part)])
        for part in PARTS
    }
    scores = logistic(rows, {part: tuple(dataset.part(part)) for part in PARTS})["test"]
    return Result(
        audit.unpaired_auc(scores),
        "test AUC between universes of the last bits of the stored numbers",
        at_chance(audit, scores),
        remark=audit.ordered(scores),
        scores=scores,
        p=alarms.of_knowing(audit, scores),
    )


FLOAT_FINGERPRINT = Control(
    name="float_fingerprint",
    question="Do the stored floats carry a fingerprint of the program that wrote them?",
    expectation="At chance: the last bits are rounding, and both theories round alike.",
    how=(
        "Logistic regression on the patterns of the lowest four bits of the mantissa, the share of round numbers, of"
        " distinct magnitudes and of zeros, of the snapshots as they lie on disk."
    ),
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes.",
    blind="Patterns in place rather than in value.",
    run=float_fingerprint,
)


def other_precision(study: StudyConfig) -> StudyConfig:
    """The study in single precision (or in double if it is in single precision itself)."""
    precision = "single" if study.simulation.precision == "double" else "double"
    return changed(study, "simulation", precision=precision)


def second_runs(audit: AuditRun) -> dict[int, Path]:
    """Newtonian runs of every seed in the other precision."""
    return grow_newton(audit, "newton_newton", other_precision(audit.study), audit.dataset.seeds)


def newton_newton(audit: AuditRun) -> Result:
    """Train a network to tell apart two Newtonian runs that differ in floating-point precision only."""
    folders = second_runs(audit)
    cubes = {part: newton_pairs(audit, audit.cubes[part].seeds, folders) for part in audit.cubes}
    scores = audit.retrain("newton_newton", cubes)
    apart = difference_of_members(cubes["test"])
    response = audit.share(audit.score(cubes["test"]))
    return Result(
        audit.unpaired_auc(scores),
        "test AUC between universes, double against single precision",
        at_chance(audit, scores),
        remark=(
            f"The two runs differ by {apart:.1e} of the standard deviation of the cubes; a network trained on them puts"
            f" the second above its twin in {audit.paired(scores)} of the seeds, and the study's network answers"
            f" with {said(response)} of its logit difference between the theories."
        ),
        scores=scores,
        more={"response": response},
        p=alarms.of_knowing(audit, scores),
    )


NEWTON_NEWTON = Control(
    name="newton_newton",
    question="Does the network tell two Newtonian runs of a seed apart that differ in rounding only?",
    expectation="One run in double, one in single precision: the AUC must be 0.5.",
    how=(
        "Every seed is grown once more under Newton in the other precision; a network is trained to tell the two apart,"
        " and the study's network is shown both."
    ),
    verdicts=(
        "Clean: at chance. Shortcut: above chance between universes, so that rounding alone is learnable."
        " Inconclusive also when twins are told apart but universes are not: rounding of single precision has a"
        " direction, which both members of a real pair share."
    ),
    blind="Rounding that differs between the equations of the two theories at the same precision.",
    run=newton_newton,
    asks_of="simulations",
    needs=one_retraining,
    least=1,
    grow=second_runs,
    uses=(),
)


def with_threads(count: int, settings: RunSettings, folder: Path) -> None:
    """``grow_member`` with this many threads, whatever the size of the mesh."""
    from weakfield.mesh.threads import fixed_threads
    from weakfield.simulation import grow_member

    with fixed_threads(count):
        grow_member(settings, folder)


def threaded_runs(audit: AuditRun) -> list[dict[int, Path]]:
    """Newtonian runs of some test seeds, for each number of threads."""
    seeds = audit.dataset.part("test")[:SEEDS]
    return [
        grow_newton(audit, "newton_threads", audit.study, seeds, f"-threads{count}", partial(with_threads, count))
        for count in THREADS
    ]


def newton_threads(audit: AuditRun) -> Result:
    """Compare two Newtonian runs of a seed with different numbers of threads."""
    seeds = audit.dataset.part("test")[:SEEDS]
    shares = []
    runs = threaded_runs(audit)
    for seed in seeds:
        one, other = ([read.phi for read in newton_snapshots(audit, seed, run[seed])] for run in runs)
        shares.append(share_of_different_numbers(one, other))
    different = audit.ratio(np.array(shares), np.ones(len(shares)))
    return Result(
        different,
        f"share of stored numbers that differ between {THREADS[0]} and {THREADS[1]} threads",
        "clean" if max(shares) == 0 else "inconclusive",
        remark=f"{len(seeds)} seeds, every number of phi at both redshifts compared bit by bit.",
    )


NEWTON_THREADS = Control(
    name="newton_threads",
    question="Does the number of threads leave a trace in the numbers?",
    expectation="None: every sum runs in a fixed order, so the share of numbers that differ must be exactly 0.",
    how="Two test seeds are grown under Newton with one thread and with two; the stored fields are compared.",
    verdicts=(
        "Clean: the same bits. Inconclusive: some differ, so that twins grown with other numbers of threads could be"
        " told apart by rounding."
    ),
    blind="A GPU, whose sums have no fixed order unless simulation.deterministic is set.",
    run=newton_threads,
    asks_of="simulations",
    grow=threaded_runs,
    uses=(),
)


def with_other_fft(settings: RunSettings, folder: Path) -> None:
    """``grow_member`` with the transforms of DUCC instead of our own."""
    from weakfield.mesh.kernels.cpu.transform import switched_off
    from weakfield.simulation import grow_member

    with switched_off():
        grow_member(settings, folder)


def runs_with_other_fft(audit: AuditRun) -> dict[int, Path]:
    """Newtonian runs of the test seeds with the transforms of DUCC."""
    seeds = audit.dataset.part("test")
    return grow_newton(audit, "newton_fft", audit.study, seeds, "-ducc", with_other_fft)


def newton_fft(audit: AuditRun) -> Result:
    """Show the network two Newtonian runs of a seed with different Fourier transforms."""
    seeds = audit.dataset.part("test")
    folders, different = runs_with_other_fft(audit), 0.0
    for seed in seeds:
        own = [field.double() for field in audit.dataset.stored(seed, "newton")]
        other = [read.phi for read in newton_snapshots(audit, seed, folders[seed])]
        different += share_of_different_numbers(own, other) / len(seeds)
    cubes = newton_pairs(audit, seeds, folders)
    scores = audit.score(cubes)
    apart = difference_of_members(cubes)
    response = audit.share(scores)
    return Result(
        audit.unpaired_auc(scores),
        "AUC between universes of the network, own against other transforms",
        at_chance(audit, scores),
        remark=(
            f"{different:.1%} of the stored numbers differ, by {apart:.1e} of the standard deviation of the cubes; the"
            f" network answers with {said(response)} of its logit difference between the theories."
        ),
        scores=scores,
        more={"response": response, "different": different},
        p=alarms.of_knowing(audit, scores),
    )


NEWTON_FFT = Control(
    name="newton_fft",
    question="Does the network react to which Fourier transform the simulation used?",
    expectation="It must not: the runs differ in the last bits of what is stored, if at all.",
    how="Every test seed is grown under Newton again with another library's transforms; the network scores both runs.",
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes.",
    blind="Grids that our own transforms do not take (sides that are no multiple of 16): both runs are the same there.",
    run=newton_fft,
    asks_of="simulations",
    grow=runs_with_other_fft,
    uses=(),
)


CONTROLS = (
    FLOAT_FINGERPRINT,
    NEWTON_NEWTON,
    NEWTON_THREADS,
    NEWTON_FFT,
)
