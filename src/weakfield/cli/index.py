"""``weakfield index``: from the number of an image to what it shows, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from weakfield.base.errors import BadInput
from weakfield.config import RunFolder
from weakfield.dataset import PARTS, Dataset, Index, open_dataset

#: what is numbered: the samples given to a network, every slice of phi, or whole cubes
Numbered = Literal["samples", "slices", "cubes"]


def show_image(folder: Path, number: int, of: Numbered | None = None) -> dict[str, Any]:
    """What image ``number`` is: its labels, its place among all images, and the part that its seed is in."""
    dataset = open_dataset(RunFolder(folder))
    of = of or usual(dataset)
    labels = _index(dataset, of).show(number)
    return {"index": number, **labels, **_more(dataset, of, labels["seed"])}


def find_image(folder: Path, labels: dict[str, Any], of: Numbered | None = None) -> dict[str, Any]:
    """The number of the image with these labels; ``None`` stands for the first one (for redshifts: the last one).

    A redshift is a label of slices of phi; for a sample it must be one of those that the sample is made of.
    """
    dataset = open_dataset(RunFolder(folder))
    of = of or usual(dataset)
    index = _index(dataset, of)
    given = {name: value for name, value in labels.items() if value is not None}
    if of != "slices" and "redshift" in given:
        redshift, known = given.pop("redshift"), dataset.channels.redshifts
        if redshift not in known:
            raise BadInput(
                f"redshift {redshift:g} is none of the {of}, expected {' or '.join(f'{z:g}' for z in known)}"
            )
    first = {name: values[-1 if name == "redshift" else 0] for name, values in index.labels.items()}
    found = {name: given.get(name, value) for name, value in first.items()} | given
    number = index.find(**found)
    return {"index": number, **index.show(number), **_more(dataset, of, found["seed"])}


def usual(dataset: Dataset) -> Numbered:
    """What is numbered by default: the samples or, if these are whole cubes, the slices of the cubes."""
    return "slices" if dataset.sample_shape.kind == "cube" else "samples"


def _index(dataset: Dataset, of: Numbered) -> Index:
    return {"samples": dataset.sample_index, "slices": dataset.index, "cubes": dataset.cube_index}[of]


def _more(dataset: Dataset, of: Numbered, seed: int) -> dict[str, Any]:
    """What does not depend on the number within a seed; a seed of the study may be in no part, or not there yet."""
    part = next((part for part in PARTS if seed in dataset.split.part(part)), None)
    more: dict[str, Any] = {"count": len(_index(dataset, of)), "of": of, "part": part}
    if of == "slices":
        return more
    return {**more, "channels": list(dataset.channels.names)}
