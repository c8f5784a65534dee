"""What a run folder holds for the page; for a stage that has not been run it is ``None`` or empty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from weakfield.audit.records import AuditTable, KeptControl
from weakfield.base.records import StageRecord
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.dataset.description import DatasetDescription
from weakfield.dataset.store import DESCRIPTION
from weakfield.explain.records import Explanation, Trust
from weakfield.learning import Scores
from weakfield.learning.results import CURVE, HISTORY, METRICS, Curve, History, Metrics, trained_models
from weakfield.learning.scores import load_scores
from weakfield.learning.training import main_model
from weakfield.pairs.pair import Pairs
from weakfield.report.records import (
    Provenance,
)
from weakfield.spectra.paired import PairedPower, load_spectra
from weakfield.spectra.paired_bispectrum import PairedBispectrum, load_bispectra
from weakfield.spectra.parity import Parity, load_parity

STAGE_FOLDERS = {
    "measure": "spectra",
    "dataset": "dataset",
    "train": "training",
    "audit": "audit",
    "explain": "explain",
}


@dataclass(frozen=True)
class ModelResults:
    """A trained network; ``scores`` are by the name of the classifier (the network, its baselines), then by part."""

    metrics: Metrics
    history: History
    scores: dict[str, dict[str, Scores]]

    @property
    def test_scores(self) -> Scores:
        """Scores of the network on the test seeds."""
        return self.scores["network"]["test"]


class RunResults:
    """The files of a run, read when first asked for; a damaged file raises ``BadInput``, which names it."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self.study = study
        self.folder = folder

    def __repr__(self) -> str:
        return f"RunResults of {self.study.name} in {self.folder.root}"

    @cached_property
    def pairs(self) -> Pairs:
        """Every whole pair of the study."""
        return Pairs(self.study, self.folder)

    @cached_property
    def spectra(self) -> list[PairedPower]:
        path = self.folder.spectra / "spectra.h5"
        return load_spectra(path) if path.exists() else []

    @cached_property
    def bispectra(self) -> list[PairedBispectrum]:
        path = self.folder.spectra / "bispectra.h5"
        return load_bispectra(path) if path.exists() else []

    @cached_property
    def parities(self) -> list[Parity]:
        path = self.folder.spectra / "parity.h5"
        return load_parity(path) if path.exists() else []

    @cached_property
    def dataset(self) -> DatasetDescription | None:
        return DatasetDescription.load_if_there(self.folder.dataset / DESCRIPTION)

    @cached_property
    def models(self) -> dict[str, ModelResults]:
        """Every finished model by name, the main one first."""
        found, main = {}, main_model(self.study)
        for name, path in sorted(trained_models(self.folder).items(), key=lambda item: item[0] != main):
            found[name] = ModelResults(
                Metrics.load(path / METRICS),
                History.load(path / HISTORY),
                load_scores(path / "scores.json"),
            )
        return found

    @property
    def main_model(self) -> ModelResults:
        """The first of ``models``, which must not be empty: the model that the audit and the explanation are about."""
        return next(iter(self.models.values()))

    @cached_property
    def learning_curve(self) -> Curve | None:
        return Curve.load_if_there(self.folder.training / "learning_curve" / CURVE)

    @cached_property
    def audit(self) -> AuditTable | None:
        return AuditTable.load_if_there(self.folder.audit / "audit.json")

    @cached_property
    def audit_scores(self) -> dict[str, Scores]:
        """Test scores of the classifier that a control is about, by the control's name, in the order of the audit."""
        names = [] if self.audit is None else [row.name for row in self.audit.controls]
        kept = {name: KeptControl.load_if_there(self.folder.audit / f"{name}.json") for name in names}
        scores = {name: found.test_scores() for name, found in kept.items() if found is not None}
        return {name: found for name, found in scores.items() if found is not None}

    @cached_property
    def explanation(self) -> Explanation | None:
        return Explanation.load_if_there(self.folder.explain / "explain.json")

    @cached_property
    def trust(self) -> Trust | None:
        return Trust.load_if_there(self.folder.explain / "trust.json")

    @cached_property
    def provenance(self) -> Provenance | None:
        return Provenance.load_if_there(self.folder.provenance)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Wall time of every finished stage [s]; the time of the simulations is summed over pairs and theories."""
        found: dict[str, float] = {}
        if self.pairs:
            grown = (*self.pairs.values(), *self.pairs.inverses.values())
            found["simulate"] = sum(float(pair.manifest.seconds.get(t, 0.0)) for pair in grown for t in THEORIES)
        for stage, name in STAGE_FOLDERS.items():
            record = StageRecord.load_if_sound(self.folder.root / name / "stage.json")
            if record is not None:
                found[stage] = record.seconds
        return found
