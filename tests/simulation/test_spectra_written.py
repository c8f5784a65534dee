"""Spectra of a cycle: each is that of its field, and measuring leaves the run as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.config import OutputSettings, RunSettings, SimulationSettings
from weakfield.formats import read_spectrum_text
from weakfield.fourier.reference_spectrum import reference_spectrum
from weakfield.mesh import fft
from weakfield.simulation import output
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES, grow_member
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.snapshots import snapshot_field
from weakfield.simulation.spectra_written import spectrum_tables

NAMES = ("phi", "chi", "B", "hij", "T00", "delta", "rhoN", "deltaN", "psiN")
#: mesh, and the settings of a small box on it; noise that is not Hermitian has modes that no real field has
MESHES = {
    "staggered": {"mesh": "staggered", "start": "linear", "noise": "gevolution", "phi_integrator": "euler",
                  "exact_redshifts": False},
    "spectral": {"mesh": "spectral", "noise": "gevolution"},
}  # fmt: skip


def run_of(mesh: str, theory: str, **changes) -> RunSettings:
    settings = {
        "grid": 16, "box_size_mpch": 2560.0, "transfer": "camb", "snapshot_redshifts": (80.0,),
        "spectra_redshifts": (90.0,), "spectra_fields": NAMES, "spectra_bins": 24, **MESHES[mesh], **changes,
    }  # fmt: skip
    simulation = SimulationSettings(**settings)
    return RunSettings(theory=theory, seed=5, simulation=simulation, output=OutputSettings(dtype="float64"))


@pytest.mark.parametrize("theory", ["gr", "newton"])
@pytest.mark.parametrize("mesh", MESHES)
def test_spectra_are_those_of_the_fields(mesh, theory):
    """Densities share their modes, and radiation is added to them as modes: the fields have the same spectra."""
    run = run_of(mesh, theory)
    u = initial_universe(run)
    clock, gravity = Clock(run, u.background), THEORIES[mesh, theory, run.simulation.phi_integrator]()
    for _ in range(2):
        gravity.solve(u, clock, True)
        gravity.move(u, clock)
        clock.advance()
    gravity.solve(u, clock, True)
    fields = {name: snapshot_field(u, clock, name).double().clone() for name in ("phi", "chi", "B", "T00", "rhoN")}
    radiation = u.radiation.density(clock.a)
    fields |= {"deltaclass": radiation, "delta": fields["T00"] + radiation, "deltaN": fields["rhoN"]}
    means = dict.fromkeys(("delta", "deltaN", "deltacdm"), run.cosmology.Omega_m)
    means |= dict.fromkeys(("T00", "T00cdm", "rhoN"), clock.a**3) | {"deltaclass": run.cosmology.Omega_r / clock.a}
    alone = {"gr": {"deltacdm": "delta", "T00cdm": "T00"}, "newton": {}}[theory]
    if mesh == "spectral":
        alone.pop("T00cdm", None)
    fields |= dict.fromkeys(alone, fields["T00"])
    if mesh == "staggered":  # as in the reference program, of whose densities in Newton all have the linear part
        if theory == "newton":
            modes = fft.forward(radiation.contiguous())
            u.kernels.divide_by_laplacian(modes, u.lattice, -u.background.four_pi_G / (clock.a * u.n**3), 0.0, True)
            linear = fft.backward(modes, u.n, normalised=False)
            fields["psiN"] = snapshot_field(u, clock, "psiN").double() + linear
        for name in ("T00",) if theory == "gr" else ("T00", "rhoN", "deltaN"):
            fields[name] = fields[name] + radiation
    tables = spectrum_tables(u, clock)
    assert set(tables) == {*NAMES, "deltaclass", *alone}
    for name, field in fields.items():
        window = "cic" if name in means and mesh == "staggered" else "none"
        weights = (1.0,) * (3 if name == "B" else 1)
        expected = reference_spectrum(fft.forward(field.contiguous()), 24, 2560.0, window, weights)
        factor = means.get(name, 1.0) ** -2
        # sums of some thousand numbers, and densities whose mean is a thousand times their contrast
        np.testing.assert_allclose(
            tables[name].dimensionless, expected.dimensionless * factor, rtol=1e-9,
            atol=1e-12 * factor * expected.dimensionless.max(), err_msg=name,
        )  # fmt: skip
        assert np.array_equal(tables[name].count, expected.count)


@pytest.mark.parametrize("theory", ["gr", "newton"])
@pytest.mark.parametrize("mesh", MESHES)
def test_a_run_that_writes_spectra_has_the_bits_of_one_that_does_not(mesh, theory, tmp_path):
    found = {}
    for redshifts in ((95.0, 90.0), ()):
        run = run_of(mesh, theory, spectra_redshifts=redshifts, snapshot_fields=("phi", "chi", "B", "hij"))
        if mesh == "spectral":  # steps land on outputs, which must be the same
            run = run_of(mesh, theory, spectra_redshifts=redshifts, snapshot_redshifts=(95.0, 90.0, 80.0),
                         snapshot_fields=("phi", "chi", "B", "hij"))  # fmt: skip
        folder = tmp_path / str(len(redshifts))
        folder.mkdir()
        last = len(run.simulation.snapshot_redshifts) - 1
        grow_member(run, folder)
        found[redshifts] = [
            wf.load_field(folder / f"snap{last:03d}_{name}.h5")[0] for name in run.simulation.snapshot_fields
        ]
    for with_spectra, without in zip(*found.values(), strict=True):
        assert torch.equal(with_spectra, without)


def test_a_spectrum_is_written_once_and_not_before_its_redshift(tmp_path, monkeypatch):
    """What is interpolated with the cycle before is kept in memory: a file by that name is whole and final."""
    written = []

    def noted(path, table):
        written.append(path.name)
        write(path, table)

    write = output.write_spectrum_text
    monkeypatch.setattr(output, "write_spectrum_text", noted)
    run = run_of("staggered", "newton", spectra_redshifts=(95.0, 85.0), spectra_fields=("phi", "delta"))
    grow_member(run, tmp_path)
    assert written == [f"pk00{i}_{name}.dat" for i in (0, 1) for name in ("phi", "delta", "deltaclass")]
    assert [read_spectrum_text(tmp_path / f"pk00{i}_phi.dat").redshift for i in (0, 1)] == [95.0, 85.0]
