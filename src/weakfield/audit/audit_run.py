"""The run under audit: its cubes, its trained networks with their scores, and retraining within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield._version import __version__
from weakfield.audit.records import Reached
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash
from weakfield.base.records import Record
from weakfield.base.trials import Unsuited
from weakfield.config import Inverse, RunFolder, StudyConfig
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PARTS, Dataset, Pairs, PairTensor, Part, SamplePairs, open_dataset
from weakfield.fourier.altered import group_power, match_power, power_groups
from weakfield.learning import Estimate, Scores, Task, fit, load_model, score
from weakfield.learning.fitting import WEIGHTS, load_weights
from weakfield.learning.metrics import (
    auc,
    auc_difference,
    paired_accuracy,
    resampled_auc,
    resampled_unpaired_auc,
    unpaired_auc,
)
from weakfield.learning.scores import (
    CONFIDENCE,
    area_interval,
    bootstrap_weights,
    cube_scores,
    interval,
    load_scores,
    proportion,
)
from weakfield.learning.training import kept_plugins, main_model
from weakfield.pairs.manifest import manifests

#: controls whose networks other controls use: they decide what counts as found, and whether finding nothing counts
SHARED = ("other_weights", "p_matched_retrained")

#: changes one pair, (2, channels, N, N[, N]), into another of the same shape
Change = Callable[[Tensor], Tensor]


class RetrainedScores(Record):
    """``scores.json`` of a network that a control trained: its ``task`` by hash, and logits of the ``test`` part."""

    task: str
    test: dict[str, Any]


class BySeed:
    """The cubes of a seed, (2, channels, N, N, N), out of whole cubes; can be pickled for workers that load data."""

    def __init__(self, cubes: Pairs) -> None:
        self.cubes = cubes
        self.position = {seed: number for number, seed in enumerate(cubes.seeds)}

    def __call__(self, seed: int) -> Tensor:
        return self.cubes.load([self.position[seed]])[0]


@dataclass
class AuditRun:
    """A study whose train stage is finished, as controls see it.

    ``grants`` holds the retrainings that the budget leaves to each control of the study, in the order in which the
    controls are run (``registry.granted``). The control ``at_work`` may train ``granted`` networks and ask for those of
    the controls in ``uses``; ``spent`` and ``grown`` count the networks it has trained and the universes it has asked
    for. At most ``workers`` universes grow at once.
    """

    study: StudyConfig
    folder: RunFolder
    grants: Mapping[str, int] = field(default_factory=dict)
    granted: int = 10**6
    spent: int = 0
    grown: int = 0
    at_work: str = ""
    uses: tuple[str, ...] = SHARED
    workers: int = 1

    def begin(self, granted: int, control: str = "", uses: tuple[str, ...] = SHARED) -> None:
        """Start another control, which may train ``granted`` networks and has not spent anything yet.

        Of the networks of ``SHARED`` it ``uses`` these.
        """
        self.granted, self.spent, self.grown, self.at_work, self.uses = granted, 0, 0, control, uses

    # -- cubes --

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.folder)

    @cached_property
    def cubes(self) -> dict[Part, PairTensor]:
        """The cubes of every part as the main network sees them."""
        return {part: self.dataset.pairs(self.dataset.part(part), self.keep_mean) for part in PARTS}

    def altered(self, change: Change, part: Part = "test") -> PairTensor:
        """The cubes of a part after ``change`` has been applied to each pair."""
        cubes = self.cubes[part]
        return PairTensor(cubes.seeds, torch.stack([change(pair) for pair in cubes.values]))

    def all_altered(self, change: Change) -> dict[Part, Pairs]:
        """The cubes of every part after ``change`` has been applied to each pair."""
        return {part: self.altered(change, part) for part in PARTS}

    @cached_property
    def log_powers(self) -> dict[Part, np.ndarray]:
        """ln of the power in every group of modes of every cube, (pairs, 2, groups), one channel after another."""
        groups = power_groups(self.dataset.grid, dimensions=self.dim)

        def rows(pair: Tensor) -> np.ndarray:
            power = group_power(pair, groups, self.dim).reshape(2, -1)
            return np.asarray(np.log(np.maximum(power, np.finfo(float).tiny)))

        return {part: np.array([rows(pair) for pair in self.cubes[part].values]) for part in PARTS}

    def with_equal_power(self, pair: Tensor, finest: bool = True) -> Tensor:
        """A pair whose GR member has the power of its Newtonian one: at every |k| (``finest``), or in shells of k_F.

        The Newtonian member goes through the same operations, so that both share the same rounding.
        """
        newton, gr = pair
        return torch.stack([match_power(member, newton, finest, self.dim) for member in (newton, gr)])

    @cached_property
    def equal_power(self) -> dict[bool, PairTensor]:
        """Test pairs of equal power: at every |k| (True), and in shells of k_F (False)."""
        return {finest: self.altered(partial(self.with_equal_power, finest=finest)) for finest in (False, True)}

    @property
    def dim(self) -> int:
        """Number of dimensions of what is altered: whole cubes, whatever parts of them a network sees."""
        return len(self.cubes["test"].shape) - 1

    def samples_of(self, cubes: Pairs) -> Pairs:
        """What the main network sees of whole cubes: the cubes themselves, or the slices or sub-cubes cut from them."""
        cubes.scalar = self.dataset.channels.derivative != "gradient"
        if self.network_shape == cubes.shape:
            return cubes
        shape = self.dataset.sample_shape
        parts = SamplePairs(list(cubes.seeds), cubes.shape[0], shape, BySeed(cubes))
        parts.periodic, parts.scalar = shape.kind != "subcube", cubes.scalar
        return parts

    @cached_property
    def network_shape(self) -> tuple[int, ...]:
        """Shape of what the main network was trained on: (channels, N, N, N) or (channels, N, N)."""
        return tuple(load_weights(self.folder.model(main_model(self.study)) / WEIGHTS)["shape"])

    @property
    def keep_mean(self) -> bool:
        """Whether the main network sees the cube mean."""
        return self.study.dataset.keep_mean

    @property
    def test_seeds(self) -> int:
        """The number of seeds in the test part: the sample size of every interval."""
        return len(self.dataset.part("test"))

    # -- networks --

    @cached_property
    def network(self) -> nn.Module:
        """The main network."""
        return load_model(self.folder.model(main_model(self.study)))

    def score(self, pairs: Pairs) -> Scores:
        """The main network's scores of other cubes; if it sees cubes in parts, the mean over the parts of each cube."""
        return cube_scores(score(self.network, self.samples_of(pairs)))

    def scores(self, who: str = "network", part: Part = "test", model: str | None = None) -> Scores:
        """Logits of a trained network (default: the main one) or of a baseline, as the train stage left them.

        ``Unsuited`` where that stage left the baseline out.
        """
        path = self.folder.model(model or main_model(self.study)) / "scores.json"
        known = load_scores(path)
        if who not in known:
            raise Unsuited(f"the baseline {who} was left out in training")
        if part not in known[who]:
            raise BadInput(f"{path} has no scores of '{who}' on the {part} part, expected those of every part")
        return known[who][part]

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines of the train stage."""
        known = load_scores(self.folder.model(main_model(self.study)) / "scores.json")
        return tuple(name for name in known if name != "network")

    @property
    def retraining(self) -> TrainingSettings:
        """Settings of every retraining: the study's, with other initial weights and the audit's number of epochs."""
        settings = self.study.training
        epochs = self.study.audit.epochs or settings.epochs
        return settings.model_copy(update={"epochs": epochs, "seed": settings.seed + 1})

    @property
    def may_retrain(self) -> bool:
        """Whether the budget of the control at work allows another retraining."""
        return self.spent < self.granted

    def retrain(self, control: str, cubes: Mapping[Part, Pairs], at: str = "") -> Scores:
        """Train the study's network on other cubes, where member 1 is the class to recognise; returns its test scores.

        ``at`` tells several retrainings of one control apart.
        """
        if not self.may_retrain:
            raise RuntimeError(f"{control} was granted {self.granted} retrainings and asks for another")
        self.spent += 1
        samples = {part: self.samples_of(pairs) for part, pairs in cubes.items()}
        task = self._task(control, samples, at)
        folder = self._path(control, at)
        network = fit(task, folder, f"retraining for {control} {at}".rstrip())
        scores = cube_scores(score(network, samples["test"]))
        RetrainedScores(task=task.hash, test=scores.as_json()).save(folder / "scores.json")
        return scores

    def retrained(self, control: str, at: str = "") -> Scores | None:
        """Test scores of a network that an earlier control trained for this very study, or ``None``.

        Networks left over from another budget or another order of controls do not count.
        """
        if control not in self.uses:
            raise RuntimeError(f"{self.at_work} asks for the network of {control}, expected one that it says it uses")
        if not self.before(self.at_work).get(control):
            return None
        path = self._path(control, at) / "scores.json"
        kept = RetrainedScores.load_if_sound(path)
        if kept is None or kept.task != self._task(control, {}, at).hash:
            return None
        try:
            return Scores.from_json(kept.test, str(path))
        except BadInput:
            return None

    def before(self, control: str) -> dict[str, int]:
        """Retrainings granted to those of ``SHARED`` that run before a control; to all if it is not in the study."""
        order = list(self.grants)
        earlier = order[: order.index(control)] if control in self.grants else order
        return {name: self.grants[name] for name in earlier if name in SHARED}

    def _task(self, control: str, cubes: Mapping[Part, Pairs], at: str) -> Task:
        return Task(
            self.retraining,
            dict(cubes),
            f"{self.dataset.fingerprint} {control} {at}".rstrip(),
            kept_plugins(self.study, self.folder),
        )

    def _path(self, control: str, at: str) -> Path:
        return self.workplace(control) / at if at else self.workplace(control)

    # -- estimates --

    def auc(self, scores: Scores) -> Estimate:
        """AUC with its interval."""
        weights = bootstrap_weights(len(scores.seeds), self.study.audit.bootstrap)
        return area_interval(auc(scores), resampled_auc(scores, weights), len(scores.seeds))

    def unpaired_auc(self, scores: Scores, confidence: float = CONFIDENCE) -> Estimate:
        """AUC between universes, the test of nulls: it is 1/2 for anything that knows nothing about a single cube."""
        weights = bootstrap_weights(len(scores.seeds), self.study.audit.bootstrap)
        drawn = resampled_unpaired_auc(scores, weights)
        return area_interval(unpaired_auc(scores), drawn, len(scores.seeds), confidence)

    def paired(self, scores: Scores, confidence: float = CONFIDENCE) -> Estimate:
        """Paired accuracy with its binomial interval; members of a pair that tie count half."""
        return proportion(paired_accuracy(scores), len(scores.seeds), confidence)

    def reached(self, scores: Scores) -> Reached:
        """AUC between universes and, of paired cubes, paired accuracy, with their intervals."""
        ordered = {"paired_accuracy": self.paired(scores)} if self.study.paired else {}
        return Reached(unpaired_auc=self.unpaired_auc(scores), **ordered)

    def ordered(self, scores: Scores, what: str = "Twins are ordered") -> str:
        """A sentence with the paired accuracy of a classifier; empty where the cubes are not paired."""
        return f"{what} in {self.paired(scores)} of the seeds." if self.study.paired else ""

    def auc_difference(self, first: Scores, second: Scores) -> Estimate:
        """AUC of one classifier minus that of another on the same seeds, bootstrapped together."""
        return auc_difference(first, second, self.study.audit.bootstrap)

    def share(self, part: Scores, whole: Scores | None = None) -> Estimate:
        """Logit difference of pairs in ``part`` over that in ``whole`` (default: the network's), summed over seeds.

        Both sums use the same bootstrap resamples. The share is 0 where the whole is 0.
        """
        whole = whole or self.scores()
        return self.ratio(part.gr - part.newton, whole.gr - whole.newton)

    def ratio(self, part: np.ndarray, whole: np.ndarray) -> Estimate:
        """Sum of ``part`` over sum of ``whole``, both given by seed, with a bootstrap interval over seeds."""
        total = float(whole.sum())
        return interval(float(part.sum()) / total if total else 0.0, self.resampled_ratio(part, whole))

    def resampled_ratio(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The same ratio in every bootstrap resample; 0 where the whole is 0."""
        weights = bootstrap_weights(len(part), self.study.audit.bootstrap)
        above, below = weights @ part, weights @ whole
        return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below != 0))

    # -- files --

    def workplace(self, control: str) -> Path:
        """The folder where a control keeps what it grew or trained."""
        return self.folder.audit / control

    def key(self, control: str, granted: int = 0, source: str = "", inverses: bool = False) -> str:
        """Hash of what the result of a control depends on.

        ``source`` is the source hash of a user's own control; with ``inverses`` the control also reads the pairs of
        inverted test seeds in the run folder, if there are any.
        """
        read = manifests(self.folder, [Inverse(seed) for seed in self.dataset.part("test")]) if inverses else ()
        upside_down = [manifest.content for _, manifest in read]
        models = sorted(self.folder.training.glob("*/scores.json"))
        study = self.study
        return content_hash(
            {
                "control": control,
                "software_version": __version__,
                "verdicts": "alarms with probabilities",
                "dataset": self.dataset.fingerprint,
                "models": {path.parent.name: file_hash(path) for path in models},
                "training": study.training.hash(),
                "granted": granted,
                "before": self.before(control),
                "audit": study.audit.hash("controls", "full_controls", "retrainings"),
                "universe": [study.cosmology.hash(), content_hash(study.simulation.identity()), study.output.hash()],
                **({"source": source} if source else {}),
                **({"classes": study.classes.hash()} if study.classes is not None else {}),
                **({"inverses": upside_down} if upside_down else {}),
            }
        )
