"""The file of a checkpoint: named arrays, closed by a hash; and whether they can be the state of a run.

Nothing in the file is used before all of it has been compared with what this run would have written: kernels are not
asked to work on arrays of another shape, or on positions that are no numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing
from weakfield.formats.background_text import HEADER
from weakfield.formats.spectra_text import parse_spectrum
from weakfield.simulation.clock import Clock
from weakfield.simulation.output import Outputs
from weakfield.simulation.universe import Universe

Arrays = Mapping[str, npt.NDArray[Any]]

CLOCK = (
    "cycle",
    "a",
    "tau",
    "step",
    "previous_step",
    "step_before",
    "a_before",
    "a_before_that",
    "a_half_before",
)
#: what a file has beside the fields of ``Universe.STATE``: kind of number, and number of dimensions
_OTHERS = {
    "key": ("U", 0),
    "displacement": ("f", 2),
    "momentum": ("f", 2),
    "phi_mean": ("f", 0),
    "clock": ("f", 1),
    "written": ("i", 1),
    "background": ("U", 0),
    "preliminary": ("U", 0),
    "paths": ("U", 1),
}
#: how much the machine on which a run goes on may round its clock differently
_ROUNDING = 1e-9


class Damaged(Exception):
    """A checkpoint that must not be used; the message says why, as the end of a sentence about it."""


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write the arrays and a hash of them, whole or not at all."""
    with replacing(path) as scratch:
        with open(scratch, "wb") as handle:
            np.savez(handle, **arrays)
        digest = _digest(scratch, os.path.getsize(scratch))
        with open(scratch, "ab") as handle:
            handle.write(digest)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file; ``Damaged`` unless its hash is right, ``BadInput`` for a file of somebody else's arrays."""
    size = max(os.path.getsize(path) - hashlib.sha256().digest_size, 0)
    with open(path, "rb") as handle:
        handle.seek(size)
        digest = handle.read()
    try:
        if digest != _digest(path, size):
            _check_ours(path)
            raise Damaged("it does not end in the hash of its content")
        with open(path, "rb") as handle, np.load(handle) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise Damaged(f"its arrays cannot be read: {error}") from error


def _digest(path: Path, size: int) -> bytes:
    """The SHA-256 of the first ``size`` bytes of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while size > 0 and (part := handle.read(min(size, 2**20))):
            digest.update(part)
            size -= len(part)
    return digest.digest()


def _check_ours(path: Path) -> None:
    """Refuse to take a file for a damaged checkpoint that never was one: a run would write over it."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        held = {name.removesuffix(".npy") for name in archive.namelist()}
    if not held & set(_OTHERS):
        raise BadInput(f"{path} is not a readable checkpoint (it holds {', '.join(sorted(held))[:200]}); remove it")


def check_state(arrays: Arrays, universe: Universe, clock: Clock, outputs: Outputs) -> None:
    """Raise ``Damaged`` unless the arrays can be what this run has after some cycle; ``clock`` is of its beginning."""
    for name, (kind, dimensions) in _OTHERS.items():
        found = arrays.get(name)
        if found is None or found.dtype.kind != kind or found.ndim != dimensions:
            raise Damaged(f"'{name}' is {_shown(found)}")
    cycle = _check_clock(arrays, clock, outputs)
    expected = universe.motion() | universe.state(cycle)
    for name, like in expected.items():
        _check_numbers(name, arrays.get(name), like)
    try:
        known = set(expected) | set(_OTHERS) | outputs.cones.own(arrays)
    except ValueError as error:
        raise Damaged(str(error)) from error
    if set(arrays) != known:
        raise Damaged(f"it holds {', '.join(sorted(set(arrays) - known))} beside the state")
    # nothing outruns light, whose way is the conformal time; the fields are weak, and so are their modes
    n = universe.n
    most = {
        "displacement": n * (2.0 + float(arrays["clock"][CLOCK.index("tau")])),
        "momentum": 1.0,
        "speed": float("inf"),
    }
    for name in expected:
        weak = 1.0 if arrays[name].dtype.kind == "f" else float(n**4)
        largest, bound = _largest(arrays[name]), most.get(name.partition("_")[0], weak)
        if name.startswith("momentum_ncdm"):  # light ones are faster than 1 in units of their mass
            bound = float("inf")
        if largest > bound:
            raise Damaged(f"'{name}' reaches {largest:g}, expected at most {bound:g}")
    if not abs(arrays["phi_mean"]) < 1.0:
        raise Damaged(f"'phi_mean' is {arrays['phi_mean']:g}, expected a weak field, below 1")
    _check_outputs(arrays, cycle, outputs)


