"""A run that is interrupted and started again gives the same bits as one that is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import OutputSettings
from weakfield.simulation import evolution, grow_member
from weakfield.simulation.checkpoint import Checkpoints, Hibernated


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
    """The preliminary spectrum that the file held is gone then; the checkpoint remembers it."""
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


def test_damaged_checkpoint_is_named(small_run, tmp_path):
    run = small_run("gr", snapshot_redshifts=(20.0,), spectra_redshifts=())
    (tmp_path / "lcdm_checkpoint.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(BadInput, match=r"lcdm_checkpoint\.npz is not a readable checkpoint"):
        grow_member(run, tmp_path)


def test_wallclock_limit_leaves_a_checkpoint(small_run, tmp_path):
    run = small_run("newton", snapshot_redshifts=(20.0,), spectra_redshifts=())
    limited = run.model_copy(update={"output": OutputSettings(dtype="float64", hibernation_wallclock_s=1e-6)})
    with pytest.raises(Hibernated, match="the same command goes on"):
        grow_member(limited, tmp_path)
    grow_member(run, tmp_path)  # the limit is no part of what the checkpoint belongs to
    phi, attributes = wf.load_field(tmp_path / "snap000_phi.h5")
    assert attributes["redshift"] == pytest.approx(20.0, abs=1e-12)
    assert torch.isfinite(phi).all()
