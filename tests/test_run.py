"""A run folder opened from Python: what is whole is there, what is not is said by the stage that makes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import write_text
from weakfield.config import RunFolder, StudyConfig
from weakfield.study import run_study


def test_a_folder_that_still_grows(synthetic_run: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = synthetic_run
    write_text(folder.study, study.to_toml())
    whole, *_, last = study.seeds.all
    (folder.pair(last) / "pair.json").unlink()
    run = wf.open(folder.root)
    assert run.study == study
    assert run.pairs.seeds == study.seeds.all[:-1]
    assert f"{study.seeds.count - 1} of {study.seeds.count} pairs" in repr(run)
    assert "nothing yet" in repr(run)
    assert run.stages == ()
    z = run.pairs[whole].redshifts[-1]
    np.testing.assert_array_equal(
        run.pairs[whole].difference(z),
        run.pairs[whole].phi("gr", z).values.astype(float) - run.pairs[whole].phi("newton", z).values,
    )
    for ask, stage in (
        (lambda: run.dataset, "dataset"),
        (lambda: run.scores, "train"),
        (lambda: run.audit, "audit"),
        (lambda: run.explain, "explain"),
        (lambda: run.spectra, "weakfield measure"),
        (lambda: run.table("parity"), "inverted = true"),
        (lambda: run.table("powers"), "expected one of spectra"),
        (lambda: run.relativity(10**6, 1.0), "expected one of the study"),
        (lambda: run.pairs[last], "holds no whole pair"),
    ):
        with pytest.raises(BadInput, match=stage):
            ask()
    assert run.networks == {}


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no study\.toml"):
        wf.open(tmp_path)
    with pytest.raises(BadInput, match="is not a folder"):
        wf.open(tmp_path / "nowhere")
    for wrong in (5, None, ""):
        with pytest.raises(BadInput, match=r"the run folder is .*, expected a path"):
            wf.open(wrong)  # type: ignore[arg-type]


def test_a_finished_run(tmp_path: Path) -> None:
    study = tiny_study(
        pairs=10,
        training={"size": "small", "epochs": 1, "mean_kept_too": False},
        measure={"nonlinear": "none"},
        audit={"controls": ["monopole_only"], "full": False},
    )
    write_run(study, tmp_path)
    run_study(study, tmp_path)
    run = wf.open(tmp_path)
    assert run.stages == ("simulate", "measure", "dataset", "train", "audit", "explain", "report")
    assert set(run.networks) == {"cnn"}
    assert set(run.scores.columns) == {"model", "split", "score", "value", "low", "high"}
    assert len(run.audit) == 1
    assert len(run.spectra) > 0
    assert len(run.explain.to_pandas()) > 0
    assert repr(run.dataset).startswith("Dataset of 10 pairs (6 train, 2 validation, 2 test), boxes of 160 Mpc/h\n")
    seed = run.dataset.part("test")[0]
    pair, network = run.pairs[seed], run.networks["cnn"]
    cubes = [pair.phi("gr", z) for z in network.geometry.redshifts]
    logit = network.logits(cubes, theory="gr", seeds=seed)
    recorded = network.scores["test"]
    assert recorded.seeds[0] == seed
    np.testing.assert_allclose(logit[0], recorded.gr[0], rtol=1e-5, atol=1e-6)


def test_relativity_of_a_seed_is_what_its_pair_differs_by(tmp_path: Path) -> None:
    """On the largest scales, where cells are no matter: one call gives C1, and the difference of a pair is near it."""
    study = StudyConfig.from_mapping(
        {
            "name": "pair",
            "seeds": {"first": 3, "count": 1, "inverted": True},
            "cosmology": {"t_cmb_kelvin": 0.0},
            "simulation": {
                "grid": 16, "box_size_mpch": 640.0, "transfer": "eisenstein-hu", "step_limit_hubble": 0.1,
                "snapshot_redshifts": [11.0, 10.0], "spectra_redshifts": [10.0],
            },
            "output": {"dtype": "float64"},
            "measure": {"redshift": 10.0},
            "dataset": {"redshifts": [11.0, 10.0]},
        }
    )  # fmt: skip
    wf.simulate(study, tmp_path)
    run = wf.open(tmp_path)
    even = (run.pairs[3].difference(10.0).values + run.pairs.inverses[3].difference(10.0).values) / 2
    found, expected = (np.fft.rfftn(field)[:2, :2, :2].ravel()[1:] for field in (even, run.relativity(3, 10.0).values))
    response = np.real(np.vdot(expected, found)) / np.real(np.vdot(expected, expected))
    assert 0.9 < response < 1.1
    linear = run.linear_potential(3, 10.0).values
    odd = (run.pairs[3].phi("newton", 10.0).values - run.pairs.inverses[3].phi("newton", 10.0).values) / 2
    modes, theory = (np.fft.rfftn(field)[:2, :2, :2].ravel()[1:] for field in (odd, linear))
    np.testing.assert_allclose(modes, theory, rtol=0, atol=5e-3 * np.abs(theory).max())
