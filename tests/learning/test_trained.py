"""A trained network applied to cubes of one's own: the answers of the evaluation for the same cubes, else a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from xarray import DataArray, concat

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.config import THEORIES, RunFolder, Theory
from weakfield.dataset import PARTS, Dataset, build
from weakfield.formats import load_field
from weakfield.formats.labelled import labelled
from weakfield.learning import TrainedNetwork, scores_table, training
from weakfield.learning.baselines import BASELINES

BOX, REDSHIFTS = 160.0, (10.0, 1.0)
SLICES: dict[str, Any] = {"shape": "slice", "axes": ["z", "x"], "slice_stride": 2, "slice_thickness": 3}
TRANSFORMS = [{"kind": "noise", "sigma": 1e-8}, {"kind": "scale", "theory": "gr", "factor": 1.1}]


def trained(root: Path, model: str = "cnn", network: str = "cnn3d", **dataset: Any) -> TrainedNetwork:
    """A run on drawn pairs of 8^3 cells."""
    table = {"network": network, "blocks": 1, "epochs": 1, "mean_kept_too": model != "cnn"}
    study = tiny_study(pairs=8, training=table, dataset=dataset)
    folder = write_run(study, root, scale=1.1)
    build.run(study, folder)
    training.run(study, folder)
    return TrainedNetwork.load(folder.model(model))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    return trained(tmp_path_factory.mktemp("run"), "cnn_meankept")


def phi(data: Dataset, theory: Theory, seeds: list[int]) -> np.ndarray:
    """(seeds, redshifts, N, N, N) as the files have it, the redshifts those of the channels."""
    files = [dict(zip(data.redshifts, data.files(seed, theory), strict=True)) for seed in seeds]
    return np.array([[load_field(of[z])[0].double().numpy() for z in data.channels.redshifts] for of in files])


def fields(values: np.ndarray, box: float = BOX, **attributes: Any) -> list[DataArray]:
    """One labelled field for each redshift."""
    return [
        labelled(torch.from_numpy(field), "phi", box, {"redshift": z, **attributes})
        for field, z in zip(values, REDSHIFTS, strict=True)
    ]


@pytest.mark.parametrize(
    ("network", "dataset"),
    [
        ("cnn3d", {}),
        ("cnn2d", SLICES),
        ("cnn3d", {"transforms": TRANSFORMS}),
        ("cnn3d", {"shape": "subcube", "subcube_size": 4, "derivative": "gradient"}),
        ("cnn3d", {"sample": "raw", "channel_redshifts": [1.0, 10.0]}),
        ("cnn3d", {"sample": "raw", "derivative": "laplacian"}),
    ],
)
def test_logits_of_the_runs_own_cubes_are_those_that_evaluation_recorded(
    tmp_path: Path, network: str, dataset: dict[str, Any]
) -> None:
    found = trained(tmp_path, network=network, **dataset)
    for part in PARTS:
        seeds, recorded = found.dataset.part(part), found.scores[part]
        for theory, expected in zip(THEORIES, (recorded.newton, recorded.gr), strict=True):
            cubes = phi(found.dataset, theory, seeds)
            redshifts = found.dataset.channels.redshifts
            answers = found.logits(cubes, BOX, redshifts, theory=theory, seeds=seeds)
            assert answers.tolist() == expected.tolist()


def test_arrays_tensors_and_labelled_fields_are_the_same(plain: TrainedNetwork) -> None:
    seeds = plain.dataset.part("test")
    cubes = phi(plain.dataset, "gr", seeds)
    expected = plain.scores["test"].gr.tolist()
    assert plain.logits(torch.from_numpy(cubes), BOX, REDSHIFTS).tolist() == expected
    labelled_fields = [fields(pair) for pair in cubes]
    # a cube by itself is another batch: sums in another order, rounding of single precision
    for pair, logit in zip(labelled_fields, expected, strict=True):
        assert plain.logits(pair)[0] == pytest.approx(logit, abs=1e-5)
    assert plain.logits(cubes[0], BOX, REDSHIFTS)[0] == pytest.approx(expected[0], abs=1e-5)
    whole = concat(
        [concat(pair, "redshift", combine_attrs="drop") for pair in labelled_fields], "seed", combine_attrs="drop"
    )
    whole = whole.assign_coords(redshift=list(REDSHIFTS), seed=seeds)
    assert plain.logits(whole).tolist() == expected
    assert plain.logits(whole.transpose("x", "seed", "z", "redshift", "y")).tolist() == expected


def test_what_is_not_like_the_data_set_is_refused(plain: TrainedNetwork) -> None:
    (values,) = phi(plain.dataset, "newton", plain.dataset.part("test")[:1])
    finer = values.repeat(2, 1).repeat(2, 2).repeat(2, 3)
    two, unit = fields(values), values / values.std()
    swapped = (1.0, 10.0)
    refused: list[tuple[str, tuple[Any, ...]]] = [
        ("of 16 cells a side, expected 8", (finer, BOX, REDSHIFTS)),
        ("in a box of 320 Mpc/h, expected 160 Mpc/h", (values, 320.0, REDSHIFTS)),
        ("in a box of 320 Mpc/h, expected 160 Mpc/h", (fields(values, 320.0),)),
        ("at redshift 1 and 10, expected 10 and 1, in this order", (values[::-1].copy(), BOX, swapped)),
        ("at redshift 1 and 10, expected 10 and 1, in this order", (two[::-1],)),
        ("at redshift 10 and 0.9, expected 10 and 1", (values, BOX, (10.0, 0.9))),
        ("at redshift 1, expected 10 and 1", (values[1], BOX, 1.0)),
        ("2 redshifts, expected a field for each", (values[:1], BOX, REDSHIFTS)),
        ("box_size_mpch of the cubes is not given, expected it beside them: 160.0", (values, None, REDSHIFTS)),
        ("redshifts of the cubes is not given", (values, BOX)),
        ("box_size_mpch is given as 320.0 but the cubes are labelled 160.0", (two, 320.0)),
        ("hold NaN or infinity", (values * np.nan, BOX, REDSHIFTS)),
        (r"standard deviation .*, expected about .* phi, dimensionless", (unit, BOX, REDSHIFTS)),
        (r"shape \(8, 8\), expected real", (values[0, 0], BOX, REDSHIFTS)),
        ("in units of km/s, expected phi", (fields(values, units="km/s"),)),
    ]  # fmt: skip
    for sentence, arguments in refused:
        with pytest.raises(BadInput, match=sentence):
            plain.logits(*arguments)


def test_transforms_that_go_by_theory_and_seed_want_them(tmp_path: Path) -> None:
    found = trained(tmp_path, transforms=TRANSFORMS)
    cubes = phi(found.dataset, "gr", [3])
    with pytest.raises(BadInput, match="theory is not given, expected it"):
        found.logits(cubes, BOX, REDSHIFTS, seeds=3)
    with pytest.raises(BadInput, match="seeds are not given, expected 1"):
        found.logits(cubes, BOX, REDSHIFTS, theory="gr")


def test_the_network_itself_refuses_samples_of_another_shape(plain: TrainedNetwork) -> None:
    with pytest.raises(BadInput, match=r"samples of shape \(1, 16, 16, 16\), expected \(1, 8, 8, 8\)"):
        plain.network(torch.zeros(2, 1, 16, 16, 16))


def test_other_files_are_read_only_where_they_are_what_they_are_meant_to_be(plain: TrainedNetwork) -> None:
    data = plain.dataset
    early, late = data.files(3, "gr")
    assert torch.equal(data.raw_of([early, late], 3, "gr"), data.raw(3, "gr"))
    with pytest.raises(BadInput, match=r"snap001_phi.h5 is at redshift 1, expected 10"):
        data.raw_of([late, early], 3, "gr")
    with pytest.raises(BadInput, match=r"raw sample has shape .* expected cubes of 8 cells a side"):
        data.normalise(torch.zeros(4, 4, 4, dtype=torch.float64))


def test_weights_and_data_set_have_to_be_those_of_the_metrics(tmp_path: Path) -> None:
    found = trained(tmp_path)
    metrics = read_json(found.folder / "metrics.json")
    for key, what in (("dataset", "data set"), ("weights", "weights")):
        write_json(found.folder / "metrics.json", metrics | {key: "0" * 16})
        with pytest.raises(BadInput, match=f"the {what} of this run has hash .* but its metrics are of 0000"):
            TrainedNetwork.load(found.folder)
    (found.folder / "metrics.json").unlink()
    with pytest.raises(BadInput, match=r"metrics.json is missing"):
        TrainedNetwork.load(found.folder)


def test_what_it_prints_and_plots(plain: TrainedNetwork) -> None:
    lines = repr(plain).splitlines()
    count = sum(p.numel() for p in plain.network.parameters())
    assert lines[0] == f"TrainedNetwork 'cnn_meankept': cnn3d with {count:,} parameters"
    assert lines[1].startswith("trained on 5 pairs, boxes of 160 Mpc/h, mean kept; a sample is the whole cube")
    assert lines[2] == f"test AUC {plain.metrics.test['auc']} on {len(plain.scores['test'].seeds)} seeds"
    assert len(lines) == 3
    assert len(repr(plain.metrics).splitlines()) == 2
    axes = plain.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cnn3d", *BASELINES]
    assert repr(plain.scores["test"]).startswith("Scores of 2 pairs: AUC ")
    false, true = plain.scores["test"].plot().lines[1].get_data()
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all()


def test_all_scores_are_one_table(plain: TrainedNetwork) -> None:
    table = scores_table(RunFolder(plain.folder.parents[1]))
    assert list(table) == ["model", "split", "score", "value", "low", "high"]
    assert set(table["model"]) == {"cnn", "cnn_meankept", *BASELINES}
    assert not table.duplicated(["model", "split", "score"]).any()
    row = table.set_index(["model", "split", "score"]).loc[("cnn_meankept", "test", "auc")]
    assert (row["value"], row["low"], row["high"]) == tuple(plain.metrics.test["auc"].as_json().values())
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
