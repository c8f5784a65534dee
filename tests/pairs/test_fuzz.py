"""Damage at random to the JSON files and fields of a run folder: a sentence and exit code 2, or the right result."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from weakfield.cli import invoke
from weakfield.spectra import measure

STUDY = """
name = "tiny"
[seeds]
count = 3
[cosmology]
t_cmb_kelvin = 0.0
[simulation]
grid = 8
box_size_mpch = 160.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.3
[measure]
bispectrum = false
nonlinear = "none"
"""
#: examples of each file, three or four ways of damage in turn
EXAMPLES = 12
WRONG: tuple[object, ...] = (None, True, -1, 3.5, 10**400, "x", "", [], [[]], {}, {"x": 1})

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run folder with three pairs, measured, and gathered into a data set."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "tiny.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "draw", lambda *results: None)
        assert invoke(["simulate", str(folder / "tiny.toml"), "--out", str(folder / "run")]) == 0
        for command in ("measure", "dataset"):
            assert invoke([command, str(folder / "run")]) == 0
        yield folder / "run"


def results(run: Path) -> dict[str, Any]:
    """What the stages found, apart from what is said of the device and the version that made the pairs."""
    found: dict[str, Any] = {path.name: path.read_bytes() for path in (run / "spectra").glob("*.[ch]*")}
    about = json.loads((run / "dataset/dataset.json").read_text())
    return found | {key: value for key, value in about.items() if key not in ("provenance", "fingerprint")}


def fields(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob("pairs/seed*/*/*.h5"))}


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])


def other_json(path: Path, chance: random.Random) -> None:
    """Another value, or nothing, somewhere in the record, or in place of the whole of it."""
    value: Any = json.loads(path.read_text())
    place, key = {"whole": value}, "whole"
    box: dict[str, Any] = place
    while isinstance(place[key], dict | list) and place[key] and chance.random() < 0.8:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if chance.random() < 0.3 and place is not box:
        del place[key]
    else:
        place[key] = chance.choice(WRONG)
    path.write_text(json.dumps(box["whole"]))


def other_field(path: Path, chance: random.Random) -> None:
    """Another shape, type or attribute."""
    with h5py.File(path, "r+") as file:
        values = np.array(file["data"])
        what = chance.choice(("shape", "type", "name", "attribute", "no attribute"))
        name = chance.choice(sorted(file.attrs))
        if what == "attribute":
            file.attrs[name] = chance.choice((-1, 1e300, np.nan, "x", [1.0, 2.0], 7))
        elif what == "no attribute":
            del file.attrs[name]
        else:
            del file["data"]
            other = {"shape": values[:4], "type": values.astype(np.int64), "name": values}[what]
            file.create_dataset("field" if what == "name" else "data", data=other)


Damage = Callable[[Path, random.Random], None]
OF_JSON: tuple[Damage, ...] = (other_json, flip, other_json, truncate)
OF_FIELDS: tuple[Damage, ...] = (flip, other_field, truncate)


def refused_or_done(capsys: pytest.CaptureFixture[str], command: str, run: Path, what: str) -> bool:
    """Whether a command went through; if it did not, it said why in a line."""
    capsys.readouterr()
    code = invoke([command, str(run)])
    said = capsys.readouterr().err
    assert code in (0, 2), (what, command, said)
    assert "Traceback" not in said, (what, command, said)
    if code == 2:
        assert said.startswith("weakfield: "), (what, command, said)
        assert said.count("\n") == 1, (what, command, said)
    return code == 0


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("pairs/seed00002/gr/snap001_phi.h5", OF_FIELDS),
        ("pairs/seed00002/newton/snap000_phi.h5", OF_FIELDS),
        ("pairs/seed00002/pair.json", OF_JSON),
    ],
)
def test_a_damaged_pair(
    finished: Path, tmp_path: Path, name: str, ways: tuple[Damage, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    expected, whole, chance = results(finished), fields(finished), random.Random(name)
    for example in range(EXAMPLES):
        run, way = tmp_path / "run", ways[example % len(ways)]
        shutil.copytree(finished, run)
        way(run / name, chance)
        for stage in ("spectra", "dataset"):
            shutil.rmtree(run / stage)
        what = f"{way.__name__}, example {example} of {name}"
        refused_or_done(capsys, "status", run, what)
        done = [refused_or_done(capsys, command, run, what) for command in ("measure", "dataset")]
        if not all(done) and refused_or_done(capsys, "simulate", run, what):
            assert fields(run) == whole, what
            done = [refused_or_done(capsys, command, run, what) for command in ("measure", "dataset")]
            assert all(done), what
        if all(done):
            assert results(run) == expected, what
        shutil.rmtree(run)


@pytest.mark.parametrize(
    "name",
    ["spectra/stage.json", "dataset/stage.json", "dataset/dataset.json", "dataset/cache/seen.json", "provenance.json"],
)
def test_damaged_records_of_stages(
    finished: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, chance = results(finished), random.Random(name)
    for example in range(EXAMPLES):
        run, way = tmp_path / "run", OF_JSON[example % len(OF_JSON)]
        shutil.copytree(finished, run)
        way(run / name, chance)
        what = f"{way.__name__}, example {example} of {name}"
        done = [refused_or_done(capsys, command, run, what) for command in ("measure", "dataset")]
        if all(done):
            assert results(run) == expected, what
        else:
            assert name == "provenance.json", what  # all others are made again
        shutil.rmtree(run)
