"""Light cones of whole runs, against the output of the reference program on the same settings.ini."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.formats.cone_info import read_info
from weakfield.formats.cone_maps import load_maps
from weakfield.formats.cone_particles import load_cone_particles

DATA = Path(__file__).parents[1] / "data"
#: cases, with what the names of their files begin with for each cone
CASES = {"lc_full_gr": ("lc",), "lc_multi_gr": ("lightcone0", "lightcone1")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Output folder of a case, run when first asked for; pixels are in the order of the reference's 2 x 2 ranks."""

    def made(case: str) -> Path:
        folder = tmp_path_factory.mktemp(case)
        shutil.copy(DATA / "tk_z100.dat", folder)
        text = (DATA / case / "settings.ini").read_text()
        (folder / "settings.ini").write_text(text + "lightcone process grid = 2, 2\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            paths = wf.simulate("settings.ini")
        assert all((folder / path).exists() for path in paths)
        return folder / "output"

    return cache(made)


every_case = pytest.mark.parametrize("case", CASES)


def entries(case: str, ending: str) -> dict[str, np.ndarray]:
    """The arrays of a case whose names end so, by <file base>_<cycle>_<rest>."""
    reference = np.load(DATA / case / "lightcone.npz")
    found = {}
    for name in reference.files:
        cone, cycle, rest = name.split("_", 2)
        if rest.endswith(ending):
            found[f"{CASES[case][int(cone[4:])]}_{cycle}_{rest}"] = reference[name]
    return found


@every_case
def test_every_particle_of_the_cones(case, run):
    output, ids = run(case), entries(case, "_id")
    assert {f"{path.name}_id" for path in output.glob("*_cdm")} == set(ids)
    for name, expected in ids.items():
        assert np.array_equal(load_cone_particles(output / name.removesuffix("_id")).ids, expected), name


@every_case
def test_where_particles_cross_the_cone(case, run):
    positions, velocities = entries(case, "_pos"), entries(case, "_vel")
    assert positions
    for name, expected in positions.items():
        name = name.removesuffix("_pos")
        found = load_cone_particles(run(case) / name)
        # in the last place of float32: an error of the momentum at first order is a hundred times that
        assert np.abs(found.positions - expected).max() <= 2 * np.spacing(np.abs(expected).max()), name
        speeds = velocities[f"{name}_vel"]
        assert np.abs(found.velocities - speeds).max() <= 2 * np.spacing(np.abs(speeds).max()), name


@every_case
def test_headers_of_particles(case, run):
    for name, expected in entries(case, "_header").items():
        header = load_cone_particles(run(case) / name.removesuffix("_header")).header
        ours = [header["npart"][1], header["mass"][1], *(header[key] for key in ("time", "redshift", "BoxSize"))]
        ours += [header[key] for key in ("Omega0", "OmegaLambda", "HubbleParam")]
        assert ours == pytest.approx(expected, rel=1e-12), name
        assert header["npartTotal"].tolist() == [0, expected[0], 0, 0, 0, 0]
        assert header["num_files"] == 1


@every_case
def test_info_files(case, run):
    for base in CASES[case]:
        text = f"{base}_info.dat"
        assert (run(case) / text).read_text() == (DATA / case / text).read_text()
        ours, theirs = read_info(run(case) / f"{base}_info.bin"), read_info(DATA / case / f"{base}_info.bin")
        for name in theirs.dtype.names:
            # numbers up to 30, one after the other the sum of 200 steps
            assert np.abs(ours[name] - theirs[name]).max() <= 1e-12, name


@every_case
def test_where_the_shells_of_the_maps_lie(case, run):
    shells = entries(case, "_shells") or entries(case, "shells")
    for name, expected in shells.items():
        maps = load_maps(run(case) / f"{name.removesuffix('_shells')}_phi.map")
        ours = [[shell.distance, shell.nside, shell.nside_ring, shell.values.size] for shell in maps]
        assert np.array(ours) == pytest.approx(expected, rel=1e-14), name
    assert {path.name[: -len("_phi.map")] for path in run(case).glob("*_phi.map")} == {
        name.removesuffix("_shells") for name in shells
    }


@every_case
def test_values_of_the_maps(case, run):
    known = ("phi", "chi", "B1", "B2", "B3", "h11", "h12", "h13", "h22", "h23")
    maps = {name: values for field in known for name, values in entries(case, field).items()}
    assert len(maps) > 5
    for name, expected in maps.items():
        ours = np.concatenate([shell.values for shell in load_maps(run(case) / f"{name}.map")])
        assert np.abs(ours - expected).max() <= 1e-10 * np.abs(expected).max(), name  # rounding of two programs


def test_a_run_without_other_outputs_ends_with_its_cones(tmp_path):
    text = (DATA / "lc_multi_gr" / "settings.ini").read_text().replace("snapshot", "# snapshot")
    text = text.replace("initial redshift             = 100.0", "initial redshift = 1").replace("Tk file", "# Tk file")
    (tmp_path / "settings.ini").write_text(text + "transfer = eisenstein-hu\n")
    wf.simulate(tmp_path / "settings.ini", tmp_path / "output")
    a = np.loadtxt(tmp_path / "output" / "lcdm_background.dat")[:, 2]
    assert a[-2] < 1.0 <= a[-1]  # of the later event, though that of the other cone is long past
