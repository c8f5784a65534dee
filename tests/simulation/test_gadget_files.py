"""Snapshots in several Gadget-2 files, against those of the reference program."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import SimulationSettings
from weakfield.formats import GadgetSnapshot, load_gadget, save_gadget, save_gadget_files
from weakfield.formats.gadget import _Part

DATA = Path(__file__).parents[1] / "data"
CASE = DATA / "multi_gadget_gr"
#: of the box and of the fastest particle: positions and velocities are stored in single precision
TOLERANCE = 5e-7


@pytest.mark.slow
def test_the_files_of_the_reference_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(DATA / "tk_z100.dat", tmp_path)
    text = (CASE / "settings.ini").read_text()
    (tmp_path / "settings.ini").write_text(text + "gadget files = 2\n")
    monkeypatch.chdir(tmp_path)
    paths = wf.simulate("settings.ini")
    names = [path.name for path in paths if "_cdm." in path.name]
    assert names == ["snap000_cdm.h5", "snap000_cdm.0", "snap000_cdm.1"]
    fastest = np.abs(_Part.read(CASE / "snap000_cdm.0").velocities()).max()
    for name in names[1:]:
        ours, theirs = (_Part.read(folder / name) for folder in (tmp_path / "output", CASE))
        for key in ours.header.dtype.names or ():
            if key != "rest":
                np.testing.assert_allclose(ours.header[key], theirs.header[key], rtol=1e-7)
        by_id = [np.argsort(part.ids()) for part in (ours, theirs)]
        assert np.array_equal(ours.ids()[by_id[0]], theirs.ids()[by_id[1]])
        apart = ours.positions()[by_id[0]] - theirs.positions()[by_id[1]]
        assert np.abs(np.mod(apart + 0.5, 1.0) - 0.5).max() < TOLERANCE
        faster = ours.velocities()[by_id[0]] - theirs.velocities()[by_id[1]]
        assert np.abs(faster).max() < TOLERANCE * fastest
        # the order of cells is the reference program's; within a cell it has another
        assert (ours.ids() == theirs.ids()).mean() > 0.8
    whole, read = load_gadget(tmp_path / "output" / "snap000_cdm.0"), load_gadget(CASE / "snap000_cdm.1")
    assert np.array_equal(whole.ids, read.ids)
    assert np.array_equal(whole.ids, np.arange(0, 16**3, 3))


def test_several_files_hold_what_one_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    snapshot = GadgetSnapshot(
        ids=np.arange(20), positions=rng.random((20, 3)), momenta=1e-3 * rng.random((20, 3)), particle_density=0.01,
        scale_factor=0.5, box_size_mpch=100.0, omega_m=0.3, omega_lambda=0.7, h=0.7,
    )  # fmt: skip
    save_gadget(tmp_path / "one", snapshot)
    parts = [np.arange(19, 7, -1), np.array([], dtype=np.int64), np.arange(8)]
    paths = save_gadget_files(tmp_path / "many", snapshot, parts)
    assert [path.name for path in paths] == ["many.0", "many.1", "many.2"]
    one = load_gadget(tmp_path / "one")
    for path in (*paths, tmp_path / "many"):
        many = load_gadget(path)
        for name in ("ids", "positions", "momenta"):
            assert np.array_equal(getattr(one, name), getattr(many, name)), name
    (tmp_path / "many.1").unlink()
    with pytest.raises(BadInput, match=r"many\.1 is missing"):
        load_gadget(paths[0])


def test_there_are_no_more_files_than_cells() -> None:
    with pytest.raises(ValueError, match="gadget_files is 9, expected at most one for each of 8 cells"):
        SimulationSettings(grid=8, gadget_files=9)
