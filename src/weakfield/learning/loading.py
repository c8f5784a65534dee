"""Batches of pairs for the training loop: from memory, from a GPU, or read ahead by worker processes.

Which pairs are in a batch, their order and their symmetry depend on the settings, never on where the pairs come from or
on the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from weakfield.config.training import TrainingSettings
from weakfield.dataset import Pairs, PairTensor
from weakfield.learning.augmentation import augmented, identities
from weakfield.mesh.devices import sent

GPU_SHARE = 0.5  # of the free memory of a GPU that samples may take
AHEAD = 2  # batches that each worker reads ahead

Order = tuple[int, Sequence[int]]  # epoch, places


class Reader(Dataset[Tensor]):
    """Pairs at given places, moved by the symmetries of an epoch: this is what a worker process does for the loop."""

    def __init__(self, pairs: Pairs, settings: TrainingSettings, augment: bool) -> None:
        self.pairs, self.settings = pairs, settings
        self.samples = identities(pairs.seeds) if augment else None

    def __getitem__(self, order: Order) -> Tensor:
        """(places, 2, *shape) float32; an empty tensor for no places."""
        epoch, places = order
        if not len(places):
            return torch.empty(0, 2, *self.pairs.shape)
        values = self.pairs.load(list(places))
        if self.samples is None:
            return values
        samples = [self.samples[place] for place in places]
        alike, turns, shifts = self.settings.augment_alike, self.pairs.scalar, self.pairs.periodic
        return augmented(values, samples, self.settings.seed, epoch, alike, turns, shifts)


class _Plan(Sampler[Order]):
    """The batches of the next epoch, in the order in which the data loader asks for them."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def __iter__(self) -> Iterator[Order]:
        return iter(self.orders)


class Loader:
    """The batches of one part of the data, on ``device``; ``source`` says where they come from."""

    def __init__(self, pairs: Pairs, settings: TrainingSettings, device: torch.device, augment: bool = False) -> None:
        self.device, self.source = device, place_for(pairs, settings, device)
        self.workers: DataLoader[Tensor] | None = None
        if self.source == "workers":
            self.plan = _Plan()
            self.workers = DataLoader(
                Reader(pairs, settings, augment),
                batch_size=None,
                sampler=self.plan,
                num_workers=settings.workers,
                prefetch_factor=AHEAD,
                pin_memory=device.type == "cuda",
                persistent_workers=True,
                generator=torch.Generator(),  # for the seeds of its workers, so that our random state stays untouched
                multiprocessing_context="forkserver",  # a fork of a process with threads may hang
            )
            return
        held = pairs.in_memory()
        if self.source == "gpu":
            kinds = held.periodic, held.scalar
            held = PairTensor(held.seeds, held.values.to(device))
            held.periodic, held.scalar = kinds
        self.reader = Reader(held, settings, augment)

    def batches(self, epoch: int, places: Sequence[Sequence[int]]) -> Iterator[Tensor]:
        """(n, 2, *shape) float32 for each list of n places, in order."""
        orders: list[Order] = [(epoch, list(map(int, some))) for some in places]
        if self.workers is None:
            found: Iterator[Any] = (self.reader[order] for order in orders)
        else:
            self.plan.orders = orders
            found = iter(self.workers)
        for values in found:
            if self.source == "memory":
                yield sent(values, self.device)
            else:  # pinned by the workers, or there already
                yield values.to(self.device, non_blocking=True)


def size_in_bytes(pairs: Pairs) -> int:
    """The size of all pairs in memory, in float32."""
    return len(pairs) * 2 * prod(pairs.shape) * 4


def place_for(pairs: Pairs, settings: TrainingSettings, device: torch.device) -> str:
    """``gpu``, ``memory`` or ``workers``: the nearest place in which the pairs fit, unless the settings decide."""
    size = size_in_bytes(pairs)
    if settings.loading == "workers":
        return "workers"
    if settings.loading == "auto" and not isinstance(pairs, PairTensor) and size > settings.memory_gib * 2**30:
        return "workers"
    if device.type == "cuda" and size < GPU_SHARE * torch.cuda.mem_get_info(device)[0]:
        return "gpu"
    return "memory"
