"""What a sample is: phi at one redshift, or the growth-scaled difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings
from weakfield.formats import load_field
from weakfield.spectra.difference import growth_scaled_difference

#: output redshifts of the two members agree to the digits of the attribute
SAME_REDSHIFT = 1e-9


@dataclass(frozen=True)
class Snapshot:
    """phi [z, y, x], float64, dimensionless, with the redshift at which it was written."""

    path: Path
    phi: Tensor
    redshift: float
    box_size_mpch: float


def load_snapshot(path: Path) -> Snapshot:
    """Read one potential; a file without redshift or box size, or one that is no finite cube, is a ``BadInput``."""
    field, attributes = load_field(path)
    if field.ndim != 3 or len(set(field.shape)) != 1:
        raise BadInput(f"{path} holds a field of shape {tuple(field.shape)}, expected a cube")
    for key in ("redshift", "box_size_mpch"):
        if key not in attributes:
            raise BadInput(f"{path} has no attribute '{key}', expected it beside the field")
    phi = field.to(torch.float64)
    if not np.isfinite(phi.numpy()).all():
        raise BadInput(f"{path} holds values that are not finite, expected numbers everywhere")
    return Snapshot(Path(path), phi, float(attributes["redshift"]), float(attributes["box_size_mpch"]))


def sample(kind: Literal["difference", "raw"], snapshots: Sequence[Snapshot], cosmology: CosmologySettings) -> Tensor:
    """One un-normalised cube from the (early, late) snapshots of one universe; ``raw`` is phi at the later one."""
    early, late = snapshots
    if kind == "raw":
        return late.phi
    return growth_scaled_difference(early.phi, early.redshift, late.phi, late.redshift, cosmology)


def load_sample(kind: Literal["difference", "raw"], paths: Sequence[Path], cosmology: CosmologySettings) -> Tensor:
    """``sample`` of the two files of one universe."""
    return sample(kind, [load_snapshot(path) for path in paths], cosmology)


def check_twins(newton: Sequence[Snapshot], gr: Sequence[Snapshot]) -> None:
    """Both members of a pair must describe the same box at the same times; ``BadInput`` names what differs."""
    for a, b in zip(newton, gr, strict=True):
        facts: tuple[tuple[str, Any, Any], ...] = (
            ("shape", tuple(a.phi.shape), tuple(b.phi.shape)),
            ("box size [Mpc/h]", a.box_size_mpch, b.box_size_mpch),
        )
        for name, left, right in facts:
            if left != right:
                raise BadInput(f"{b.path} has {name} {right} but its Newtonian twin has {left}, expected the same")
        if abs(a.redshift - b.redshift) > SAME_REDSHIFT * (1 + a.redshift):
            raise BadInput(
                f"{b.path} is at redshift {b.redshift:.9g} but its Newtonian twin is at {a.redshift:.9g},"
                " expected the same"
            )


def without_mean(cube: Tensor) -> Tensor:
    """The cube minus its mean (float64; NumPy sums in one order whatever the number of threads)."""
    return cube - float(cube.numpy().mean())
