"""The checkpoints of a training: the last one and the one before it, which is used where the last is damaged."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import torch

from weakfield.learning.archives import Damaged, archive_of
from weakfield.learning.loop import State, Task
from weakfield.learning.networks import build_network, network_class
from weakfield.learning.optimisers import build_optimiser
from weakfield.learning.results import Epoch
from weakfield.learning.variants import Variant

LAST, BEFORE = "checkpoint.pt", "checkpoint_before.pt"
#: the least time from one checkpoint to the next [s]; writing one to a disk takes as long as a short epoch
EVERY_S = 1.0


def make_room(folder: Path) -> None:
    """Keep the last checkpoint of a training as the one before, so that another may become the last."""
    if (folder / LAST).exists():
        os.replace(folder / LAST, folder / BEFORE)


def remove(folder: Path) -> None:
    """Remove the checkpoints of a training that is finished."""
    for name in (LAST, BEFORE):
        (folder / name).unlink(missing_ok=True)


def begun(task: Task, folder: Path) -> dict[str, Any] | None:
    """The last checkpoint of this task that is whole; ``None`` where there is none. A warning names a damaged one."""
    damaged: list[Damaged] = []
    found = None
    for name in (LAST, BEFORE):
        try:
            found = _checked(task, folder / name)
        except Damaged as error:
            damaged.append(error)
        if found is not None:
            break
    if damaged:
        goes_on = "starts again" if found is None else f"goes on after epoch {len(found['state']['history'])}"
        warnings.warn(f"{damaged[0]}; the training {goes_on}", UserWarning, stacklevel=3)
    return found


def _checked(task: Task, path: Path) -> dict[str, Any] | None:
    """A checkpoint of this task; ``Damaged`` where a training cannot go on from what it holds."""
    saved = archive_of(path, task.hash)
    if saved is None:
        return None
    settings = task.settings
    with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are thrown away
        network = build_network(task.shape, settings, network_class(settings, task.kept))
    state = State(network, build_optimiser(network, settings, task.kept))
    try:
        Variant(**saved["variant"])
        state.load(saved["state"])
        if not settings.plugins:
            _same_shapes(state.optimiser)
        epochs = [Epoch.model_validate(row) for row in state.history]
        network.load_state_dict(state.best["weights"])
        whole = len(state.norms) == len(epochs) > state.best["epoch"] >= 0
    except Exception as error:  # whatever PyTorch raises for entries of another kind
        raise Damaged(f"{path} does not fit the network, expected the checkpoint of this training") from error
    if not whole:
        raise Damaged(f"{path} lacks epochs, expected the checkpoint of this training")
    return saved


def _same_shapes(optimiser: torch.optim.Optimizer) -> None:
    """``ValueError`` for moments of another shape than their weights, which PyTorch does not look at."""
    for weight, moments in optimiser.state.items():
        for name, moment in moments.items():
            if isinstance(moment, torch.Tensor) and moment.ndim and moment.shape != weight.shape:
                raise ValueError(f"{name} has shape {tuple(moment.shape)}, expected {tuple(weight.shape)}")
