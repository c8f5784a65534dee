"""The measure stage on drawn pairs whose ratio is known, and the paired mean on numbers done by hand."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.cosmology import potential_growth
from weakfield.spectra import measure
from weakfield.spectra.difference import growth_scaled_difference
from weakfield.spectra.paired import PairedPower, load_spectra


def paired(powers, modes=(6, 12)) -> PairedPower:
    powers = np.array(powers, dtype=float)
    return PairedPower(
        "phi", 1.0, np.array([0.1, 0.2]), np.array(modes), tuple(range(powers.shape[1])), powers, powers[1] - powers[0]
    )


def test_error_of_the_paired_mean_by_hand():
    # ratios 1.1 and 1.3 in the first shell: mean 1.2, scatter 0.1 sqrt 2, error 0.1; equal ratios have no error
    spectrum = paired([[[1, 2], [10, 4]], [[1.1, 3], [13, 6]]])
    np.testing.assert_allclose(spectrum.ratio, [1.2, 1.5])
    np.testing.assert_allclose(spectrum.ratio_error, [0.1, 0], atol=1e-15)
    np.testing.assert_allclose(spectrum.mean, [[5.5, 3], [7.05, 4.5]])
    np.testing.assert_allclose(spectrum.mean_error[0], [4.5, 1])


def test_a_single_pair_has_no_error_and_an_empty_field_in_the_table(tmp_path):
    study = tiny_study(pairs=1)
    folder = write_run(study, tmp_path)
    summary = measure.run(study, folder)
    assert summary["ratio_phi_error"] is None
    json.dumps(summary, allow_nan=False)
    with open(folder.spectra / "spectra.csv", newline="") as handle:
        assert all(row["ratio_error"] == "" and float(row["ratio"]) > 0 for row in csv.DictReader(handle))


def test_run_finds_the_ratio_that_was_drawn(tmp_path):
    # GR evolves twice as much: its difference cubes have 4 times the power, whatever the seed
    study = tiny_study(pairs=4)
    folder = write_run(study, tmp_path, scale=2.0, mean=1e-7)
    summary = measure.run(study, folder)
    spectra = {(s.quantity, s.redshift): s for s in load_spectra(folder.spectra / "spectra.h5")}
    assert set(spectra) == {("phi", 10.0), ("phi", 1.0), ("difference_cube", 1.0)}
    cubes, early = spectra["difference_cube", 1.0], spectra["phi", 10.0]
    # float32 files: the difference is a third of its terms, the ratio is right to a few 1e-7
    np.testing.assert_allclose(cubes.ratio, 4, rtol=1e-5)
    np.testing.assert_allclose(cubes.ratio_error, 0, atol=1e-5)
    np.testing.assert_array_equal(early.ratio, 1)
    np.testing.assert_array_equal(early.difference, 0)
    assert summary["pairs"] == 4
    assert summary["ratio_difference_cube"] == pytest.approx(4, rel=1e-5)
    assert cubes.seeds == study.seeds.all
    for name in ("slices", "spectra_phi", "spectra_difference_cube"):
        assert (folder.spectra / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_repeated_runs_write_the_same_bytes(synthetic_run):
    study, folder = synthetic_run
    contents = []
    for _ in range(2):
        measure.run(study, folder)
        contents.append({path.name: path.read_bytes() for path in folder.spectra.iterdir()})
    assert contents[0] == contents[1]


def test_only_whole_pairs_are_measured(synthetic_run):
    study, folder = synthetic_run
    (folder.pair(study.seeds.first) / "pair.json").unlink()
    assert measure.run(study, folder)["pairs"] == study.seeds.count - 1
    for seed in study.seeds.all[1:]:
        (folder.pair(seed) / "pair.json").unlink()
    with pytest.raises(BadInput, match="no whole pair"):
        measure.run(study, folder)


def test_damaged_and_missing_snapshots_are_named(synthetic_run):
    study, folder = synthetic_run
    snapshot = folder.member(study.seeds.first, "gr") / "snap001_phi.h5"
    snapshot.write_bytes(snapshot.read_bytes()[:200])
    with pytest.raises(BadInput, match=r"gr/snap001_phi\.h5"):
        measure.run(study, folder)
    snapshot.unlink()
    with pytest.raises(BadInput, match=r"gr/snap001_phi\.h5"):
        measure.run(study, folder)
    assert not folder.spectra.exists()


def test_bins_of_the_study():
    assert measure.bin_edges(tiny_study(grid=8)) is None
    np.testing.assert_allclose(measure.bin_edges(tiny_study(grid=8, measure={"bins": 2})), [0.5, 2.25, 4])


def test_linear_growth_cancels_in_the_difference_cube():
    study = tiny_study()
    field = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    early, late = (float(potential_growth(study.cosmology, z)) * field for z in (9.9, 1.02))
    assert growth_scaled_difference(early, 9.9, late, 1.02, study.cosmology).abs().max() < 1e-14
