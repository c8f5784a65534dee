"""What is not as it was recorded is refused by whoever reads it, and by the stages that grow, list and gather pairs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from helpers.synthetic import tiny_study, write_pair, write_run
from weakfield.base import hashes
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json, write_json
from weakfield.config import Inverse, RunFolder, StudyConfig
from weakfield.dataset import build, open_dataset
from weakfield.pairs.grower import grow_pair
from weakfield.pairs.manifest import Manifest, why_incomplete
from weakfield.pairs.pair import Pair
from weakfield.pairs.reading import damage
from weakfield.pairs.runfolder import write_start
from weakfield.pairs.status import Watcher, rows
from weakfield.spectra import measure

Run = tuple[StudyConfig, RunFolder]
FIELD = "gr/snap001_phi.h5"


@pytest.fixture
def drawn(tmp_path: Path) -> Run:
    study = tiny_study(pairs=3)
    return study, write_run(study, tmp_path / "run")


def flip(path: Path) -> None:
    """One bit of a number, near the end of the file."""
    data = bytearray(path.read_bytes())
    data[-101] ^= 1 << 6
    path.write_bytes(data)


def flip_a_field(folder: RunFolder) -> str:
    flip(folder.pair(4) / FIELD)
    return rf"{FIELD} has hash \w+ but pair.json recorded \w+"


def exchange_members(folder: RunFolder) -> str:
    one, other, beside = folder.member(4, "newton"), folder.member(4, "gr"), folder.pair(4) / "beside"
    one.rename(beside)
    other.rename(one)
    beside.rename(other)
    return "is of the theory '(newton|gr)', expected '(gr|newton)' as its folder says"


def exchange_outputs(folder: RunFolder) -> str:
    early, late = (folder.pair(4) / f"gr/snap00{i}_phi.h5" for i in (0, 1))
    content = early.read_bytes()
    early.write_bytes(late.read_bytes())
    late.write_bytes(content)
    return r"is at redshift (10|1), expected (1|10) as was recorded"


def field_of_another_seed(folder: RunFolder) -> str:
    """With its hash in the manifest, so that nothing but the attribute tells."""
    shutil.copy(folder.pair(3) / FIELD, folder.pair(4) / FIELD)
    edit(folder, lambda record: record["files"][FIELD].update(hash=file_hash(folder.pair(4) / FIELD)))
    return "is of seed 3, expected seed 4 as its folder says"


def copy_of_another_pair(folder: RunFolder) -> str:
    shutil.rmtree(folder.pair(4))
    shutil.copytree(folder.pair(3), folder.pair(4))
    return r"seed00004/pair.json is that of seed00003, expected seed00004"


def copy_with_an_edited_manifest(folder: RunFolder) -> str:
    copy_of_another_pair(folder)
    edit(folder, lambda record: record.update(seed=4))
    return "is of seed 3, expected seed 4 as its folder says"


def wrong_attribute(folder: RunFolder) -> str:
    with h5py.File(folder.pair(4) / FIELD, "r+") as file:
        file.attrs["redshift"] = "late"
    edit(folder, lambda record: record["files"][FIELD].update(hash=file_hash(folder.pair(4) / FIELD)))
    return f"{FIELD} is no FieldAttributes: redshift is 'late'"


def edit(folder: RunFolder, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder.pair(4) / "pair.json"
    record = read_json(path)
    change(record)
    write_json(path, record)


DAMAGES = [
    flip_a_field,
    exchange_members,
    exchange_outputs,
    field_of_another_seed,
    copy_of_another_pair,
    copy_with_an_edited_manifest,
    wrong_attribute,
]


@pytest.mark.parametrize("harm", DAMAGES)
def test_no_reader_takes_a_pair_that_is_not_what_was_recorded(drawn: Run, harm: Callable[[RunFolder], str]) -> None:
    study, folder = drawn
    assert damage(study, 4, folder) is None
    said = harm(folder)
    with pytest.raises(BadInput, match=said):
        measure.run(study, folder)
    with pytest.raises(BadInput, match=said):
        build.run(study, folder)
    assert damage(study, 4, folder) is not None
    assert not folder.spectra.exists()
    assert not (folder.dataset / "dataset.json").exists()
    Pair.open(folder, 3, study).phi("gr")  # the others are read as before


@pytest.mark.parametrize("harm", [flip_a_field, copy_of_another_pair, copy_with_an_edited_manifest])
def test_a_pair_that_is_not_what_was_recorded_is_grown_again(tmp_path: Path, harm: Callable[[RunFolder], str]) -> None:
    study = tiny_study(pairs=3, simulation={"transfer": "eisenstein-hu", "step_limit_hubble": 0.3})
    folder = RunFolder(tmp_path)
    write_pair(study, 3, folder)
    grow_pair(study, 4, folder)
    before = (folder.pair(4) / FIELD).read_bytes()
    harm(folder)
    grow_pair(study, 4, folder)
    assert (folder.pair(4) / FIELD).read_bytes() == before
    assert damage(study, 4, folder) is None


def test_the_status_marks_what_is_not_whole(drawn: Run) -> None:
    study, folder = drawn
    copy_of_another_pair(folder)
    (folder.pair(5) / "pair.json").write_text("[]")
    now = Watcher(study, folder).look()
    assert (now.done, set(now.damaged)) == (1, {4, 5})
    assert "is that of seed00003, expected seed00004" in dict(rows(now))["seed 4"]
    assert "lacks 'settings' or 'files'" in now.as_json()["damaged"]["5"]


def test_an_inverse_is_not_the_pair_of_its_seed(drawn: Run) -> None:
    _, folder = drawn
    shutil.copytree(folder.pair(4), folder.pair(Inverse(4)))
    edit(folder, lambda record: record.update(inverted=False))
    shutil.copy(folder.pair(4) / "pair.json", folder.pair(Inverse(4)) / "pair.json")
    with pytest.raises(BadInput, match=r"seed00004i/pair.json is that of seed00004, expected seed00004i"):
        Manifest.load(folder.pair(Inverse(4)))


WRONG = [
    ("seed", "4"),
    ("seed", 4.5),
    ("seed", []),
    ("settings", 3),
    ("files", {"gr/x": 3}),
    ("files", {"gr/x": {"hash": 1}}),
    ("files", {"gr/x": {"hash": "h", "theory": "mond"}}),
    ("files", {"gr/x": {"hash": "h", "bytes": -1}}),
    ("files", {"gr/x": {"hash": "h", "redshift": "late"}}),
    ("files", {"../x": {"hash": "h"}}),
    ("files", {"/x": {"hash": "h"}}),
    ("seconds", {"gr": "long"}),
    ("seconds", 3),
    ("inverted", "no"),
    ("imported", "yes"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_manifest_of_wrong_types_is_one_sentence_and_no_whole_pair(drawn: Run, key: str, value: object) -> None:
    study, folder = drawn
    edit(folder, lambda record: record.update({key: value}))
    said = why_incomplete(study, 4, folder)
    assert said is not None
    assert f"seed00004/pair.json is no manifest of a pair: {key}" in said
    assert "\n" not in said


@pytest.mark.parametrize("kept", ["", "newton", "gr"])
def test_a_manifest_that_lists_no_field_is_none_of_a_whole_pair(drawn: Run, kept: str) -> None:
    """Nor does one that lists those of one theory."""
    study, folder = drawn
    edit(folder, lambda record: record.update(files={n: e for n, e in record["files"].items() if e["theory"] == kept}))
    other = "gr" if kept == "newton" else "newton"
    said = f"{folder.pair(4)}/pair.json lists no phi of '{other}' for output 0, expected every field"
    assert why_incomplete(study, 4, folder) == said


def test_a_manifest_that_leaves_out_a_spectrum_is_none_of_a_whole_pair(drawn: Run) -> None:
    """Otherwise it would be left out of the results of all pairs."""
    study, folder = drawn
    (folder.pair(4) / "gr" / "pk000_phi.dat").write_text("# a spectrum\n")
    said = f"{folder.pair(4)}/pair.json does not list gr/pk000_phi.dat, expected every spectrum that is there"
    assert why_incomplete(study, 4, folder) == said


def test_a_file_is_hashed_once_in_a_process(drawn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    study, folder = drawn
    taken: list[Path] = []
    monkeypatch.setattr(hashes.known_hash, "__defaults__", (lambda path: taken.append(path) or file_hash(path),))
    pair = Pair.open(folder, 4, study)
    for _ in range(2):
        pair.phi("gr", 1)
    assert taken == [folder.pair(4) / FIELD]
    flip(folder.pair(4) / FIELD)
    with pytest.raises(BadInput, match="has hash"):
        pair.phi("gr", 1)


def test_json_of_the_right_syntax_that_is_no_record(drawn: Run) -> None:
    """What is remembered is made again; the history of a folder is not dropped in silence."""
    study, folder = drawn
    build.run(study, folder)
    expected = open_dataset(folder).raw(4, "gr")
    seen = folder.dataset / "cache" / "seen.json"
    for text in (
        "[]",
        "{}",
        "3",
        '{"4/gr/snap001_phi.h5": 3}',
        '{"4/gr/snap001_phi.h5": [[1, 2, 3], "x"]}',
        "[" * 9999,
    ):
        seen.write_text(text)
        assert bool((open_dataset(folder).raw(4, "gr") == expected).all())
    build.run(study, folder)
    record = read_json(seen)
    write_json(seen, {name: [look, "0" * 16] for name, (look, _) in record.items()})  # the hash itself is wrong
    assert bool((open_dataset(folder).raw(4, "gr") == expected).all())
    for text in ("{}", "[]", '{"starts": 3}', "null", '{"starts": [NaN]}'):
        folder.provenance.write_text(text)
        with pytest.raises(BadInput, match=r"provenance\.json"):
            write_start(study, folder, "all")
