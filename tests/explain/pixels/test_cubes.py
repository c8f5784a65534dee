"""Sums of a cube along its axes."""

from __future__ import annotations

import torch

from weakfield.explain.pixels.cubes import projections


def test_projections_by_hand():
    cube = torch.zeros(4, 4, 4, dtype=torch.float64)
    cube[1, 2, 3], cube[0, 2, 3] = 5.0, 1.0
    along_z, along_y, along_x = projections(cube)
    assert (along_z[2, 3], along_y[1, 3], along_x[0, 2]) == (6.0, 5.0, 1.0)
    assert along_z.sum() == along_y.sum() == along_x.sum() == 6.0
