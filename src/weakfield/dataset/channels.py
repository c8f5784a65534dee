"""What a sample is made of: phi at one or several redshifts, the growth-scaled difference of two, or derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings
from weakfield.config.dataset import DatasetSettings
from weakfield.dataset.derivatives import gradient, laplacian
from weakfield.formats import load_field
from weakfield.spectra.difference import growth_scaled_difference

#: the output redshifts of the two members agree to the digits of the attribute
SAME_REDSHIFT = 1e-9
#: an output on which a run lands is where it was asked for, up to this share of 1 + z
OUTPUT_REDSHIFT = 1e-6
#: box sizes agree to the digits given in text files
SAME_BOX = 1e-6


#: reads the field of a file, as it is stored, and its attributes
ReadField = Callable[[Path], tuple[Tensor, Mapping[str, Any]]]


@dataclass(frozen=True)
class Snapshot:
    """phi [z, y, x], float64, dimensionless, with the redshift at which it was written."""

    path: Path
    phi: Tensor
    redshift: float
    box_size_mpch: float


@dataclass(frozen=True)
class Geometry:
    """The grid and box of cubes and the redshifts of their fields, which must agree before cubes can be compared.

    A run that does not land on its output redshifts writes at the first cycle past each: ``late`` is how much later
    than asked for a field may be, as a share of 1 + z.
    """

    grid: int
    box_size_mpch: float
    redshifts: tuple[float, ...]
    late: float = 0.0

    def check(self, what: str, grid: int, box_size_mpch: float, redshifts: Sequence[float]) -> None:
        """Raise ``BadInput``, beginning with ``what``, when cubes differ from this; the order of redshifts counts."""
        if grid != self.grid:
            raise BadInput(f"{what} of {grid} cells a side, expected {self.grid}")
        if abs(box_size_mpch - self.box_size_mpch) > SAME_BOX * self.box_size_mpch:
            raise BadInput(f"{what} in a box of {box_size_mpch:g} Mpc/h, expected {self.box_size_mpch:g} Mpc/h")
        if len(redshifts) != len(self.redshifts) or not all(map(self._same, redshifts, self.redshifts)):
            found, expected = (" and ".join(f"{z:g}" for z in some) for some in (redshifts, self.redshifts))
            raise BadInput(f"{what} at redshift {found or 'none'}, expected {expected}, in this order")

    def _same(self, found: float, expected: float) -> bool:
        """Whether a field lies where it was asked for, or a little later."""
        distance = (expected - found) / (1 + expected)
        return -OUTPUT_REDSHIFT < distance < OUTPUT_REDSHIFT + self.late


def load_snapshot(path: Path, read: ReadField = load_field) -> Snapshot:
    """Read one potential; ``BadInput`` for a file without redshift or box size, or one that is not a finite cube.

    ``read`` is how files of pairs and of a data set are read, which are checked against what was recorded of them.
    """
    field, attributes = read(path)
    if field.ndim != 3 or len(set(field.shape)) != 1:
        raise BadInput(f"{path} holds a field of shape {tuple(field.shape)}, expected a cube")
    for key in ("redshift", "box_size_mpch"):
        if key not in attributes:
            raise BadInput(f"{path} has no attribute '{key}', expected it beside the field")
    phi = field.to(torch.float64)
    if not np.isfinite(phi.numpy()).all():
        raise BadInput(f"{path} holds values that are not finite, expected numbers everywhere")
    return Snapshot(Path(path), phi, float(attributes["redshift"]), float(attributes["box_size_mpch"]))


@dataclass(frozen=True)
class Channels:
    """The fields a sample is made of, before any transform."""

    sample: Literal["difference", "raw"]
    redshifts: tuple[float, ...]
    derivative: Literal["none", "gradient", "laplacian"] = "none"

    @classmethod
    def of(cls, settings: DatasetSettings) -> Channels:
        """The channels a study asks for; ``redshifts`` are those of its channels, or the early and the late one."""
        if settings.sample == "difference":
            return cls("difference", settings.redshifts, settings.derivative)
        return cls("raw", settings.channel_redshifts or settings.redshifts[-1:], settings.derivative)

    @property
    def names(self) -> tuple[str, ...]:
        """What each channel is, redshift by redshift; x, y, z within a gradient."""
        if self.sample == "difference":
            fields = ["phi({:g})/D_phi({:g}) - phi({:g})/D_phi({:g})".format(*np.repeat(self.redshifts, 2))]
        else:
            fields = [f"phi({z:g})" for z in self.redshifts]
        if self.derivative == "gradient":
            return tuple(f"d/d{axis} {field}" for field in fields for axis in "xyz")
        return tuple(f"laplacian {field}" for field in fields) if self.derivative == "laplacian" else tuple(fields)

    def fields(self, snapshots: Mapping[float, Snapshot], cosmology: CosmologySettings) -> Tensor:
        """The channels (channels, N, N, N) float64 of one universe, from its snapshots by output redshift.

        phi and its growth-scaled difference are dimensionless, gradients in h/Mpc, Laplacians in (h/Mpc)^2.
        """
        used = [snapshots[z] for z in self.redshifts]
        if self.sample == "difference":
            early, late = used
            fields = growth_scaled_difference(early.phi, early.redshift, late.phi, late.redshift, cosmology)[None]
        else:
            fields = torch.stack([one.phi for one in used])
        box = used[0].box_size_mpch
        if self.derivative == "gradient":
            return gradient(fields, box).flatten(0, 1)
        return laplacian(fields, box) if self.derivative == "laplacian" else fields

    def as_json(self) -> dict[str, Any]:
        return {"sample": self.sample, "redshifts": list(self.redshifts), "derivative": self.derivative}

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Channels:
        """The channels that ``as_json`` described."""
        return cls(description["sample"], tuple(description["redshifts"]), description["derivative"])


def check_members(newton: Sequence[Snapshot], gr: Sequence[Snapshot]) -> None:
    """Both members of a pair must describe the same box at the same times; ``BadInput`` names what differs."""
    for a, b in zip(newton, gr, strict=True):
        facts: tuple[tuple[str, Any, Any], ...] = (
            ("shape", tuple(a.phi.shape), tuple(b.phi.shape)),
            ("box size [Mpc/h]", a.box_size_mpch, b.box_size_mpch),
        )
        for name, left, right in facts:
            if left != right:
                raise BadInput(f"{b.path} has {name} {right} but its Newtonian partner has {left}, expected the same")
        if abs(a.redshift - b.redshift) > SAME_REDSHIFT * (1 + a.redshift):
            raise BadInput(
                f"{b.path} is at redshift {b.redshift:.9g} but its Newtonian partner is at {a.redshift:.9g},"
                " expected the same"
            )


def without_mean(cube: Tensor) -> Tensor:
    """The cube minus its mean (float64; NumPy sums in the same order for any number of threads)."""
    return cube - float(cube.numpy().mean())
