"""Runs with several species against the output of the reference program on the same files (EQUATIONS 17, 18, 22)."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import weakfield as wf
from helpers.class_tables import ClassTables
from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, OutputSettings, SimulationSettings
from weakfield.cosmology import Background, amplitude
from weakfield.cosmology.neutrinos import NeutrinoDensity
from weakfield.formats import load_particles
from weakfield.formats.settings_ini import read_settings_ini
from weakfield.formats.spectra_text import read_spectrum_text
from weakfield.mesh.thermal import thermal_momenta
from weakfield.simulation import evolution, grow_member
from weakfield.simulation.checkpoint import Checkpoints
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.matter_start import velocity_factor
from weakfield.simulation.radiation import RadiationSources

DATA = Path(__file__).parents[1] / "data"
#: per case the snapshot that is kept
CASES = {"sample_gr": 2, "ncdm_bg_gr": 2, "ncdm_gr": 2, "ncdm_newton": 1}
#: of the largest momentum, and in cells: rounding; of the largest value of fields, which are kept in single precision
TOLERANCE, SINGLE = 1e-8, 1e-7


def run_case(case: str, folder: Path) -> Path:
    """Run a case as a user of the reference program would."""
    for table in (DATA / "tk_z100.dat", *(DATA / "species").glob("*.dat")):
        shutil.copy(table, folder)
    (folder / "settings.ini").write_text(str(np.load(DATA / "species" / f"{case}.npz")["settings"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        wf.simulate("settings.ini")
    return folder / "output"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Output folder of a case, run when first asked for."""
    return cache(lambda case: run_case(case, tmp_path_factory.mktemp(case)))


every_case = pytest.mark.parametrize("case", CASES)


@every_case
def test_fields_and_particles(case, run):
    output, reference = run(case), np.load(DATA / "species" / f"{case}.npz")
    index = CASES[case]
    for name in ("phi", "chi"):
        if name in reference.files:
            ours, theirs = wf.load_field(output / f"snap{index:03d}_{name}.h5")[0].numpy(), reference[name]
            assert np.abs(ours - theirs).max() <= SINGLE * np.abs(theirs).max(), name
    for species in ("cdm", "b", "ncdm0"):
        if f"x_{species}" in reference.files:
            particles = load_particles(output / f"snap{index:03d}_{species}.h5")
            apart = np.mod(particles.positions[::16] - reference[f"x_{species}"] + 0.5, 1.0) - 0.5
            assert np.abs(apart).max() * 16 <= TOLERANCE, species
            momenta = reference[f"q_{species}"]
            assert np.abs(particles.momenta[::16] - momenta).max() <= TOLERANCE * np.abs(momenta).max()


@every_case
def test_spectra_of_species(case, run):
    output, reference = run(case), np.load(DATA / "species" / f"{case}.npz")
    names = reference["spectra"].tolist()
    assert sorted(path.stem[6:] for path in output.glob("pk001_*.dat")) == sorted(names)
    for name, title in zip(names, reference["titles"].tolist(), strict=True):
        path = output / f"pk001_{name}.dat"
        table = read_spectrum_text(path)
        assert path.read_text().splitlines()[0] == title
        assert np.array_equal(table.dimensionless, reference[f"P_{name}"]), name  # to the last digit
        assert np.array_equal(table.error, reference[f"E_{name}"]), name


class Killed(Exception):
    """Stands for the death of the process."""


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_sampled_baryons_continue_from_a_checkpoint(theory, small_run, tmp_path, monkeypatch):
    run = small_run(
        theory, phi_integrator="euler", exact_redshifts=False, snapshot_redshifts=(50.0,), spectra_redshifts=(50.0,),
        snapshot_fields=("phi", "T00"), snapshot_particles=True, spectra_fields=("deltaN",), cross_spectra=True,
        baryon_treatment="sample", species_templates=("sc0",),
    )  # fmt: skip
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=3)})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    paths = grow_member(run, whole)
    assert {"snap000_b.h5", "pk000_cdmxb.dat", "pk000_b.dat"} <= {path.name for path in paths}
    keep = Checkpoints.keep

    def dying(self, universe, clock, outputs):
        keep(self, universe, clock, outputs)
        if clock.cycle == 4:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(evolution.Checkpoints, "keep", dying)
        with pytest.raises(Killed):
            grow_member(run, broken)
    assert [path.name for path in grow_member(run, broken)] == [path.name for path in paths]
    for name in ("phi", "T00"):
        first, second = (wf.load_field(folder / f"snap000_{name}.h5")[0] for folder in (whole, broken))
        assert torch.equal(first, second)
    first, second = (load_particles(folder / "snap000_b.h5") for folder in (whole, broken))
    assert np.array_equal(first.positions, second.positions)
    assert np.array_equal(first.momenta, second.momenta)
    assert first.mass * first.ids.size == pytest.approx(run.cosmology.Omega_b, rel=1e-14)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mesh": "spectral"}, "baryon_treatment is 'sample' but mesh is 'spectral'"),
        ({"species_tilings": (0,)}, "species_tilings begins with 0"),
    ],
)
def test_sampled_baryons_where_they_cannot_be(changes, said):
    values = {"mesh": "staggered", "start": "linear", "baryon_treatment": "sample", **changes}
    with pytest.raises(BadInput, match=said):
        SimulationSettings.from_mapping(values)


