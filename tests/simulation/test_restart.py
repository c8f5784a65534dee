"""Runs that go on where the files of a hibernation left them, against runs that were never interrupted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.cosmology import Background
from weakfield.formats import save_field, save_particles
from weakfield.formats.background_text import HEADER, cut_background
from weakfield.mesh import fft
from weakfield.simulation.checkpoint import Checkpoints
from weakfield.simulation.clock import Clock
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import Outputs
from weakfield.simulation.snapshots import stored_particles
from weakfield.simulation.universe import Universe

DATA = Path(__file__).parents[1] / "data"
CASE = DATA / "restart_gr"
#: how the settings of the reference program say that a run goes on
GOES_ON = """
IC generator = restart
particle file = rst000_cdm.h5
metric file = {files}
restart redshift = {z!r}
cycle = {cycle}
tau = {tau!r}
dtau = {dtau!r}
gevolution version = 1.2
"""
FILES = {
    ("gr", "parabolic"): "rst000_phi.h5, rst000_chi.h5, rst000_B.h5",
    ("gr", "elliptic"): "rst000_phi.h5, rst000_chi.h5",
    ("newton", "parabolic"): "rst000_B.h5",
}


def hibernate(universe: Universe, clock: Clock, folder: Path) -> None:
    """Leave the files that the reference program leaves between two cycles."""
    save_particles(folder / "rst000_cdm.h5", stored_particles(universe.particles), universe.n)
    b = fft.backward(universe.b_modes.clone(), universe.n, normalised=False) / (clock.a**2 * universe.n)
    for name, field in (("phi", universe.phi), ("chi", universe.chi), ("B", b)):
        save_field(folder / f"rst000_{name}.h5", field, {}, "float64")
    z, state = 1.0 / clock.a - 1.0, {"cycle": clock.cycle - 1, "tau": clock.tau, "dtau": clock.previous_step}
    which = universe.run.theory, universe.run.simulation.vector_method
    (folder / "state.ini").write_text(GOES_ON.format(files=FILES[which], z=z, **state))


@pytest.fixture(scope="module", params=FILES, ids="-".join)
def runs(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, str], Path, Path]:
    """Theory and vector method, and the outputs of a run that was never interrupted and of one that went on."""
    theory, vector = request.param
    folder = tmp_path_factory.mktemp(f"{theory}_{vector}")
    shutil.copy(DATA / "tk_z100.dat", folder)
    text = (CASE / "settings.ini").read_text().replace("= parabolic", f"= {vector}")
    text = text.replace("= GR", f"= {'GR' if theory == 'gr' else 'Newton'}")
    (folder / "settings.ini").write_text(text)
    keep = Checkpoints.keep

    def keeping(self: Checkpoints, universe: Universe, clock: Clock, outputs: Outputs) -> None:
        if self._redshifts and clock.passed(self._redshifts[0]):
            hibernate(universe, clock, folder)
            shutil.copytree(folder / "output", folder / "left")
        keep(self, universe, clock, outputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(Checkpoints, "keep", keeping)
        wf.simulate("settings.ini")
        patch.undo()
        patch.chdir(folder)
        of_the_start = r"(IC generator|template file|tiling factor|Tk file|baryon treatment|hibernation).*\n"
        going_on = re.sub(of_the_start, "", text).replace("= output/", "= left/")
        (folder / "restart.ini").write_text(going_on + (folder / "state.ini").read_text())
        # what was written after the files were left is passed over, and so are the outputs of passed redshifts
        shutil.copy(folder / "output" / "lcdm_background.dat", folder / "left")
        (folder / "left" / "snap000_phi.h5").unlink()
        paths = wf.simulate("restart.ini")
    names = [path.name for path in paths]
    assert names[1] == "lcdm_background.dat"
    fields = [f"snap{i:03d}_{name}.h5" for i in (1, 2) for name in ("phi", "chi", "B")]
    assert names[2:] == [*fields[:3], "pk000_phi.dat", *fields[3:], "pk001_phi.dat"]
    return request.param, folder / "output", folder / "left"


@pytest.mark.slow
def test_a_run_that_goes_on_is_the_run_that_was_not_interrupted(runs: tuple[tuple[str, str], Path, Path]) -> None:
    (theory, vector), whole, left = runs
    for i in (1, 2):
        for name in ("phi", "chi", "B"):
            one, other = (wf.load_field(folder / f"snap{i:03d}_{name}.h5")[0] for folder in (whole, left))
            # rounding; the files of a Newtonian run have no phi, with which the first stress is projected
            tolerance = 1e-11 if theory == "gr" else 1e-8
            assert float((one - other).abs().max()) < tolerance * float(one.abs().max()), (i, name)
    for name in ("lcdm_background.dat", "pk000_phi.dat", "pk001_phi.dat"):
        assert (whole / name).read_text() == (left / name).read_text(), name

    if (theory, vector) == ("gr", "parabolic"):  # which the reference program has run
        theirs = np.load(CASE / "phi_z1.npz")["phi"]
        for folder in (whole, left):
            phi = wf.load_field(folder / "snap002_phi.h5")[0].numpy()
            assert np.abs(phi - theirs).max() < 1e-8 * np.abs(theirs).max()
            assert (folder / "lcdm_background.dat").read_text() == (CASE / "lcdm_background.dat").read_text()


@pytest.mark.slow
def test_a_run_that_goes_on_may_stop_again(
    runs: tuple[tuple[str, str], Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole, left = runs
    folder = whole.parent
    monkeypatch.chdir(folder)
    text = (folder / "restart.ini").read_text().replace("= left/", "= twice/") + "checkpoint every = 5\n"
    (folder / "again.ini").write_text(text)
    (folder / "twice").mkdir()
    shutil.copy(left / "lcdm_background.dat", folder / "twice")
    write = Outputs.write_due

    def stop(self: Outputs, universe: Universe, clock: Clock) -> None:
        if clock.cycle == 67:
            raise InterruptedError
        write(self, universe, clock)

    monkeypatch.setattr(Outputs, "write_due", stop)
    with pytest.raises(InterruptedError):
        wf.simulate("again.ini")
    monkeypatch.setattr(Outputs, "write_due", write)
    assert (folder / "twice" / "lcdm_checkpoint.npz").exists()
    seen: list[int] = []
    monkeypatch.setattr(Outputs, "write_due", lambda *given: (seen.append(given[2].cycle), write(*given)))
    wf.simulate("again.ini")
    assert seen[0] == 65  # it did not begin anew
    written = [path for path in (folder / "twice").iterdir() if path.suffix != ".ini"]
    assert len(written) == 9  # two snapshots of three fields, two spectra and the background
    for path in written:
        assert path.read_bytes() == (left / path.name).read_bytes(), path.name


def test_a_background_file_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "background.dat"
    cut_background(path, 3)
    assert not path.exists()
    lines = [f"  {cycle}   1e-1   1e-2\n" for cycle in range(5)]
    path.write_text(HEADER + "".join(lines))
    cut_background(path, 2)
    assert path.read_text() == HEADER + "".join(lines[:3])
    path.write_text(HEADER + lines[4])
    cut_background(path, 2)
    assert not path.exists()


def test_files_that_are_missing(small_run, tmp_path: Path) -> None:
    keys = {"initial_conditions": "snapshot", "phi_integrator": "euler", "particle_file": tmp_path / "a.h5",
            "restart_cycle": 3}  # fmt: skip
    with pytest.raises(ValueError, match="restart_cycle is given but particle_step is 0"):
        small_run("gr", **keys)
    run = small_run("gr", **keys, particle_step=0.1, exact_redshifts=False, initial_redshift=20.0)
    clock = Clock(run, Background(run.cosmology, 320.0))
    assert (clock.cycle, clock.previous_step) == (4, 0.1)
    save_particles(tmp_path / "a.h5", stored_particles(initial_universe(small_run()).particles), 16)
    with pytest.raises(BadInput, match="metric_files has 0 files, expected phi, chi, B: the run goes on after cycle 3"):
        initial_universe(run)
