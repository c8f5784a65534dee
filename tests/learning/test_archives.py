"""Archives, checkpoints and arrays: what is damaged is never taken for what was written."""

from __future__ import annotations

import random
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.drawn_task import task
from weakfield.base.arrays import load_arrays, save_arrays
from weakfield.base.errors import BadInput
from weakfield.dataset.cache import cached_cubes
from weakfield.learning import Task, checkpoints, fit, load_model
from weakfield.learning.archives import Damaged, load_archive, save_archive
from weakfield.learning.checkpoints import BEFORE, LAST

Change = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, chance: random.Random, bits: int = 1) -> bytes:
    changed = bytearray(data)
    for _ in range(bits):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def overwritten(data: bytes, chance: random.Random) -> bytes:
    place, length = chance.randrange(len(data)), chance.randrange(1, 64)
    return data[:place] + chance.randbytes(length) + data[place + length :]


CHANGES: tuple[Change, ...] = (flipped, partial(flipped, bits=8), truncated, overwritten)


def small(**values: object) -> Task:
    return task(channels=1, epochs=3, dropout=0.0, **values)


def stopped_in(folder: Path, job: Task, epochs: int) -> None:
    """A training interrupted after that many epochs."""

    def watch(row: dict[str, float]) -> None:
        if row["epoch"] + 1 == epochs:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "EVERY_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            fit(job, folder, watch=watch)


@contextmanager
def quiet() -> Iterator[list[str]]:
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    told += [str(warning.message) for warning in caught]


def test_what_is_saved_is_read_here_and_by_torch(tmp_path: Path) -> None:
    value = {"hash": "h", "weights": {"a": torch.arange(5.0)}, "rows": [1, {"b": "c"}]}
    for name in ("one.pt", "two.pt"):
        save_archive(tmp_path / name, value)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()
    for found in (load_archive(tmp_path / "one.pt"), torch.load(tmp_path / "one.pt", weights_only=True)):
        assert found is not None
        assert torch.equal(found["weights"]["a"], value["weights"]["a"])  # type: ignore[index]
    assert load_archive(tmp_path / "none.pt") is None


def test_every_flipped_bit_of_an_archive_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "one.pt"
    save_archive(path, {"weights": torch.arange(3.0)})
    data = path.read_bytes()
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        if place < len(data) - 83:  # a comment that is no longer one leaves the checksums of the archive
            with pytest.raises(Damaged, match=r"one.pt is damaged, expected the archive that weakfield wrote"):
                load_archive(path)
        else:
            assert _same_or_damaged(path, torch.arange(3.0))


def _same_or_damaged(path: Path, expected: torch.Tensor) -> bool:
    try:
        found = load_archive(path)
    except Damaged:
        return True
    return found is not None and torch.equal(found["weights"], expected)


def test_an_archive_of_an_earlier_version_is_read_and_its_checksums_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save({"weights": torch.full((9,), 3.0)}, path)
    assert load_archive(path) is not None
    data = path.read_bytes()
    place = data.index(torch.full((9,), 3.0).numpy().tobytes())
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert torch.load(path, weights_only=True) is not None  # PyTorch itself does not look
    with pytest.raises(Damaged):
        load_archive(path)