def _check_clock(arrays: Arrays, clock: Clock, outputs: Outputs) -> int:
    """Let a clock of this run go to the same cycle, and compare; returns the cycle."""
    stored, replay = arrays["clock"], Clock(outputs.run, clock.background)
    if stored.size != len(CLOCK) or not np.isfinite(stored).all():
        raise Damaged("its clock does not hold the numbers of a clock")
    written = outputs.at_first
    while replay.cycle < stored[0] and not outputs.complete(written):
        written = outputs.written_at(replay, written)
        replay.advance()
    expected = np.array([getattr(replay, name) for name in CLOCK])
    if stored[0] < 1 or outputs.complete(written) or not np.allclose(stored, expected, _ROUNDING, _ROUNDING):
        raise Damaged(
            f"its clock says cycle {stored[0]:g} at a = {stored[1]:g}, expected a = {replay.a:g} in cycle"
            f" {replay.cycle}"
        )
    if tuple(arrays["written"].tolist()) != written:
        raise Damaged(
            f"it counts {arrays['written'].tolist()} outputs, expected {list(written)} by cycle {replay.cycle}"
        )
    return replay.cycle


def _check_numbers(name: str, found: npt.NDArray[Any] | None, like: Tensor) -> None:
    """Raise ``Damaged`` unless these are finite numbers in the shape and precision of a field."""
    dtype = torch.empty(0, dtype=like.dtype).numpy().dtype
    if found is None or found.shape != tuple(like.shape) or found.dtype != dtype:
        raise Damaged(f"'{name}' is {_shown(found)}, expected {dtype} {tuple(like.shape)}")
    if not np.isfinite(found).all():
        raise Damaged(f"'{name}' holds NaN or infinity")


def _check_outputs(arrays: Arrays, cycle: int, outputs: Outputs) -> None:
    """Raise ``Damaged`` unless the texts are of such a cycle and the files written by then are there."""
    text = str(arrays["background"])
    lines = text.count("\n") - HEADER.count("\n")
    went_on = outputs.run.simulation.restart_cycle  # the file of the run before may be elsewhere
    counts = (cycle,) if went_on is None else (cycle, cycle - went_on - 1)
    if not text.startswith(HEADER) or lines not in counts or not text.isascii():
        raise Damaged(f"its background text does not have {cycle} lines")
    try:
        preliminary = json.loads(str(arrays["preliminary"]))
        for spectrum in preliminary.values():
            parse_spectrum(spectrum)
    except (ValueError, AttributeError, TypeError, RecursionError, BadInput) as error:
        raise Damaged("its preliminary spectra are no spectra") from error
    for path in map(PurePath, arrays["paths"].tolist()):
        if path.is_absolute() or ".." in path.parts:
            raise Damaged(f"it names {path}, expected a file of its folder")
        there = outputs.folder / path
        anew = {outputs.background, *outputs.cones.info_files}
        if there not in anew and not there.is_file():
            raise Damaged(f"{there}, which it counts as written, is not there")


def _largest(values: npt.NDArray[Any]) -> float:
    """The largest modulus of a number or its parts, without a copy of an array that may be as large as memory."""
    if values.dtype.kind == "c":
        return max(_largest(values.real), _largest(values.imag))
    return max(float(values.max()), -float(values.min()))


def _shown(found: npt.NDArray[Any] | None) -> str:
    return "missing" if found is None else f"{found.dtype} {found.shape}"
