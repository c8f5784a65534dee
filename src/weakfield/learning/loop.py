"""One training, epoch by epoch, on one process or as one of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash
from weakfield.config.training import TrainingSettings
from weakfield.dataset import Pairs, Part
from weakfield.learning.distributed import Crew
from weakfield.learning.loading import Loader
from weakfield.learning.losses import training_loss, validation_loss
from weakfield.learning.metrics import Scores, auc
from weakfield.learning.monitor import Monitor, Norms, warn
from weakfield.learning.networks import arrange, build_network, network_class
from weakfield.learning.networks.layers import SharedDropout
from weakfield.learning.optimisers import build_optimiser
from weakfield.learning.plugins import plugin_sources
from weakfield.learning.schedules import learning_rate, stops
from weakfield.learning.scoring import logits_of_pairs, scoring_batches
from weakfield.learning.variants import Variant

Row = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What is trained on what: ``pairs`` are the samples, and ``data`` identifies them (a fingerprint).

    ``kept`` is a folder of the run with the sources of plugins, for those that are no longer on Python's path.
    """

    settings: TrainingSettings
    pairs: dict[Part, Pairs]
    data: str
    kept: Path | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (channels, N, N, N) or (channels, N, N)."""
        return self.pairs["train"].shape

    @property
    def hash(self) -> str:
        """The hash of everything that decides the weights."""
        irrelevant = ("mean_kept_too", "loading", "memory_gib", "workers", "tensorboard")
        sources = plugin_sources(self.settings, self.kept)
        decides = [self.settings.hash(*irrelevant), self.data, sources.pop("network", "")]
        return content_hash([*decides, sources] if sources else decides)


@dataclass
class State:
    """A training between two epochs; a dictionary of it can be saved and loaded."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    history: list[Row] = field(default_factory=list)
    norms: list[Norms] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": self.history,
            "norms": self.norms,
            "warnings": self.warnings,
            "best": self.best,
        }

    def load(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.history, self.norms = saved["history"], saved["norms"]
        self.warnings, self.best = saved["warnings"], saved["best"]

    @property
    def losses(self) -> list[float]:
        """Validation losses so far."""
        return [row["validation_loss"] for row in self.history]


class Loop:
    """A training that continues after the last epoch of ``saved`` (a state's dictionary), or begins."""

    def __init__(
        self, task: Task, variant: Variant, device: torch.device, crew: Crew, saved: dict[str, Any] | None
    ) -> None:
        self.task, self.variant, self.device, self.crew = task, variant, device, crew
        settings = task.settings
        self.training = Loader(task.pairs["train"], settings, device, augment=settings.augment)
        self.validation = Loader(task.pairs["validation"], settings, device)
        torch.manual_seed(seed_of(settings.seed, 0, 0))  # initial weights
        network = build_network(task.shape, settings, network_class(settings, task.kept))
        if device.type == "cuda" and crew.size > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        smallest = min(map(len, order(settings, len(task.pairs["train"]), 0)))
        if smallest < crew.size and any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()):
            # processes without a pair would never join the others in the normalisation
            raise BadInput(
                f"training.batch_pairs is {settings.batch_pairs}, which leaves a last batch of {smallest} pairs to"
                f" {crew.size} processes; expected a pair for each where a network has batch normalisation"
            )
        network = arrange(network.to(device), variant.layout)
        self.state = State(network, build_optimiser(network, settings, task.kept))
        self.monitor = Monitor(network)
        if saved is not None:
            self.state.load(saved)
        elif (prepare := getattr(network, "prepare", None)) is not None:
            plain = Loader(task.pairs["train"], settings, device)
            prepare(b.flatten(0, 1) for b in plain.batches(0, scoring_batches(len(task.pairs["train"]))))

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the loss has not fallen for as many as the settings allow."""
        settings, state = self.task.settings, self.state
        return len(state.history) >= settings.epochs or stops(state.losses, settings.early_stopping)

    def advance(self) -> Row:
        """Train for one epoch; return its row of the history. Raises ``WeakfieldError`` when the loss is not finite."""
        state, epoch = self.state, len(self.state.history)
        train = self.train(epoch)
        scores = self._scores()
        row = {
            "epoch": epoch,
            "train_loss": train["loss"],
            "validation_loss": validation_loss(self.task.settings, scores, self.task.kept),
            "validation_auc": auc(scores),
            "learning_rate": train["learning_rate"],
            "gradient_norm": train["gradient_norm"],
        }
        state.history.append(row)
        if not state.best or row["validation_loss"] < state.best["loss"]:
            weights = {name: value.to("cpu", copy=True) for name, value in state.network.state_dict().items()}
            state.best = {"epoch": epoch, "loss": row["validation_loss"], "weights": weights}
        return row

    def train(self, epoch: int) -> Row:
        """One pass over the training pairs: mean loss, last learning rate, mean gradient norm before clipping."""
        settings, network, count = self.task.settings, self.state.network, len(self.task.pairs["train"])
        torch.manual_seed(seed_of(settings.seed, epoch, 1))  # dropout, the same in all processes
        batches = order(settings, count, epoch)
        mine = [self.crew.share(batch) for batch in batches]
        total, norms, rate = 0.0, [], 0.0
        network.train()
        for number, values in enumerate(self.training.batches(epoch, mine)):
            size = len(batches[number])
            progress = (epoch + (number + 1) / len(batches)) / settings.epochs
            rate = learning_rate(settings, progress, self.state.losses, self.task.kept)
            for group in self.state.optimiser.param_groups:
                group["lr"] = rate
            total += size * self._gradients(values.flatten(0, 1), size, listening=number == 0)
            if number == 0 and self.crew.leads:
                self.state.norms.append(self.monitor.norms())
                warn(self.state.norms[-1], epoch, self.state.warnings, settings.loss == "pair")
            self.crew.sum_gradients(network)
            limit = math.inf if settings.gradient_clip is None else settings.gradient_clip
            norms.append(float(nn.utils.clip_grad_norm_(network.parameters(), limit)))
            self.state.optimiser.step()
        total = self.crew.sum_number(total, self.device)
        if not math.isfinite(total):
            raise WeakfieldError(
                f"training diverged in epoch {epoch + 1}: the loss is not finite; lower training.learning_rate"
            )
        return {"loss": total / count, "learning_rate": rate, "gradient_norm": sum(norms) / len(norms)}

    def _gradients(self, values: torch.Tensor, size: int, listening: bool) -> float:
        """This process's share of the loss of a batch of ``size`` pairs; its gradients are left in the network."""
        self.state.optimiser.zero_grad()
        if not len(values):
            return 0.0  # more processes than pairs are left in the last batch
        if self.crew.size > 1:
            rows = [2 * pair + member for pair in self.crew.share(range(size)) for member in (0, 1)]
            for module in self.state.network.modules():
                if isinstance(module, SharedDropout):
                    module.rows = (rows, 2 * size)
        with (
            self.monitor.listening(listening),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.variant.precision == "bf16"),
        ):
            outputs = self.state.network(values)
        loss = training_loss(self.task.settings, outputs.float(), size, self.task.kept)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _scores(self) -> Scores:
        """The scores of the validation pairs, each scored by one of the processes."""
        pairs = self.task.pairs["validation"]
        self.crew.same_buffers(self.state.network)
        places = scoring_batches(len(pairs))
        rows = logits_of_pairs(self.state.network, self.validation.batches(0, self.crew.share(places)))
        rows = self.crew.joined(rows, places)
        return Scores(pairs.seeds, rows[:, 0], rows[:, 1])


def order(settings: TrainingSettings, pairs: int, epoch: int) -> list[Sequence[int]]:
    """The places of every batch of an epoch, of all processes together."""
    places = np.random.default_rng([settings.seed, epoch]).permutation(pairs).tolist()
    return [places[i : i + settings.batch_pairs] for i in range(0, pairs, settings.batch_pairs)]


def seed_of(seed: int, epoch: int, purpose: int) -> int:
    """A random seed for PyTorch, different for every purpose and epoch."""
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0])
