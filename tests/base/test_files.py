"""Files are whole or absent; hashes depend on content alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakfield.base.errors import BadInput, WeakfieldError, nearest
from weakfield.base.files import content_hash, empty_folder, file_hash, read_json, replacing, write_json, write_text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    write_text(target, "old")

    def interrupted() -> None:
        with replacing(target) as scratch:
            scratch.write_text("new and unfini")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert names(tmp_path) == {"table.txt"}


def test_the_name_appears_with_the_whole_content(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.txt"
    with replacing(target) as scratch:
        scratch.write_text("all of it")
        assert not target.exists()
    assert target.read_text() == "all of it"
    assert names(target.parent) == {"table.txt"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    target = tmp_path / "table.txt"
    write_text(target, "old")

    def fill() -> None:
        with replacing(target), open("/dev/full", "w", encoding="utf-8") as full:
            full.write("x" * 100_000)

    with pytest.raises(WeakfieldError, match=os.strerror(errno.ENOSPC)) as caught:
        fill()
    assert caught.value.exit_code == 1
    assert str(target) in str(caught.value)
    assert target.read_text() == "old"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_returns_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value


def test_json_holds_no_nan_and_says_what_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "nan.json", {"auc": float("nan")})
    assert names(tmp_path) == set()
    with pytest.raises(BadInput, match=r"absent\.json is missing"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "cut.json").write_text('{"auc": 0.')
    with pytest.raises(BadInput, match=r"cut\.json is not readable JSON"):
        read_json(tmp_path / "cut.json")


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=5))
def test_the_hash_of_a_mapping_does_not_depend_on_its_order(value: dict[str, int]) -> None:
    assert content_hash(value) == content_hash(dict(reversed(value.items())))


def test_hashes_are_those_of_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_hash(tmp_path / "abc") == "ba7816bf8f01cfea"  # FIPS 180-2, example B.1
    assert content_hash({}) == "44136fa355b3678a"  # SHA-256 of the two bytes {}
    assert content_hash([1.0]) != content_hash([1.5])


def test_an_emptied_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "stage" / "deep").mkdir(parents=True)
    (tmp_path / "stage" / "deep" / "old").write_text("old")
    assert list(empty_folder(tmp_path / "stage").iterdir()) == []


def test_the_nearest_word_is_named_or_none() -> None:
    assert nearest("gird", ["seed", "grid", "box"]) == "; did you mean 'grid'?"
    assert nearest("zzz", ["seed", "grid"]) == ""