def test_a_kernel_without_particles_is_refused(small_run, tmp_path):
    run = small_run("gr", baryon_treatment="sample", species_templates=("sc1",), species_tilings=(2,))
    with pytest.raises(BadInput, match="no particle of the template sc1 in 2 copies a side"):
        grow_member(run, tmp_path)


def test_neutrinos_continue_from_a_checkpoint(tmp_path, monkeypatch):
    """Their sub-steps depend on the speed of the last kick, which the checkpoint keeps."""
    data = np.load(DATA / "species" / "ncdm_newton.npz")
    text = str(data["settings"]).replace("= 101, 1\n", "= 60\n").replace("= 50, 1\n", "= 60\n")
    (tmp_path / "settings.ini").write_text(text)
    shutil.copy(DATA / "species" / "tk_nu_z100.dat", tmp_path)
    run = read_settings_ini(tmp_path / "settings.ini").settings
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=2)})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    paths = grow_member(run, whole)
    keep = Checkpoints.keep

    def dying(self, universe, clock, outputs):
        keep(self, universe, clock, outputs)
        if clock.cycle == 4:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(evolution.Checkpoints, "keep", dying)
        with pytest.raises(Killed):
            grow_member(run, broken)
    assert [path.name for path in grow_member(run, broken)] == [path.name for path in paths]
    first, second = (load_particles(folder / "snap000_ncdm0.h5") for folder in (whole, broken))
    assert np.array_equal(first.positions, second.positions)
    assert np.array_equal(first.momenta, second.momenta)


def test_thermal_momenta_are_those_of_the_reference_program():
    thermal = CosmologySettings(m_ncdm_ev=(0.2,)).thermal_ncdm[0]
    q = thermal_momenta(np.array([0, 1234]), 1003, thermal)
    # stated with the motion of the flow, which is 4e-5 of the largest here
    assert q[:, 0] == pytest.approx([1.219950e-3, 1.578428e-3, 1.606011e-3], abs=5e-7)
    assert q[:, 1] == pytest.approx([-2.567109e-3, -7.274830e-4, 2.291512e-3], abs=5e-7)


def test_thermal_momenta_have_the_moments_of_a_fermi_dirac_distribution():
    q = thermal_momenta(np.arange(200_000), 3, 1.0).astype(np.float64)
    size = np.sqrt((q**2).sum(0))
    assert size.mean() == pytest.approx(3.15137, abs=4 * size.std() / np.sqrt(size.size))
    assert (size**2).mean() == pytest.approx(12.93905, abs=4 * (size**2).std() / np.sqrt(size.size))
    assert np.abs((q / size).mean(1)).max() < 4 / np.sqrt(3 * size.size)  # no direction is preferred


@pytest.mark.parametrize(("a", "omega"), [(1.0 / 101.0, 4.914361293479e-3), (1.0, 4.705089516447e-3)])
def test_density_of_massive_neutrinos(a, omega):
    cosmology = CosmologySettings(omega_cdm=0.118, n_ur=2.0328, m_ncdm_ev=(0.2,))
    assert cosmology.Omega_ncdm == pytest.approx((4.705068038656e-3,), rel=1e-12)
    assert cosmology.thermal_ncdm == pytest.approx((8.409470542880e-4,), rel=1e-12)
    # the reference program integrates to seven digits
    assert NeutrinoDensity(cosmology).each(a)[0] == pytest.approx(omega, rel=1e-8)


def test_the_slope_of_the_expansion_rate_with_neutrinos():
    background = Background(CosmologySettings(omega_cdm=0.118, m_ncdm_ev=(0.05, 0.2), deg_ncdm=(2.0,)), 320.0)
    a, step = np.array([1e-4, 1e-3, 0.02, 0.7]), 1e-4
    ends = [np.log(background.conformal_hubble(a * np.exp(sign * step))) for sign in (1, -1)]
    assert np.allclose((ends[0] - ends[1]) / (2 * step), background.log_slope(a), rtol=0, atol=1e-7)


def test_settings_without_neutrinos_look_as_before():
    values = CosmologySettings().model_dump()
    assert not any("ncdm" in name for name in values)
    assert CosmologySettings(**CosmologySettings(m_ncdm_ev=(0.1,)).model_dump()).m_ncdm_ev == (0.1,)


