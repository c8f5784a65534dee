"""What the system refuses is a sentence of its own with the path, for each error number that people meet."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest

from weakfield.base import system_errors
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import replacing, write_json
from weakfield.base.system_errors import during, errno_of, file_at_hand, in_words, told, working_on
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.settings import read_toml
from weakfield.formats import load_field

NUMBERS = sorted(system_errors._EXPECTED)


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_each_number_says_what_was_found_and_what_was_expected(number: int) -> None:
    said = told(OSError(number, os.strerror(number), "phi.h5"), doing="write")
    assert said.startswith(f"cannot write phi.h5: {os.strerror(number)}, expected ")
    assert told(OSError(number, "x"), Path("a") / "b", "read").startswith("cannot read a/b: ")


def test_hdf5_mentions_the_number_in_its_words() -> None:
    said = (
        "Unable to synchronously write data (file write failed: errno = 28, error message = 'No space left on device')"
    )
    assert errno_of(OSError(said)) == errno.ENOSPC
    assert errno_of(RuntimeError(said)) == errno.ENOSPC
    assert errno_of(ValueError("no number")) is None
    assert told(OSError("no number"), "x.h5", "read") == "cannot read x.h5: no number"


def test_folders_names_and_links(tmp_path: Path) -> None:
    """Real ones: a folder where a file should be, a name too long, a file within a path, links in a circle."""
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, number in (
        (tmp_path, errno.EISDIR),
        (tmp_path / ("x" * 300), errno.ENAMETOOLONG),
        (tmp_path / "file" / "study.toml", errno.ENOTDIR),
        (tmp_path / "loop", errno.ELOOP),
    ):
        with pytest.raises(BadInput) as caught:
            read_toml(path)
        assert f"{os.strerror(number)}, expected" in str(caught.value)
    for path, number in ((tmp_path / ("x" * 300), errno.ENAMETOOLONG), (tmp_path / "file" / "x", errno.EEXIST)):
        with pytest.raises(WeakfieldError, match=f"cannot write .*{os.strerror(number)}, expected"):
            write_json(path, {})


def test_too_many_open_files(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 200), hard))
    held = []
    try:
        while True:
            try:
                held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        with pytest.raises(BadInput, match=r"study.toml: Too many open files, expected a higher limit .*ulimit -n"):
            read_toml(tmp_path / "study.toml")
    finally:
        for handle in held:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_permission(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("")
    path.chmod(0)
    with pytest.raises(BadInput, match="Permission denied, expected a file and a folder that this user may use"):
        read_toml(path)


def test_an_error_keeps_the_file_that_was_at_hand_first(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught, working_on(tmp_path / "outer"), working_on(tmp_path / "inner"):
        1 / 0  # noqa: B018
    assert file_at_hand(caught.value) == tmp_path / "inner"
    with pytest.raises(RuntimeError) as failed, replacing(tmp_path / "out.json"):
        raise RuntimeError("half-way")
    assert file_at_hand(failed.value) == tmp_path / "out.json"
    assert list(tmp_path.iterdir()) == []


def lose_after_reading(path: Path) -> None:
    """Read without an error, and fail over what is then done with it."""
    with working_on(path):
        pass
    raise KeyError("lost")


def test_what_nobody_expected_says_what_it_ended(tmp_path: Path) -> None:
    """In Python it stays what it is, with a note."""
    field, work = tmp_path / "phi.h5", "the stage measure of runs/x"
    with pytest.raises(KeyError) as caught, during(work), working_on(field):
        raise KeyError("lost")
    assert in_words(caught.value) == f"{work}: unexpected KeyError at {field}: 'lost'"
    assert caught.value.__notes__ == [f"in {work} at {field}"]
    with pytest.raises(KeyError) as after, during(work):
        lose_after_reading(field)
    assert in_words(after.value) == f"{work}: unexpected KeyError after {field}: 'lost'"
    with pytest.raises(OSError, match="full") as full, during(work):
        raise OSError(errno.ENOSPC, "full", "x")
    assert in_words(full.value) == f"{work}: x: {os.strerror(errno.ENOSPC)}, expected free space there"
    assert in_words(ValueError("alone")) == "unexpected ValueError: alone"
    with pytest.raises(BadInput) as plain, during(work):
        raise BadInput("one sentence")
    assert not hasattr(plain.value, "__notes__")


def test_a_stage_that_breaks_is_named_with_its_file(
    synthetic_run: tuple[StudyConfig, RunFolder], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the command line, with an error from the middle of reading a field."""
    from weakfield.spectra import measure

    study, folder = synthetic_run
    folder.study.write_text(study.to_toml())
    field = folder.pairs / "phi.h5"

    def broken(*given: object) -> None:
        with working_on(field):
            raise IndexError("list index out of range")

    monkeypatch.setattr(measure, "run", broken)
    assert invoke(["measure", str(folder.root)]) == 1
    said = capsys.readouterr().err
    assert f"the stage measure of {folder.root}: unexpected IndexError at {field}: list index out of range;" in said
    assert said.rstrip().endswith("; the same command with --debug shows where")
    assert said.count("weakfield: ") == 1


def test_a_field_that_is_a_folder_or_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file, expected HDF5"):
        load_field(tmp_path)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = np.zeros(3)
    with pytest.raises(BadInput, match="has no dataset 'data', found other"):
        load_field(tmp_path / "x.h5")
