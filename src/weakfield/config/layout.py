"""Where everything lies in a run folder."""

from __future__ import annotations

from pathlib import Path

from weakfield.config.simulation import Theory


class RunFolder:
    """The paths of one run; creating the object touches nothing."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    @property
    def study(self) -> Path:
        return self.root / "study.toml"

    @property
    def provenance(self) -> Path:
        return self.root / "provenance.json"

    @property
    def pairs(self) -> Path:
        return self.root / "pairs"

    def pair(self, seed: int) -> Path:
        return self.pairs / f"seed{seed:05d}"

    def member(self, seed: int, theory: Theory) -> Path:
        return self.pair(seed) / theory

    @property
    def campaign(self) -> Path:
        return self.root / "campaign"

    @property
    def spectra(self) -> Path:
        return self.root / "spectra"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def training(self) -> Path:
        return self.root / "training"

    def model(self, name: str) -> Path:
        return self.training / name

    @property
    def search(self) -> Path:
        return self.root / "search"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def explain(self) -> Path:
        return self.root / "explain"

    @property
    def report(self) -> Path:
        return self.root / "report"
