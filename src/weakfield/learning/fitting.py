"""A training from settings to files: stopped at any epoch and continued, it ends with the same weights, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weakfield.base.errors import BadInput
from weakfield.base.progress import bar
from weakfield.config.training import TrainingSettings
from weakfield.learning import distributed
from weakfield.learning.archives import archive_of, load_archive, save_archive
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


def fit(task: Task, folder: Path, label: str = "training", watch: Watch = lambda row: None) -> nn.Module:
    """Train, keeping the epoch of the smallest validation loss; the network in eval mode, on the CPU.

    Writes ``weights.pt``, ``history.json`` and ``log.jsonl`` into ``folder``, and until then ``checkpoint.pt`` after
    every epoch; a checkpoint or a result of another task is not used. ``watch`` is given the row of every epoch and may
    raise to give up. Under torchrun the other processes take their shares. Raises ``WeakfieldError`` when the loss
    diverges, and ``BadInput`` for settings that this machine or shape does not allow.
    """
    if archive_of(folder / "weights.pt", task.hash) is not None:
        return load_model(folder)
    saved = archive_of(folder / "checkpoint.pt", task.hash)
    device = device_for(task.settings.device)
    if saved is not None:
        variant = Variant(**saved["variant"])
    else:
        variant = choose(task.settings, task.shape, len(task.pairs["train"]), device, task.kept)
    state = saved["state"] if saved is not None else None
    with distributed.handed((task, variant, state)), _reproducible():
        loop = Loop(task, variant, device, distributed.crew(), state)
        journal = Journal(folder, task.settings.tensorboard, len(loop.state.history))
        with bar(label, task.settings.epochs) as progress:
            progress.advance(len(loop.state.history))
            while not loop.finished:
                row = loop.advance()
                journal.write(loop.state.history, loop.state.norms)  # first: a checkpoint may find nothing left to do
                saved = {"hash": task.hash, "variant": variant.as_json(), "state": loop.state.as_dict()}
                save_archive(folder / "checkpoint.pt", saved)
                watch(row)
                progress.advance(note=f"{label}: validation loss {row['validation_loss']:.3f}")
        journal.close()
    _write_result(task, folder, loop)
    return load_model(folder)


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
    saved = load_archive(folder / "weights.pt")
    if saved is None:
        raise BadInput(f"{folder / 'weights.pt'} is missing or damaged, expected a trained network")
    settings, sources = TrainingSettings.from_mapping(saved["settings"], str(folder)), saved.get("plugins", {})
    made = None
    if "network" in sources:
        made = load_own_recorded("network", settings, sources["network"], folder / PLUGINS)
    with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are thrown away
        network = build_network(tuple(saved["shape"]), settings, made)
    network.load_state_dict(saved["weights"])
    return arrange(network, saved.get("layout", "channels_last")).eval()


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
    save_archive(folder / "weights.pt", result)
    (folder / "checkpoint.pt").unlink(missing_ok=True)


@contextmanager
def _reproducible() -> Iterator[None]:
    """Deterministic algorithms and a separate random state inside the block; the caller's are restored after it."""
    algorithms = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    with torch.random.fork_rng(devices=[]):
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms)
