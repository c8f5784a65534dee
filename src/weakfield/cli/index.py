"""``weakfield index``: from the number of a slice to what it shows, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weakfield.config import RunFolder
from weakfield.dataset import open_dataset


def show_image(folder: Path, number: int) -> dict[str, Any]:
    """Labels of slice ``number`` and its place among the slices."""
    index = open_dataset(RunFolder(folder)).index
    return {"index": number, **index.show(number), "count": len(index)}


def find_image(
    folder: Path, seed: int, theory: str, redshift: float | None, axis: str, slice_number: int
) -> dict[str, Any]:
    """The number of a slice; ``redshift`` defaults to the later one of the data set."""
    dataset = open_dataset(RunFolder(folder))
    labels = {
        "seed": seed,
        "theory": theory,
        "redshift": dataset.redshifts[-1] if redshift is None else redshift,
        "axis": axis,
        "slice": slice_number,
    }
    return {"index": dataset.index.find(**labels), **labels, "count": len(dataset.index)}
