"""A signal that is there must be found: difference cubes of GR 1.05 times those of Newton, through the whole stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.base.files import read_json
from weakfield.dataset import build
from weakfield.learning import training


@pytest.mark.slow
def test_five_percent_are_found_at_32_cells(tmp_path: Path) -> None:
    study = tiny_study(
        pairs=80,
        grid=32,
        training={"channels": 8, "blocks": 3, "epochs": 40, "batch_pairs": 4, "mean_kept_too": False},
    )
    folder = write_run(study, tmp_path, scale=1.05, mean=0.0)
    build.run(study, folder)
    training.run(study, folder)
    metrics = read_json(folder.model("cnn") / "metrics.json")
    assert metrics["test"]["auc"]["value"] > 0.95
    assert metrics["test"]["paired_accuracy"]["value"] == 1.0
    # d' = 0.05 sqrt(2 n) is 9 even for the modes up to the Nyquist wavenumber: nothing but learning stands in the way
    assert metrics["bound"]["auc_shells"]["value"] > 0.999
    assert metrics["baselines"]["log_pk"]["auc"]["value"] > 0.95
