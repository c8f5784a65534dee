"""A run that is interrupted and started again gives the same bits as one that is not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import OutputSettings
from weakfield.simulation import evolution, grow_member
from weakfield.simulation.checkpoint import Checkpoints, Hibernated, load_checkpoint
from weakfield.simulation.checkpoint_file import CLOCK, read_arrays, write_arrays
from weakfield.simulation.clock import Clock
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import Outputs


class Killed(Exception):
    """Stands for the death of the process."""


def interrupted(run, folder, at_cycle, monkeypatch):
    """Run until the process dies in a cycle."""
    keep = Checkpoints.keep

    def dying(self, universe, clock, outputs):
        keep(self, universe, clock, outputs)
        if clock.cycle == at_cycle:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(evolution.Checkpoints, "keep", dying)
        with pytest.raises(Killed):
            grow_member(run, folder)


@pytest.mark.parametrize("integrator", ["second-order", "euler"])
@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_continues_to_the_same_bits(theory, integrator, small_run, tmp_path, monkeypatch):
    run = small_run(
        theory, phi_integrator=integrator, exact_redshifts=integrator == "second-order",
        snapshot_redshifts=(20.0, 5.0), spectra_redshifts=(20.0, 6.0), snapshot_fields=("phi", "chi", "B"),
    )  # fmt: skip
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=7)})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    paths = grow_member(run, whole)
    for cycle in (9, 35):  # before and after the first output; the second death is after a resumption
        interrupted(run, broken, cycle, monkeypatch)
    resumed = grow_member(run, broken)
    assert [p.name for p in resumed] == [p.name for p in paths]
    for path in paths:
        if path.suffix == ".h5":
            assert torch.equal(wf.load_field(path)[0], wf.load_field(broken / path.name)[0])
        else:
            assert path.read_bytes() == (broken / path.name).read_bytes()
    assert not list(broken.glob("*checkpoint*"))


def test_checkpoint_of_other_settings_is_not_used(small_run, tmp_path, monkeypatch):
    run = small_run("gr", snapshot_redshifts=(20.0,), spectra_redshifts=())
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=1)})
    interrupted(run, tmp_path, 5, monkeypatch)
    other = run.model_copy(update={"seed": run.seed + 1})
    with pytest.warns(UserWarning, match="other settings or software"):
        grow_member(other, tmp_path)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    grow_member(other, fresh)
    assert torch.equal(wf.load_field(tmp_path / "snap000_phi.h5")[0], wf.load_field(fresh / "snap000_phi.h5")[0])


def test_foreign_checkpoint_is_named(small_run, tmp_path):
    np.savez(tmp_path / "lcdm_checkpoint.npz", something=np.arange(3))
    with pytest.raises(BadInput, match=r"lcdm_checkpoint\.npz is not a readable checkpoint"):
        grow_member(small_run("gr", snapshot_redshifts=(20.0,), spectra_redshifts=()), tmp_path)


def test_death_between_a_spectrum_and_the_next_checkpoint(small_run, tmp_path, monkeypatch):
    """The spectrum of the cycle before is interpolated with; it is in no file, and the checkpoint remembers it."""
    run = small_run(
        "newton", phi_integrator="euler", exact_redshifts=False, snapshot_redshifts=(), spectra_redshifts=(20.0,)
    )
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    expected = {path.name: path.read_bytes() for path in grow_member(run, whole)}
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=1)})

    class Torn(Exception):
        pass

    def torn(self):
        raise Torn

    with monkeypatch.context() as patch:
        patch.setattr(evolution.Checkpoints, "clear", torn)  # dies with everything written, the checkpoint a cycle old
        with pytest.raises(Torn):
            grow_member(run, broken)
    assert {path.name: path.read_bytes() for path in grow_member(run, broken)} == expected


@pytest.fixture(scope="module")
def interrupted_run(small_run, tmp_path_factory):
    """A run in GR that died in cycle 9, with one snapshot on disk: its settings, its folder and what it ends with."""
    run = small_run("gr", grid=8, snapshot_redshifts=(70.0, 50.0), spectra_redshifts=(60.0,))
    run = run.model_copy(update={"output": OutputSettings(dtype="float64", checkpoint_every=1)})
    folder, whole = tmp_path_factory.mktemp("interrupted"), tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        interrupted(run, folder, 9, patch)
    return run, folder, {path.name: path.read_bytes() for path in grow_member(run, whole)}


def resumed(run, folder):
    """Whether a run goes on from its checkpoint, and the cycle it is in then."""
    universe = initial_universe(run)
    clock, outputs = Clock(run, universe.background), Outputs(run, folder)
    return load_checkpoint(folder / CHECKPOINT, universe, clock, outputs), clock.cycle


CHECKPOINT = "lcdm_checkpoint.npz"


def altered(arrays: dict[str, np.ndarray], name: str, how: str) -> None:
    """Change one array of a checkpoint."""
    value = arrays[name].copy()
    if how == "missing":
        del arrays[name]
        return
    if how == "nan":
        value.flat[-1] = np.nan
    elif how == "shorter":
        value = value[..., :-1]
    elif how == "flat":
        value = value.ravel()
    elif how == "single":
        value = value.astype(np.complex64 if value.dtype.kind == "c" else np.float32)
    elif how == "swapped":
        value = value.astype(value.dtype.newbyteorder())
    arrays[name] = value


@pytest.mark.parametrize("how", ["missing", "nan", "shorter", "flat", "single", "swapped"])
@pytest.mark.parametrize("name", ["displacement", "momentum", "phi", "b_modes", "past_chi"])
def test_arrays_that_are_not_of_this_run_are_not_used(name, how, interrupted_run, tmp_path):
    """Their hash is right: somebody wrote them so."""
    run, folder, _ = interrupted_run
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    arrays = read_arrays(folder / CHECKPOINT)
    altered(arrays, name, how)
    write_arrays(tmp_path / CHECKPOINT, arrays)
    with pytest.warns(UserWarning, match=f"is a damaged checkpoint and is not used, the run starts again: .*{name}"):
        assert resumed(run, tmp_path) == (False, 0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("displacement", 1e300, r"'displacement' reaches 1e\+300, expected at most"),
        ("momentum", 10.0, "'momentum' reaches 10, expected at most 1"),
        ("phi", 1e300, "'phi' reaches"),
        ("b_modes", 1e300, "'b_modes' reaches"),
        ("phi_mean", np.inf, "'phi_mean' is inf"),
        ("cycle", 8.0, "its clock says cycle 8"),
        ("cycle", 1e18, r"its clock says cycle 1e\+18"),
        ("a", 0.5, "its clock says cycle 9 at a = 0.5"),
        ("tau", np.nan, "does not hold the numbers of a clock"),
        ("step", 1e9, "its clock says"),
        ("written", np.array([0, 0]), r"it counts \[0, 0\] outputs, expected \[1, 0\]"),
        ("written", np.array([1]), r"it counts \[1\] outputs"),
        ("background", np.array("# none\n"), "background text does not have 9 lines"),
        ("preliminary", np.array("[]"), "preliminary spectra are no spectra"),
        ("preliminary", np.array('{"phi": "none"}'), "preliminary spectra are no spectra"),
        ("paths", np.array(["gone.h5"]), "gone.h5, which it counts as written, is not there"),
        ("paths", np.array(["../gone.h5"]), "it names ../gone.h5"),
        ("other", np.zeros(3), "it holds other beside the state"),
    ],
)
def test_numbers_that_no_run_has_are_not_used(name, value, said, interrupted_run, tmp_path):
    run, folder, _ = interrupted_run
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    arrays = read_arrays(folder / CHECKPOINT)
    if name in CLOCK:
        arrays["clock"] = np.where(np.array(CLOCK) == name, value, arrays["clock"])
    elif isinstance(value, float):
        arrays[name] = arrays[name].copy()
        arrays[name].flat[0] = value
    else:
        arrays[name] = value
    write_arrays(tmp_path / CHECKPOINT, arrays)
    with pytest.warns(UserWarning, match=said):
        assert resumed(run, tmp_path) == (False, 0)


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [flip, lambda b: b[:-500], lambda b: b[:-1], lambda b: b"PK\x03\x04 torn", lambda b: b""]
)
def test_a_damaged_checkpoint_is_not_used(damage, interrupted_run, tmp_path):
    """The run says so, starts again and ends with the same bytes."""
    run, folder, whole = interrupted_run
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert resumed(run, tmp_path) == (True, 9)
    (tmp_path / CHECKPOINT).write_bytes(damage((tmp_path / CHECKPOINT).read_bytes()))
    with pytest.warns(UserWarning, match=r"lcdm_checkpoint\.npz is a damaged checkpoint and is not used"):
        paths = grow_member(run, tmp_path)
    assert {path.name: path.read_bytes() for path in paths} == whole


def test_a_checkpoint_that_cannot_be_read_is_kept(small_run, tmp_path):
    (tmp_path / CHECKPOINT).mkdir()
    with pytest.raises(BadInput, match=r"lcdm_checkpoint\.npz is not a readable checkpoint \(Is a directory\)"):
        grow_member(small_run("gr", grid=8, snapshot_redshifts=(20.0,), spectra_redshifts=()), tmp_path)


def test_wallclock_limit_leaves_a_checkpoint(small_run, tmp_path):
    run = small_run("newton", snapshot_redshifts=(20.0,), spectra_redshifts=())
    limited = run.model_copy(update={"output": OutputSettings(dtype="float64", hibernation_wallclock_s=1e-6)})
    with pytest.raises(Hibernated, match="the same command goes on"):
        grow_member(limited, tmp_path)
    grow_member(run, tmp_path)  # the limit is no part of what the checkpoint belongs to
    phi, attributes = wf.load_field(tmp_path / "snap000_phi.h5")
    assert attributes["redshift"] == pytest.approx(20.0, abs=1e-12)
    assert torch.isfinite(phi).all()
