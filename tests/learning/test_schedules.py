"""Learning rates against PyTorch's own schedules; plateaus and stopping by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weakfield.config.training import TrainingSettings
from weakfield.learning.schedules import learning_rate, plateaus, stops


def settings(**values: object) -> TrainingSettings:
    return TrainingSettings.from_mapping({"learning_rate": 2.0, "epochs": 10, **values})


def rates(made: TrainingSettings, batches: int, losses: tuple[float, ...] = ()) -> list[float]:
    steps = made.epochs * batches
    return [learning_rate(made, (step + 1) / steps, losses) for step in range(steps)]


def test_cosine_rises_and_falls() -> None:
    made = settings(warmup=0.2)
    assert [learning_rate(made, p) for p in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0, 1, 2, 1, 0])


def test_constant_after_the_warmup() -> None:
    made = settings(schedule="constant", warmup=0.5)
    assert [learning_rate(made, p) for p in (0.25, 0.5, 0.7, 1.0)] == pytest.approx([1, 2, 2, 2])


def test_step_is_that_of_pytorch() -> None:
    made = settings(schedule="step", warmup=0.0, decay_epochs=3, decay_factor=0.5)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=2.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=3, gamma=0.5)
    expected = []
    for _ in range(10):
        expected += [optimiser.param_groups[0]["lr"]] * 7
        optimiser.step()
        schedule.step()
    assert rates(made, batches=7) == pytest.approx(expected)


def test_one_cycle_is_that_of_pytorch() -> None:
    """Its steps are counted from 0 to one less than their number, ours from 1 to their number: compare by share."""
    made = settings(schedule="one_cycle", warmup=0.25)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=2.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=2.0, total_steps=42, pct_start=0.25, cycle_momentum=False
    )
    rising, falling = 0.25 * 42 - 1, 41 - (0.25 * 42 - 1)  # its lengths of the two phases in steps
    for step in range(42):
        share = 0.25 * step / rising if step < rising else 0.25 + 0.75 * (step - rising) / falling
        assert learning_rate(made, share) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        if step < 41:
            schedule.step()


@given(st.lists(st.integers(0, 6).map(float), max_size=30), st.integers(1, 4))
def test_plateaus_are_those_of_pytorch(losses: list[float], patience: int) -> None:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    # it acts when more epochs than its patience were bad; 0.5 is exact in binary
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.5, patience=patience - 1, threshold=0, eps=0
    )
    for loss in losses:
        schedule.step(loss)
    assert optimiser.param_groups[0]["lr"] == 0.5 ** plateaus(losses, patience)


def test_a_plateau_lowers_the_rate() -> None:
    made = settings(schedule="plateau", warmup=0.0, decay_epochs=2, decay_factor=0.1)
    assert learning_rate(made, 0.9, (1.0, 0.5, 0.6, 0.7)) == pytest.approx(0.2)
    assert learning_rate(made, 0.9, (1.0, 0.5, 0.6)) == 2.0


def test_stopping_by_hand() -> None:
    losses = [1.0, 0.5, 0.6, 0.5]
    assert [stops(losses[:n], 2) for n in range(5)] == [False, False, False, False, True]
    assert not stops(losses, None)
    assert not stops([*losses, 0.4], 2)
