"""Pairs as a person reads them: fields with axes, by redshift and by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from helpers.synthetic import tiny_study, write_pair, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json, write_json
from weakfield.config import Inverse, RunFolder, StudyConfig
from weakfield.formats import save_field
from weakfield.pairs import Pair, Pairs, grow_pair


@pytest.fixture
def run(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    study = tiny_study(pairs=3)
    return study, write_run(study, tmp_path / "run")


def test_a_field_has_its_axes_and_says_what_it_is(run: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = run
    pair = Pairs(study, folder)[4]
    phi = pair.phi("gr", z=1)
    stored, _ = wf.load_field(folder.member(4, "gr") / "snap001_phi.h5")
    assert (phi.dims, phi.name, phi.dtype) == (("z", "y", "x"), "phi", np.float32)
    assert np.array_equal(phi.values, stored.numpy())
    assert phi.x.values.tolist() == [20.0 * i for i in range(8)]  # nodes: i times the cell
    assert phi.z.attrs["units"] == "Mpc/h"
    about = {name: phi.attrs[name] for name in ("redshift", "scale_factor", "theory", "gauge", "seed", "inverted")}
    assert about == {
        "redshift": 1.0, "scale_factor": 0.5, "theory": "gr", "gauge": "poisson", "seed": 4, "inverted": False,
    }  # fmt: skip
    assert phi.attrs["units"] == "dimensionless"
    assert phi.attrs["weakfield_version"] == wf.__version__
    assert pair.phi("newton", 1).attrs["gauge"] == "n-body"
    assert pair.phi("gr").attrs["redshift"] == 1.0  # the last output
    difference = pair.difference(z=10)
    expected = pair.phi("gr", 10).values.astype(float) - pair.phi("newton", 10).values.astype(float)
    assert np.array_equal(difference.values, expected)
    assert (difference.name, difference.attrs["theory"]) == ("difference", "gr - newton")


def test_what_is_not_there_is_a_sentence(run: tuple[StudyConfig, RunFolder]) -> None:
    pairs = Pairs(*run)
    with pytest.raises(BadInput, match=r"seed00004.pair\.json lists no phi of 'gr' at redshift 3, expected one of"):
        pairs[4].phi("gr", z=3)
    with pytest.raises(BadInput, match="theory is 'einstein', expected one of newton, gr"):
        pairs[4].phi("einstein", z=1)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="lists no B of 'gr' at redshift"):
        pairs[4].field("B", "gr")
    with pytest.raises(BadInput, match="holds no whole pair of seed 9, expected one of its 3, seeds 3 to 5"):
        pairs[9]
    assert pairs.get(9) is None
    assert 9 not in pairs


def test_pairs_are_those_that_are_whole_and_inverses_are_apart(tmp_path: Path) -> None:
    study, folder = tiny_study(pairs=3, seeds={"inverted": True}), RunFolder(tmp_path)
    for draw in (3, 5, Inverse(5)):
        write_pair(study, draw, folder)
    pairs = Pairs(study, folder)
    assert (pairs.seeds, len(pairs), list(pairs)) == ((3, 5), 2, [3, 5])
    assert pairs.inverses.seeds == (5,)
    upright, inverse = (found[5].phi("newton", 10).values for found in (pairs, pairs.inverses))
    assert np.array_equal(upright, -inverse)
    assert "2 of 3 whole" in repr(pairs)
    assert "inverted" in repr(pairs.inverses)
    assert len(repr(pairs[3]).splitlines()) == 3
    assert "seed 3" in repr(pairs[3])


def test_a_stack_reads_one_cube_at_a_time(run: tuple[StudyConfig, RunFolder]) -> None:
    pairs = Pairs(*run)
    stack = pairs.phi("newton", z=1)
    assert (len(stack), stack.seeds) == (3, (3, 4, 5))
    assert np.array_equal(stack[-1].values, pairs[5].phi("newton", 1).values)
    assert stack.sel(4).attrs["seed"] == 4
    assert [phi.attrs["seed"] for phi in stack] == [3, 4, 5]
    cube = stack.load()
    assert (cube.dims, cube.shape, cube.seed.values.tolist()) == (("seed", "z", "y", "x"), (3, 8, 8, 8), [3, 4, 5])
    assert np.array_equal(cube.sel(seed=4).values, stack.sel(4).values)
    assert (cube.attrs["theory"], cube.attrs["redshift"]) == ("newton", 1.0)
    assert "seed" not in cube.attrs  # one of many
    assert "stacked over 3 seeds" in repr(stack)
    (run[1].member(4, "newton") / "snap001_phi.h5").unlink()
    assert stack[0].shape == (8, 8, 8)
    with pytest.raises(BadInput, match="seed00004"):
        stack.load()


def test_fields_of_a_grown_pair(tmp_path: Path) -> None:
    """Vectors and tensors lead with their component; cells of a coarser output lie in the middle of theirs."""
    simulation = {
        "transfer": "eisenstein-hu", "step_limit_hubble": 0.2, "snapshot_fields": ["phi", "B", "hij"],
        "downgrade_factor": 2,
    }  # fmt: skip
    study, folder = tiny_study(pairs=1, simulation=simulation, cosmology={"t_cmb_kelvin": 0.0}), RunFolder(tmp_path)
    grow_pair(study, 3, folder)
    pair = Pair.open(folder, 3, study)
    shift, metric = pair.field("B", "gr", z=1), pair.field("hij", "gr", z=1)
    assert (shift.dims, shift.shape, shift.component.values.tolist()) == (
        ("component", "z", "y", "x"), (3, 4, 4, 4), ["x", "y", "z"],
    )  # fmt: skip
    assert metric.component.values.tolist() == ["xx", "xy", "xz", "yy", "yz", "zz"]
    assert shift.y.values.tolist() == [10.0, 50.0, 90.0, 130.0]
    assert (pair.redshifts, pair.seed, pair.inverted) == ((10.0, 1.0), 3, False)
    assert (shift.attrs["mesh"], shift.attrs["start"]) == ("spectral", "growing-mode")
    assert np.array_equal(shift.values, wf.load_field(pair.path("gr", "B", 1))[0].numpy())


def test_a_file_without_its_redshift_is_named(run: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = run
    path = folder.member(3, "gr") / "snap000_phi.h5"
    save_field(path, np.zeros((8, 8, 8)), {"box_size_mpch": 160.0})
    record = read_json(folder.pair(3) / "pair.json")
    record["files"]["gr/snap000_phi.h5"]["hash"] = file_hash(path)  # as if it had been written so
    write_json(folder.pair(3) / "pair.json", record)
    with pytest.raises(BadInput, match=r"snap000_phi\.h5 has no attribute 'redshift'"):
        Pairs(study, folder)[3].phi("gr", 10)
