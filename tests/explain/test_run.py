"""The explain stage on a data set and a network that are real but small."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, StudyConfig
from weakfield.dataset import build, open_dataset
from weakfield.explain import run as explain
from weakfield.learning import training


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    study = tiny_study(training={"mean_kept_too": False})
    folder = write_run(study, tmp_path_factory.mktemp("explain") / "run", scale=1.5)
    build.run(study, folder)
    training.run(study, folder)
    return study, folder


def test_run_writes_a_complete_attribution(trained):
    study, folder = trained
    summary = explain.run(study, folder)
    written = json.loads((folder.explain / "explain.json").read_text())
    maps = np.load(folder.explain / "saliency.npz")
    scores = json.loads((folder.model("cnn") / "scores.json").read_text())["network"]["test"]
    place = scores["seeds"].index(written["seed"])
    for theory, x, g in zip(THEORIES, maps["input"], maps["gradient"], strict=True):
        x, g = x.astype(float), g.astype(float)  # stored as float32: right to 1e-6 of their size
        assert written["fourier"][theory]["total"] == pytest.approx((x * g).sum(), abs=1e-6 * abs(x * g).sum())
        assert abs(written["fourier"][theory]["mean"]) < 1e-6 * abs(x * g).sum()  # the mean was removed
        assert written["logit"][theory] == pytest.approx(scores[theory][place], abs=1e-6)
    newton, gr = maps["gradient"].astype(float)
    rounding = 1e-6 * abs(newton).sum(axis=0).max()
    np.testing.assert_allclose(maps["projections"][2, 0], (gr - newton).sum(axis=0), rtol=0, atol=rounding)
    assert summary["seed"] == open_dataset(folder).part("test")[0]
    assert len(written["fourier"]["k_hmpc"]) == len(written["fourier"]["pair"]["shells"]) == 3


def test_the_main_network_is_explained(tmp_path):
    study = tiny_study(pairs=6, dataset={"keep_mean": True})
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    training.run(study, folder)
    explain.run(study, folder)
    written = json.loads((folder.explain / "explain.json").read_text())
    scores = json.loads((folder.model("cnn_meankept") / "scores.json").read_text())["network"]["test"]
    place = scores["seeds"].index(written["seed"])
    assert written["model"] == "cnn_meankept"
    assert written["logit"]["gr"] == pytest.approx(scores["gr"][place], abs=1e-6)
    assert abs(written["fourier"]["pair"]["mean"]) > 1e-3 * abs(written["fourier"]["pair"]["total"])


def test_repeated_runs_write_the_same_bytes(trained):
    study, folder = trained
    contents = []
    for _ in range(2):
        explain.run(study, folder)
        contents.append({path.name: path.read_bytes() for path in folder.explain.iterdir()})
    assert contents[0] == contents[1]


def test_a_pair_that_does_not_exist_is_refused(trained):
    study, folder = trained
    beyond = StudyConfig.from_mapping({**study.model_dump(mode="json"), "explain": {"pair": 99}})
    with pytest.raises(BadInput, match=r"explain\.pair is 99"):
        explain.run(beyond, folder)
