"""The measure stage on drawn pairs whose ratio is known, and the paired mean on numbers done by hand."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.planted import record_hash
from helpers.synthetic import save_phi, tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.cosmology import potential_growth
from weakfield.formats.spectra_text import SpectrumTable, write_spectrum_text
from weakfield.fourier.reference_spectrum import reference_spectrum
from weakfield.mesh import fft
from weakfield.spectra import measure
from weakfield.spectra.difference import growth_scaled_difference
from weakfield.spectra.expected import Expected
from weakfield.spectra.figures import spectra_figure
from weakfield.spectra.paired import PairedPower, load_spectra
from weakfield.spectra.paired_bispectrum import load_bispectra
from weakfield.spectra.theory import LinearTheory
from weakfield.spectra.theory.realised import linear_potential


def paired(powers, modes=(6, 12)) -> PairedPower:
    powers = np.array(powers, dtype=float)
    return PairedPower(
        quantity="phi", redshift=1.0, k=np.array([0.1, 0.2]), modes=np.array(modes), powers=powers,
        seeds=tuple(range(powers.shape[1])), difference=powers[1] - powers[0],
    )  # fmt: skip


def test_a_figure_of_many_outputs_shows_six_and_says_so():
    one = paired([[[1, 2], [10, 4]], [[1.1, 3], [13, 6]]])
    figure = spectra_figure([replace(one, redshift=float(z)) for z in range(20, -1, -1)], r"\phi")
    titles = [axes.get_title().split(",")[0] for axes in figure.axes]
    assert [title for title in titles if title.startswith("z =")] == [f"z = {z}" for z in (20, 16, 12, 8, 4, 0)]
    assert figure.get_suptitle() == "6 of 21 outputs; spectra.csv has all of them"


def test_error_of_the_paired_mean_by_hand():
    # ratios 1.1 and 1.3 in the first shell: mean 1.2, scatter 0.1 sqrt 2, error 0.1; equal ratios have no error
    spectrum = paired([[[1, 2], [10, 4]], [[1.1, 3], [13, 6]]])
    np.testing.assert_allclose(spectrum.ratio, [1.2, 1.5])
    np.testing.assert_allclose(spectrum.ratio_error, [0.1, 0], atol=1e-15)
    np.testing.assert_allclose(spectrum.mean, [[5.5, 3], [7.05, 4.5]])
    np.testing.assert_allclose(spectrum.mean_error[0], [4.5, 1])


def test_a_single_pair_has_no_error_and_an_empty_field_in_the_table(tmp_path, no_pictures):
    study = tiny_study(pairs=1)
    folder = write_run(study, tmp_path)
    summary = measure.run(study, folder)
    assert summary["ratio_phi_error"] is None
    json.dumps(summary, allow_nan=False)
    with open(folder.spectra / "spectra.csv", newline="") as handle:
        assert all(row["ratio_error"] == "" and float(row["ratio"]) > 0 for row in csv.DictReader(handle))


@pytest.mark.slow(minutes=0.1)
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


@pytest.mark.slow
def test_repeated_runs_write_the_same_bytes(synthetic_run):
    study, folder = synthetic_run
    contents = []
    for _ in range(2):
        measure.run(study, folder)
        contents.append({path.name: path.read_bytes() for path in folder.spectra.iterdir()})
    assert contents[0] == contents[1]


def test_only_whole_pairs_are_measured(synthetic_run, no_pictures):
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


@pytest.fixture
def no_pictures(monkeypatch):
    """Drawing takes seconds; these tests look at numbers."""
    monkeypatch.setattr(measure, "draw", lambda *results: None)


def measured(study, folder) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Rows of the tables by table and quantity."""
    measure.run(study, folder)
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for table in ("spectra", "bispectra", "significance"):
        with open(folder.spectra / f"{table}.csv", newline="") as handle:
            for row in csv.DictReader(handle):
                rows.setdefault((table, row["quantity"]), []).append(row)
    return rows


