"""HDF5 fields and particles: round trips, the reference program's files, and what is refused."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.formats import Particles, load_field, load_particles, save_field, save_particles

DATA = Path(__file__).parents[1] / "data"
ATTRIBUTES = {"redshift": 9.9953, "theory": "gr", "seed": 2**62, "units": "dimensionless"}


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 4 kB: inside the block nothing else may write, the test's own report included."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("components", [(), (3,), (6,)])
def test_round_trip(tmp_path: Path, components: tuple[int, ...], dtype: str, compression: str) -> None:
    generator = torch.Generator().manual_seed(1)
    field = torch.randn((*components, 5, 5, 5), generator=generator, dtype=torch.float64)
    save_field(tmp_path / "f.h5", field, ATTRIBUTES, dtype, compression)  # type: ignore[arg-type]
    found, attributes = load_field(tmp_path / "f.h5")
    assert found.dtype == getattr(torch, dtype)
    assert torch.equal(found, field.to(found.dtype))
    assert attributes == ATTRIBUTES


def test_layout_is_the_reference_programs(tmp_path: Path) -> None:
    # the value at cell x=1, y=2, z=3 of component y
    field = torch.zeros((3, 4, 4, 4), dtype=torch.float64)
    field[1, 3, 2, 1] = 7.0
    save_field(tmp_path / "b.h5", field, {}, "float64")
    with h5py.File(tmp_path / "b.h5") as file:
        assert list(file) == ["data"]
        assert file["data"].shape == (4, 4, 4)
        assert file["data"].dtype == np.dtype(("<f8", (3,)))
        assert file["data"][3, 2, 1].tolist() == [0.0, 7.0, 0.0]


def test_a_file_of_the_reference_program() -> None:
    field, attributes = load_field(DATA / "reference_phi.h5")
    assert attributes == {}
    assert field.shape == (16, 16, 16)
    assert field.dtype == torch.float64
    with h5py.File(DATA / "reference_phi.h5") as file:
        assert float(field[3, 2, 1]) == float(file["data"][3, 2, 1])
        assert file["data"].dtype == np.dtype("<f8")


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("not HDF5")
    for name, message in (("nothing.h5", "no such file"), ("text.h5", "not a whole HDF5 file")):
        with pytest.raises(BadInput, match=message) as caught:
            load_field(tmp_path / name)
        assert name in str(caught.value)


@settings(deadline=None, max_examples=40)
@given(kept=st.integers(0, 34815))
def test_truncated_files_are_refused(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "cut.h5"
    path.write_bytes((DATA / "reference_phi.h5").read_bytes()[:kept])
    with pytest.raises(BadInput, match=r"cut\.h5"):
        load_field(path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("other", np.zeros((4, 4, 4)), "has no dataset 'data', found other"),
        ("data", np.zeros((4, 4)), r"has shape \(4, 4\)"),
        ("data", np.zeros((4, 4, 5)), r"has shape \(4, 4, 5\)"),
        ("data", np.zeros((4, 4, 4), dtype=int), "holds int64"),
        ("data", np.full((4, 4, 4), np.nan), "NaN or infinity"),
        ("data", np.zeros((4, 4, 4), dtype=("f8", (2,))), r"\(2,\) values each|has shape"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, name: str, values: np.ndarray, message: str) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        file[name] = values
    with pytest.raises(BadInput, match=message) as caught:
        load_field(path)
    assert str(path) in str(caught.value)


def test_nan_is_not_written(tmp_path: Path) -> None:
    field = torch.zeros((4, 4, 4))
    field[0, 0, 0] = float("nan")
    with pytest.raises(WeakfieldError, match="not finite"):
        save_field(tmp_path / "nan.h5", field, {})
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_nothing_and_keeps_the_old(tmp_path: Path) -> None:
    small, large = torch.ones((2, 2, 2)), torch.ones((16, 16, 16))
    save_field(tmp_path / "old.h5", small, {})
    for name in ("old.h5", "new.h5"):
        with pytest.raises(WeakfieldError, match=f"cannot write .*{name}"), full_disk():
            save_field(tmp_path / name, large, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.h5"]
    assert load_field(tmp_path / "old.h5")[0].shape == (2, 2, 2)


def test_shape_of_a_field_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        save_field(tmp_path / "f.h5", torch.zeros((4, 4)), {})


def test_particles_round_trip_in_the_reference_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    ids = rng.permutation(40).astype(np.int64)
    particles = Particles(ids, rng.random((40, 3)), rng.normal(size=(40, 3)), 7.6e-5)
    save_particles(tmp_path / "p.h5", particles, 16)
    found = load_particles(tmp_path / "p.h5")
    order = np.argsort(ids)
    assert found.ids.tolist() == list(range(40))
    np.testing.assert_array_equal(found.positions, particles.positions[order])
    np.testing.assert_array_equal(found.momenta, particles.momenta[order])
    assert found.mass == particles.mass
    with h5py.File(tmp_path / "p.h5") as ours, h5py.File(DATA / "reference_cdm.h5") as reference:
        assert set(ours) == set(reference)
        assert {name: ours[name].dtype for name in ours} == {name: reference[name].dtype for name in reference}
        assert {name: type(value) for name, value in ours.attrs.items()} == {
            name: type(value) for name, value in reference.attrs.items()
        }


def test_particles_of_the_reference_program() -> None:
    found = load_particles(DATA / "reference_cdm.h5")  # a few of each of four processes
    assert found.ids.tolist() == [0, 7, 56, 512, 519, 2048, 2055, 2560]
    assert found.mass == pytest.approx(0.312046080232 / 4096, rel=1e-11)
    # particle 0 stands near the first site of sc1 tiled 4 times, 1/32
    np.testing.assert_allclose(found.positions[0], 1 / 32, atol=3e-3)


def test_other_particles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected records of ID"):
        load_particles(DATA / "reference_phi.h5")
    with pytest.raises(WeakfieldError, match="not finite"):
        save_particles(
            tmp_path / "p.h5", Particles(np.zeros(1, int), np.full((1, 3), np.nan), np.zeros((1, 3)), 1.0), 4
        )


def test_a_file_in_use_is_not_called_damaged(tmp_path: Path) -> None:
    save_field(tmp_path / "f.h5", torch.zeros((4, 4, 4)), {})
    writer = (
        "import h5py, sys\nwith h5py.File(sys.argv[1], 'r+') as f:\n    print('open', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(tmp_path / "f.h5")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(BadInput, match=r"f.h5 is in use by another process"):
            load_field(tmp_path / "f.h5")
        other.communicate()
    load_field(tmp_path / "f.h5")


@pytest.mark.parametrize("name", ["ID", "positionX", "velocityZ"])
def test_particles_of_other_types_are_refused(tmp_path: Path, name: str) -> None:
    kinds = [
        (n, "f8" if n != "ID" else "i8") for n in ("ID", *(p + x for p in ("position", "velocity") for x in "XYZ"))
    ]
    kinds = [(n, (kind, (2,)) if n == name else kind) for n, kind in kinds]
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["data"] = np.zeros(3, dtype=kinds)
        file["part_info"] = np.zeros(1, dtype=[("mass", "f8")])
    with pytest.raises(BadInput, match="expected records of ID"):
        load_particles(tmp_path / "p.h5")


def test_a_flipped_bit_of_a_file_is_a_sentence_or_read(tmp_path: Path) -> None:
    """h5py has many errors for damaged descriptions of types and attributes; none of them reaches a person."""
    attributes = {"redshift": 1.0, "box_size_mpch": 160.0, "theory": "gr", "seed": 3}
    save_field(tmp_path / "whole.h5", np.zeros((4, 4, 4)), attributes)
    data, damaged = (tmp_path / "whole.h5").read_bytes(), tmp_path / "damaged.h5"
    refused: list[str] = []
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1 << (place // 3) % 8
        damaged.write_bytes(changed)
        try:
            load_field(damaged)
        except BadInput as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in said for said in refused)
