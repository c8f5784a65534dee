"""The slider's pictures: the right plane, the right way up, the right colours, small enough."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from weakfield.base.figures import DIVERGING
from weakfield.report import slider as module
from weakfield.report.slider import slider


def strips(html: str) -> list[Image.Image]:
    uris = re.findall(r"background-image:url\(data:image/png;base64,([^)]*)\)", html)
    return [Image.open(io.BytesIO(base64.b64decode(uri))) for uri in uris]


def test_planes_are_stacked_from_z_0_with_y_upward():
    n = 4
    difference = np.zeros((n, n, n))
    difference[2, 3, 1], difference[0, 0, 0] = 1.0, -1.0  # [z, y, x]
    made = slider({"newton": np.ones((n, n, n)), "gr": np.ones((n, n, n)), "difference": difference}, 80.0)
    html = made.__html__()
    pixels = np.array(strips(html)[2].convert("RGB")).reshape(n, n, n, 3)
    low, middle, high = (np.round(np.array(colormaps[DIVERGING](level / 255)[:3]) * 255) for level in (0, 128, 255))
    np.testing.assert_array_equal(pixels[2, 0, 1], high)  # top row of plane 2
    np.testing.assert_array_equal(pixels[0, 3, 0], low)  # bottom row of plane 0
    np.testing.assert_array_equal(pixels[1, 1, 1], middle)
    assert 'data-heights="[10.0, 30.0, 50.0, 70.0]"' in html
    assert made.note == ""


def test_large_cubes_are_thinned_and_say_so(monkeypatch):
    monkeypatch.setattr(module, "PLANES", 3)
    monkeypatch.setattr(module, "PIXELS", 4)
    cube = np.random.default_rng(1).standard_normal((8, 8, 8))
    made = slider({"newton": cube, "gr": cube, "difference": cube - cube}, 80.0)
    assert [strip.size for strip in strips(made.__html__())] == 3 * [(4, 3 * 4)]
    assert "One plane in 3" in made.note
    assert "2 \N{MULTIPLICATION SIGN} 2" in made.note


@pytest.mark.parametrize(("n", "block"), [(32, 1), (96, 1), (128, 2), (256, 4), (100, 2)])
def test_images_stay_below_their_limit(n, block):
    assert module._block(n) == block
