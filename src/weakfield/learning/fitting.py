"""A training from settings to files: stopped at any epoch and continued, it ends with the same weights, bit for bit."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.loading import loading
from weakfield.base.plugins import require_trust
from weakfield.base.progress import bar
from weakfield.base.trials import reason, stops
from weakfield.config.training import TrainingSettings
from weakfield.learning import checkpoints, distributed
from weakfield.learning.archives import Damaged, archive_of, load_archive, save_archive
from weakfield.learning.journal import Journal
from weakfield.learning.loop import Loop, Row, Task
from weakfield.learning.networks import arrange, build_network
from weakfield.learning.plugins import FOLDER as PLUGINS
from weakfield.learning.plugins import keep_plugins, load_own_recorded, plugin_sources
from weakfield.learning.results import HISTORY, Epoch, History
from weakfield.learning.scoring import logits, score
from weakfield.learning.variants import Variant, choose
from weakfield.mesh.devices import describe, device_for

__all__ = ["Task", "fit", "follow", "load_model", "logits", "score"]

Watch = Callable[[Row], None]

WEIGHTS = "weights.pt"


def fit(task: Task, folder: Path, label: str = "training", watch: Watch = lambda row: None) -> nn.Module:
    """Train, keeping the epoch of the smallest validation loss; the network in eval mode, on the CPU.

    Writes ``weights.pt``, ``history.json`` and ``log.jsonl`` into ``folder``, and until then a checkpoint after the
    first epoch and after every one that ends ``checkpoints.EVERY_S`` later; a checkpoint or a result of another task,
    or a damaged one, is not used. ``watch`` is given the row of every epoch and may raise to give up. Under torchrun
    the other processes take their shares. Raises ``WeakfieldError`` when the loss diverges, and ``BadInput`` for
    settings that this machine or shape does not allow.
    """
    if (trained := _trained(task, folder)) is not None:
        return trained
    saved = checkpoints.begun(task, folder)
    device = device_for(task.settings.device)
    if saved is not None:
        variant = Variant(**saved["variant"])
    else:
        variant = choose(task.settings, task.shape, len(task.pairs["train"]), device, task.kept)
    state = saved["state"] if saved is not None else None
    with distributed.handed((task, variant, state)), _reproducible():
        loop = Loop(task, variant, device, distributed.crew(), state)
        journal = Journal(folder, task.settings.tensorboard, len(loop.state.history))
        due = time.monotonic()
        with bar(label, task.settings.epochs) as progress, journal:
            progress.advance(len(loop.state.history))
            while not loop.finished:
                with _in_words(task.settings):
                    row = loop.advance()
                journal.note(loop.state.history, loop.state.norms)
                if time.monotonic() >= due:
                    journal.write()  # first: a checkpoint may find nothing left to do
                    saved = {"hash": task.hash, "variant": variant.as_json(), "state": loop.state.as_dict()}
                    checkpoints.make_room(folder)
                    save_archive(folder / checkpoints.LAST, saved)
                    due = time.monotonic() + checkpoints.EVERY_S
                watch(row)
                progress.advance(note=f"{label}: validation loss {row['validation_loss']:.3f}")
    _write_result(task, folder, loop)
    return load_model(folder)


def _trained(task: Task, folder: Path) -> nn.Module | None:
    """The network that this training left before, if it is finished; a warning names damaged weights."""
    try:
        if archive_of(folder / WEIGHTS, task.hash) is None:
            return None
        found = load_model(folder)
    except Damaged as error:
        warnings.warn(f"{error}; the network is trained again", UserWarning, stacklevel=3)
        return None
    checkpoints.remove(folder)  # those of a training that was stopped after its last word
    return found


@contextmanager
def _in_words(settings: TrainingSettings) -> Iterator[None]:
    """Make ``BadInput`` of what the user's own code raises in a training."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (WeakfieldError, OSError)) or not settings.plugins:
            raise
        names = " and ".join(f"training.{key} = '{name}'" for key, name in settings.plugins.items())
        raise BadInput(f"with {names} a training cannot be done: {reason(error)}") from error


def follow(job: tuple[Task, Variant, dict[str, Any] | None]) -> None:
    """What the other processes do while the leader is in ``fit``."""
    task, variant, state = job
    with _reproducible():
        loop = Loop(task, variant, device_for(task.settings.device), distributed.crew(), state)
        while not loop.finished:
            loop.advance()


def load_model(folder: Path) -> nn.Module:
    """The trained network of a model folder, in eval mode, on the CPU; ``BadInput`` when there is none.

    The user's own class is made from the source kept beside the weights.
    """
    path = folder / WEIGHTS
    saved = load_weights(path)
    settings, sources = TrainingSettings.from_mapping(saved["settings"], str(folder)), saved.get("plugins", {})
    made = None
    if settings.plugins:
        require_trust(folder, settings.plugins.values())
    if "network" in sources:
        made = load_own_recorded("network", settings, sources["network"], folder / PLUGINS)
    try:
        with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are thrown away
            network = build_network(tuple(saved["shape"]), settings, made)
        network.load_state_dict(saved["weights"])
        return arrange(network, saved.get("layout", "channels_last")).eval()
    except Exception as error:  # whatever PyTorch raises for numbers that do not go together
        if stops(error):
            raise
        raise Damaged(
            f"{path} does not fit its network: {reason(error)}; expected the weights of a training"
        ) from error


def load_weights(path: Path) -> dict[str, Any]:
    """The content of ``weights.pt``; ``BadInput`` where there is none, ``Damaged`` where it lacks something."""
    saved = load_archive(path)
    if saved is None:
        raise BadInput(f"{path} is missing, expected a trained network")
    kinds = {"hash": str, "shape": list, "settings": dict, "weights": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(saved.get(name), kind)]
    if wrong or not all(isinstance(side, int) for side in saved["shape"]):
        raise Damaged(f"{path} lacks {', '.join(wrong) or 'a shape of whole numbers'}, expected a trained network")
    return saved


def _write_result(task: Task, folder: Path, loop: Loop) -> None:
    """``history.json``, the sources of plugins, then ``weights.pt``, which marks the training as finished."""
    state = loop.state
    history = History(
        epochs=tuple(Epoch.model_validate(row) for row in state.history),
        best_epoch=state.best["epoch"],
        stopped_early=len(state.history) < task.settings.epochs,
        warnings=tuple(state.warnings.values()),
        **loop.variant.as_json(),
        device=describe(loop.device),
        processes=loop.crew.size,
        threads=torch.get_num_threads(),
    )
    history.save(folder / HISTORY)
    result = {
        "hash": task.hash,
        "shape": list(task.shape),
        "settings": task.settings.model_dump(mode="json"),
        "layout": loop.variant.layout,
        "epoch": state.best["epoch"],
        "weights": state.best["weights"],
    }
    if task.settings.plugins:
        keep_plugins(task.settings, folder, task.kept)
        result["plugins"] = plugin_sources(task.settings, task.kept)
    save_archive(folder / WEIGHTS, result)
    checkpoints.remove(folder)


@contextmanager
def _reproducible() -> Iterator[None]:
    """Deterministic algorithms and a separate random state inside the block; the caller's are restored after it."""
    algorithms = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    with torch.random.fork_rng(devices=[]):
        with loading():  # what PyTorch compiles with, which its optimisers would import next
            torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms)
