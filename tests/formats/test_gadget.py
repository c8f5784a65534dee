"""Particle templates, built in or from Gadget-2 files, and Gadget-2 snapshots."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.config.simulation import TEMPLATE_CELLS
from weakfield.formats import GadgetSnapshot, load_gadget, load_template, save_gadget
from weakfield.formats.templates import built_in_names, built_in_template


def gadget(positions: np.ndarray, box: float = 1.0, npart: tuple[int, ...] | None = None) -> bytes:
    """A Gadget-2 file of format 1 with type-1 particles."""
    counts = npart or (0, len(positions), 0, 0, 0, 0)
    header = struct.pack("<6I6d2d2i6I2i4d", *counts, *([0.0] * 6), 1.0, 0.0, 0, 0, *counts, 0, 1, box, 0.3, 0.7, 0.67)
    blocks = (header.ljust(256, b"\0"), positions.astype("<f4").tobytes())
    return b"".join(struct.pack("<I", len(block)) + block + struct.pack("<I", len(block)) for block in blocks)


def test_built_in_crystals() -> None:
    assert {name: built_in_template(name).count for name in built_in_names()} == {
        "sc0": 64,
        "sc1": 64,
        "bcc": 16,
        "fcc": 32,
    }
    assert set(built_in_names()) == set(TEMPLATE_CELLS)
    sc1 = built_in_template("sc1").positions
    # the order of EQUATIONS 3.1, in eighths
    assert (8 * sc1[:5]).tolist() == [[1, 1, 1], [1, 1, 3], [1, 3, 3], [1, 3, 1], [3, 3, 1]]
    assert (8 * sc1[8]).tolist() == [1, 1, 5]
    assert (8 * sc1[-1]).tolist() == [7, 1, 1]
    assert sorted(set((8 * sc1).ravel())) == [1, 3, 5, 7]
    np.testing.assert_array_equal(built_in_template("sc0").positions, sc1 - 0.125)


@pytest.mark.parametrize(
    ("name", "nearest"), [("sc0", 1 / 4), ("sc1", 1 / 4), ("bcc", 3**0.5 / 4), ("fcc", 2**0.5 / 4)]
)
def test_crystals_are_periodic_lattices(name: str, nearest: float) -> None:
    positions = built_in_template(name).positions
    apart = positions[:, None] - positions[None, :]
    apart -= np.round(apart)
    distance = np.sqrt((apart**2).sum(-1)) + 10 * np.eye(len(positions))
    np.testing.assert_allclose(distance.min(axis=1), nearest, rtol=1e-12)
    # every point sees the same neighbours, and their mirror images: the displacement kernel is real
    seen = {tuple(sorted(map(tuple, np.round(np.mod(positions - p, 1.0), 6).tolist()))) for p in positions}
    assert len(seen) == 1
    offsets = next(iter(seen))
    assert tuple(sorted(tuple(np.mod(np.negative(o), 1.0).tolist()) for o in offsets)) == offsets


def test_a_file_becomes_a_template(tmp_path: Path) -> None:
    positions = np.array([[0.0, 80.0, 20.0], [40.0, 0.5, 79.5]])
    path = tmp_path / "glass.dat"
    path.write_bytes(gadget(positions, box=80.0))
    template = load_template(path)
    assert template.positions.dtype == np.float64
    # a particle on the far face is the one on the near face
    np.testing.assert_array_equal(template.positions, np.array([[0.0, 0.0, 0.25], [0.5, 0.00625, 0.99375]]))


def test_ids_after_the_positions_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "ids.dat"
    path.write_bytes(gadget(np.full((3, 3), 0.5)) + struct.pack("<I3iI", 12, 1, 2, 3, 12))
    assert load_template(path).count == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not whole"),
        (b"some text that is no snapshot", "not whole"),
        (gadget(np.zeros((4, 3)))[:300], "positions is not whole"),
        (gadget(np.zeros((4, 3)), npart=(0, 5, 0, 0, 0, 0)), "48 bytes, expected 60 or 120 for 5"),
        (gadget(np.zeros((4, 3)), npart=(4, 0, 0, 0, 0, 0)), "expected type 1 alone"),
        (gadget(np.zeros((4, 3)), box=0.0), "in a box above 0"),
        (gadget(np.full((4, 3), 1.5)), "outside the box"),
        (gadget(np.full((4, 3), np.nan)), "outside the box"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "template.dat"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        load_template(path)
    assert str(path) in str(caught.value)


def test_missing_template() -> None:
    with pytest.raises(BadInput, match="no such particle template"):
        load_template("nowhere.dat")


def snapshot(count: int = 5, **changes: object) -> GadgetSnapshot:
    generator = np.random.default_rng(3)
    values = {
        "ids": np.arange(count),
        "positions": generator.random((count, 3)),
        "momenta": 1e-3 * generator.standard_normal((count, 3)),
        "particle_density": 0.3 / count,
        "scale_factor": 0.5,
        "box_size_mpch": 80.0,
        "omega_m": 0.3,
        "omega_lambda": 0.7,
        "h": 0.67,
    }
    return GadgetSnapshot(**(values | changes))  # type: ignore[arg-type]


def test_snapshots_come_back_as_written(tmp_path: Path) -> None:
    written = snapshot(ids=np.array([7, 3, 2**40, 1, 0]))
    save_gadget(tmp_path / "snap", written)
    read = load_gadget(tmp_path / "snap")
    order = np.argsort(written.ids)
    np.testing.assert_array_equal(read.ids, written.ids[order])
    np.testing.assert_allclose(read.positions, written.positions[order], rtol=1.2e-7)  # float32
    np.testing.assert_allclose(read.momenta, written.momenta[order], rtol=1.2e-7)
    for name in ("particle_density", "scale_factor", "box_size_mpch", "omega_m", "omega_lambda", "h"):
        assert getattr(read, name) == pytest.approx(getattr(written, name), rel=1e-15)


def test_units_of_a_snapshot(tmp_path: Path) -> None:
    """Positions in kpc/h, velocities in km/s over sqrt(a), masses in 1e10 Msun/h."""
    save_gadget(tmp_path / "snap", snapshot(1, positions=np.full((1, 3), 0.25), momenta=np.full((1, 3), 1e-3)))
    content = (tmp_path / "snap").read_bytes()
    mass = struct.unpack_from("<6d", content, 4 + 24)[1]
    assert mass == pytest.approx(2.77459457e11 * 0.3 * 80.0**3 / 1e10)
    x, v = (struct.unpack_from("<3f", content, 264 + 4 + offset)[0] for offset in (0, 20))
    assert x == pytest.approx(20000.0)
    assert v == pytest.approx(1e-3 * 299792.458 / 0.5 / 0.5**0.5, rel=1e-6)


def test_snapshots_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeakfieldError, match="not finite"):
        save_gadget(tmp_path / "snap", snapshot(momenta=np.full((5, 3), np.inf)))
    assert list(tmp_path.iterdir()) == []
    save_gadget(tmp_path / "snap", snapshot())
    content = bytearray((tmp_path / "snap").read_bytes())
    (tmp_path / "short").write_bytes(content[:-20])
    with pytest.raises(BadInput, match="record of the IDs is not whole"):
        load_gadget(tmp_path / "short")
    for place, kind, value, said in (
        (4 + 24 + 48 + 8, "d", 3.0, "states scale factor 0.5 and redshift 3, expected the same time"),
        (4 + 24 + 48 + 16 + 8 + 4, "I", 6, "holds 5 particles in 1 files, expected 6 as its header says"),
        (4 + 24 + 8, "d", np.nan, "particle mass nan, expected both above 0"),
        (264 + 4, "f", np.nan, "positions lie outside the box"),
        (264 + 4, "f", 1e30, "positions lie outside the box"),
        (264 + 4 + 60 + 8, "f", np.inf, "a velocity is NaN or infinite"),
    ):
        changed = content.copy()
        struct.pack_into(f"<{kind}", changed, place, value)
        (tmp_path / "changed").write_bytes(changed)
        with pytest.raises(BadInput, match=said):
            load_gadget(tmp_path / "changed")
    struct.pack_into("<i", content, 4 + 124, 8)
    (tmp_path / "part").write_bytes(content)
    with pytest.raises(BadInput, match=r"one of 8 files but .*part\.0 is missing"):
        load_gadget(tmp_path / "part")
    with pytest.raises(BadInput, match="no such snapshot"):
        load_gadget(tmp_path / "nowhere")
    (tmp_path / "no velocities").write_bytes(gadget(np.full((3, 3), 0.5)))
    with pytest.raises(BadInput, match="expected both above 0"):
        load_gadget(tmp_path / "no velocities")


def records(content: bytes) -> list[bytes]:
    """The Fortran records of a file of format 1."""
    found, start = [], 0
    while start < len(content):
        length = struct.unpack_from("<I", content, start)[0]
        found.append(content[start + 4 : start + 4 + length])
        start += length + 8
    return found


def joined(blocks: list[bytes], order: str = "<") -> bytes:
    marks = [struct.pack(f"{order}I", len(block)) for block in blocks]
    return b"".join(mark + block + mark for mark, block in zip(marks, blocks, strict=True))


def swapped(blocks: list[bytes]) -> list[bytes]:
    """The same records on a machine of the other byte order."""
    header, positions, velocities, ids = blocks
    kind = "6I6d2d2i6I2i4d"
    numbers = struct.unpack_from(f"<{kind}", header)
    turned = [np.frombuffer(block, "<f4").astype(">f4").tobytes() for block in (positions, velocities)]
    return [
        struct.pack(f">{kind}", *numbers).ljust(256, b"\0"),
        *turned,
        np.frombuffer(ids, "<i8").astype(">i8").tobytes(),
    ]


def named(blocks: list[bytes], order: str = "<") -> list[bytes]:
    """The same records in format 2."""
    found = []
    for name, block in zip((b"HEAD", b"POS ", b"VEL ", b"ID  "), blocks, strict=True):
        found += [name + struct.pack(f"{order}I", len(block) + 8), block]
    return found


@pytest.mark.parametrize("kind", ["big-endian", "format 2", "format 2, big-endian", "double precision"])
def test_the_forms_of_gadget_files(tmp_path: Path, kind: str) -> None:
    save_gadget(tmp_path / "snap", snapshot(ids=np.array([7, 3, 2**40, 1, 0])))
    expected, blocks = load_gadget(tmp_path / "snap"), records((tmp_path / "snap").read_bytes())
    order = ">" if "big" in kind else "<"
    if order == ">":
        blocks = swapped(blocks)
    if kind == "double precision":
        blocks[1:3] = [np.frombuffer(block, "<f4").astype("<f8").tobytes() for block in blocks[1:3]]
    (tmp_path / "other").write_bytes(joined(named(blocks, order) if "format 2" in kind else blocks, order))
    found = load_gadget(tmp_path / "other")
    for name in ("ids", "positions", "momenta", "particle_density", "scale_factor", "box_size_mpch", "h"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(np.sort(load_template(tmp_path / "other").positions, 0), np.sort(found.positions, 0))


def test_a_snapshot_of_several_files(tmp_path: Path) -> None:
    save_gadget(tmp_path / "whole", snapshot(9))
    whole = load_gadget(tmp_path / "whole")
    header, *columns = records((tmp_path / "whole").read_bytes())
    for part, (first, last) in enumerate(((0, 4), (4, 9))):
        about = bytearray(header)
        struct.pack_into("<I", about, 4, last - first)
        struct.pack_into("<i", about, 124, 2)
        sizes = (12, 12, 8)
        blocks = [column[size * first : size * last] for column, size in zip(columns, sizes, strict=True)]
        (tmp_path / f"snap.{part}").write_bytes(joined([bytes(about), *blocks]))
    for path in ("snap", "snap.0", "snap.1"):
        found = load_gadget(tmp_path / path)
        np.testing.assert_array_equal(found.ids, whole.ids)
        np.testing.assert_array_equal(found.positions, whole.positions)
        np.testing.assert_array_equal(found.momenta, whole.momenta)
    struct.pack_into("<d", about, 72, 0.25)  # another time
    (tmp_path / "snap.1").write_bytes(joined([bytes(about), *blocks]))
    with pytest.raises(BadInput, match=r"snap\.1 states time 0.25 .* expected files of one snapshot"):
        load_gadget(tmp_path / "snap")


def test_a_rounding_beyond_the_box_is_wrapped(tmp_path: Path) -> None:
    positions = np.array([[80.0 * (1 + 1e-6), -1e-5, 20.0], [40.0, 0.5, 79.5]])
    (tmp_path / "glass").write_bytes(gadget(positions, box=80.0))
    found = load_template(tmp_path / "glass").positions
    assert found.min() >= 0
    assert found.max() < 1
    np.testing.assert_allclose(found[0], [1e-6, 1 - 1.25e-7, 0.25], rtol=0, atol=2e-7)
