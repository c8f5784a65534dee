"""What a data set is of, in words for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PHI = "\N{GREEK CAPITAL LETTER PHI}"


def samples_in_words(description: Mapping[str, Any]) -> str:
    """What one sample is, from ``dataset.json``: a phrase that goes on after 'A sample is'."""
    recipe = description["recipe"]
    redshifts = " and ".join(f"{z:g}" for z in recipe["redshifts"])
    field = (
        f"the growth-scaled difference of {PHI} at z = {redshifts}"
        if recipe["sample"] == "difference"
        else f"{PHI} at z = {redshifts}"
    )
    whole = {"none": field, "gradient": f"the gradient of {field}", "laplacian": f"the Laplacian of {field}"}
    cut = {key: value for key, value in description["cut"].items() if key != "n"}
    return f"{_part(cut, description['grid'])} of {whole[recipe['derivative']]} in one universe" + _steps(description)


def _part(cut: Mapping[str, Any], grid: int) -> str:
    if cut["shape"] == "slice":
        layers = f", the mean of {cut['thickness']} layers" if cut["thickness"] > 1 else ""
        stride = f", one every {cut['stride']} cells" if cut["stride"] > 1 else ""
        return f"a slice ({grid} cells a side, perpendicular to {' or '.join(cut['axes'])}{stride}{layers})"
    if cut["shape"] == "subcube":
        return f"a sub-cube ({cut['size']} cells a side, one every {cut['stride']} cells along each axis)"
    return f"the whole cube ({grid} cells a side)"


def _steps(description: Mapping[str, Any]) -> str:
    """The transforms that the study asked for; mean removal and standardisation are said elsewhere."""
    said = []
    for step in description["transforms"]["mean_removed"]:
        if step["kind"] == "scale":
            said.append(f"multiplied by {step['factor']:g} where the theory is {step['theory']}")
        elif step["kind"] == "noise":
            said.append(f"with white noise of standard deviation {step['sigma']:g} added")
        elif step["kind"] == "band":
            low, high = step["k_min_kf"], step["k_max_kf"]
            edges = [f"from {low:g}" if low else "", f"below {high:g}" if high is not None else ""]
            said.append(f"modes {' '.join(edge for edge in edges if edge)} k_F kept")
    return "".join(f", {words}" for words in said)
