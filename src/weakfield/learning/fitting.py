"""The training loop: stopped at any epoch and started again, it ends with the same weights, bit for bit."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, replacing, write_json
from weakfield.base.progress import bar
from weakfield.config.training import TrainingSettings
from weakfield.dataset import Pairs, Part
from weakfield.learning import augmentation
from weakfield.learning.metrics import Scores, auc, log_loss
from weakfield.learning.networks import build_network

SCORING_BATCH = 16  # fixed, so that a score does not depend on what else is scored


@dataclass(frozen=True)
class Task:
    """What is trained on what. ``data`` names the samples (a fingerprint); ``pairs`` are they."""

    settings: TrainingSettings
    pairs: dict[Part, Pairs]
    data: str

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, N, N, N) or (channels, N, N) of one sample."""
        return self.pairs["train"].shape

    @property
    def hash(self) -> str:
        """Of everything that decides the weights."""
        return content_hash([self.settings.hash("mean_kept_too"), self.data])


@dataclass
class State:
    """A training between two epochs."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    history: list[dict[str, float]]
    best: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": self.history,
            "best": self.best,
        }


def fit(task: Task, folder: Path, label: str = "training") -> nn.Module:
    """Train, keeping the epoch of the smallest validation loss; the network in eval mode.

    Writes ``weights.pt`` and ``history.json`` into ``folder`` when done and ``checkpoint.pt`` after every epoch
    before; a checkpoint or a result of another task is not used. Raises ``WeakfieldError`` when the loss diverges.
    """
    if _hash_of(folder / "weights.pt") == task.hash:
        return load_model(folder)
    with _reproducible():
        state = _resume(task, folder)
        with bar(label, task.settings.epochs) as progress:
            progress.advance(len(state.history))
            for epoch in range(len(state.history), task.settings.epochs):
                row = _epoch(task, state, epoch)
                state.history.append(row)
                if not state.best or row["validation_loss"] < state.best["loss"]:
                    weights = {name: value.clone() for name, value in state.network.state_dict().items()}
                    state.best = {"epoch": epoch, "loss": row["validation_loss"], "weights": weights}
                _save(folder / "checkpoint.pt", {"hash": task.hash, "state": state.as_dict()})
                progress.advance(note=f"{label}: validation loss {row['validation_loss']:.3f}")
    write_json(
        folder / "history.json",
        {"epochs": state.history, "best_epoch": state.best["epoch"], "threads": torch.get_num_threads()},
    )
    _save(
        folder / "weights.pt",
        {
            "hash": task.hash,
            "shape": list(task.shape),
            "settings": task.settings.model_dump(mode="json"),
            "epoch": state.best["epoch"],
            "weights": state.best["weights"],
        },
    )
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return load_model(folder)


def load_model(folder: Path) -> nn.Module:
    """The trained network of a model folder, in eval mode; ``BadInput`` when there is none."""
    saved = _load(folder / "weights.pt")
    if saved is None:
        raise BadInput(f"{folder / 'weights.pt'} is missing or damaged, expected a trained network")
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn and thrown away
        network = build_network(tuple(saved["shape"]), TrainingSettings.from_mapping(saved["settings"], str(folder)))
    network.load_state_dict(saved["weights"])
    return network.eval()


def score(network: nn.Module, pairs: Pairs) -> Scores:
    """Logits of pairs."""
    batches = [pairs.load(range(i, min(i + SCORING_BATCH, len(pairs)))) for i in range(0, len(pairs), SCORING_BATCH)]
    return Scores(pairs.seeds, *(np.concatenate([logits(network, b[:, m]) for b in batches]) for m in (0, 1)))


def logits(network: nn.Module, samples: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Logits (n,) float64 of normalised samples (n, channels, N, N[, N]), in eval mode and batches of fixed size."""
    training = network.training
    network.eval()
    with torch.no_grad():
        parts = [network(batch) for batch in torch.split(samples, SCORING_BATCH)]
    network.train(training)
    return torch.cat(parts).to(torch.float64).numpy()


