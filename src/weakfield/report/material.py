"""What a run folder holds for the page; a stage that has not been run leaves ``None`` or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from weakfield.base.files import read_json
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.learning import Scores
from weakfield.learning.training import main_model
from weakfield.pairs.pair import Pairs
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
class Model:
    """A trained network: ``metrics.json``, ``history.json`` and the scores of it and of the baselines by part."""

    metrics: dict[str, Any]
    history: dict[str, Any]
    scores: dict[str, dict[str, Scores]]


class Material:
    """The files of a run, read when first asked for; a damaged file is a ``BadInput`` that names it."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self.study = study
        self.folder = folder

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
    def dataset(self) -> dict[str, Any] | None:
        return _mapping(self.folder.dataset / "dataset.json")

    @cached_property
    def models(self) -> dict[str, Model]:
        """Every finished model by name, the main one first."""
        found, main = {}, main_model(self.study)
        paths = self.folder.training.glob("*/metrics.json")
        for path in sorted(paths, key=lambda path: (path.parent.name != main, path.parent.name)):
            scores = read_json(path.parent / "scores.json")
            found[path.parent.name] = Model(
                read_json(path),
                read_json(path.parent / "history.json"),
                {who: {p: Scores.from_json(v) for p, v in parts.items()} for who, parts in scores.items()},
            )
        return found

    @cached_property
    def learning_curve(self) -> dict[str, Any] | None:
        return _mapping(self.folder.training / "learning_curve" / "curve.json")

    @cached_property
    def audit(self) -> dict[str, Any] | None:
        return _mapping(self.folder.audit / "audit.json")

    @cached_property
    def audit_scores(self) -> dict[str, Scores]:
        """Test scores of the classifier that a control is about, by its name, in the order of the audit."""
        controls = [] if self.audit is None else [row["name"] for row in self.audit["controls"]]
        kept = {name: _mapping(self.folder.audit / f"{name}.json") for name in controls}
        return {name: Scores.from_json(found["scores"]) for name, found in kept.items() if found and "scores" in found}

    @cached_property
    def explanation(self) -> dict[str, Any] | None:
        return _mapping(self.folder.explain / "explain.json")

    @cached_property
    def trust(self) -> dict[str, Any] | None:
        """``trust.json`` of the explain stage."""
        return _mapping(self.folder.explain / "trust.json")

    @cached_property
    def provenance(self) -> dict[str, Any] | None:
        return _mapping(self.folder.provenance)

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Wall time of every finished stage, the simulations summed over pairs and theories."""
        found: dict[str, float] = {}
        if self.pairs:
            grown = (*self.pairs.values(), *self.pairs.inverses.values())
            found["simulate"] = sum(float(pair.manifest.seconds.get(t, 0.0)) for pair in grown for t in THEORIES)
        for stage, name in STAGE_FOLDERS.items():
            record = _mapping(self.folder.root / name / "stage.json")
            if record is not None:
                found[stage] = float(record["seconds"])
        return found


def _mapping(path: Path) -> dict[str, Any] | None:
    return dict(read_json(path)) if path.exists() else None
