"""Loading: the same batches from memory and from any number of worker processes; what fits where."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from helpers.drawn_task import task
from helpers.synthetic import tiny_study, write_run
from weakfield.base.files import file_hash
from weakfield.config.training import TrainingSettings
from weakfield.dataset import Pairs, PairTensor, build, open_dataset
from weakfield.learning import fit
from weakfield.learning.loading import Loader, place_for, size_in_bytes

CPU = torch.device("cpu")


class Lazy(Pairs):
    """Slices of two universes that are drawn when asked for; ``asked`` are the places that were."""

    def __init__(self, count: int = 6) -> None:
        self.seeds, self.shape = tuple(place // 3 for place in range(count)), (2, 4, 4)
        self.asked: list[int] = []

    def load(self, places: Sequence[int]) -> torch.Tensor:
        self.asked += places
        drawn = [torch.randn(2, *self.shape, generator=torch.Generator().manual_seed(p)) for p in places]
        return torch.stack(drawn)


def settings(**values: object) -> TrainingSettings:
    return TrainingSettings.from_mapping(values)


def batches(pairs: Pairs, made: TrainingSettings, augment: bool = True) -> list[torch.Tensor]:
    loader = Loader(pairs, made, CPU, augment)
    return [b for epoch in (0, 1) for b in loader.batches(epoch, [[5, 0], [], [2, 1, 4], [3]])]


def test_batches_are_what_was_asked_for() -> None:
    lazy = Lazy()
    plain = batches(lazy, settings(), augment=False)
    assert [len(b) for b in plain] == [2, 0, 3, 1] * 2
    assert torch.equal(torch.cat(plain[:4]), lazy.load([5, 0, 2, 1, 4, 3]))
    moved = batches(lazy, settings())
    assert not torch.equal(moved[0], plain[0])
    assert not torch.equal(moved[0], moved[4])  # another epoch
    for a, b in zip(moved, plain, strict=True):
        torch.testing.assert_close(a.flatten(3).sort().values, b.flatten(3).sort().values, rtol=0, atol=0)


def test_what_may_not_move_does_not() -> None:
    """A part of a box that has components of a vector: nothing is left to move it by."""
    lazy = Lazy()
    lazy.periodic = lazy.scalar = False
    for a, b in zip(batches(lazy, settings()), batches(lazy, settings(), augment=False), strict=True):
        assert torch.equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_bring_the_same_bits_in_the_same_order(workers: int) -> None:
    held = Lazy().in_memory()  # a tensor can be sent to a process that does not know this file
    memory = batches(held, settings())
    for a, b in zip(memory, batches(held, settings(loading="workers", workers=workers)), strict=True):
        assert torch.equal(a, b)


@pytest.mark.slow
def test_a_training_does_not_depend_on_its_workers(tmp_path: Path) -> None:
    fit(task(epochs=2), tmp_path / "memory")
    fit(task(epochs=2, loading="workers", workers=2), tmp_path / "workers")
    assert file_hash(tmp_path / "memory" / "history.json") == file_hash(tmp_path / "workers" / "history.json")


def test_what_fits_in_memory_is_read_once() -> None:
    lazy = Lazy()
    assert size_in_bytes(lazy) == lazy.in_memory().values.nbytes
    assert place_for(lazy, settings(memory_gib=size_in_bytes(lazy) / 2**30), CPU) == "memory"
    assert place_for(lazy, settings(memory_gib=(size_in_bytes(lazy) - 1) / 2**30), CPU) == "workers"
    assert place_for(lazy, settings(memory_gib=1e-9, loading="memory"), CPU) == "memory"
    assert place_for(PairTensor((0,), torch.zeros(1, 2, 1, 4, 4)), settings(memory_gib=1e-9), CPU) == "memory"
    lazy.asked.clear()
    batches(lazy, settings())
    assert lazy.asked == list(range(6))


@pytest.mark.parametrize(
    ("dataset", "periodic", "scalar"),
    [
        ({}, True, True),
        ({"shape": "subcube"}, False, True),
        ({"shape": "slice", "derivative": "gradient"}, True, False),
    ],
)
def test_a_data_set_knows_what_may_move(
    tmp_path: Path, dataset: dict[str, object], periodic: bool, scalar: bool
) -> None:
    study = tiny_study(pairs=3, dataset=dataset)
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    pairs = open_dataset(folder).samples("train")
    for known in (pairs, pairs.in_memory(), pickle.loads(pickle.dumps(pairs))):
        assert (known.periodic, known.scalar) == (periodic, scalar)
        assert torch.equal(known.load([0]), pairs.load([0]))
