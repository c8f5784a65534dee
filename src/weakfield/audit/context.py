"""What controls work with: the data set, the trained models and their scores, and retraining."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from weakfield._version import __version__
from weakfield.base.files import content_hash, file_hash, read_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Dataset, Pairs, PairTensor, Part, open_dataset
from weakfield.learning import Estimate, Scores, Task, evaluate, fit, score
from weakfield.learning.metrics import auc_difference
from weakfield.learning.training import main_model


@dataclass(frozen=True)
class Context:
    """A study whose train stage is finished."""

    study: StudyConfig
    folder: RunFolder

    @cached_property
    def dataset(self) -> Dataset:
        return open_dataset(self.folder)

    @cached_property
    def cubes(self) -> dict[Part, PairTensor]:
        """The cubes of every part as the main network sees them."""
        return {part: self.dataset.pairs(self.dataset.part(part), self.keep_mean) for part in PARTS}

    @property
    def keep_mean(self) -> bool:
        """Whether the main network sees the cube mean."""
        return self.study.dataset.keep_mean

    @property
    def test_seeds(self) -> int:
        """How many seeds the test part has: the sample size of every interval."""
        return len(self.dataset.part("test"))

    def scores(self, who: str = "network", part: Part = "test", model: str | None = None) -> Scores:
        """Logits of a trained network (default: the main one) or of a baseline, as the train stage left them."""
        where = self.folder.model(model or main_model(self.study))
        return Scores.from_json(read_json(where / "scores.json")[who][part])

    def auc(self, scores: Scores) -> Estimate:
        """AUC with its interval."""
        return evaluate(scores, self.study.audit.bootstrap)["auc"]

    def unpaired_auc(self, scores: Scores) -> Estimate:
        """AUC between universes, which is 1/2 for whatever knows nothing of a single cube: what nulls are tested by."""
        return evaluate(scores, self.study.audit.bootstrap)["unpaired_auc"]

    def auc_difference(self, first: Scores, second: Scores) -> Estimate:
        """AUC of one classifier minus that of another on the same seeds, bootstrapped together."""
        return auc_difference(first, second, self.study.audit.bootstrap)

    def workplace(self, control: str) -> Path:
        """Where a control keeps what it grew or trained."""
        return self.folder.audit / control

    def retrain(self, control: str, cubes: Mapping[Part, Pairs]) -> Scores:
        """Train the study's network on other cubes (member 1 is the class to recognise); its test scores."""
        settings = self.study.training
        if self.study.audit.epochs is not None:
            settings = settings.model_copy(update={"epochs": self.study.audit.epochs})
        task = Task(settings, dict(cubes), f"{self.dataset.fingerprint} {control}")
        network = fit(task, self.workplace(control), f"retraining for {control}")
        return score(network, cubes["test"])

    def key(self, control: str) -> str:
        """Hash of what the result of a control depends on."""
        models = sorted(self.folder.training.glob("*/scores.json"))
        return content_hash(
            {
                "control": control,
                "software_version": __version__,
                "dataset": self.dataset.fingerprint,
                "models": {path.parent.name: file_hash(path) for path in models},
                "training": self.study.training.hash(),
                "audit": self.study.audit.hash("controls"),
                "universe": [t.hash() for t in (self.study.cosmology, self.study.simulation, self.study.output)],
            }
        )
