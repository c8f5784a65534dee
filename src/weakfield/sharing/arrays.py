"""Universes as npz, npy and zarr."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from weakfield.base.optional import from_extra
from weakfield.base.progress import bar
from weakfield.dataset import PARTS
from weakfield.sharing.universes import UNSPLIT, Universes


def write_npz(universes: Universes, folder: Path) -> str:
    """One file a seed; returns how it is read, as Markdown."""
    name = slug(universes.quantity)
    with bar("export", len(universes.seeds)) as progress:
        for seed, fields in universes:
            arrays: dict[str, Any] = {name: fields, "seed": np.int64(seed), "part": np.array(universes.part(seed))}
            arrays |= {"theory": np.array(universes.names), "redshift": np.array(universes.redshifts)}
            np.savez(folder / f"seed{seed:05d}.npz", **arrays)
            progress.advance()
    write_rows(universes, folder)
    return (
        f"`seedNNNNN.npz`, one for each seed: `{name}` (theory, redshift, z, y, x), and `theory`, `redshift`, `seed`,"
        f" `part`.\n\n```python\nimport numpy as np\n\nfile = np.load('seed{universes.seeds[0]:05d}.npz')\n"
        f"{name} = file['{name}']  # {_shape(universes)}\n```\n\n{_ROWS}"
    )


def write_npy(universes: Universes, folder: Path) -> str:
    """One array for each theory and output, as CAMELS has them; returns how it is read, as Markdown."""
    shape = (len(universes.seeds), *universes.cube_shape)
    names = {
        (t, z): f"{slug(universes.quantity)}_{slug(name)}_z{z:g}.npy"
        for t, name in zip(universes.theories, universes.names, strict=True)
        for z in universes.redshifts
    }
    with bar("export", len(names)) as progress:
        for (theory, z), file in names.items():
            array = np.lib.format.open_memmap(folder / file, mode="w+", dtype=universes.dtype, shape=shape)
            for row, seed in enumerate(universes.seeds):
                array[row] = universes.cube(seed, theory, z)
            array.flush()
            progress.advance()
    write_rows(universes, folder)
    first = next(iter(names.values()))
    return (
        f"{', '.join(f'`{file}`' for file in names.values())}: arrays (seed, z, y, x).\n\n```python\n"
        f"import numpy as np\n\ncubes = np.load('{first}', mmap_mode='r')  # {shape}\n"
        f"parameters = np.loadtxt('parameters.txt')  # a row for each seed\n```\n\n{_ROWS}"
    )


def write_zarr(universes: Universes, folder: Path) -> str:
    """One group whose chunks are cubes; returns how it is read, as Markdown."""
    with from_extra("share", "--to zarr"):
        import zarr

    name, shape = slug(universes.quantity), universes.cube_shape
    group = zarr.open_group(str(folder / "universes.zarr"), mode="w")
    about: dict[str, Any] = {
        "units": universes.units,
        "theory": list(universes.names),
        "gauge": list(universes.gauges),
        "parameters": universes.parameters,
    }
    group.attrs.update(about)
    seeds, kinds = len(universes.seeds), len(universes.theories)
    fields = group.create_array(
        name,
        shape=(seeds, kinds, len(universes.redshifts), *shape),
        chunks=(1, 1, 1, *shape),
        dtype=universes.dtype,
        dimension_names=("seed", "theory", "redshift", "z", "y", "x"),
        attributes=about,
    )
    axes = {
        axis: np.arange(n) * (universes.study.simulation.box_size_mpch / n)
        for axis, n in zip("zyx", shape, strict=True)
    }
    axes |= {"seed": np.array(universes.seeds, np.int64), "redshift": np.array(universes.redshifts)}
    for axis, values in axes.items():
        made = group.create_array(axis, shape=values.shape, dtype=values.dtype, dimension_names=(axis,))
        made[:] = values
        made.attrs["units"] = "Mpc/h" if axis in "zyx" else "1"
    words = (*PARTS, UNSPLIT)
    part = group.create_array("part", shape=(seeds,), dtype="int8", dimension_names=("seed",))
    part[:] = np.array([words.index(universes.part(seed)) for seed in universes.seeds], np.int8)
    part.attrs.update({"flag_values": list(range(len(words))), "flag_meanings": " ".join(words)})
    with bar("export", seeds) as progress:
        for row, (_, values) in enumerate(universes):
            fields[row] = values
            progress.advance()
    write_rows(universes, folder)
    return (
        f"`universes.zarr`, a group of zarr: `{name}` (seed, theory, redshift, z, y, x), one chunk a cube, its"
        " coordinates, and `part` (`flag_meanings` names the parts).\n\n```python\nimport zarr\n\n"
        f"group = zarr.open_group('universes.zarr', mode='r')\ncube = group['{name}'][0, 0, 0]\n```\n\n"
        f"`xarray.open_zarr('universes.zarr', consolidated=False)` gives it with its axes. {_ROWS}"
    )


_ROWS = (
    "`labels.csv` has row, seed and part (train, validation, test) of every pair, in the order of the rows;"
    " `parameters.txt` the parameters of each row, their names in its first line."
)


def write_rows(universes: Universes, folder: Path) -> None:
    """``labels.csv`` and ``parameters.txt``: what the rows of the arrays are."""
    rows = [f"{row},{seed},{universes.part(seed)}" for row, seed in enumerate(universes.seeds)]
    (folder / "labels.csv").write_text("\n".join(["row,seed,part", *rows, ""]), encoding="utf-8")
    numbers = " ".join(f"{value!r}" for value in universes.parameters.values())
    names = "# " + " ".join(universes.parameters)
    (folder / "parameters.txt").write_text("\n".join([names, *[numbers] * len(rows), ""]), encoding="utf-8")


def slug(name: str) -> str:
    """A name of a class or quantity as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", name)


def _shape(universes: Universes) -> tuple[int, ...]:
    return (len(universes.theories), len(universes.redshifts), *universes.cube_shape)
