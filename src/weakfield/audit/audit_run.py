"""The run under audit: its cubes, its trained networks with their scores, and retraining within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from weakfield._version import __version__
from weakfield.audit.records import Reached
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash, read_json, write_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PARTS, Dataset, Pairs, PairTensor, Part, SamplePairs, open_dataset
from weakfield.fourier.altered import group_power, match_power, power_groups
from weakfield.learning import Estimate, Scores, Task, fit, load_model, score
from weakfield.learning.archives import load_archive
from weakfield.learning.metrics import (
    auc,
    auc_difference,
    paired_accuracy,
    resampled_auc,
    resampled_unpaired_auc,
    unpaired_auc,
)
from weakfield.learning.scores import CONFIDENCE, bootstrap_weights, cube_scores, interval
from weakfield.learning.training import kept_plugins, main_model

#: controls whose networks other controls use: they decide what counts as found, and whether finding nothing counts
SHARED = ("other_weights", "p_matched_retrained")

#: changes one pair, (2, channels, N, N[, N]), into another of the same shape
Change = Callable[[Tensor], Tensor]


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
    controls are run (``registry.granted``). The control ``at_work`` may train ``granted`` networks; ``spent`` and
    ``grown`` count the networks it has trained and the universes it has asked for.
    """

    study: StudyConfig
    folder: RunFolder
    grants: Mapping[str, int] = field(default_factory=dict)
    granted: int = 10**6
    spent: int = 0
    grown: int = 0
    at_work: str = ""

    def begin(self, granted: int, control: str = "") -> None:
        """Start another control, which may train ``granted`` networks and has not spent anything yet."""
        self.granted, self.spent, self.grown, self.at_work = granted, 0, 0, control

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
        path = self.folder.model(main_model(self.study)) / "weights.pt"
        if (saved := load_archive(path)) is None:
            raise BadInput(f"{path} is missing or damaged, expected a trained network")
        return tuple(saved["shape"])

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
        """Logits of a trained network (default: the main one) or of a baseline, as the train stage left them."""
        where = self.folder.model(model or main_model(self.study))
        return Scores.from_json(read_json(where / "scores.json")[who][part])

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines of the train stage."""
        known = read_json(self.folder.model(main_model(self.study)) / "scores.json")
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
        write_json(folder / "scores.json", {"task": task.hash, "test": scores.as_json()})
        return scores

    def retrained(self, control: str, at: str = "") -> Scores | None:
        """Test scores of a network that an earlier control trained for this very study, or ``None``.

        Networks left over from another budget or another order of controls do not count.
        """
        if not self.before(self.at_work).get(control):
            return None
        path = self._path(control, at) / "scores.json"
        if not path.exists():
            return None
        kept = read_json(path)
        return Scores.from_json(kept["test"]) if kept["task"] == self._task(control, {}, at).hash else None

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
        return interval(auc(scores), resampled_auc(scores, weights))

    def unpaired_auc(self, scores: Scores, confidence: float = CONFIDENCE) -> Estimate:
        """AUC between universes, the test of nulls: it is 1/2 for anything that knows nothing about a single cube."""
        weights = bootstrap_weights(len(scores.seeds), self.study.audit.bootstrap)
        return _interval(unpaired_auc(scores), resampled_unpaired_auc(scores, weights), confidence)

    def paired(self, scores: Scores, confidence: float = CONFIDENCE) -> Estimate:
        """Paired accuracy with the binomial interval of Clopper and Pearson; members of a pair that tie count half."""
        return binomial(paired_accuracy(scores) * len(scores.seeds), len(scores.seeds), confidence)

    def reached(self, scores: Scores) -> Reached:
        """AUC between universes and paired accuracy, with their intervals."""
        return Reached(unpaired_auc=self.unpaired_auc(scores), paired_accuracy=self.paired(scores))

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
        weights = bootstrap_weights(len(part), self.study.audit.bootstrap)
        above, below = weights @ part, weights @ whole
        resampled = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
        total = float(whole.sum())
        return interval(float(part.sum()) / total if total else 0.0, resampled)

    # -- files --

    def workplace(self, control: str) -> Path:
        """The folder where a control keeps what it grew or trained."""
        return self.folder.audit / control

    def key(self, control: str, granted: int = 0, source: str = "") -> str:
        """Hash of what the result of a control depends on; ``source`` is the source hash of a user's own control."""
        models = sorted(self.folder.training.glob("*/scores.json"))
        study = self.study
        return content_hash(
            {
                "control": control,
                "software_version": __version__,
                "dataset": self.dataset.fingerprint,
                "models": {path.parent.name: file_hash(path) for path in models},
                "training": study.training.hash(),
                "granted": granted,
                "before": self.before(control),
                "audit": study.audit.hash("controls", "full_controls", "retrainings"),
                "universe": [study.cosmology.hash(), content_hash(study.simulation.identity()), study.output.hash()],
                **({"source": source} if source else {}),
            }
        )


def binomial(successes: float, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Share of successes with its exact binomial interval (Clopper & Pearson 1934); half successes are allowed."""
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes > 0 else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return Estimate(successes / trials, low, high)


def _interval(value: float, resamples: np.ndarray, confidence: float) -> Estimate:
    """The percentile interval at that confidence, widened where necessary to contain the value."""
    low, high = np.quantile(resamples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))