def learning_rate(settings: TrainingSettings, progress: float) -> float:
    """Rises linearly over the first share ``warmup``, then falls to 0 as half a cosine; ``progress`` in [0, 1]."""
    if progress < settings.warmup:
        return settings.learning_rate * progress / settings.warmup
    share = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def _epoch(task: Task, state: State, epoch: int) -> dict[str, float]:
    """One pass over the training pairs, then the validation pairs; the row of the history."""
    settings, pairs = task.settings, task.pairs["train"]
    torch.manual_seed(_seed(settings.seed, epoch, 1))  # dropout
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(pairs))
    batches = [order[i : i + settings.batch_pairs] for i in range(0, len(order), settings.batch_pairs)]
    total, norms = 0.0, []
    state.network.train()
    for number, batch in enumerate(batches):
        rate = learning_rate(settings, (epoch + (number + 1) / len(batches)) / settings.epochs)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        values = _batch(task, epoch, batch)
        labels = torch.tensor([0.0, 1.0]).repeat(len(batch))
        loss = functional.binary_cross_entropy_with_logits(state.network(values), labels)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norms.append(float(nn.utils.clip_grad_norm_(state.network.parameters(), settings.gradient_clip or math.inf)))
        state.optimiser.step()
        total += float(loss.detach()) * len(batch)
    if not math.isfinite(total):
        raise WeakfieldError(
            f"training diverged in epoch {epoch + 1}: the loss is not finite; lower training.learning_rate"
        )
    validation = score(state.network, task.pairs["validation"])
    return {
        "epoch": epoch,
        "train_loss": total / len(pairs),
        "validation_loss": log_loss(validation),
        "validation_auc": auc(validation),
        "learning_rate": rate,
        "gradient_norm": sum(norms) / len(norms),
    }


def _batch(task: Task, epoch: int, places: np.ndarray[Any, Any]) -> Tensor:
    """(2 pairs, channels, N, N, N), Newton and GR in turn; both members of a pair under the same symmetry."""
    pairs, settings = task.pairs["train"], task.settings
    values = pairs.load(places.tolist())
    if settings.augment:
        grid = task.shape[-1]
        moved = [
            augmentation.draw(grid, settings.seed, epoch, pairs.seeds[place])(pair)
            for place, pair in zip(places, values, strict=True)
        ]
        return torch.cat(moved)
    return values.flatten(0, 1)


def _resume(task: Task, folder: Path) -> State:
    """The state after the last finished epoch of this very task, or the state before the first."""
    torch.manual_seed(_seed(task.settings.seed, 0, 0))  # initial weights
    network = build_network(task.shape, task.settings)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=task.settings.learning_rate, weight_decay=task.settings.weight_decay, fused=True
    )
    state = State(network, optimiser, history=[], best={})
    saved = _load(folder / "checkpoint.pt")
    if saved is not None and saved["hash"] == task.hash:
        network.load_state_dict(saved["state"]["network"])
        optimiser.load_state_dict(saved["state"]["optimiser"])
        state.history, state.best = saved["state"]["history"], saved["state"]["best"]
    return state


def _seed(seed: int, epoch: int, purpose: int) -> int:
    """A random seed for PyTorch, different for every purpose and epoch."""
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0])


@contextmanager
def _reproducible() -> Iterator[None]:
    """Deterministic algorithms and a random state of our own inside the block; the caller's come back after it."""
    algorithms = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms)


def _save(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all; the same bytes for the same content (the archive does not hold its own name)."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


def _load(path: Path) -> dict[str, Any] | None:
    """What ``_save`` wrote, or nothing when it is absent or damaged."""
    try:
        value: dict[str, Any] = torch.load(path, weights_only=True)
    except FileNotFoundError:
        return None
    except Exception:  # PyTorch names none for a damaged archive
        return None
    return value


def _hash_of(path: Path) -> str | None:
    saved = _load(path)
    return None if saved is None else saved.get("hash")
