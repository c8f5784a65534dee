"""Universes as a data set that ``datasets`` of Hugging Face loads from its folder, without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from weakfield.base.optional import from_extra
from weakfield.base.progress import bar
from weakfield.dataset import PARTS
from weakfield.sharing.arrays import slug
from weakfield.sharing.universes import UNSPLIT, Universes

#: universes in memory at once, and in a group of rows
_ROWS = 8


def write_huggingface(universes: Universes, folder: Path) -> str:
    """A Parquet file for each part, one row a universe; returns how it is read, as Markdown."""
    with from_extra("share", "--to huggingface"):
        from datasets import Array4D, ClassLabel, Dataset, Features, List, Value
        from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    name, parameters = slug(universes.quantity), universes.parameters
    features = Features(
        {
            "seed": Value("int64"),
            "theory": ClassLabel(names=list(universes.names)),
            "redshift": List(Value("float64")),
            name: Array4D((len(universes.redshifts), *universes.cube_shape), universes.dtype.name),
            **{key: Value("float64") for key in parameters},
        }
    )

    def rows(seeds: list[int]) -> Iterator[dict[str, Any]]:
        for seed in seeds:
            for theory, fields in zip(universes.names, universes.universe(seed), strict=True):
                yield {
                    "seed": seed,
                    "theory": theory,
                    "redshift": list(universes.redshifts),
                    name: fields,
                    **parameters,
                }
            progress.advance()

    (folder / "data").mkdir()
    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        with tempfile.TemporaryDirectory(dir=folder) as cache, bar("export", len(universes.seeds)) as progress:
            for part, seeds in parts(universes).items():
                made = Dataset.from_generator(
                    partial(rows, seeds),
                    features=features,
                    cache_dir=cache,
                    fingerprint=f"weakfield-{part}",
                    writer_batch_size=_ROWS,
                )
                made.to_parquet(folder / "data" / f"{part}.parquet", batch_size=_ROWS)
                del made
    finally:
        if shown:
            enable_progress_bar()
    return (
        f"`data/PART.parquet`, a row for each universe: `{name}` (redshift, z, y, x), `theory` ({numbered(universes)}),"
        " `seed`, `redshift` and the parameters.\n\n```python\nfrom datasets import load_dataset\n\n"
        f"found = load_dataset('.').with_format('numpy')  # or the folder's address\n"
        f"cubes = found['{next(iter(parts(universes)))}'][0]['{name}']\n```"
    )


def parts(universes: Universes) -> dict[str, list[int]]:
    """The seeds of each part that has any."""
    found = {part: [s for s in universes.seeds if universes.part(s) == part] for part in (*PARTS, UNSPLIT)}
    return {part: seeds for part, seeds in found.items() if seeds}


def numbered(universes: Universes) -> str:
    """The labels of the theories in words."""
    return ", ".join(f"{number}: {name}" for number, name in enumerate(universes.names))