def test_bispectra_of_both_theories_stand_beside_theory(tmp_path):
    # GR evolves twice as much: difference cubes twice as large have 8 times the bispectrum
    study = tiny_study(pairs=6)
    folder = write_run(study, tmp_path, scale=2.0, mean=1e-7)
    rows = measured(study, folder)
    cubes = [row for row in rows["bispectra", "difference_cube"] if float(row["b_newton"]) != 0]
    # float32 files; a bispectrum is a small rest of large terms
    np.testing.assert_allclose([float(row["ratio"]) for row in cubes], 8, rtol=1e-3)
    assert all(row["tree_level"] == "" for row in cubes)
    early = [row for row in rows["bispectra", "phi"] if row["redshift"] == "10"]
    assert all(float(row["b_gr_minus_newton"]) == 0 and float(row["tree_level"]) < 0 for row in early)
    assert {row["shell1"] for row in early} == {"0", "1"}  # shells 0.5 to 2.5: two thirds of the Nyquist wavenumber
    sure = {(row["statistic"], row["quantity"], row["redshift"]): row for row in rows["significance", "phi"]}
    assert float(sure["bispectrum", "phi", "10"]["sigma_ensemble"]) == 0
    assert float(sure["power spectrum", "phi", "1"]["sigma_ensemble"]) > 5
    results = load_bispectra(folder.spectra / "bispectra.h5")
    assert [(b.quantity, b.redshift) for b in results] == [("phi", 10.0), ("phi", 1.0), ("difference_cube", 1.0)]
    for name in ("bispectra_phi", "bispectra_difference_cube"):
        assert (folder.spectra / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_linear_universe_has_the_response_one(tmp_path, no_pictures):
    # pairs that hold linear theory with the modes of their seeds, and a tenth less of it in GR at z = 1
    study = tiny_study(pairs=2)
    theory = LinearTheory(study.simulation, study.cosmology)
    folder = write_run(study, tmp_path)
    for seed in study.seeds.all:
        for theory_name, factor in (("newton", 1.0), ("gr", 0.9)):
            for index, z in enumerate((10.0, 1.0)):
                phi = linear_potential(theory, study.simulation, seed, z).numpy() * (factor if z == 1.0 else 1.0)
                path = folder.member(seed, theory_name) / f"snap{index:03d}_phi.h5"
                save_phi(path, phi, z, study.simulation.box_size_mpch, theory_name, seed)
                record_hash(folder, seed, f"{theory_name}/{path.name}")
    rows = measured(study, folder)["spectra", "phi"]
    drawn = [row for row in rows if row["response_newton"]]
    assert len(drawn) == 2 * 3  # three shells of both outputs
    for row in drawn:
        assert float(row["response_newton"]) == pytest.approx(1, rel=1e-5)  # single precision in k and in the file
        assert float(row["response_gr"]) == pytest.approx(0.81 if row["redshift"] == "1" else 1, rel=1e-5)
        assert float(row["linear_newton"]) == pytest.approx(float(row["linear_gr"]))


def test_written_spectra_stand_beside_theory(synthetic_run, no_pictures):
    study, folder = synthetic_run
    seeds = study.seeds.all
    expected = Expected(study)
    for seed in seeds:
        for theory in ("newton", "gr"):
            for index, z in enumerate((10.0, 1.0)):
                linear = expected.written("delta", z)[0][int(theory == "gr")]
                first = reference_spectrum(fft.forward(torch.zeros(8, 8, 8, dtype=torch.float64)), 64, 160.0)
                table = SpectrumTable("delta", z, first.k_hmpc, linear, first.k_scatter, 0 * linear, first.count)
                write_spectrum_text(folder.member(seed, theory) / f"pk{index:03d}_delta.dat", table)
        manifest = folder.pair(seed) / "pair.json"
        record = json.loads(manifest.read_text())
        record["files"] |= {f"{t}/pk{i:03d}_delta.dat": {"theory": t} for t in ("newton", "gr") for i in (0, 1)}
        manifest.write_text(json.dumps(record))
    rows = measured(study, folder)
    assert ("spectra", "phi_written") not in rows
    for row in rows["spectra", "delta_written"]:
        assert float(row["p_newton"]) == pytest.approx(
            float(row["linear_newton"]), rel=1e-6
        )  # seven digits in the file
        # Poisson gauge has more power at the horizon than N-body gauge, by 3 H theta / k^2, radiation less than that
        assert 1 < float(row["linear_gr"]) / float(row["linear_newton"]) < 1.01
        assert row["response_newton"] == ""


def test_bispectra_and_fits_can_be_left_out(tmp_path):
    study = tiny_study(pairs=1, measure={"bispectrum": False, "nonlinear": "none"})
    folder = write_run(study, tmp_path)
    rows = measured(study, folder)
    assert all(row["nonlinear_newton"] == "" for row in rows["spectra", "phi"])
    assert ("bispectra", "phi") not in rows
    assert not (folder.spectra / "bispectra_phi.png").exists()


def test_a_universe_without_theory_is_measured_all_the_same(tmp_path, no_pictures):
    # no photons: no Boltzmann code
    study = tiny_study(
        pairs=1, cosmology={"t_cmb_kelvin": 0.0}, measure={"bispectrum": False},
        simulation={"radiation": False, "transfer": "camb", "start": "linear"},
    )  # fmt: skip
    folder = write_run(study, tmp_path)
    summary = measure.run(study, folder)
    assert "t_cmb_kelvin" in summary["no_theory"]
    assert summary["ratio_phi"] > 0


def test_edges_of_triangles():
    assert measure.triangle_edges(tiny_study(grid=8)) == [0.5, 1.5, 2.5]
    assert measure.triangle_edges(tiny_study(grid=8, measure={"bispectrum_width": 2})) == [0.5, 2.5]
    assert len(measure.triangle_edges(tiny_study(grid=64))) == 11  # two k_F wide, to 20.5 of 32
