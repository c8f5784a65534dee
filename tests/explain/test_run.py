"""The explain stage on a data set and a network that are real but small."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.dataset import build, open_dataset
from weakfield.explain import attributions
from weakfield.explain import run as explain
from weakfield.explain.modes import pair_integrated_modes
from weakfield.explain.pair_explainer import PairExplainer
from weakfield.explain.paths import PathOptions
from weakfield.explain.pixels import METHODS, method
from weakfield.learning import Task, fit, training
from weakfield.learning.losses import log_odds

SMALL = {"pairs": 2, "draws": 2, "integrated_steps": 2, "perturbations": 2, "fractions": 4, "trust_epochs": 2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    study = tiny_study(training={"mean_kept_too": False}, explain={**SMALL, "methods": tuple(METHODS)})
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


def test_attributions_of_all_pairs_add_up(trained):
    study, folder = trained
    explain.run(study, folder)
    written = json.loads((folder.explain / "explain.json").read_text())
    scores = json.loads((folder.model("cnn") / "scores.json").read_text())["network"]["test"]
    change = np.mean(np.array(scores["gr"]) - np.array(scores["newton"]))  # the test part has two seeds
    bands = written["bands"]
    assert written["seeds"] == scores["seeds"]
    assert bands["logit_difference"]["value"] == pytest.approx(change, abs=1e-6)
    parts = bands["attributed"]
    total = sum(parts["shells"]["value"]) + parts["mean"]["value"] + parts["rest"]["value"]
    assert total == pytest.approx(change, abs=1e-4)  # the promise
    assert written["path"]["largest_residual"] < 1e-4
    assert written["methods"]["pair_integrated"]["sum"]["value"] == pytest.approx(change, abs=1e-4)
    assert written["methods"]["deeplift"]["largest_residual"] < 1e-5  # exact for LeakyReLU, but for single precision
    assert all(error > 0 for error in parts["shells"]["error"])
    maps = np.load(folder.explain / "maps.npz")
    assert set(maps) == {"newton", "gr", *METHODS}
    first = written["logit"]["gr"] - written["logit"]["newton"]
    assert float(maps["pair_integrated"].astype(float).sum()) == pytest.approx(first, abs=1e-4)


def test_trust_holds_what_it_should(trained):
    study, folder = trained
    explain.run(study, folder)
    trust = json.loads((folder.explain / "trust.json").read_text())
    matrix = np.array(trust["agreement"]["value"])
    assert matrix.shape == 2 * (len(METHODS),)
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(np.diagonal(matrix), 1.0)
    assert np.abs(matrix).max() <= 1.0 + 1e-12
    randomised = trust["parameter_randomisation"]
    assert randomised["layers"][0] == "head.3"
    assert randomised["layers"][-1] == "features.0.convolution"
    for name in study.explain.trust_methods:
        assert len(randomised["methods"][name]["signed"]["value"]) == len(randomised["layers"])
        curve = trust["curves"][name]
        assert curve["deletion"]["value"][0] == pytest.approx(1.0)
        assert curve["deletion"]["value"][-1] == pytest.approx(0.0, abs=1e-9)
        assert curve["insertion"]["value"][0] == pytest.approx(0.0, abs=1e-9)
        assert trust["infidelity"][name]["value"] >= 0
        assert trust["sensitivity"][name]["value"] >= 0
    assert set(trust["networks"]) == set(trust["auc"]) == {"shuffled", "network1"}
    assert trust["epochs"] == 2
    assert set(trust["equivariance"]) == {*study.explain.trust_methods, "logit"}


def test_the_main_network_is_explained(tmp_path):
    study = tiny_study(pairs=6, dataset={"keep_mean": True}, explain={"trust": False, "methods": ("gradient",)})
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
    assert not (folder.explain / "trust.json").exists()


def test_repeated_runs_write_the_same_bytes_and_do_nothing_twice(trained, monkeypatch):
    study, folder = trained

    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(folder.explain.rglob("*")) if path.is_file()}

    explain.run(study, folder)
    before = contents()
    monkeypatch.setattr(PairExplainer, "attributions", None)  # would be called for a seed that is not finished
    monkeypatch.setattr(PairExplainer, "trust", None)
    explain.run(study, folder)
    assert contents() == before


def test_work_that_was_stopped_is_continued_to_the_same_bytes(trained, monkeypatch):
    study, folder = trained
    explain.run(study, folder)
    whole = (folder.explain / "trust.json").read_bytes(), (folder.explain / "explain.json").read_bytes()
    pieces = sorted((folder.explain / "seeds").iterdir())
    pieces[0].unlink()
    pieces[-1].write_text('{"key": "of other settings", "result": 1}')
    explain.run(study, folder)
    assert ((folder.explain / "trust.json").read_bytes(), (folder.explain / "explain.json").read_bytes()) == whole


def test_a_pair_that_does_not_exist_is_refused(trained):
    study, folder = trained
    beyond = StudyConfig.from_mapping({**study.model_dump(mode="json"), "explain": {"pair": 99}})
    with pytest.raises(BadInput, match=r"explain\.pair is 99"):
        explain.run(beyond, folder)


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(BadInput, match="did you mean 'deeplift'"):
        explain.check(tiny_study(explain={"trust_methods": ("deeplft",)}))


@pytest.mark.parametrize(("package", "setting"), [("captum", "methods"), ("sklearn", "triangle_shells")])
def test_an_absent_package_is_named_before_anything_runs(monkeypatch, package, setting):
    explain.check(tiny_study())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadInput, match=rf"explain.{setting} needs .*{package}.*pip install 'weakfield\[learn\]'"):
        explain.check(tiny_study())
    explain.check(tiny_study(explain={"methods": ("gradient",), "trust": False, "triangle_shells": 0}))


@pytest.mark.parametrize("name", ["integrated", "grad_cam", "occlusion", "deeplift"])
def test_a_method_without_its_package_says_so(monkeypatch, name):
    for known in [known for known in sys.modules if known.split(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, "captum", None)
    options = {"block": 2} if name == "occlusion" else {}
    network = nn.Sequential(nn.Conv3d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(54, 1))
    with pytest.raises(BadInput, match=r"needs what is not installed .*pip install 'weakfield\[learn\]'"):
        method(name)(network, torch.ones(1, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4), **options)


def test_tables_hold_what_was_found(trained):
    study, folder = trained
    explain.run(study, folder)
    found = attributions(folder)
    table = found.to_pandas()
    assert list(table.columns[:3]) == ["modes", "attributed", "attributed_error"]
    parts = found.explanation.bands.attributed
    assert table["attributed"].sum() + parts.mean.value + parts.rest.value == pytest.approx(
        found.explanation.bands.logit_difference.value, abs=1e-4
    )
    assert found.methods()["largest_residual"].notna().sum() == 5  # the others share out no difference
    assert list(found.triangles().index.names) == ["k1_hmpc", "k2_hmpc", "k3_hmpc"]
    assert (found.trusted()["infidelity"] >= 0).all()
    assert found.maps["gradient"].dims == ("channel", "z", "y", "x")
    assert found.maps.x.values[1] == study.simulation.box_size_mpch / 8
    assert repr(found).startswith(f"<Attributions of cnn: {len(found.explanation.seeds)} test pairs")
    heard, silent = (
        replace(found, explanation=found.explanation.model_copy(update={"at_chance": said})).plot()
        for said in (None, "no better than a coin")
    )
    assert "logit" in heard.get_ylabel()
    assert heard.lines
    assert not silent.lines
    assert [text.get_text() for text in silent.texts] == ["nothing to explain: no better than a coin"]


def test_what_was_not_run_has_no_tables(tmp_path):
    with pytest.raises(BadInput, match=r"explain.json is missing"):
        attributions(RunFolder(tmp_path))


def test_a_network_of_slices_is_explained_by_slices_and_a_gathered_cube(tmp_path, monkeypatch):
    study = tiny_study(
        pairs=6,
        dataset={"shape": "slice"},
        training={"network": "cnn2d", "mean_kept_too": False, "epochs": 1},
        explain={**SMALL, "pairs": 1, "methods": ("gradient", "pair_integrated"), "trust_methods": ("gradient",)},
    )
    folder = write_run(study, tmp_path, scale=1.5)
    build.run(study, folder)
    samples = {part: open_dataset(folder).samples(part, False) for part in ("train", "validation", "test")}
    job = Task(study.training, samples, "slices")
    fit(job, folder.model("cnn"))
    monkeypatch.setattr("weakfield.explain.explain_run.task", lambda *_: job)
    explain.run(study, folder)
    written = json.loads((folder.explain / "explain.json").read_text())
    maps = np.load(folder.explain / "maps.npz")
    assert maps["gradient"].shape == maps["gr"].shape == (1, 8, 8)
    assert maps["cube_signed"].shape == maps["cube_gr"].shape == (1, 8, 8, 8)
    found = attributions(folder).maps
    assert (found["gradient"].dims, found["cube_gr"].dims) == (("channel", "row", "column"), ("channel", "z", "y", "x"))
    assert (maps["cube_absolute"] >= np.abs(maps["cube_signed"]) - 1e-12).all()
    assert written["path"]["largest_residual"] < 1e-4
    assert len(written["bands"]["attributed"]["shells"]["value"]) == 3  # rings of a plane
    trust = json.loads((folder.explain / "trust.json").read_text())
    assert set(trust["networks"]) == {"shuffled", "network1"}


def test_a_network_without_a_map_is_not_asked_for_one(tmp_path):
    study = tiny_study(
        pairs=5,
        training={"network": "mlp", "mean_kept_too": False, "epochs": 1, "blocks": None, "channels": None},
        explain={**SMALL, "methods": ("grad_cam",)},
    )
    folder = write_run(study, tmp_path, scale=1.5)
    build.run(study, folder)
    training.run(study, folder)
    with pytest.raises(BadInput, match=r"explain\.methods is grad_cam, expected one that network mlp admits"):
        explain.run(study, folder)


@pytest.mark.parametrize("classes", [2, 3])
def test_networks_with_a_logit_a_class_are_attributed(classes):
    """GR against the rest: what the scores of a training are, too."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, classes)).double()
    newton, gr = torch.randn(2, 1, 1, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        change = float(log_odds(network(gr)) - log_odds(network(newton)))
    cells = method("pair_integrated")(network, gr, newton)
    modes = pair_integrated_modes(network, newton, gr, PathOptions(steps=8))
    assert float(cells.sum()) == pytest.approx(change, abs=1e-4)
    assert float(torch.as_tensor(modes.total).sum()) == pytest.approx(change, abs=1e-4)
