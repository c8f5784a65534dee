"""Training on several processes, started by torchrun: one leads, the others follow its trainings.

The leader runs the command as if it were alone; whenever it trains, it hands the training to the followers, and all
take equal shares of every batch. Gradients are summed over the processes, so that the result is the same as that of one
process with the same batches, up to the order of sums. GPUs talk through NCCL, one to a process; processors through
gloo.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed, nn

from weakfield.base.errors import BadInput

T = TypeVar("T")

#: followers wait this long for the leader to finish its own work
PATIENCE = timedelta(hours=24)

_at_work = False


@dataclass(frozen=True)
class Crew:
    """The processes of a training, of which this is number ``rank``; all methods are called by all of them."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's share of ``items``, which all processes have in the same order."""
        return items[self.rank :: self.size]

    def sum_gradients(self, network: nn.Module) -> None:
        """Every gradient becomes the sum over the processes; one that no process has stays absent."""
        if self.size == 1:
            return
        parameters = [p for p in network.parameters() if p.requires_grad]
        present = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
        flat = torch.cat(
            [present, *((torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1).float() for p in parameters)]
        )
        distributed.all_reduce(flat)
        values = torch.split(flat[len(parameters) :], [p.numel() for p in parameters])
        for parameter, value, holders in zip(parameters, values, flat[: len(parameters)].tolist(), strict=True):
            if holders:
                total = value.view(parameter.shape).to(parameter.dtype)
                parameter.grad = torch.empty_like(parameter).copy_(total)  # in the layout of the weight

    def sum_number(self, value: float, device: torch.device) -> float:
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return float(total)

    def same_buffers(self, network: nn.Module) -> None:
        """Set running means and other buffers to the leader's."""
        if self.size > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, 0)

    def joined(self, rows: np.ndarray[Any, Any], places: Sequence[Sequence[int]]) -> np.ndarray[Any, Any]:
        """The rows of all places in order, from those of ``share(places)`` that each process has."""
        if self.size == 1:
            return rows
        shares: list[Any] = [None] * self.size
        distributed.all_gather_object(shares, rows)
        total = np.empty((sum(map(len, places)), *rows.shape[1:]), rows.dtype)
        for rank, share in enumerate(shares):
            mine = [place for batch in places[rank :: self.size] for place in batch]
            total[mine] = share
        return total


def crew() -> Crew:
    """The processes that train together: this one alone unless torchrun started several (``session``)."""
    if distributed.is_available() and distributed.is_initialized():
        return Crew(distributed.get_rank(), distributed.get_world_size())
    return Crew()


@contextmanager
def session(serve: Callable[[Any], None]) -> Iterator[bool]:
    """Join the processes that torchrun started; yields whether this one leads and has the command to run.

    When followers get False, they have already done all the work: each job that the leader hands out (``handed``) is
    given to ``serve``. When the leader fails between two jobs, the followers are sent home; when it fails in the middle
    of one, it just ends, and torchrun ends them.
    """
    if not distributed.is_available():
        raise BadInput("this PyTorch has no distributed training, expected one that has to run under torchrun")
    gpu = torch.cuda.is_available() and os.environ.get("WEAKFIELD_DEVICE", "auto") != "cpu"
    if gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    _init_process_group("nccl" if gpu else "gloo")
    try:
        if distributed.get_rank() == 0:
            try:
                yield True
            finally:
                if not _at_work:
                    _broadcast(None)
        else:
            while (job := _broadcast(None)) is not None:
                serve(job)
            yield False
    finally:
        if not _at_work:
            distributed.barrier()  # nobody leaves while another is still listening
            distributed.destroy_process_group()


def _init_process_group(backend: str) -> None:
    """Meet the other processes, over the loopback interface and a private file if all are on this machine.

    They send each other objects that run code when they are unpacked, so nobody else may take part. Torchrun itself
    listens on all interfaces; what it hears there is not used then.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size != int(os.environ.get("LOCAL_WORLD_SIZE", "0")):
        distributed.init_process_group(backend, timeout=PATIENCE)
        return
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    if loopback is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", loopback)
    # a folder that torchrun makes for each of its attempts, for this user alone
    private = Path(os.environ.get("TORCHELASTIC_ERROR_FILE", "")).parent.parent
    if not (private.is_dir() and private.is_absolute()):
        distributed.init_process_group(backend, timeout=PATIENCE)
        return
    store = distributed.FileStore(str(private / "weakfield"), size)  # type: ignore[attr-defined, unused-ignore]
    distributed.init_process_group(
        backend, store=store, rank=int(os.environ["RANK"]), world_size=size, timeout=PATIENCE
    )


@contextmanager
def handed(job: Any) -> Iterator[None]:
    """The followers work on ``job`` while the leader does what is in the block."""
    global _at_work
    if crew().size == 1:
        yield
        return
    _broadcast(job)
    _at_work = True
    yield
    _at_work = False  # not after an exception: the followers are then in the middle of something


def _broadcast(job: Any) -> Any:
    box = [job]
    distributed.broadcast_object_list(box, 0)
    return box[0]
