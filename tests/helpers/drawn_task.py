"""A training on drawn fields, small enough for a test, shared by tests of learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from helpers.synthetic import gaussian
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PARTS, PairTensor
from weakfield.learning import Task
from weakfield.learning.results import Epoch, History


def task(scale: float = 1.3, **values: object) -> Task:
    """Cubes of 8^3; the GR member is ``scale`` times its twin. ``values`` are settings of the training."""
    settings = {"channels": 4, "blocks": 2, "epochs": 4, "batch_pairs": 2, "dropout": 0.2, **values}
    random = np.random.default_rng(0)
    parts = {}
    for part, seeds in zip(PARTS, (range(7), range(7, 10), range(10, 16)), strict=True):
        fields = [gaussian(8, random) for _ in seeds]
        values_ = torch.tensor(np.array([[field, scale * field] for field in fields]), dtype=torch.float32)
        parts[part] = PairTensor(seeds, values_.unsqueeze(2))
    return Task(TrainingSettings.from_mapping(settings), parts, f"gaussian {scale}")


def history(rows: Sequence[dict[str, Any]], best: int) -> History:
    """A history of which ``rows`` have what matters; the rest of each row is made up."""
    rest = {"train_loss": 0.5, "validation_auc": 0.5, "learning_rate": 1e-3, "gradient_norm": 1.0}
    return History(
        epochs=tuple(Epoch(**{**rest, **row}) for row in rows),
        best_epoch=best,
        stopped_early=False,
        warnings=(),
        precision="single",
        layout="channels_last",
        chosen_by="small",
        device="cpu",
        processes=1,
        threads=1,
    )
