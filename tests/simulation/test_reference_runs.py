"""Whole runs of settings.ini files against the output of the reference program on the same files."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.formats import load_particles
from weakfield.formats.background_text import read_background_text

DATA = Path(__file__).parents[1] / "data"
SNAPSHOTS = range(4)
METRIC = ("phi", "chi", "B", "T00")
#: what the reference program's output of each case holds, at every snapshot
FIELDS = {
    "stock16_gr": METRIC,
    "stock16_newton": METRIC,
    "stock16_gr_elliptic": METRIC,
    "fork16_gr": METRIC,
    "fork16_newton": ("phi",),
}
STOCK = ("stock16_gr", "stock16_newton", "stock16_gr_elliptic")  # with hij and particles too
TEXT_FILES = {"lcdm_background.dat", *(f"pk00{i}_{name}.dat" for i in range(3) for name in ("phi", "delta"))}

#: the issue of agreement is rounding: two programs that add in another order
FIELD_TOLERANCE = 1e-8
POSITION_TOLERANCE_CELLS = 1e-8


def run_case(case: str, folder: Path) -> Path:
    """Run a case as a user of the reference program would: files beside each other, working directory there."""
    shutil.copy(DATA / "tk_z100.dat", folder)
    text = (DATA / case / "settings.ini").read_text()
    if case.startswith("fork16"):
        text += "second order terms = yes\n"
    (folder / "settings.ini").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        paths = wf.simulate("settings.ini")
    assert all((folder / path).exists() for path in paths)
    return folder / "output"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Output folder of a case, run when first asked for."""
    return cache(lambda case: run_case(case, tmp_path_factory.mktemp(case)))


every_case = pytest.mark.parametrize("case", FIELDS)
stock_case = pytest.mark.parametrize("case", STOCK)


@every_case
def test_fields_and_redshifts(case, run):
    output, reference = run(case), np.load(DATA / case / "snapshots.npz")
    for i in SNAPSHOTS:
        for name in FIELDS[case]:
            field, attributes = wf.load_field(output / f"snap{i:03d}_{name}.h5")
            ours = np.moveaxis(field.numpy(), 0, -1) if field.ndim == 4 else field.numpy()
            theirs = reference[f"{name}_{i}"]
            assert ours.dtype == np.float64
            assert np.abs(ours - theirs).max() <= FIELD_TOLERANCE * np.abs(theirs).max(), (name, i)
            # the reference's redshifts come from its seven-digit text files
            assert attributes["redshift"] == pytest.approx(reference["z"][i], abs=2e-6)


@stock_case
def test_tensor_perturbation(case, run):
    output, reference = run(case), np.load(DATA / case / "hij.npz")
    for i in SNAPSHOTS:
        field, _ = wf.load_field(output / f"snap{i:03d}_hij.h5")
        theirs = np.moveaxis(reference[f"hij_{i}"], -1, 0)
        assert np.abs(field.numpy() - theirs).max() <= FIELD_TOLERANCE * np.abs(theirs).max()


@stock_case
def test_particle_positions(case, run):
    output, reference = run(case), np.load(DATA / case / "snapshots.npz")
    for i in SNAPSHOTS:
        particles = load_particles(output / f"snap{i:03d}_cdm.h5")
        apart = np.mod(particles.positions - reference[f"x_{i}"] + 0.5, 1.0) - 0.5
        assert np.array_equal(particles.ids, np.arange(16**3))
        assert np.abs(apart).max() * 16 <= POSITION_TOLERANCE_CELLS


@every_case
def test_text_files_digit_by_digit(case, run):
    output = run(case)
    assert {path.name for path in (DATA / case).glob("*.dat")} == TEXT_FILES
    for name in sorted(TEXT_FILES):
        assert (output / name).read_text() == (DATA / case / name).read_text(), name


@every_case
def test_background_file_has_a_line_a_cycle(case, run):
    assert np.array_equal(read_background_text(run(case) / "lcdm_background.dat")["cycle"], np.arange(100))