def test_a_file_that_holds_something_else_is_refused_and_no_pickle_is_run(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(Damaged, match="holds a list, expected the dictionary"):
        load_archive(tmp_path / "list.pt")
    torch.save({"run": Path("x")}, tmp_path / "pickle.pt")
    with pytest.raises(Damaged):
        load_archive(tmp_path / "pickle.pt")


@pytest.mark.parametrize(
    ("damaged", "said"),
    [((LAST,), "goes on after epoch 1"), ((LAST, BEFORE), "starts again"), ((BEFORE,), None)],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_the_result_is_the_same(
    damaged: tuple[str, ...], said: str | None, tmp_path: Path
) -> None:
    job = small()
    fit(job, tmp_path / "whole")
    stopped_in(tmp_path / "run", job, 2)
    for name in damaged:
        path = tmp_path / "run" / name
        data = path.read_bytes()
        place = len(data) // 2
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
    with quiet() as told:
        fit(job, tmp_path / "run")
    assert len(told) == (said is not None)
    if said is not None:
        assert f"checkpoint.pt is damaged, expected the archive that weakfield wrote; the training {said}" in told[0]
    for name in ("weights.pt", "history.json", "log.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "run").glob("checkpoint*"))


def test_weights_damaged_before_the_stage_is_finished_are_trained_again(tmp_path: Path) -> None:
    job = small()
    fit(job, tmp_path)
    path = tmp_path / "weights.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[:700] + bytes([whole[700] ^ 1]) + whole[701:])
    with pytest.raises(BadInput, match=r"weights.pt is damaged"):
        load_model(tmp_path)
    with quiet() as told:
        fit(job, tmp_path)
    assert [sentence.split("; ")[-1] for sentence in told] == ["the network is trained again"]
    assert path.read_bytes() == whole


def test_a_training_stopped_between_its_weights_and_its_end_leaves_no_checkpoint(tmp_path: Path) -> None:
    job = small()
    stopped_in(tmp_path, job, 3)
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("checkpoint*")}
    fit(job, tmp_path)
    for name, data in kept.items():
        (tmp_path / name).write_bytes(data)
    fit(job, tmp_path)
    assert not list(tmp_path.glob("checkpoint*"))


def _without(saved: dict[str, Any], *keys: str) -> None:
    for key in keys[:-1]:
        saved = saved[key]
    del saved[keys[-1]]


def _reshaped(saved: dict[str, Any], *keys: str) -> None:
    for key in keys:
        saved = saved[key]
    for name, value in saved.items():
        if isinstance(value, torch.Tensor) and value.ndim:
            saved[name] = value[..., None]


def _moments(saved: dict[str, Any]) -> None:
    for moments in saved["state"]["optimiser"]["state"].values():
        _reshaped(moments)


WRONG: dict[str, Callable[[dict[str, Any]], None]] = {
    "weights of another shape": lambda saved: _reshaped(saved, "state", "network"),
    "best weights of another shape": lambda saved: _reshaped(saved, "state", "best", "weights"),
    "moments of another shape": _moments,
    "no optimiser": lambda saved: _without(saved, "state", "optimiser"),
    "no variant": lambda saved: _without(saved, "variant"),
    "fewer epochs": lambda saved: saved["state"]["history"].pop(),
    "another state": lambda saved: saved.update(state=[1, 2]),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_checkpoint_that_does_not_fit_is_not_used(what: str, tmp_path: Path) -> None:
    job = small()
    fit(job, tmp_path / "whole")
    stopped_in(tmp_path / "run", job, 2)
    saved = load_archive(tmp_path / "run" / LAST)
    assert saved is not None
    WRONG[what](saved)
    save_archive(tmp_path / "run" / LAST, saved)
    with quiet() as told:
        fit(job, tmp_path / "run")
    assert "the training goes on after epoch 1" in told[0]
    assert (tmp_path / "run" / "weights.pt").read_bytes() == (tmp_path / "whole" / "weights.pt").read_bytes()


@pytest.mark.parametrize("what", ["weights", "shape", "settings", "hash"])
def test_weights_that_do_not_fit_are_refused(what: str, tmp_path: Path) -> None:
    fit(small(), tmp_path)
    saved = load_archive(tmp_path / "weights.pt")
    assert saved is not None
    if what == "weights":
        _reshaped(saved, "weights")
    elif what == "shape":
        saved["shape"] = [1, 8.0, 8, 8]
    else:
        saved[what] = 3
    save_archive(tmp_path / "weights.pt", saved)
    with pytest.raises(BadInput, match=r"weights.pt (does not fit its network|lacks)"):
        load_model(tmp_path)


def test_arrays_are_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, values=np.arange(4.0), name=np.array("x"))
    assert (load_arrays(path)["values"] == np.arange(4.0)).all()
    with pytest.raises(BadInput, match="is missing"):
        load_arrays(tmp_path / "b.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("odd.npy", b"\x93NUMPY\x01\x00\x10\x00__import__('os')\n")
    with pytest.raises(BadInput, match=r"a.npz is damaged, expected the arrays that weakfield wrote"):
        load_arrays(path)


def test_a_flipped_bit_of_a_cube_kept_ready_is_seen(tmp_path: Path) -> None:
    path, cube = tmp_path / "cube.npy", torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    made = []

    def make() -> torch.Tensor:
        made.append(1)
        return cube

    for change in (None, 0, 140, -40, -1):
        if change is not None:
            data = bytearray(path.read_bytes())
            data[change] ^= 2
            path.write_bytes(data)
        assert torch.equal(cached_cubes(path, (2, 4), make), cube)
    np.save(path, cube.numpy())  # by an earlier version, without a hash
    assert torch.equal(cached_cubes(path, (2, 4), make), cube)
    assert len(made) == 6
    assert torch.equal(cached_cubes(path, (2, 4), make), cube)
    assert len(made) == 6


# ---------------------------------------------------------------------------------------------------------------
# The fuzzer


def read(load: Callable[[Path], dict[str, Any] | None], path: Path) -> dict[str, Any] | None:
    """What is in a damaged file, or ``None`` where it is refused in a sentence that names it."""
    try:
        return load(path)
    except BadInput as error:
        if not str(error).startswith(str(path)):
            raise
        return None


@pytest.mark.slow
@pytest.mark.parametrize("earlier", [False, True])
def test_no_damage_to_archives_is_taken_silently(earlier: bool, tmp_path: Path) -> None:
    """2 000 damaged files: refused in a sentence, or the very content that was written."""
    chance, path = random.Random(17), tmp_path / "weights.pt"
    fit(small(), tmp_path)
    expected = load_archive(path)
    assert expected is not None
    if earlier:  # as versions before the hash wrote it
        torch.save(expected, path)
    data = path.read_bytes()
    refused = 0
    for number in range(2_000):
        path.write_bytes(CHANGES[number % len(CHANGES)](data, chance))
        found = read(load_archive, path)
        if found is None:
            refused += 1
            continue
        assert found.keys() == expected.keys()
        for name, value in found["weights"].items():
            assert torch.equal(value, expected["weights"][name])
        assert (found["hash"], found["settings"]) == (expected["hash"], expected["settings"])
    assert refused > (1_000 if earlier else 1_900)


@pytest.mark.slow
def test_a_training_goes_on_from_any_damage_to_the_same_weights(tmp_path: Path) -> None:
    job, chance = small(), random.Random(4)
    fit(job, tmp_path / "whole")
    whole = {name: (tmp_path / "whole" / name).read_bytes() for name in ("weights.pt", "history.json")}
    stopped_in(tmp_path / "stopped", job, 2)
    for number in range(48):
        run = tmp_path / f"run{number}"
        shutil.copytree(tmp_path / "stopped", run)
        for name in ((LAST,), (BEFORE,), (LAST, BEFORE))[number % 3]:
            path = run / name
            path.write_bytes(CHANGES[number % len(CHANGES)](path.read_bytes(), chance))
        with quiet():
            fit(job, run)
        assert {name: (run / name).read_bytes() for name in whole} == whole
        shutil.rmtree(run)


@pytest.mark.slow
def test_no_damage_to_arrays_is_taken_silently(tmp_path: Path) -> None:
    chance, path = random.Random(3), tmp_path / "a.npz"
    expected = {"values": np.arange(60.0).reshape(3, 4, 5), "name": np.array("fingerprint"), "seeds": np.arange(3)}
    save_arrays(path, **expected)
    data = path.read_bytes()
    for number in range(4_000):
        path.write_bytes(CHANGES[number % len(CHANGES)](data, chance))
        found = read(load_arrays, path) or {}
        for name in set(found) & set(expected):
            np.testing.assert_array_equal(found[name], expected[name])
