"""Where everything lies in a run folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from weakfield.config.simulation import Theory


class Inverse(NamedTuple):
    """The inverse of a seed: every initial mode of its universes is that of the seed times -1."""

    seed: int

    def __str__(self) -> str:
        return f"{self.seed}i"


#: what a pair is grown from: a seed, or the inverse of one; the two make two pairs and count as one seed
Draw = int | Inverse


def seed_of(draw: Draw) -> int:
    """The seed of a draw, inverted or not."""
    return draw.seed if isinstance(draw, Inverse) else draw


def in_order(draw: Draw) -> tuple[int, bool]:
    """The sort key of a draw: by seed, an inverse after its seed."""
    return seed_of(draw), isinstance(draw, Inverse)


def pair_name(draw: Draw) -> str:
    """The name of a pair in files and messages, ``seed00042`` or ``seed00042i``."""
    return f"seed{seed_of(draw):05d}" + ("i" if isinstance(draw, Inverse) else "")


def draw_named(name: str) -> Draw | None:
    """The draw that has this ``pair_name``; ``None`` if it is the name of something else."""
    found = re.fullmatch(r"seed(\d+)(i?)", name)
    if found is None:
        return None
    return Inverse(int(found[1])) if found[2] else int(found[1])


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

    def pair(self, draw: Draw) -> Path:
        return self.pairs / pair_name(draw)

    def member(self, draw: Draw, theory: Theory) -> Path:
        return self.pair(draw) / theory

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
