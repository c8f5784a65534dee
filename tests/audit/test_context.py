"""What controls get: parts of altered cubes, shares of logit differences, retrainings within the budget."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from synthetic import tiny_study, write_run
from weakfield.audit.context import Context
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.learning import Scores


class Sliced(Context):
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
def context(synthetic_run: tuple[StudyConfig, RunFolder]) -> Context:
    return Context(*synthetic_run)


def test_the_share_of_a_half_is_a_half_for_every_resample(context: Context) -> None:
    newton, gap = np.random.default_rng(1).standard_normal((2, 9))
    gap += 5
    whole, half = (Scores(tuple(range(9)), newton, newton + factor * gap) for factor in (1, 0.5))
    found = context.share(half, whole)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    nothing = context.share(half, Scores(whole.seeds, newton, newton))
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)  # a network without an answer: finite all the same


def test_more_retrainings_than_granted_are_refused(context: Context) -> None:
    context.begin(0)
    assert not context.may_retrain
    with pytest.raises(RuntimeError, match="was granted 0 retrainings"):
        context.retrain("labels_shuffled", {})


def test_retrainings_start_from_other_weights_and_last_as_long_as_the_audit_says(context: Context) -> None:
    assert context.retraining.epochs == context.study.training.epochs
    assert context.retraining.seed == context.study.training.seed + 1
    audit = context.study.audit.model_copy(update={"epochs": 2})
    assert Context(context.study.model_copy(update={"audit": audit}), context.folder).retraining.epochs == 2
