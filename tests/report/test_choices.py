"""The page is made for every allowed value of every setting that names a choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest

from helpers.synthetic import DATA, tiny_study, write_run
from weakfield.base.files import write_text
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.simulation import SimulationSettings
from weakfield.config.training import Loss
from weakfield.dataset import build
from weakfield.explain.pixels import METHODS
from weakfield.learning import training
from weakfield.learning.baselines import BASELINES
from weakfield.learning.networks import NETWORKS
from weakfield.report import classification, universes
from weakfield.report import explanation as explained
from weakfield.report import run as report
from weakfield.report.run_results import RunResults
from weakfield.spectra import measure

#: what else a choice needs
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("transfer", "file"): {"newton_velocities": "poisson", "start": "linear"},
    ("transfer", "spectrum"): {
        "newton_velocities": "poisson", "start": "linear", "mesh": "staggered", "phi_integrator": "euler",
    },
    ("mesh", "staggered"): {"start": "linear"},
    ("phi_integrator", "euler"): {"mesh": "staggered", "start": "linear"},
    ("initial_conditions", "snapshot"): {
        "particle_file": "particles.h5", "metric_files": ("phi.h5",), "mesh": "staggered", "start": "linear",
        "phi_integrator": "euler",
    },
    ("loss", "cross_entropy"): {"classes": 2},
    ("baryon_treatment", "hybrid"): {"mesh": "staggered", "start": "linear"},
    ("baryon_treatment", "sample"): {"mesh": "staggered", "start": "linear"},
}  # fmt: skip


def choices() -> list[tuple[str, str, str]]:
    """(table, key, value) of every setting of a study whose values are listed."""
    found = []
    for table, field in StudyConfig.model_fields.items():
        for key, entry in getattr(field.annotation, "model_fields", {}).items():
            several = get_origin(entry.annotation) is tuple  # a list of names: the page prints none of them
            kinds = [] if several else [entry.annotation, *get_args(entry.annotation)]
            names = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())
            found += [(table, key, value) for value in names]
    found += [("training", "network", name) for name in NETWORKS]
    return found


def study_with(folder: Path, table: str, key: str, value: str, **tables: dict[str, Any]) -> StudyConfig:
    """A tiny study with that choice and what it needs beside it."""
    beside = dict(BESIDE.get((key, value), {}))
    if value == "file":
        beside["transfer_file"] = str(DATA / "tk_z100.dat")
    if value == "spectrum":
        k = np.geomspace(1e-4, 10, 60)
        write_text(folder / "matter.dat", "\n".join(f"{a} {b}" for a, b in zip(k, k / (1 + k**3), strict=True)))
        beside["transfer_file"] = str(folder / "matter.dat")
    for name in ("particle_file", "metric_files"):
        if name in beside:
            write_text(folder / "particles.h5", "only named")
            write_text(folder / "phi.h5", "only named")
            beside |= {"particle_file": str(folder / "particles.h5"), "metric_files": [str(folder / "phi.h5")]}
    return tiny_study(pairs=6, **{**tables, table: {**tables.get(table, {}), **beside, key: value}})


def test_every_choice_is_among_those_gone_over():
    found = choices()
    assert {("simulation", "transfer", name) for name in ("class", "spectrum")} <= set(found)
    assert {("simulation", "mesh", "staggered"), ("measure", "nonlinear", "none"), ("training", "loss", "pair")} <= set(
        found
    )
    assert len(found) > 80


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was simulated and has a data set and a trained network; what is drawn of it goes by the settings."""
    study = tiny_study(pairs=6, training={"epochs": 1, "mean_kept_too": False})
    folder = write_run(study, tmp_path_factory.mktemp("choices"))
    build.run(study, folder)
    training.run(study, folder)
    return folder


@pytest.mark.parametrize(("table", "key", "value"), choices())
def test_the_words_of_the_page_know_every_choice(table, key, value, drawn, tmp_path):
    study = study_with(tmp_path, table, key, value)
    results = RunResults(study, drawn)
    assert "z = " in universes.study_paragraph(results)
    assert value in universes.provenance(results)
    universes.dataset(results)
    if table != "training":
        return
    classification.classification(results)
    label, chance = classification._loss(results)
    assert label
    assert chance > 0


def test_names_that_people_read_are_there_for_every_choice():
    transfers = get_args(SimulationSettings.model_fields["transfer"].annotation)
    assert set(universes.PROVIDERS) == set(transfers)
    assert set(classification.LOSSES) == set(get_args(Loss))
    assert set(explained.TITLES) == set(METHODS)
    assert set(classification.BASELINE_LABELS) == set(BASELINES)
    assert {*classification.DRAWN, *classification.SHOWN} <= set(BASELINES)


COMBINED = [
    {"transfer": "camb", "mesh": "spectral", "nonlinear": "hmcode", "network": "cnn3d", "loss": "bce"},
    {"transfer": "eisenstein-hu", "mesh": "staggered", "nonlinear": "halofit", "network": "resnet", "loss": "mse"},
    {"transfer": "file", "mesh": "spectral", "nonlinear": "none", "network": "mlp", "loss": "pair"},
    {"transfer": "spectrum", "mesh": "staggered", "nonlinear": "hmcode", "network": "racoon", "loss": "cross_entropy"},
    {"transfer": "camb", "mesh": "staggered", "nonlinear": "none", "network": "penguin", "loss": "bce"},
    {"transfer": "camb", "mesh": "spectral", "nonlinear": "none", "network": "cnn2d", "loss": "bce"},
    {"transfer": "camb", "mesh": "spectral", "nonlinear": "none", "network": "camels", "loss": "bce"},
]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", COMBINED, ids=lambda chosen: f"{chosen['transfer']}-{chosen['network']}")
def test_the_page_is_drawn_for_transfers_meshes_theories_and_networks(chosen, tmp_path):
    simulation = {**BESIDE.get(("mesh", chosen["mesh"]), {}), "mesh": chosen["mesh"]}
    loss = {**BESIDE.get(("loss", chosen["loss"]), {}), "loss": chosen["loss"], "network": chosen["network"]}
    study = study_with(
        tmp_path, "simulation", "transfer", chosen["transfer"],
        simulation=simulation,
        measure={"nonlinear": chosen["nonlinear"]},
        training={**loss, "epochs": 1, "mean_kept_too": False, "blocks": 1 if chosen["network"] == "camels" else 2},
        dataset={"shape": "slice", "slice_stride": 4} if chosen["network"] == "cnn2d" else {},
    )  # fmt: skip
    folder = write_run(study, tmp_path / "run")
    for stage in (measure, build, training, report):
        stage.run(study, folder)
    page = (folder.report / "index.html").read_text()
    assert universes.PROVIDERS[chosen["transfer"]] in page
