"""The explain stage: gradient saliency of one test pair, over the cube and by Fourier shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing, write_json
from weakfield.base.progress import bar
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.dataset import open_dataset, study_split
from weakfield.explain.fourier import attribute, power
from weakfield.explain.pixels.gradients import gradient
from weakfield.explain.saliency import projections
from weakfield.learning import load_model, logits
from weakfield.learning.training import main_model
from weakfield.mesh.shells import shells


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``explain/explain.json`` and ``explain/saliency.npz``.

    ``saliency.npz``: ``input`` and ``gradient`` (2, N, N, N), Newton then GR, and ``projections`` (3, 3, N, N): of
    Newton, GR and GR - Newton, along z, y and x. Raises ``BadInput`` when the study asks for a test pair that does
    not exist.
    """
    dataset = open_dataset(folder)
    seed = chosen_seed(study, dataset.part("test"))
    model, keep_mean = main_model(study), study.dataset.keep_mean
    network = load_model(folder.model(model))
    with bar("explanation", 2) as progress:
        cubes = torch.stack([dataset.cube(seed, theory, keep_mean) for theory in THEORIES])
        gradients = gradient(network, cubes[:, None])[:, 0]
        progress.advance()
        scores = logits(network, cubes[:, None])
        fourier = by_shell(cubes.to(torch.float64), gradients, dataset.box_size_mpch)
        progress.advance()
    difference = gradients[1] - gradients[0]
    maps = torch.stack([projections(cube) for cube in (gradients[0], gradients[1], difference)])
    with replacing(folder.explain / "saliency.npz") as scratch, open(scratch, "wb") as handle:
        np.savez(
            handle,
            input=cubes.numpy(),
            gradient=gradients.to(torch.float32).numpy(),
            projections=maps.numpy(),
        )
    change = float(scores[1] - scores[0])
    write_json(
        folder.explain / "explain.json",
        {
            "model": model,
            "seed": seed,
            "grid": dataset.grid,
            "box_size_mpch": dataset.box_size_mpch,
            "logit": dict(zip(THEORIES, scores.tolist(), strict=True)),
            "logit_difference": change,
            "fourier": fourier,
        },
    )
    return {"seed": seed, "logit_difference": change, "attributed": fourier["pair"]["total"]}


def check(study: StudyConfig) -> None:
    """``BadInput`` when the study asks for a test pair that will not exist; nothing is read."""
    chosen_seed(study, study_split(study).test)


def chosen_seed(study: StudyConfig, seeds: Sequence[int]) -> int:
    """The seed of test pair ``explain.pair``, in the order of the data set."""
    if study.explain.pair >= len(seeds):
        raise BadInput(
            f"explain.pair is {study.explain.pair} but the data set has {len(seeds)} test pairs,"
            f" expected a number from 0 to {len(seeds) - 1}"
        )
    return seeds[study.explain.pair]


def by_shell(cubes: Tensor, gradients: Tensor, box_size_mpch: float) -> dict[str, Any]:
    """Gradient x input of each cube and of the pair by shell one k_F wide, and the power of the gradients.

    ``pair`` is the mean of the two gradients times (GR - Newton): the trapezoidal rule for the integral of the
    gradient from one twin to the other, so that its total is close to the difference of their logits.
    """
    shell = shells(cubes.shape[-1])
    pair = attribute(gradients.mean(dim=0), cubes[1] - cubes[0])
    difference = gradients[1] - gradients[0]
    return {
        "k_hmpc": (shell.mean_wavenumbers * 2 * np.pi / box_size_mpch).tolist(),
        "modes": shell.modes.tolist(),
        **{t: attribute(g, x).as_json() for t, g, x in zip(THEORIES, gradients, cubes, strict=True)},
        "pair": pair.as_json(),
        "gradient_power": {
            **{theory: power(g).tolist() for theory, g in zip(THEORIES, gradients, strict=True)},
            "difference": power(difference).tolist(),
        },
    }
