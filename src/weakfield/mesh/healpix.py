"""The pixels of HEALPix (Gorski et al. 2005, ApJ 622, 759), and their order in a metric map (EQUATIONS 19.4)."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: by base pixel: its southernmost ring, and its place in longitude, in units of the resolution
_RING_OF_BASE = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_LONGITUDE_OF_BASE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])
#: cells a pixel of the coarse map may span, times the resolution: largest distance of neighbouring pixels
_SPAN = 2.137937882409166


def directions(nside: int, pixels: Integers) -> Array:
    """(n, 3) unit vectors to the centres of pixels numbered along rings from the north pole."""
    total, cap = 12 * nside**2, 2 * nside * (nside - 1)
    north, south = pixels < cap, pixels >= total - cap
    # the southern cap is the northern one, counted from the other end
    count = np.where(south, total - 1 - pixels, np.minimum(pixels, max(cap - 1, 0)))
    ring = _ring_of_cap(count)
    inside = count - 2 * ring * (ring - 1)
    inside = np.where(south, 4 * ring - 1 - inside, inside)
    depth = ring**2 / (3.0 * nside**2)  # 1 - |z|
    belt = np.clip(pixels - cap, 0, total)
    row = belt // (4 * nside) + nside
    polar = north | south
    z = np.where(polar, np.where(south, depth - 1.0, 1.0 - depth), (2 * nside - row) * (2.0 / (3.0 * nside)))
    shifted = np.where((row - nside) % 2 == 0, 0.5, 0.0)
    longitude = np.where(
        polar, (inside + 0.5) * (0.5 * np.pi) / ring, (belt % (4 * nside) + shifted) * (0.5 * np.pi) / nside
    )
    radius = np.where(polar, np.sqrt(depth * (2.0 - depth)), np.sqrt((1.0 - z) * (1.0 + z)))
    return np.stack([radius * np.cos(longitude), radius * np.sin(longitude), z], axis=1)


def _ring_of_cap(count: Integers) -> Integers:
    """The ring, from 1, of a pixel of a polar cap: before ring i there are 2 i (i - 1) pixels."""
    ring = ((1.0 + np.sqrt(1.0 + 2.0 * np.maximum(count, 0))) / 2.0).astype(np.int64)
    ring -= 2 * ring * (ring - 1) > count
    ring += 2 * (ring + 1) * ring <= count
    return ring


def ring_index(nside: int, nested: Integers) -> Integers:
    """The number along rings of pixels that are numbered in nested order."""
    base, within = nested // nside**2, nested % nside**2
    x, y = _every_second_bit(within), _every_second_bit(within >> 1)
    row = _RING_OF_BASE[base] * nside - x - y - 1
    northern, southern = row < nside, row > 3 * nside
    length = np.where(northern, row, np.where(southern, 4 * nside - row, nside))  # a quarter of the ring
    cap = 2 * nside * (nside - 1)
    before = np.where(
        northern, 2 * length * (length - 1),
        np.where(southern, 12 * nside**2 - 2 * length * (length + 1), cap + (row - nside) * 4 * nside),
    )  # fmt: skip
    shift = np.where(northern | southern, 0, (row - nside) & 1)
    place = (_LONGITUDE_OF_BASE[base] * length + x - y + 1 + shift) // 2 - 1
    index: Integers = before + place % (4 * length)
    return index


def _every_second_bit(number: Integers) -> Integers:
    """The number made of bits 0, 2, 4, ... of another."""
    found = np.zeros_like(number)
    for bit in range(31):
        found |= ((number >> (2 * bit)) & 1) << bit
    return found


def pixel_count(nside: int, cosine: float) -> int:
    """Pixels of a map: all, or those of whole rings around the pole that cover an opening of this ``cosine``."""
    if cosine <= -1.0:
        return 12 * nside**2
    if cosine > 2.0 / 3.0:
        rings = 1 + math.floor(nside * math.sqrt(3.0 - 3.0 * cosine))
        return 2 * rings * (rings + 1)
    if cosine > -2.0 / 3.0:
        rings = 1 + math.floor(nside * (2.0 - 1.5 * cosine))
        return 2 * nside * (nside + 1) + 4 * nside * (rings - nside)
    rings = math.floor(nside * math.sqrt(3.0 + 3.0 * cosine))
    return 12 * nside**2 - 2 * rings * (rings + 1)


def resolution(limits: tuple[int, int], pixel_factor: float, radius_cells: float) -> int:
    """Nside of a shell: the largest that leaves a pixel at least 1/``pixel_factor`` of a cell, or one above."""
    nside, largest = limits
    while nside < largest and 12 * nside**2 <= 4.0 * math.pi * pixel_factor * radius_cells**2:
        nside *= 2
    return nside


def coarse_resolution(nside: int, radius_cells: float, domain: tuple[float, float]) -> int:
    """Nside of the coarse map by whose pixels a file is ordered; ``domain``: cells a process has along y and z."""
    coarse = 2
    while coarse < nside and _SPAN * radius_cells / coarse > max(domain):
        coarse *= 2
    return coarse


@lru_cache(maxsize=16)
def file_order(nside: int, coarse: int, count: int) -> Integers:
    """Pixels of a map in the order of its file, by their numbers along rings; (count,), do not change it.

    Pixels of the coarse map follow each other along rings, and the pixels within each in nested order; those numbered
    from ``count`` on are left out.
    """
    nested = np.argsort(ring_index(coarse, np.arange(12 * coarse**2)))
    ratio = (nside // coarse) ** 2
    pixels = ring_index(nside, (nested[:, None] * ratio + np.arange(ratio)).ravel())
    order: Integers = pixels[pixels < count]
    return order


def rotation(axis: tuple[float, float, float]) -> Array:
    """(3, 3): turns the pole of the pixels into the axis of a cone."""
    x, y, z = axis
    if x == 0.0 and y == 0.0:
        return np.diag([z, 1.0, z])
    length = math.hypot(x, y)
    c, s = x / length, y / length
    return np.array([[c * z, -s, x], [s * z, c, y], [-math.sqrt(max(1.0 - z * z, 0.0)), 0.0, z]])
