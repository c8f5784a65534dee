"""Starts other than the transfer functions of one species: hybrid baryons, a matter spectrum, a snapshot."""

from __future__ import annotations

import fcntl
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background, growth_factor, transfer_history
from weakfield.formats import load_gadget, load_particles, save_field, save_gadget, save_particles
from weakfield.mesh import fft
from weakfield.mesh.noise import unit_modes
from weakfield.simulation import grow_member
from weakfield.simulation.initial_conditions import initial_spectra, initial_universe

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("omega_b", [0.01, 0.06])  # an eighth of the matter is 0.0178
def test_hybrid_particles_are_on_average_the_blend(small_run, omega_b):
    run = small_run("gr", transfer="camb", radiation=False)
    cosmology = run.cosmology.model_copy(update={"omega_b": omega_b})
    sources = {}
    for treatment in ("hybrid", "blend", "ignore"):
        simulation = run.simulation.model_copy(update={"baryon_treatment": treatment})
        this = run.model_copy(update={"simulation": simulation, "cosmology": cosmology})
        background, history = Background(cosmology, 320.0), transfer_history(simulation, cosmology)
        sources[treatment] = initial_spectra(this, background, history)
    x = np.linspace(8.0, 60.0, 20)
    for name in ("displacement", "velocity"):
        (most, eighth), (blend,) = (getattr(sources[t], name) for t in ("hybrid", "blend"))
        np.testing.assert_allclose(0.875 * most(x) + 0.125 * eighth(x), blend(x), rtol=1e-12)
        assert np.abs(eighth(x) / most(x) - 1).min() > 1e-3  # CDM and baryons differ at z = 100
    light, cdm = sources["hybrid"].velocity[0], sources["ignore"].velocity[0]
    assert np.allclose(light(x), cdm(x), rtol=1e-13) == (omega_b == 0.01)


def test_hybrid_moves_every_eighth_particle_differently(small_run):
    blend, hybrid = (
        initial_universe(small_run("gr", transfer="camb", radiation=False, baryon_treatment=t))
        for t in ("blend", "hybrid")
    )
    apart = (hybrid.particles.momentum - blend.particles.momentum).abs().sum(0)
    ratio = float(apart[blend.particles.ids % 8 == 0].mean() / apart[blend.particles.ids % 8 != 0].mean())
    assert ratio == pytest.approx(7.0, rel=0.2)  # seven move a seventh as far the other way


@pytest.fixture
def matter_power(tmp_path):
    """A power law in synchronous gauge, weak enough for linear theory."""
    k = np.geomspace(0.01, 1.0, 60)
    path = tmp_path / "power.dat"
    np.savetxt(path, np.column_stack([k, 0.3 * (k / 0.05) ** -1.5]), header="k (h/Mpc)  P (Mpc/h)^3")
    return path


