"""Pixels of the sphere: against values of HEALPix's own library, and by what defines them."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.mesh.healpix import (
    coarse_resolution,
    directions,
    file_order,
    pixel_count,
    resolution,
    ring_index,
    rotation,
)

#: pix2vec of healpy 1.18 at Nside 4
CENTRES = {
    0: (0.143583841168, 0.143583841168, 0.979166666667),
    5: (0.152940439032, 0.369230882147, 0.916666666667),
    23: (0.563097269935, -0.150881458739, 0.8125),
    40: (0.866025403784, 0.0, 0.5),
    95: (-0.980785280403, 0.195090322016, 0.0),
    151: (0.800103145191, -0.331413574036, -0.5),
    168: (0.563097269935, 0.150881458739, -0.8125),
    191: (0.143583841168, -0.143583841168, -0.979166666667),
}
#: nest2ring of healpy 1.18 at Nside 8
RINGS = {0: 340, 1: 308, 63: 0, 64: 348, 200: 299, 300: 366, 411: 353, 500: 297, 640: 766, 767: 428}


def test_centres_and_numbers_of_pixels() -> None:
    assert directions(4, np.array(list(CENTRES))) == pytest.approx(np.array(list(CENTRES.values())), abs=1e-12)
    assert ring_index(8, np.array(list(RINGS))).tolist() == list(RINGS.values())


@pytest.mark.parametrize("nside", [1, 2, 8, 64])
def test_pixels_cover_the_sphere_evenly(nside: int) -> None:
    pixels = np.arange(12 * nside**2)
    assert np.array_equal(np.sort(ring_index(nside, pixels)), pixels)
    v = directions(nside, pixels)
    assert (v**2).sum(axis=1) == pytest.approx(1.0, abs=1e-14)
    assert v.mean(axis=0) == pytest.approx(0.0, abs=1e-14)
    # equal areas: the second moment is that of the sphere to the size of a pixel squared
    assert (v**2).mean(axis=0) == pytest.approx(1 / 3, abs=0.15 / nside**2)
    assert np.all(np.diff(v[:, 2]) <= 1e-15)  # from north to south


def test_order_of_a_file_goes_through_a_coarse_map() -> None:
    order = file_order(16, 2, 12 * 16**2)
    blocks = order.reshape(48, 64)
    assert np.array_equal(np.sort(order), np.arange(12 * 16**2))
    # the pixels of a block are those around the coarse pixel of that number along rings
    mean = directions(16, order).reshape(48, 64, 3).mean(axis=1)
    mean /= np.linalg.norm(mean, axis=1)[:, None]
    assert (mean * directions(2, np.arange(48))).sum(axis=1).min() > np.cos(0.08)
    cut = file_order(16, 2, 1000)
    assert np.array_equal(cut, blocks[blocks < 1000])


@pytest.mark.parametrize("cosine", [0.99, 0.7, 2 / 3, 0.3, -0.5, -2 / 3, -0.7, -0.999])
@pytest.mark.parametrize("nside", [4, 32])
def test_partial_maps_are_whole_rings_that_cover_the_opening(nside: int, cosine: float) -> None:
    z = directions(nside, np.arange(12 * nside**2))[:, 2]
    count = pixel_count(nside, cosine)
    assert count == 12 * nside**2 or z[count - 1] - z[count] > 1e-9
    seen = np.count_nonzero(z > cosine)
    # a ring more; the formula of the far cap begins with the ring before
    assert seen - 4 * nside <= count <= seen + 8 * nside
    assert pixel_count(nside, -1.0) == 12 * nside**2


def test_resolutions() -> None:
    assert [resolution((2, 16), 0.5, r) for r in (0.0, 4.0, 11.0, 12.0, 1e3)] == [2, 4, 8, 16, 16]
    assert resolution((8, 32), 0.5, 0.0) == 8
    assert coarse_resolution(8, 11.0, (8, 8)) == 4
    assert coarse_resolution(8, 11.0, (8, 16)) == 2
    assert coarse_resolution(8, 1e4, (8, 8)) == 8


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (0.6, 0.0, 0.8), (-0.48, 0.64, -0.6)])
def test_the_pole_turns_into_the_axis(axis: tuple[float, float, float]) -> None:
    turned = rotation(axis)
    assert turned @ np.array([0, 0, 1.0]) == pytest.approx(axis, abs=1e-15)
    assert turned @ turned.T == pytest.approx(np.eye(3), abs=1e-15)
    assert np.linalg.det(turned) == pytest.approx(1.0)
