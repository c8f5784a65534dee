"""The studies that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from weakfield.config import StudyConfig, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_survives_its_own_toml(name: str, tmp_path: Path) -> None:
    study = StudyConfig.preset(name)
    (tmp_path / "study.toml").write_text(study.to_toml())
    assert StudyConfig.from_toml(tmp_path / "study.toml") == study
    assert study.name == name


def test_the_thesis_is_the_set_up_of_the_original_study() -> None:
    """The set-up of the original study and its choices that decide the science."""
    study = StudyConfig.preset("thesis")
    s = study.simulation
    assert (s.grid, s.box_size_mpch, s.tiling_factor, s.initial_redshift) == (256, 5120.0, 64, 100.0)
    assert (s.step_limit_hubble, s.courant_factor, s.phi_integrator, s.exact_redshifts) == (0.04, 48.0, "euler", False)
    assert (s.noise, s.transfer_nodes, s.newton_velocities, s.linear_radiation) == (
        "gevolution",
        "class",
        "nbody",
        True,
    )
    assert s.second_order_terms
    assert s.snapshot_redshifts == (20.0, 15.0, 10.0, 5.0, 1.0, 0.0)
    assert (len(s.spectra_redshifts), s.spectra_bins) == (21, 1024)
    assert (s.vector_method, s.k_domain, s.baryon_treatment, s.correct_displacement) == (
        "parabolic",
        "sphere",
        "blend",
        True,
    )
    assert (study.seeds.first, study.seeds.count) == (0, 300)
    data = study.dataset
    assert (data.sample, data.redshifts, data.keep_mean) == ("difference", (10.0, 1.0), True)
    assert (data.train, data.validation, data.test) == ((0, 199), (200, 249), (250, 299))


def test_the_thesis_with_fewer_pairs_has_the_same_shares() -> None:
    study = StudyConfig.preset("thesis")
    few = study.resized(pairs=6)
    assert few.dataset.ranges == {}
    assert few.dataset.fractions == pytest.approx((2 / 3, 1 / 6, 1 / 6), abs=1e-15)
    assert few.dataset.keep_mean
    assert study.resized(pairs=400).dataset.ranges == study.dataset.ranges