def test_linear_neutrinos(tmp_path):
    """With the tables of the reference program, until z = 39.6; they become particles at z = 20."""
    reference = np.load(DATA / "species" / "ncdm_class_gr.npz")
    text = str(reference["settings"]).replace("= 101, 40, 1\n", "= 40\n").replace("= 40, 10, 1\n", "= 40\n")
    (tmp_path / "settings.ini").write_text(text)
    grow_member(read_settings_ini(tmp_path / "settings.ini").settings, tmp_path, ClassTables(reference))
    for name in ("phi", "chi"):
        ours, theirs = wf.load_field(tmp_path / f"snap000_{name}.h5")[0].numpy(), reference[name]
        assert np.abs(ours - theirs).max() <= SINGLE * np.abs(theirs).max(), name
    names = reference["spectra"].tolist()
    assert sorted(path.stem[6:] for path in tmp_path.glob("pk000_*.dat")) == sorted(names)
    for name in names:
        table = read_spectrum_text(tmp_path / f"pk000_{name}.dat")
        # the tables are in single precision
        assert table.dimensionless == pytest.approx(reference[f"P_{name}"], rel=2e-6), name


@pytest.mark.slow
def test_linear_neutrinos_of_class_become_particles(tmp_path):
    """The whole case with CLASS itself, which differs from the version that the reference program was linked to."""
    pytest.importorskip("classy", reason="classy is not installed (pip install weakfield[class])")
    output, reference = run_case("ncdm_class_gr", tmp_path), np.load(DATA / "species" / "ncdm_class_gr.npz")
    for name in ("phi", "chi"):
        at = {1: reference[name], 2: reference[f"{name}_end"]}  # the second at z = 1, on every other node
        for index, theirs in at.items():
            step = 16 // theirs.shape[0]
            ours = wf.load_field(output / f"snap{index:03d}_{name}.h5")[0].numpy()[::step, ::step, ::step]
            assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max(), (name, index)


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_sources_of_linear_neutrinos(theory, small_run, tmp_path):
    """Before their switch they add to the density what their contrast is, in Newton with the gauge term."""
    reference = np.load(DATA / "species" / "ncdm_class_gr.npz")
    cosmology = CosmologySettings(omega_cdm=0.118, n_ur=2.0328, m_ncdm_ev=(0.2,))
    base = {"transfer": "class", "radiation": True, "phi_integrator": "euler"}
    made, a = {}, 1.0 / 101.0
    for switch in (20.0, 100.0):
        run = small_run(theory, switch_delta_ncdm=(switch,), **base).model_copy(update={"cosmology": cosmology})
        made[switch] = RadiationSources(run, Background(cosmology, 320.0), ClassTables(reference))
    before, after = made[20.0], made[100.0]  # as linear fields, and as particles already
    f, omega = ClassTables(reference).at(a), NeutrinoDensity(cosmology).each(a)[0]
    assert before.mean(a) - after.mean(a) == pytest.approx(omega, rel=1e-12)
    assert before.chi_acts(a)
    assert not after.chi_acts(a)
    x = f.k_hmpc * 320.0
    expected = omega * f.column("delta", "ncdm[0]")
    if theory == "newton":
        hubble = Background(cosmology, 320.0).conformal_hubble(a)
        expected = expected + 3.0 * omega * hubble * f.column("theta", "tot") * (320.0 / cosmology.h) / x**2
    added = (before.density(a) - after.density(a)) / -amplitude(cosmology, 320.0, x)
    np.testing.assert_allclose(added, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_neutrinos_from_the_power_spectrum_of_matter(theory, small_run, tmp_path):
    """They are displaced as cold matter is, and flow along the same gradient at a rate of their own."""
    k = np.geomspace(1e-3, 10.0, 80)
    np.savetxt(tmp_path / "mpk.dat", np.column_stack([k, 1e3 * k / (1.0 + (k / 0.02) ** 3)]))
    run = small_run(
        theory, transfer="spectrum", transfer_file=tmp_path / "mpk.dat", radiation=False, phi_integrator="euler",
        newton_velocities="poisson",
    )  # fmt: skip
    run = run.model_copy(update={"cosmology": CosmologySettings(omega_cdm=0.118, n_ur=2.0328, m_ncdm_ev=(0.2,))})
    universe = initial_universe(run)
    cold, (massive,) = universe.particles, universe.neutrinos
    assert torch.equal(massive.particles.displacement, cold.displacement)
    thermal = thermal_momenta(cold.ids.numpy(), run.seed, run.cosmology.thermal_ncdm[0])
    flow = massive.particles.momentum - torch.from_numpy(thermal)
    background = universe.background
    ratio = velocity_factor(run, background, neutrinos=True) / velocity_factor(run, background)
    assert 1.0 < ratio < 4.0 / 3.0
    torch.testing.assert_close(flow, cold.momentum * ratio, rtol=1e-9, atol=1e-15)
