"""``weakfield index`` and ``weakfield dataset`` at the command line: numbers of every kind, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.cli import invoke
from weakfield.config import RunFolder
from weakfield.dataset import build, open_dataset

Capture = pytest.CaptureFixture[str]
KINDS: dict[str, dict[str, Any]] = {
    "cube": {},
    "slice": {"shape": "slice", "slice_stride": 4, "axes": ["y", "x"]},
    "subcube": {"shape": "subcube", "subcube_size": 4},
}


def run_of(tmp_path: Path, kind: str) -> RunFolder:
    study = tiny_study(pairs=3, dataset=KINDS[kind])
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    return folder


def said(capsys: Capture, *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert invoke(["index", *map(str, arguments)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("of", [None, "samples", "slices", "cubes"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_is_found(tmp_path: Path, capsys: Capture, kind: str, of: str | None) -> None:
    folder = run_of(tmp_path, kind)
    more = ["--run", folder.root, *(["--of", of] if of else [])]
    count = said(capsys, "show", 0, *more)["count"]
    for number in sorted({0, 1, count // 2, count - 1}):
        shown = said(capsys, "show", number, *more)
        options: list[object] = ["--seed", shown["seed"], "--theory", shown["theory"]]
        for name in ("redshift", "axis", "slice"):
            options += [f"--{name}", shown[name]] if name in shown else []
        options += ["--corner", *(shown[axis] for axis in "zyx")] if "z" in shown else []
        assert said(capsys, "find", *options, *more) == shown
        assert shown["part"] in ("train", "validation", "test")


def test_what_is_numbered_where_nothing_is_said(tmp_path: Path, capsys: Capture) -> None:
    whole = run_of(tmp_path / "whole", "cube")
    assert said(capsys, "show", 0, "--run", whole.root)["of"] == "slices"
    sliced = run_of(tmp_path / "sliced", "slice")
    shown = said(capsys, "show", 5, "--run", sliced.root)
    assert (shown["of"], shown["count"]) == ("samples", 3 * 2 * 2 * 2)
    assert shown["channels"] == list(open_dataset(sliced).channels.names)


def test_what_is_left_out_is_the_first(tmp_path: Path, capsys: Capture) -> None:
    folder = run_of(tmp_path, "subcube")
    found = said(capsys, "find", "--seed", 4, "--theory", "gr", "--redshift", 10, "--run", folder.root)
    assert [found[axis] for axis in "zyx"] == [0, 0, 0]
    found = said(capsys, "find", "--seed", 4, "--theory", "gr", "--of", "slices", "--run", folder.root)
    assert (found["redshift"], found["axis"], found["slice"]) == (1.0, "z", 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--axis", "z"], "axis 'z' is not in the data set, expected one of y, x"),
        (["--axis", "y", "--slice", 3], "slice 3 is not in the data set, expected one of 0, 4"),
        (["--corner", 0, 0, 0], "unknown label 'x', expected seed, theory, axis, slice"),
        (["--redshift", 5], "redshift 5 is none of the samples, expected 10 or 1"),
        (["--of", "cubes", "--axis", "y"], "unknown label 'axis', expected seed, theory"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, capsys: Capture, options: list[object], sentence: str) -> None:
    folder = run_of(tmp_path, "slice")
    capsys.readouterr()
    arguments = ["index", "find", "--seed", "4", "--theory", "gr", *map(str, options), "--run", str(folder.root)]
    assert invoke(arguments) == 2
    assert sentence in capsys.readouterr().err
