"""Plugins: what they are loaded from, what is refused, and the hash of their source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash
from weakfield.base.plugins import (
    Expected,
    is_plugin,
    keep_source,
    load_plugin,
    load_recorded,
    source_file,
    source_hash,
)

NUMBER = Expected("some.setting", "a whole number", lambda found: isinstance(found, int))
FUNCTION = Expected("some.setting", "a function", callable)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module in the working directory: ``plugin_of_a_test:number`` and ``:function``."""
    path = tmp_path / "plugin_of_a_test.py"
    path.write_text("number = 3\ndef function():\n    return 4\n")
    monkeypatch.chdir(tmp_path)
    yield path
    sys.modules.pop("plugin_of_a_test", None)


def test_what_a_plugin_is(module: Path) -> None:
    assert load_plugin("plugin_of_a_test:number", NUMBER) == 3
    assert load_plugin("plugin_of_a_test:function", FUNCTION)() == 4
    assert is_plugin("plugin_of_a_test:number")
    assert not is_plugin("gradient")


def test_its_source_is_hashed(module: Path) -> None:
    for name, expected in (("number", NUMBER), ("function", FUNCTION)):
        reference = f"plugin_of_a_test:{name}"
        path = source_file(reference, expected)
        assert path is not None
        assert source_hash(reference, expected) == file_hash(path) != ""
    assert source_hash("gradient", FUNCTION) == ""
    before = source_hash("json:dumps", FUNCTION)
    assert before == file_hash(Path(__import__("json").__file__))


def test_refusals_are_one_sentence(module: Path, tmp_path: Path) -> None:
    (tmp_path / "broken_plugin_of_a_test.py").write_text("raise RuntimeError('it is late')\n")
    (tmp_path / "empty_plugin_of_a_test.py").write_text("raise KeyError\n")
    for reference, found in (
        ("no_such_module_here:x", "No module named 'no_such_module_here'"),
        ("plugin_of_a_test:other", "has no attribute 'other'"),
        ("broken_plugin_of_a_test:x", "it is late"),
        ("empty_plugin_of_a_test:x", "KeyError"),
        (":x", "Empty module name"),
    ):
        with pytest.raises(BadInput, match=f"some.setting is '{reference}' but .*{found}.*; expected package.module"):
            load_plugin(reference, NUMBER)
    with pytest.raises(BadInput, match=r"some.setting is 'plugin_of_a_test:function', which is .*expected a whole num"):
        load_plugin("plugin_of_a_test:function", NUMBER)


def test_a_run_keeps_a_source_and_does_without_the_file(module: Path, tmp_path: Path) -> None:
    reference, folder = "plugin_of_a_test:function", tmp_path / "kept"
    keep_source(reference, FUNCTION, folder)
    recorded = source_hash(reference, FUNCTION)
    module.write_text("def function():\n    return 5\n")
    sys.modules.pop("plugin_of_a_test")
    assert load_plugin(reference, FUNCTION, folder)() == 5  # the path comes first
    assert load_recorded(reference, FUNCTION, recorded, folder)() == 4
    module.unlink()
    sys.modules.pop("plugin_of_a_test")
    assert load_plugin(reference, FUNCTION, folder)() == 4
    assert source_hash(reference, FUNCTION, folder) == recorded
    assert [path.name for path in folder.iterdir()] == ["plugin_of_a_test.py"]  # no byte code beside it
    with pytest.raises(BadInput, match="No module named 'plugin_of_a_test'"):
        load_plugin(reference, FUNCTION)


def test_another_source_than_the_recorded_one_is_refused(module: Path, tmp_path: Path) -> None:
    reference, folder = "plugin_of_a_test:function", tmp_path / "kept"
    with pytest.raises(BadInput, match=r"is missing and there is another source .* expected the one with hash 0000"):
        load_recorded(reference, FUNCTION, "0000", folder)
    keep_source(reference, FUNCTION, folder)
    (folder / "plugin_of_a_test.py").write_text("raise RuntimeError('it is late')\n")
    with pytest.raises(BadInput, match="have another source of 'plugin_of_a_test:function', expected the one with"):
        load_recorded(reference, FUNCTION, "0000", folder)
    broken = file_hash(folder / "plugin_of_a_test.py")
    with pytest.raises(BadInput, match=r"some.setting is .* but it is late"):
        load_recorded(reference, FUNCTION, broken, folder)
