"""Files are hashed when the data set is built and when they look different, not at every reading."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import torch

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder
from weakfield.dataset import build, checks, open_dataset
from weakfield.dataset.cache import cached_cubes


@pytest.fixture
def built(tmp_path: Path) -> RunFolder:
    study = tiny_study(pairs=3)
    folder = write_run(study, tmp_path / "run")
    build.run(study, folder)
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose hash was taken, in order."""
    taken: list[Path] = []
    original = checks.file_hash
    monkeypatch.setattr(checks, "file_hash", lambda path: taken.append(path) or original(path))
    return taken


def alter(path: Path) -> None:
    """Another number in a field, of the same size."""
    with h5py.File(path, "r+") as file:
        file["data"][0, 0, 0] = 0.0


Read = Callable[[RunFolder], object]
READERS: dict[str, Read] = {
    "raw": lambda folder: open_dataset(folder).raw(4, "gr"),
    "pairs": lambda folder: open_dataset(folder).pairs([4]),
    "samples": lambda folder: open_dataset(folder).samples([4]).load([0]),
    "on disk": lambda folder: open_dataset(folder).samples([4], on_disk=True).load([0]),
    "verify": lambda folder: open_dataset(folder).verify(),
}


def test_nothing_is_hashed_again_that_looks_the_same(built: RunFolder, hashed: list[Path]) -> None:
    data = open_dataset(built)
    for _ in range(2):
        data.pairs(data.seeds)
        data.samples("train").in_memory()
    assert hashed == []
    data.verify()
    assert len(hashed) == 3 * 2 * 2


@pytest.mark.parametrize("reader", READERS)
def test_a_file_altered_in_place_is_caught_by_every_reader(built: RunFolder, reader: str) -> None:
    READERS[reader](built)
    alter(built.member(4, "gr") / "snap001_phi.h5")
    with pytest.raises(BadInput, match=r"gr/snap001_phi\.h5 has hash .* but the data set was built of"):
        READERS[reader](built)


def test_a_file_altered_under_its_old_time_is_caught(built: RunFolder) -> None:
    """Size and time of change of the content are as before; the inode's own time cannot be set."""
    path = built.member(4, "gr") / "snap001_phi.h5"
    status = path.stat()
    alter(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(BadInput, match="has hash"):
        open_dataset(built).raw(4, "gr")


def test_a_copied_folder_is_hashed_once(built: RunFolder, hashed: list[Path], tmp_path: Path) -> None:
    shutil.copytree(built.root, tmp_path / "copy")
    data = open_dataset(RunFolder(tmp_path / "copy"))
    for _ in range(2):
        data.pairs(data.seeds)
    assert len(hashed) == 3 * 2 * 2


def test_without_the_record_of_how_files_looked(built: RunFolder) -> None:
    values = open_dataset(built).pairs([4]).values
    shutil.rmtree(built.dataset / "cache")
    assert torch.equal(open_dataset(built).pairs([4]).values, values)


def test_a_file_that_went(built: RunFolder) -> None:
    data = open_dataset(built)
    (built.member(4, "gr") / "snap001_phi.h5").unlink()
    for reader in ("raw", "samples", "on disk"):
        with pytest.raises(BadInput, match=r"gr/snap001_phi\.h5"):
            READERS[reader](built)
    with pytest.raises(BadInput, match="is missing, expected the file the data set was built of"):
        data.verify()


def test_cubes_on_disk_are_read_from_there_and_made_again_when_damaged(built: RunFolder) -> None:
    data = open_dataset(built)
    values = data.samples([4], on_disk=True).load([0])
    (path,) = (built.dataset / "cache").glob("seed00004_*.npy")
    before = path.stat().st_mtime_ns
    assert torch.equal(open_dataset(built).samples([4], on_disk=True).load([0]), values)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(path.read_bytes()[:-100])
    assert torch.equal(open_dataset(built).samples([4], on_disk=True).load([0]), values)
    assert path.stat().st_mtime_ns != before
    data.samples([4], keep_mean=True, on_disk=True).load([0])
    assert len(list((built.dataset / "cache").glob("seed00004_*.npy"))) == 2  # another chain, another file


def test_a_cache_of_another_shape_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    cached_cubes(path, (2, 2), lambda: torch.zeros(2, 2))
    assert cached_cubes(path, (3,), lambda: torch.ones(3)).tolist() == [1, 1, 1]
