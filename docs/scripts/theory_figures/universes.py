"""The universes of these pages: planted pairs whose best classifier is known, and a pair that was simulated."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch

import weakfield as wf
from weakfield.dataset.pairs import PairTensor
from weakfield.learning import Scores
from weakfield.mesh import fft
from weakfield.mesh.noise import unit_modes
from weakfield.spectra.difference import growth_scaled_difference

OUTPUTS = (10.0, 1.0)


def planted(grid: int, seeds: range, excess: float) -> PairTensor:
    """Pairs of white Gaussian cubes, the GR member being 1 + ``excess`` times its twin, of unit expected variance.

    Their modes are those with |n_i| < N/2 - 1; see ``real_modes`` for how many there are.
    """
    values = []
    for seed in seeds:
        field = fft.backward(unit_modes(grid, seed, domain="cube"), grid)
        field *= np.sqrt(grid**6 / (2.0 * real_modes(grid)))  # <|F|^2> = 2 a mode, f = N^-3 sum F exp(ikx)
        values.append(torch.stack([field, (1.0 + excess) * field])[:, None])
    return PairTensor(tuple(seeds), torch.stack(values).float())


def real_modes(grid: int) -> int:
    """Independent real Gaussian numbers in a planted cube: all modes with |n_i| < N/2 - 1 but the mean."""
    return (2 * (grid // 2 - 2) + 1) ** 3 - 1


def best_scores(pairs: PairTensor, excess: float) -> Scores:
    """The log likelihood ratio of planted cubes, the best logit there is: S/2 (1 - (1+e)^-2) - n ln(1+e).

    S is the sum of squares over the n real modes; for a unit variance it is n times the mean square of the cube.
    """
    n = real_modes(pairs.shape[-1])
    squares = n * pairs.values.double().square().mean(dim=(2, 3, 4, 5)).numpy()
    ratio = 0.5 * squares * (1.0 - (1.0 + excess) ** -2) - n * np.log1p(excess)
    return Scores(pairs.seeds, ratio[:, 0], ratio[:, 1])


@cache
def simulated_pair(tiny: bool) -> tuple[dict[str, torch.Tensor], float]:
    """phi of one seed at z = 1, (2, N, N, N) float64, Newton first, and the growth-scaled difference; and the box."""
    grid, box = (16, 320.0) if tiny else (32, 640.0)
    study = wf.StudyConfig.from_mapping(
        {
            "name": "theory",
            "seeds": {"first": 0, "count": 1},
            "simulation": {
                "grid": grid, "box_size_mpch": box, "step_limit_hubble": 0.1 if tiny else 0.04,
                "transfer": "eisenstein-hu" if tiny else "camb", "snapshot_redshifts": list(OUTPUTS),
                "spectra_redshifts": [],
            },
        }
    )  # fmt: skip
    phi, difference = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        wf.simulate(study, folder)
        for theory in ("newton", "gr"):
            path = folder / "pairs" / "seed00000" / theory
            (early, before), (late, after) = (wf.load_field(path / f"snap{i:03d}_phi.h5") for i in (0, 1))
            redshifts = float(before["redshift"]), float(after["redshift"])
            phi.append(late.double())
            difference.append(growth_scaled_difference(early, redshifts[0], late, redshifts[1], study.cosmology))
    return {"phi": torch.stack(phi), "difference": torch.stack(difference)}, box


def normalised(cubes: torch.Tensor) -> torch.Tensor:
    """A pair (2, N, N, N) as a network gets it: (2, 1, N, N, N) float32, means removed, one standard deviation."""
    centred = cubes - cubes.mean(dim=(1, 2, 3), keepdim=True)
    return (centred / centred.std())[:, None].float()
