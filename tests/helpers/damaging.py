"""Damaged files by the hundred, read as a run reads them: ``python damaging.py KIND COUNT FOLDER``.

It is a program of its own because a file that fells the reader takes the process along. It prints the number of each
example before it tries it, and at the end how many ended in which way. An example must end in one sentence for a person
or in a universe that can be right; what takes longer than ``LIMIT_S`` counts as hanging.
"""

from __future__ import annotations

import faulthandler
import json
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from weakfield.base.errors import BadInput
from weakfield.config import OutputSettings, RunSettings, SimulationSettings
from weakfield.formats import (
    GadgetSnapshot,
    Particles,
    SpectrumTable,
    load_template,
    read_spectrum_text,
    save_gadget,
    save_particles,
    write_spectrum_text,
)
from weakfield.simulation.checkpoint import load_checkpoint, save_checkpoint
from weakfield.simulation.checkpoint_file import read_arrays, write_arrays
from weakfield.simulation.clock import Clock
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import Outputs
from weakfield.simulation.universe import Universe

LIMIT_S = 10.0
GRID, BOX, Z = 8, 160.0, 100.0
Try = Callable[[random.Random], str]


def settings(theory: str = "newton", **changes: object) -> RunSettings:
    """A run so small that a cycle takes no time."""
    values = {
        "grid": GRID, "box_size_mpch": BOX, "step_limit_hubble": 0.2, "transfer": "eisenstein-hu", "mesh": "staggered",
        "start": "linear", "initial_redshift": Z, "snapshot_redshifts": (40.0,), "spectra_redshifts": (60.0,),
    } | changes  # fmt: skip
    return RunSettings(
        theory=theory, seed=5, simulation=SimulationSettings(**values), output=OutputSettings(dtype="float64")
    )


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The bytes with some bits flipped, a part cut off, blanked, doubled or exchanged for noise."""
    found = bytearray(content)
    # headers are short, and most of what can go wrong is there
    reach = len(found) if chance.random() < 0.5 else min(len(found), 1024)
    start = chance.randrange(reach)
    length = min(chance.choice((1, 4, 8, 64, 500)), len(found) - start)
    match chance.choice(("bits", "bits", "bits", "cut", "blank", "double", "noise")):
        case "bits":
            for _ in range(chance.choice((1, 1, 2, 5))):
                found[chance.randrange(reach)] ^= 1 << chance.randrange(8)
        case "cut":
            del found[start:]
        case "blank":
            found[start : start + length] = bytes(length)
        case "double":
            found[start:start] = found[start : start + length]
        case "noise":
            found[start : start + length] = chance.randbytes(length)
    return bytes(found)


def one_cycle(run: RunSettings) -> str:
    """Begin a universe and let it go through a cycle; what is not refused has to be finite."""
    return through(initial_universe(run), run, None)


def through(universe: Universe, run: RunSettings, clock: Clock | None) -> str:
    """Let a universe go through a cycle."""
    clock = clock or Clock(run, universe.background)
    gravity = THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator]()
    gravity.solve(universe, clock, False)
    gravity.move(universe, clock)
    assert torch.isfinite(universe.phi).all()
    assert torch.isfinite(universe.particles.displacement).all()
    return "a universe"


def lattice() -> tuple[np.ndarray, np.ndarray]:
    """Positions in units of the box and momenta of one particle a cell."""
    generator = np.random.default_rng(1)
    sites = np.stack(np.meshgrid(*[np.arange(GRID)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return (sites + 0.2 + 0.6 * generator.random(sites.shape)) / GRID, 1e-5 * generator.standard_normal(sites.shape)


def gadget_start(folder: Path) -> Try:
    """Gadget-2 files of format 1 and 2, of either byte order, one and two of them."""
    positions, momenta = lattice()
    cosmology = settings().cosmology
    snapshot = GadgetSnapshot(
        np.arange(len(positions)), positions, momenta, cosmology.Omega_m / len(positions), 1 / (1 + Z), BOX,
        cosmology.Omega_m, cosmology.Omega_lambda, cosmology.h,
    )  # fmt: skip
    save_gadget(folder / "one", snapshot)
    content = (folder / "one").read_bytes()
    header, *columns = (content[a + 4 : b - 4] for a, b in _records(content))
    forms = [
        [joined([header, *columns])],
        [joined([header, *columns], named=True)],
        [joined([_turned(header), *map(_turned_column, columns)], ">")],
        [joined(_part(header, columns, first, last)) for first, last in ((0, 200), (200, len(positions)))],
    ]
    run = settings(initial_conditions="snapshot", particle_file=folder / "snap.0", phi_integrator="euler",
                   exact_redshifts=False, newton_velocities="poisson", relaxation_redshift=Z)  # fmt: skip

    def attempt(chance: random.Random) -> str:
        parts = list(chance.choice(forms))
        which = chance.randrange(len(parts))
        parts[which] = damaged(parts[which], chance)
        for number, part in enumerate(parts):
            (folder / f"snap.{number}").write_bytes(part)
        if chance.random() < 0.2:
            assert load_template(folder / "snap.0").count > 0
        return one_cycle(run)

    return attempt


def _records(content: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(content):
        end = start + 8 + int.from_bytes(content[start : start + 4], "little")
        yield start, end
        start = end


def joined(blocks: list[bytes], order: str = "<", named: bool = False) -> bytes:
    """Fortran records, in format 2 each after a record with its name."""
    byteorder = "little" if order == "<" else "big"
    found = b""
    for name, block in zip((b"HEAD", b"POS ", b"VEL ", b"ID  "), blocks, strict=True):
        label = [name + (len(block) + 8).to_bytes(4, byteorder)] if named else []
        for one in (*label, block):
            mark = len(one).to_bytes(4, byteorder)
            found += mark + one + mark
    return found


def _turned(header: bytes) -> bytes:
    kinds = ("<u4", 6), ("<f8", 8), ("<i4", 2), ("<u4", 6), ("<i4", 2), ("<f8", 4)
    start, found = 0, b""
    for kind, count in kinds:
        part = np.frombuffer(header, kind, count, start)
        found += part.astype(part.dtype.newbyteorder(">")).tobytes()
        start += part.nbytes
    return found.ljust(256, b"\0")


def _turned_column(column: bytes) -> bytes:
    kind = "<i8" if len(column) == 8 * GRID**3 else "<f4"
    values = np.frombuffer(column, kind)
    return values.astype(values.dtype.newbyteorder(">")).tobytes()


def _part(header: bytes, columns: list[bytes], first: int, last: int) -> list[bytes]:
    """The records of one of two files."""
    about = bytearray(header)
    about[4:8] = (last - first).to_bytes(4, "little")
    about[124:128] = (2).to_bytes(4, "little")
    return [bytes(about), *(c[first * len(c) // GRID**3 : last * len(c) // GRID**3] for c in columns)]


def hdf5_start(folder: Path) -> Try:
    """Particles in HDF5."""
    positions, momenta = lattice()
    mass = settings().cosmology.Omega_m / len(positions)
    save_particles(folder / "whole.h5", Particles(np.arange(len(positions)), positions, momenta, mass), GRID)
    content = (folder / "whole.h5").read_bytes()
    run = settings(initial_conditions="snapshot", particle_file=folder / "p.h5", phi_integrator="euler",
                   exact_redshifts=False, newton_velocities="poisson", relaxation_redshift=Z)  # fmt: skip

    def attempt(chance: random.Random) -> str:
        (folder / "p.h5").write_bytes(damaged(content, chance))
        return one_cycle(run)

    return attempt


def checkpoints(folder: Path) -> Try:
    """Checkpoints damaged on disk, and whole files of wrong arrays."""
    run = settings("gr")
    path = folder / "checkpoint.npz"
    universe, outputs = initial_universe(run), Outputs(run, folder)
    clock = Clock(run, universe.background)
    gravity = THEORIES[run.simulation.mesh, run.theory, run.simulation.phi_integrator]()
    for _ in range(3):
        gravity.solve(universe, clock, False)
        outputs.write_due(universe, clock)
        gravity.move(universe, clock)
        clock.advance()
    save_checkpoint(path, universe, clock, outputs)
    content, arrays = path.read_bytes(), read_arrays(path)

    def attempt(chance: random.Random) -> str:
        crafted = chance.random() < 0.5
        if crafted:
            name = chance.choice(sorted(arrays))
            write_arrays(path, arrays | {name: wrong(arrays[name], chance)})
        else:
            path.write_bytes(damaged(content, chance))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = initial_universe(run)
            at = Clock(run, found.background)
            used = load_checkpoint(path, found, at, Outputs(run, folder))
        if not used:
            assert len([w for w in said if "is not used" in str(w.message)]) == 1
            assert at.cycle == 0
            return "from the start"
        if not crafted:
            assert torch.equal(found.particles.momentum, universe.particles.momentum)
            assert torch.equal(found.phi, universe.phi)
        return through(found, run, at)

    return attempt


def wrong(array: np.ndarray, chance: random.Random) -> np.ndarray:
    """Another shape, type or number in an array."""
    how = chance.choice(("shape", "longer", "type", "number", "none"))
    if how == "none" or array.dtype.kind == "U":
        return np.array(chance.choice(("", "nonsense", "[]", "{}", "\N{SNOWMAN}")))
    if how == "shape":
        return chance.choice((array.ravel(), array[None], array[..., None], np.empty(0), np.zeros((3, 7))))
    if how == "longer":
        return np.concatenate([np.atleast_1d(array)] * 2, axis=chance.choice((0, -1)))
    if how == "type":
        return array.astype(chance.choice(("f4", ">f8", "i4", "c8", "S3", "f2")))
    found = array.copy()
    place = chance.randrange(array.size)
    found.flat[place] = chance.choice((0, -1, 7, 100)) if array.dtype.kind == "i" else chance.choice(
        (np.nan, np.inf, 1e300, -1e300, 10.0, 0.0, -1.0))  # fmt: skip
    return found


def tables(folder: Path) -> Try:
    """Transfer functions, matter spectra, and the spectra that runs write."""
    k = np.geomspace(1e-3, 20.0, 40)
    transfer = (Path(__file__).parents[1] / "data" / "tk_z100.dat").read_text()
    power = "# k (h/Mpc)  P (Mpc/h)^3\n" + "\n".join(f"{x:.6e} {0.3 * (x / 0.05) ** -1.5:.6e}" for x in k)
    table = SpectrumTable("phi", 10.0, k, k**2, 0.1 * k, 0.1 * k**2, np.arange(1, 41))
    write_spectrum_text(folder / "pk.dat", table)
    spectrum, path = (folder / "pk.dat").read_bytes(), folder / "table.dat"
    euler = {"newton_velocities": "poisson", "phi_integrator": "euler", "exact_redshifts": False}
    runs = {kind: settings("gr", transfer=kind, transfer_file=path, **euler) for kind in ("file", "spectrum")}
    for kind, text in (("file", transfer), ("spectrum", power)):
        path.write_text(text)
        assert one_cycle(runs[kind]) == "a universe"

    def attempt(chance: random.Random) -> str:
        kind = chance.choice(("file", "spectrum", "written"))
        path.write_bytes(damaged({"file": transfer.encode(), "spectrum": power.encode()}.get(kind, spectrum), chance))
        if kind == "written":
            found = read_spectrum_text(path)
            assert all(np.isfinite(values).all() for values in found.columns().values())
            return "a table"
        return one_cycle(runs[kind])

    return attempt


KINDS = {"gadget": gadget_start, "hdf5": hdf5_start, "checkpoints": checkpoints, "tables": tables}


def main(kind: str, count: int, folder: Path) -> None:
    """Try ``count`` damaged files of a kind."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    attempt, ends = KINDS[kind](folder), Counter[str]()
    for number in range(count):
        print(number, flush=True)
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        try:
            ends[attempt(random.Random(number))] += 1
        except BadInput as error:
            ends["a sentence" if str(error).isprintable() and len(str(error)) < 1000 else f"a text: {error}"] += 1
        faulthandler.cancel_dump_traceback_later()
    print(json.dumps(ends))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