def spectrum_run(small_run, path, theory: str, **changes) -> RunSettings:
    return small_run(
        theory, transfer="spectrum", transfer_file=path, newton_velocities="poisson", phi_integrator="euler", **changes
    )


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_potential_of_a_matter_spectrum(small_run, matter_power, theory):
    """Mode by mode: phi of the displaced particles is that of the input through the linear Poisson equation."""
    run = spectrum_run(small_run, matter_power, theory)
    universe = initial_universe(run)
    n, box, a = 16, 320.0, 1.0 / 101.0
    background, m = universe.background, np.minimum(np.arange(n), n - np.arange(n))
    squares = m[:, None, None] ** 2 + m[None, :, None] ** 2 + np.arange(n // 2 + 1)[None, None, :] ** 2
    k2 = 4 * np.pi**2 * np.maximum(squares, 1)
    g = 1.0 if theory == "gr" else 0.0
    hubble = background.conformal_hubble(a)
    power = 0.3 * (np.sqrt(k2) / box / 0.05) ** -1.5
    window = np.sinc(m / n)
    sinc = window[:, None, None] * window[None, :, None] * window[None, None, : n // 2 + 1]
    delta = np.sqrt(power / 2 / box**3) * (1 + 7.5 * g * hubble**2 / k2) * sinc
    mass = 3 * g * (hubble**2 + background.four_pi_G * run.cosmology.Omega_m / a)
    laplacian = universe.lattice.k2().numpy() + mass
    laplacian[0, 0, 0] = 1.0  # no mode there
    strength = background.four_pi_G * run.cosmology.Omega_m / a * delta / laplacian
    unit = unit_modes(n, run.seed, "sphere", "hermitian").numpy()
    expected = fft.backward(torch.from_numpy(-unit * strength), n, normalised=False)
    # the particles move by 1e-3 of a cell: what is not linear is of that order
    assert float((universe.phi - expected).abs().max()) < 3e-3 * float(expected.abs().max())


def test_input_power_comes_back_through_the_poisson_equation(small_run, matter_power):
    """<|phi|^2> over all modes against P(k) of the file: the normalisation, phases apart."""
    run = spectrum_run(small_run, matter_power, "newton")
    ratio = []
    for seed in range(6):
        universe = initial_universe(run.model_copy(update={"seed": seed}))
        phi = fft.forward(universe.phi).numpy() / 16**3
        k_lattice, a = universe.lattice.k2().numpy(), 1.0 / 101.0
        contrast = phi * k_lattice * a / (universe.background.four_pi_G * run.cosmology.Omega_m)
        m = np.minimum(np.arange(16), 16 - np.arange(16))
        squares = m[:, None, None] ** 2 + m[None, :, None] ** 2 + np.arange(9)[None, None, :] ** 2
        low = (squares > 0) & (squares <= 9) & (np.arange(9) > 0)[None, None, :]
        power = 0.3 * (2 * np.pi * np.sqrt(squares[low]) / 320.0 / 0.05) ** -1.5
        window = np.sinc(m / 16)
        sinc = (window[:, None, None] * window[None, :, None] * window[None, None, :9])[low]
        ratio.append(np.abs(contrast[low]) ** 2 * 320.0**3 / power / sinc**2)
    # 6 x 61 exponential variables: the mean is 1 to 5 %
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_velocities_of_a_matter_spectrum_are_those_of_the_growing_mode(small_run, matter_power, theory, tmp_path):
    """phi of a linear universe falls as D/a: wrong velocities would feed the decaying mode."""
    run = spectrum_run(
        small_run, matter_power, theory, step_limit_hubble=0.01, snapshot_redshifts=(100.0, 30.0), spectra_redshifts=()
    )
    # with radiation the formula, which leaves out phi', is 2 % slower than the growing mode
    run = run.model_copy(update={"cosmology": run.cosmology.model_copy(update={"t_cmb_kelvin": 0.0})})
    grow_member(run, tmp_path)
    early, late = (fft.forward(wf.load_field(tmp_path / f"snap00{i}_phi.h5")[0])[0, 0, 2] for i in (0, 1))
    growth = growth_factor(run.cosmology, 30.0) / growth_factor(run.cosmology, 100.0) * 31.0 / 101.0
    assert float((late / early).real) == pytest.approx(float(growth), rel=2e-3)


def test_matter_spectra_that_are_refused(small_run, tmp_path):
    path = tmp_path / "power.dat"
    for text, message in (
        ("0.1 1\n0.2 x\n", "line 2: found '0.2 x', expected numbers"),
        ("0.1 1\n0.2\n", "line 2: found one number"),
        ("0.1 1\n0.2 1\n", "at least 3 rows"),
        ("0.1 1\n0.2 -1\n0.3 1\n", "positive P"),
        ("0.3 1\n0.2 1\n0.1 1\n", "ascending"),
        ("0.1 1\n0.2 1\n0.3 1\n", "covered is"),
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match=message):
            initial_universe(spectrum_run(small_run, path, "gr"))
    with pytest.raises(ValueError, match="expected 'euler' for a start from a power spectrum"):
        small_run("gr", transfer="spectrum", transfer_file=path)


def restarted(small_run, theory: str, folder, step: float, suffix: str = ".h5", **changes) -> RunSettings:
    files = tuple(folder / f"snap000_{name}.h5" for name in ("phi", "chi", "B"))
    z = wf.load_field(files[0])[1]["redshift"]
    settings = dict(
        phi_integrator="euler", exact_redshifts=False, initial_redshift=z, initial_conditions="snapshot",
        particle_file=folder / f"snap000_cdm{suffix}", metric_files=files, particle_step=step,
        relaxation_redshift=100.0, snapshot_redshifts=(5.0,), spectra_redshifts=(), newton_velocities="poisson",
    )  # fmt: skip
    return small_run(theory, **(settings | changes))


@pytest.fixture(scope="module", params=["newton", "gr"])
def halves(request, small_run, tmp_path_factory):
    """A run with a snapshot half way, and the step before it."""
    folder = tmp_path_factory.mktemp(request.param)
    run = small_run(
        request.param, phi_integrator="euler", exact_redshifts=False, snapshot_redshifts=(20.0, 5.0),
        spectra_redshifts=(), snapshot_fields=("phi", "chi", "B"), snapshot_particles=True, snapshot_gadget=True,
    )  # fmt: skip
    grow_member(run, folder)
    a = wf.load_field(folder / "snap000_phi.h5")[1]["scale_factor"]
    background = Background(run.cosmology, 320.0)
    before = 1.0 / 101.0
    while True:
        step = 0.05 / background.conformal_hubble(before)
        after = background.rk4_step(background.rk4_step(before, 0.5 * step), 0.5 * step)
        if after > a * (1 - 1e-9):
            return request.param, folder, step
        before = after


def test_a_run_goes_on_from_its_snapshot(small_run, halves, tmp_path):
    theory, folder, step = halves
    grow_member(restarted(small_run, theory, folder, step), tmp_path)
    whole, second = (wf.load_field(path)[0] for path in (folder / "snap001_phi.h5", tmp_path / "snap000_phi.h5"))
    error = float((whole - second).std() / whole.std())
    # Newton: the same steps up to rounding; GR: phi' and B begin anew
    assert error < (1e-11 if theory == "newton" else 1e-6)
    late = restarted(small_run, theory, folder, 0.0)
    (tmp_path / "late").mkdir()
    grow_member(late, tmp_path / "late")
    wrong = wf.load_field(tmp_path / "late" / "snap000_phi.h5")[0]
    assert float((whole - wrong).std()) > 10 * float((whole - second).std())


def test_a_start_that_is_read_ignores_what_the_start_is_and_says_so(small_run, halves):
    theory, folder, step = halves
    run = restarted(small_run, theory, folder, step, start="growing-mode", mesh="staggered")
    with pytest.warns(UserWarning, match="start = 'growing-mode' is ignored"):
        initial_universe(run)


def test_a_run_goes_on_from_a_gadget_snapshot(small_run, halves, tmp_path):
    theory, folder, _ = halves
    snapshot = load_gadget(folder / "snap000_cdm")
    run = restarted(small_run, theory, folder, 0.0, suffix="")
    with pytest.raises(BadInput, match=r"has scale factor .* as the settings say"):
        initial_universe(run)
    simulation = run.simulation.model_copy(update={"initial_redshift": 1.0 / snapshot.scale_factor - 1.0})
    universe = initial_universe(run.model_copy(update={"simulation": simulation}))
    order = torch.argsort(universe.particles.ids)
    np.testing.assert_allclose(universe.particles.positions().numpy().T[order], snapshot.positions, atol=1e-15)
    np.testing.assert_array_equal(universe.particles.momentum.numpy().T[order], snapshot.momenta)


def test_snapshots_that_do_not_fit(small_run, halves, tmp_path):
    theory, folder, step = halves
    run = restarted(small_run, theory, folder, step)

    def refused(message: str, **changes) -> None:
        with pytest.raises(BadInput, match=message):
            initial_universe(run.model_copy(update={"simulation": run.simulation.model_copy(update=changes)}))

    particles = load_particles(folder / "snap000_cdm.h5")
    half = replace(
        particles, ids=particles.ids[::2], positions=particles.positions[::2], momenta=particles.momenta[::2]
    )
    save_particles(tmp_path / "half.h5", half, 16)
    refused("expected all of 0.31", particle_file=tmp_path / "half.h5")
    refused(r"snap000_B.h5 holds a field of shape \(3, 16", metric_files=(folder / "snap000_B.h5",))
    refused("no such", particle_file=tmp_path / "nowhere")
    if theory == "gr":
        refused("GR starts from it", metric_files=())


@pytest.mark.parametrize("ids", ["zero", "shuffled", "from one"])
def test_any_ids_do_for_a_start(small_run, halves, tmp_path, ids):
    """Momenta belong to the particles they stand beside, whatever the IDs."""
    theory, folder, step = halves
    run = restarted(small_run, theory, folder, step)
    whole, particles = initial_universe(run), load_particles(folder / "snap000_cdm.h5")
    other = {
        "zero": np.zeros_like(particles.ids),
        "shuffled": np.random.default_rng(0).permutation(particles.ids),
        "from one": particles.ids + 1,
    }[ids]
    save_particles(tmp_path / "other.h5", replace(particles, ids=other), 16)
    simulation = run.simulation.model_copy(update={"particle_file": tmp_path / "other.h5"})
    again = run.model_copy(update={"simulation": simulation})
    if ids == "zero":
        with pytest.warns(UserWarning, match="gives the same ID to several particles"):
            universe = initial_universe(again)
    else:
        universe = initial_universe(again)
    torch.testing.assert_close(universe.phi, whole.phi, rtol=1e-10, atol=1e-16)
    momentum = [
        u.kernels.paint(u.particles, u.particles.momentum[0].contiguous(), 1.0) for u in (universe, whole)
    ]  # which does not know the order of particles
    torch.testing.assert_close(*momentum, rtol=1e-9, atol=1e-12)


def test_particles_that_cannot_be(small_run, halves, tmp_path):
    theory, folder, step = halves
    run, particles = restarted(small_run, theory, folder, step), load_particles(folder / "snap000_cdm.h5")
    far, fast = particles.positions.copy(), particles.momenta.copy()
    far[5, 1], fast[7, 2] = 1e300, 10.0
    for message, changed in (
        ("holds positions from .* to 1e.300, expected 0 to 1", replace(particles, positions=far)),
        ("holds a momentum of 10, expected below 1", replace(particles, momenta=fast)),
        ("states -1 as the mass of a particle", replace(particles, mass=-1.0)),
    ):
        save_particles(tmp_path / "p.h5", changed, 16)
        simulation = run.simulation.model_copy(update={"particle_file": tmp_path / "p.h5"})
        with pytest.raises(BadInput, match=message):
            initial_universe(run.model_copy(update={"simulation": simulation}))


def test_headers_of_a_start_that_contradict_the_settings(small_run, halves, tmp_path):
    """Box, time, cosmology and number of particles of a Gadget-2 file, of particles and of fields in HDF5."""
    theory, folder, _ = halves
    snapshot = load_gadget(folder / "snap000_cdm")
    run = restarted(small_run, theory, folder, 0.0, suffix="", initial_redshift=1.0 / snapshot.scale_factor - 1.0)
    initial_universe(run)

    def refused(message: str, **changes) -> None:
        changed = run.model_copy(update={"simulation": run.simulation.model_copy(update=changes)})
        with pytest.raises(BadInput, match=message):
            initial_universe(changed)

    for name, value, said in (
        ("box_size_mpch", 160.0, r"has box \[Mpc/h\] 160, expected 320"),
        ("scale_factor", 0.5, "has scale factor 0.5, expected 0.0476"),
        ("omega_m", 0.3, "has Omega_m 0.3, expected 0.312"),
        ("omega_lambda", 0.0001, "has Omega_lambda 0.0001, expected 0.68"),
        ("h", 1.0, "has h 1, expected 0.67556"),
        ("particle_density", snapshot.particle_density / 2, "holds matter of Omega 0.15"),
        ("momenta", np.full_like(snapshot.momenta, 10.0), "holds a momentum of 10, expected below 1"),
    ):
        save_gadget(tmp_path / "other", replace(snapshot, **{name: value}))
        refused(said, particle_file=tmp_path / "other")
    unstated = replace(snapshot, omega_m=0.0, omega_lambda=0.0, h=0.0)
    save_gadget(tmp_path / "unstated", unstated)
    initial_universe(run.model_copy(update={"simulation": run.simulation.model_copy(
        update={"particle_file": tmp_path / "unstated"})}))  # fmt: skip

    phi, about = wf.load_field(folder / "snap000_phi.h5")
    for field, attributes, said in (
        (phi, about | {"box_size_mpch": 160.0}, r"phi.h5 has box \[Mpc/h\] 160, expected 320"),
        (phi, about | {"scale_factor": 0.5}, "phi.h5 has scale factor 0.5, expected 0.0476"),
        (phi * 1e300, about, r"phi.h5 holds values up to .*e\+29.*, expected a weak field, below 1"),
    ):
        save_field(tmp_path / "phi.h5", field, attributes, dtype="float64")
        refused(said, metric_files=(tmp_path / "phi.h5",))


def test_particles_in_hdf5_that_contradict_themselves(small_run, halves, tmp_path):
    theory, folder, step = halves
    run = restarted(small_run, theory, folder, step)
    again = run.model_copy(
        update={"simulation": run.simulation.model_copy(update={"particle_file": tmp_path / "p.h5"})}
    )
    for change, said in (
        (
            lambda file: file["numParts"].__setitem__(0, 4095),
            r"holds 4096 particles, expected 4095 as its 'numParts' says",
        ),
        (lambda file: file.attrs.__setitem__("boxSize", [320.0] * 3), r"states a box of \[320.0, .*, expected 1"),
    ):
        shutil.copy(folder / "snap000_cdm.h5", tmp_path / "p.h5")
        with h5py.File(tmp_path / "p.h5", "r+") as file:
            change(file)
        with pytest.raises(BadInput, match=said):
            initial_universe(again)
    with open(tmp_path / "p.h5", "rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match=r"p\.h5 is in use by another process"):
            initial_universe(again)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("displacement", 1e300, "have displacements of .* to 1e.300 cells, expected less than the box"),
        ("displacement", np.nan, "have displacements of nan to nan"),
        ("momentum", -10.0, "have momenta of -10 to .* m c, expected below 1"),
    ],
)
def test_particles_that_no_kernel_must_see(small_run, name, value, said):
    particles = initial_universe(small_run("newton", grid=8)).particles
    particles.require_possible()
    getattr(particles, name)[1, 3] = value
    with pytest.raises(BadInput, match=said):
        particles.require_possible()


@pytest.mark.parametrize("mesh", ["staggered", "spectral"])
@pytest.mark.parametrize("column", ["d_cdm", "t_cdm"])
def test_a_table_that_moves_particles_beyond_all_bounds_is_refused(small_run, tmp_path, column, mesh):
    """One wrong exponent in a table would make kernels run astray."""
    path = tmp_path / "tk.dat"
    place = {"d_cdm": 3, "t_cdm": 11}[column]
    with open(path, "w") as file:
        for line in (DATA / "tk_z100.dat").read_text().splitlines():
            words = line.split()
            if words[0] != "#" and 0.05 < float(words[0]) < 0.08:
                words[place] = "1e40"
            file.write(" ".join(words) + "\n")
    run = small_run(
        "gr", grid=8, box_size_mpch=160.0, transfer="file", transfer_file=path, newton_velocities="poisson", mesh=mesh
    )
    with pytest.raises(BadInput):
        initial_universe(run)


def test_amplitude_of_the_primordial_spectrum(small_run):
    """Fields of linear theory go as sqrt(A_s), for as large an A_s as a study of non-linear effects may ask for."""
    run = small_run("gr", transfer="camb", radiation=False)
    louder = run.model_copy(update={"cosmology": run.cosmology.model_copy(update={"a_s": 100 * run.cosmology.a_s})})
    quiet, loud = initial_universe(run), initial_universe(louder)
    torch.testing.assert_close(loud.phi, 10 * quiet.phi, rtol=1e-10, atol=1e-18)


@pytest.mark.parametrize("theory", ["gr", "newton"])
def test_a_start_in_single_precision_is_the_double_one_rounded(small_run, theory):
    """B above all: the curl of the momenta is a thousandth of them, and would lose three digits in single precision."""
    double, single = (initial_universe(small_run(theory, precision=precision)) for precision in ("double", "single"))
    pairs = [(getattr(double, name), getattr(single, name)) for name in ("phi", "b_modes")]
    pairs += [
        (getattr(double.particles, name), getattr(single.particles, name)) for name in ("displacement", "momentum")
    ]
    for exact, rounded in pairs:
        assert rounded.dtype in (torch.float32, torch.complex64)
        # half of the last digit; the template's rest positions, which are rounded first, may add as much again
        assert float((rounded - exact).abs().max()) <= 2 * 2.0**-24 * float(exact.abs().max())
