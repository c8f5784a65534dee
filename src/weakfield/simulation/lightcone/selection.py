"""Which particles a cycle takes onto a light cone, and which the cycle before has already written (EQUATIONS 19.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import WeakfieldError
from weakfield.mesh.kernels.cpu.lightcone import first_image_on_shell, images_on_shell
from weakfield.simulation.lightcone.geometry import Cone, Shells

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: an image is counted with ten bits an axis
_BITS, _MIDDLE = 10, 512


@dataclass(frozen=True)
class Chosen:
    """Particles on a cone: ``index`` (n,) into those of the species, ``image`` (n, 3) shift of the vertex."""

    index: Integers
    image: Integers


def on_the_cone(positions: Array, ids: Integers, tracer: int, cone: Cone, shells: Shells, every_image: bool) -> Chosen:
    """The particles in the shell from R - step/2 to R + 0.55 before, in their order, each with its image of the vertex.

    ``positions`` are (3, P) in [0, 1), of the particles with these ``ids`` (P,); only those whose ID ``tracer`` divides
    are taken. Of several images the first counts, with u slowest and w fastest, or with ``every_image`` each.
    """
    shifts = cone.images(shells)
    vertices = np.array(cone.vertex) + shifts
    limits = (shells.inner, shells.late_outer, cone.cosine, np.array(cone.axis))
    if not every_image:
        first = np.empty(positions.shape[1], dtype=np.int64)
        first_image_on_shell(positions, tracer, ids, vertices, *limits, first)
        index = np.flatnonzero(first >= 0)
        return Chosen(index, shifts[first[index]])
    counts, none = np.empty(positions.shape[1], dtype=np.int64), np.empty(0, dtype=np.int64)
    images_on_shell(positions, tracer, ids, vertices, *limits, counts, none, none)
    total = int(counts.sum())
    index, image = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
    if total:
        images_on_shell(positions, tracer, ids, vertices, *limits, np.cumsum(counts) - counts, index, image)
    return Chosen(index, shifts[image])


def image_keys(ids: Integers, image: Integers, wraps: Integers) -> Integers:
    """One number for particle and image that stays the same when the particle leaves the box on one side.

    ``image`` and ``wraps`` are (n, 3): the shift of the vertex, and how often the particle has left the box. Raises
    ``WeakfieldError`` for images too far away to be numbered.
    """
    code = image + wraps + _MIDDLE
    if code.size and not (code.min() >= 0 and code.max() < 2 * _MIDDLE):
        raise WeakfieldError(
            f"a light cone meets images {int(np.abs(image).max())} boxes away, expected less than {_MIDDLE} where every"
            " image is written"
        )
    return ((ids << 3 * _BITS) | (code[:, 0] << 2 * _BITS) | (code[:, 1] << _BITS) | code[:, 2]).astype(np.int64)


def overlapping(distance: Array, shells: Shells) -> npt.NDArray[np.bool_]:
    """Whether a particle is so near the outer edge that the cycle before may have written it already."""
    found: npt.NDArray[np.bool_] = shells.late_outer - distance <= 0.1 * shells.before
    return found


def left_for_next(distance: Array, shells: Shells) -> npt.NDArray[np.bool_]:
    """Whether a particle is so near the inner edge that the next cycle may find it again."""
    found: npt.NDArray[np.bool_] = distance - shells.inner < 0.1 * shells.step
    return found
