"""Your own cubes, as you hand them to a trained network: arrays, tensors or labelled xarray fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, Theory

#: relative precision to which spacings of coordinates agree
SPACING = 1e-6


@dataclass(frozen=True)
class Facts:
    """What is known about cubes: the box [Mpc/h], the redshifts of their fields, the theory, the seeds; if stated."""

    box_size_mpch: float | None = None
    redshifts: tuple[float, ...] | None = None
    theory: Theory | None = None
    seeds: tuple[int, ...] | None = None

    def and_(self, given: Facts) -> Facts:
        """Both together; ``BadInput`` where they contradict each other."""
        values = {}
        for name, own in vars(self).items():
            other = getattr(given, name)
            if own is not None and other is not None and not _same(own, other):
                raise BadInput(f"{name} is given as {other} but the cubes are labelled {own}, expected the same")
            values[name] = other if own is None else own
        return Facts(**values)


@dataclass(frozen=True)
class OwnCubes:
    """phi of some universes, (universes, redshifts, N, N, N) float64, axes z, y, x, and what is known about it."""

    phi: Tensor
    facts: Facts

    @classmethod
    def of(cls, cubes: Any, given: Facts) -> OwnCubes:
        """From an array or a tensor, a DataArray, or a list of DataArrays, one for each redshift.

        ``BadInput`` for anything that is not a cube, holds NaN or infinity, or contradicts what is ``given``.
        """
        if isinstance(cubes, list | tuple) and cubes and all(map(_is_labelled, cubes)):
            parts = [cls.of(one, Facts()) for one in cubes]
            known = [part.facts for part in parts]
            if any(facts.redshifts is None or len(facts.redshifts) != 1 for facts in known):
                raise BadInput("a cube of the list is not at one redshift, expected a field at one redshift in each")
            facts = replace(known[0], redshifts=None)
            for other in known[1:]:
                facts = facts.and_(replace(other, redshifts=None))
            redshifts = tuple(z for one in known for z in one.redshifts or ())
            phi = torch.cat(_alike([part.phi for part in parts]), dim=1)
            return cls(phi, replace(facts, redshifts=redshifts).and_(given))
        if _is_labelled(cubes):
            values, facts = _labelled(cubes)
        else:
            values, facts = torch.as_tensor(np.asarray(cubes) if not isinstance(cubes, Tensor) else cubes), Facts()
        facts = facts.and_(given)
        return cls(_checked(values, len(facts.redshifts or ())), facts)


def _is_labelled(cubes: Any) -> bool:
    return hasattr(cubes, "dims") and hasattr(cubes, "coords") and hasattr(cubes, "transpose")


def _labelled(cubes: Any) -> tuple[Tensor, Facts]:
    """Values ([seeds, redshifts,] N, N, N) of a DataArray, and what its coordinates and attributes say."""
    leading = [name for name in ("seed", "redshift") if name in cubes.dims]
    if set(cubes.dims) != {*leading, "z", "y", "x"}:
        raise BadInput(f"the cubes have dimensions {', '.join(map(str, cubes.dims))}, expected z, y, x, redshift, seed")
    if cubes.attrs.get("units", "dimensionless") not in ("", "1", "dimensionless"):
        raise BadInput(f"the cubes are in units of {cubes.attrs['units']}, expected phi, dimensionless")
    ordered = cubes.transpose(*leading, "z", "y", "x")
    values = torch.from_numpy(np.array(ordered.values))
    if leading == ["seed"]:
        values = values.unsqueeze(1)
    box = cubes.attrs.get("box_size_mpch")
    facts = Facts(
        None if box is None else float(box),
        _numbers(cubes, "redshift", float),
        theory if (theory := cubes.attrs.get("theory")) in THEORIES else None,
        _numbers(cubes, "seed", int),
    )
    return values, facts.and_(Facts(_box_of(cubes)))


def _box_of(cubes: Any) -> float | None:
    """The side of the box from the coordinates of the cells, which must be evenly spaced and the same on all axes."""
    sides = []
    for axis in ("z", "y", "x"):
        if axis not in cubes.coords or cubes.sizes[axis] < 2:
            return None
        steps = np.diff(np.asarray(cubes.coords[axis].values, dtype=float))
        if not np.allclose(steps, steps[0], rtol=SPACING, atol=SPACING * abs(steps[0])) or steps[0] <= 0:
            raise BadInput(f"the coordinate {axis} of the cubes is not evenly spaced and rising, expected that [Mpc/h]")
        sides.append(float(steps.mean()) * (len(steps) + 1))
    if not _same(sides[0], sides[1]) or not _same(sides[0], sides[2]):
        raise BadInput(f"the box has sides of {', '.join(f'{side:g}' for side in sides)} Mpc/h, expected a cube")
    return sides[0]


def _numbers(cubes: Any, name: str, kind: Any) -> Any:
    """A coordinate, or an attribute of that name, as a tuple of numbers."""
    found = cubes.coords[name].values if name in cubes.coords else cubes.attrs.get(name)
    return None if found is None else tuple(kind(value) for value in np.atleast_1d(np.asarray(found)))


def _checked(values: Tensor, redshifts: int) -> Tensor:
    """(universes, redshifts, N, N, N) float64, from these axes, or without the first one or two of length 1."""
    shape = tuple(values.shape)
    if values.ndim == 3:
        values = values[None, None]
    elif values.ndim == 4:
        values = values[None] if redshifts > 1 else values[:, None]
    if values.ndim != 5 or len(set(values.shape[2:])) != 1 or 0 in shape or values.is_complex():
        raise BadInput(f"the cubes have shape {shape}, expected real ([universes,] [redshifts,] N, N, N)")
    if redshifts and values.shape[1] != redshifts:
        raise BadInput(f"the cubes have shape {shape} and {redshifts} redshifts, expected a field for each redshift")
    values = values.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(values).all()):
        raise BadInput("the cubes hold NaN or infinity, expected finite numbers")
    return values


def _alike(fields: Sequence[Tensor]) -> list[Tensor]:
    shapes = {tuple(field.shape) for field in fields}
    if len(shapes) > 1:
        raise BadInput(f"the cubes of the list have shapes {sorted(shapes)}, expected one shape")
    return list(fields)


def _same(own: Any, other: Any) -> bool:
    """Whether both are equal; numbers are compared to the printed digits."""
    if isinstance(own, float):
        return bool(abs(own - other) <= SPACING * abs(own))
    if isinstance(own, tuple) and own and isinstance(own[0], float):
        return len(own) == len(other) and all(
            abs(a - b) <= SPACING * (1 + abs(a)) for a, b in zip(own, other, strict=True)
        )
    return bool(own == other)
