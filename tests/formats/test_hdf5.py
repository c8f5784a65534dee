"""What every reader of HDF5 refuses: types that are not the expected ones as a whole, shapes without content, locks."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5t

from weakfield.base.errors import BadInput
from weakfield.formats import Particles, load_field, load_particles, save_field, save_particles
from weakfield.formats.hdf5 import read_attributes, read_numbers, read_records, reading
from weakfield.spectra import load_result, power_spectrum
from weakfield.spectra.paired import load_spectra
from weakfield.spectra.paired_bispectrum import load_bispectra
from weakfield.spectra.parity import load_parity


def altered(base: Any, **changes: Any) -> Any:
    """A copy of a type with some properties changed."""
    kind = base.copy()
    for name, values in changes.items():
        getattr(kind, f"set_{name}")(*values)
    return kind


def record_of(identity: Any, size: int = 16, offset: int = 8) -> Any:
    """A compound of an ID and a mass."""
    kind = h5t.create(h5t.COMPOUND, size)
    kind.insert(b"ID", 0, identity)
    kind.insert(b"mass", offset, h5t.IEEE_F64LE)
    return kind


DOUBLE, LONG = h5t.IEEE_F64LE, h5t.STD_I64LE
ODD_NUMBERS = {
    "half precision": h5t.IEEE_F16LE,
    "fewer digits": altered(DOUBLE, fields=(63, 53, 10, 0, 52)),
    "another exponent": altered(DOUBLE, ebias=(1000,)),
    "bits shifted": altered(h5t.STD_I64LE, precision=(48,), offset=(8,)),
    "16 bits": h5t.STD_I16LE,
    "bits": h5t.STD_B64LE,
    "text": h5t.C_S1,
    "text of any length": h5t.py_create(h5py.string_dtype()),
    "lists": h5t.vlen_create(DOUBLE),
    "a reference": h5t.STD_REF_OBJ,
    "truth values": h5t.py_create(np.dtype(bool)),
    "complex numbers": h5t.py_create(np.dtype(complex)),
    "opaque": h5t.create(h5t.OPAQUE, 8),
    "an array of lists": h5t.array_create(h5t.vlen_create(DOUBLE), (3,)),
}


def one_dataset(path: Path, kind: Any, count: int = 3) -> Path:
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"data", kind, h5py.h5s.create_simple((count,)))
    return path


@pytest.mark.parametrize("kind", ODD_NUMBERS)
def test_numbers_of_other_types_are_not_read(kind: str, tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match=r"odd\.h5: dataset 'data' holds .*, expected plain numbers of 32 or 64 bits"),
        reading(one_dataset(tmp_path / "odd.h5", ODD_NUMBERS[kind])) as file,
    ):
        read_numbers(file, "data")


@pytest.mark.parametrize("kind", [DOUBLE, h5t.IEEE_F32BE, LONG, h5t.STD_U32BE, h5t.array_create(DOUBLE, (2,))])
def test_plain_numbers_of_either_byte_order_are_read(kind: Any, tmp_path: Path) -> None:
    path = one_dataset(tmp_path / "plain.h5", kind)
    with h5py.File(path, "r+") as file:
        file["data"][...] = np.arange(6).reshape(3, 2)[:, : 2 if isinstance(kind, h5t.TypeArrayID) else 1].squeeze()
    with reading(path) as file:
        found = read_numbers(file, "data")
        np.testing.assert_array_equal(found, file["data"][...])
        assert found.dtype.newbyteorder("=") == kind.dtype.base.newbyteorder("=")


@pytest.mark.parametrize(
    "kind",
    [
        *(record_of(ODD_NUMBERS[name]) for name in ("16 bits", "bits", "bits shifted")),
        record_of(h5t.vlen_create(LONG), 32, 24),
        record_of(DOUBLE),
        DOUBLE,
    ],
)
def test_records_of_other_types_are_not_read(kind: Any, tmp_path: Path) -> None:
    record = np.dtype([("ID", "<i8"), ("mass", "<f8")])
    with (
        pytest.raises(BadInput, match=r"odd\.h5: dataset 'data' holds .*, expected records of ID, mass"),
        reading(one_dataset(tmp_path / "odd.h5", kind)) as file,
    ):
        read_records(file, "data", record)


def test_records_are_converted_and_further_fields_left_out(tmp_path: Path) -> None:
    stored = np.array([(1.5, 7, b"x"), (2.5, 9, b"y")], dtype=[("mass", ">f4"), ("ID", ">i4"), ("name", "S3")])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = stored
    with reading(tmp_path / "other.h5") as file:
        found = read_records(file, "data", np.dtype([("ID", "<i8"), ("mass", "<f8")]))
    assert found.tolist() == [(7, 1.5), (9, 2.5)]


@pytest.mark.parametrize("kind", [h5t.vlen_create(LONG), h5t.STD_REF_OBJ, h5t.STD_I16LE, ODD_NUMBERS["fewer digits"]])
def test_attributes_of_other_types_are_not_read(kind: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        h5py.h5a.create(file.id, b"theory", kind, h5py.h5s.create_simple((1,)))
    with (
        pytest.raises(BadInput, match=r"odd\.h5: attribute 'theory' holds .*, expected numbers or text"),
        reading(tmp_path / "odd.h5") as file,
    ):
        read_attributes(file)


def test_a_shape_without_content_is_refused(tmp_path: Path) -> None:
    """Storage is made when something is written: this file states 8 TB and has none."""
    path = one_dataset(tmp_path / "huge.h5", DOUBLE, 10**12)
    with pytest.raises(BadInput, match=r"states a shape of \(1000000000000,\)"), reading(path) as file:
        read_numbers(file, "data")


def cube(path: Path) -> None:
    save_field(path, np.ones((4, 4, 4)), {"theory": "gr"})


def particles(path: Path) -> None:
    save_particles(path, Particles(np.arange(2), np.full((2, 3), 0.5), np.zeros((2, 3)), 0.1), 2)


READERS: list[tuple[Callable[[Path], None], Callable[[Path], Any]]] = [
    (cube, load_field),
    (particles, load_particles),
    (lambda path: power_spectrum(np.ones((4, 4, 4)), 50.0, [0.5, 1.5]).save(path), load_result),
    *((cube, reader) for reader in (load_spectra, load_bispectra, load_parity)),
]


@pytest.mark.parametrize("case", range(len(READERS)))
def test_a_file_that_somebody_writes_to_is_said_to_be_in_use(case: int, tmp_path: Path) -> None:
    write, read = READERS[case]
    write(tmp_path / "busy.h5")
    with open(tmp_path / "busy.h5", "rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match=r"busy\.h5 is in use by another process that writes to it"):
            read(tmp_path / "busy.h5")


def test_a_text_of_no_size_does_not_keep_the_reader_for_ever(tmp_path: Path) -> None:
    """One flipped bit can make it so; the HDF5 library then reads it again and again. So a process of its own tries."""
    path = tmp_path / "field.h5"
    save_field(path, np.zeros((4, 4, 4)), {"theory": "gr", "redshift": 1.0})
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL") + 16  # the first text
    while number := int.from_bytes(content[at : at + 2], "little"):
        assert number < 10
        at += 16 + -(-int.from_bytes(content[at + 8 : at + 16], "little") // 8) * 8
    content[at + 8 : at + 16] = bytes(8)  # what is left after them
    path.write_bytes(content)
    read = f"from weakfield.formats import load_field; load_field({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, timeout=60)
    assert "field.h5 is not a whole HDF5 file (damaged or of another kind)" in done.stderr.splitlines()[-1]
