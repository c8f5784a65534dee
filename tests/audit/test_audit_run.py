"""What controls get: parts of altered cubes, shares of logit differences, retrainings within the budget."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.synthetic import tiny_study, write_run
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.run import open_audit
from weakfield.base.files import write_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.learning import Scores


class Sliced(AuditRun):
    """A context whose network was trained on slices."""

    network_shape = (1, 8, 8)


def test_altered_cubes_are_cut_as_the_data_set_cuts_its_own(tmp_path: Path) -> None:
    study = tiny_study(pairs=6, dataset={"shape": "slice", "axes": ["z", "x"], "slice_stride": 2})
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    context = Sliced(study, folder)
    parts, own = context.samples_of(context.cubes["test"]), context.dataset.samples("test")
    assert parts.seeds == own.seeds
    assert parts.shape == own.shape == (1, 8, 8)
    assert bool((parts.load(range(len(parts))) == own.load(range(len(own)))).all())
    doubled = context.samples_of(context.altered(lambda pair: 2 * pair))
    assert torch.allclose(doubled.load([3]), 2 * parts.load([3]))
    sent = pickle.loads(pickle.dumps(doubled))  # to processes that load, or that share a training
    assert bool((sent.load([3, 5]) == doubled.load([3, 5])).all())
    assert (sent.periodic, sent.scalar) == (doubled.periodic, doubled.scalar)


@pytest.fixture
def context(synthetic_run: tuple[StudyConfig, RunFolder]) -> AuditRun:
    return open_audit(*synthetic_run)


def test_the_share_of_a_half_is_a_half_for_every_resample(context: AuditRun) -> None:
    newton, gap = np.random.default_rng(1).standard_normal((2, 9))
    gap += 5
    whole, half = (Scores(tuple(range(9)), newton, newton + factor * gap) for factor in (1, 0.5))
    found = context.share(half, whole)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    nothing = context.share(half, Scores(whole.seeds, newton, newton))
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)  # a network without an answer: finite all the same


def test_more_retrainings_than_granted_are_refused(context: AuditRun) -> None:
    context.begin(0)
    assert not context.may_retrain
    with pytest.raises(RuntimeError, match="was granted 0 retrainings"):
        context.retrain("labels_shuffled", {})


def test_retrainings_start_from_other_weights_and_last_as_long_as_the_audit_says(context: AuditRun) -> None:
    assert context.retraining.epochs == context.study.training.epochs
    assert context.retraining.seed == context.study.training.seed + 1
    audit = context.study.audit.model_copy(update={"epochs": 2})
    assert AuditRun(context.study.model_copy(update={"audit": audit}), context.folder).retraining.epochs == 2


def with_audit(context: AuditRun, **values: Any) -> AuditRun:
    """The same run folder under other settings of the audit."""
    audit = context.study.audit.model_copy(update=values)
    return open_audit(context.study.model_copy(update={"audit": audit}), context.folder)


ORDER = ("other_weights", "p_matched_retrained", "beyond_power")


@pytest.mark.parametrize(
    "other",
    [
        {"retrainings": 0},  # neither network is trained
        {"retrainings": 1},  # only that of other_weights is
        {"controls": ("other_weights", "beyond_power", "p_matched_retrained")},  # only that one is there by then
        {"controls": ("p_matched_retrained", "beyond_power")},
    ],
)
def test_a_control_that_asks_for_networks_of_others_is_run_again_when_they_change(
    context: AuditRun, other: dict[str, Any]
) -> None:
    build.run(context.study, context.folder)
    context = with_audit(context, controls=ORDER)
    assert with_audit(context, **other).key("beyond_power") != context.key("beyond_power")
    # the same two networks, by another budget and with another control between
    same = with_audit(context, retrainings=2, controls=(*ORDER[:2], "monopole_only", ORDER[2]))
    assert same.key("beyond_power") == context.key("beyond_power")


def test_networks_that_the_study_does_not_grant_are_not_there(context: AuditRun) -> None:
    build.run(context.study, context.folder)
    context = with_audit(context, controls=ORDER)
    scores = Scores((1, 2), np.zeros(2), np.ones(2))
    for name in ORDER[:2]:
        task = context._task(name, {}, "")
        write_json(context.workplace(name) / "scores.json", {"task": task.hash, "test": scores.as_json()})

    def seen(context: AuditRun, control: str) -> list[bool]:
        context.begin(0, control)
        return [context.retrained(name) is not None for name in ORDER[:2]]

    assert seen(context, "beyond_power") == [True, True]
    assert seen(context, "p_matched_retrained") == [True, False]  # its own is not there yet when it starts
    assert seen(with_audit(context, retrainings=1), "beyond_power") == [True, False]
    assert seen(with_audit(context, retrainings=0), "beyond_power") == [False, False]
    swapped = ("beyond_power", "other_weights", "p_matched_retrained")
    assert seen(with_audit(context, controls=swapped), "beyond_power") == [False, False]
