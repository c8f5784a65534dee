"""What a data set contains, in words for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weakfield.base.plugins import is_plugin
from weakfield.dataset.description import DatasetDescription
from weakfield.dataset.sample_shapes import SampleShape, Slices, SubCubes

PHI = "\N{GREEK CAPITAL LETTER PHI}"


def samples_in_words(description: DatasetDescription) -> str:
    """What one sample is: a phrase that continues 'A sample is'."""
    channels = description.channels
    redshifts = " and ".join(f"{z:g}" for z in channels.redshifts)
    field = (
        f"the growth-scaled difference of {PHI} at z = {redshifts}"
        if channels.sample == "difference"
        else f"{PHI} at z = {redshifts}"
    )
    whole = {"none": field, "gradient": f"the gradient of {field}", "laplacian": f"the Laplacian of {field}"}
    part = _part(description.sample_shape)
    return f"{part} of {whole[channels.derivative]} in one universe" + _steps(description.transforms.mean_removed)


def _part(shape: SampleShape) -> str:
    if isinstance(shape, Slices):
        layers = f", the mean of {shape.thickness} layers" if shape.thickness > 1 else ""
        stride = f", one every {shape.stride} cells" if shape.stride > 1 else ""
        return f"a slice ({shape.n} cells a side, perpendicular to {' or '.join(shape.axes)}{stride}{layers})"
    if isinstance(shape, SubCubes):
        return f"a sub-cube ({shape.size} cells a side, one every {shape.stride} cells along each axis)"
    return f"the whole cube ({shape.n} cells a side)"


def _steps(steps: Sequence[dict[str, Any]]) -> str:
    """The transforms that the study asked for; mean removal and standardisation are described elsewhere."""
    said = []
    for step in steps:
        if step["kind"] == "scale":
            said.append(f"multiplied by {step['factor']:g} where the theory is {step['theory']}")
        elif step["kind"] == "noise":
            said.append(f"with white noise of standard deviation {step['sigma']:g} added")
        elif step["kind"] == "band":
            low, high = step["k_min_kf"], step["k_max_kf"]
            edges = [f"from {low:g}" if low else "", f"below {high:g}" if high is not None else ""]
            said.append(f"modes {' '.join(edge for edge in edges if edge)} k_F kept")
        elif is_plugin(step["kind"]):
            said.append(f"put through {step['kind']}")
    return "".join(f", {words}" for words in said)
