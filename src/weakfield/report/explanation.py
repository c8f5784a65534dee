"""What the network saw, and whether the maps can be trusted: the explanation on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from weakfield.base.errors import BadInput
from weakfield.base.figures import NAMES
from weakfield.explain.over_seeds import OverSeeds
from weakfield.explain.records import Explanation, Triangles, Trust
from weakfield.report.attribution_figures import (
    agreement,
    deletion_curves,
    randomisation,
    saliency_maps,
    saliency_shells,
    shell_spectrum,
    triangle_plot,
)
from weakfield.report.classification import label
from weakfield.report.numbers import minus, with_error
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults
from weakfield.report.slider import Panel, Slider

Arrays = dict[str, NDArray[Any]]

#: the maps that are overlaid on the sample: the first two of these that are there
SHOWN = ("pair_integrated", "grad_cam", "gradient", "occlusion", "deeplift")
MEASURED = "measured, GR \N{MINUS SIGN} Newton"
TITLES = {
    "gradient": "gradient",
    "gradient_x_input": "gradient \N{MULTIPLICATION SIGN} difference",
    "smoothgrad": "SmoothGrad",
    "integrated": "integrated gradients",
    "pair_integrated": "pair-integrated gradients",
    "grad_cam": "Grad-CAM",
    "grad_cam_unsigned": "Grad-CAM, clipped",
    "guided_grad_cam": "guided Grad-CAM",
    "guided_grad_cam_unsigned": "guided Grad-CAM, clipped",
    "occlusion": "occlusion",
    "deeplift": "DeepLIFT",
}


def title(method: str) -> str:
    """The name of a method of attribution as readers see it; a user's own method keeps its name."""
    return TITLES.get(method, method)


def explanation(results: RunResults) -> Markup:
    """Attribution of test pairs in cells, by Fourier shell and by triangle, and the tests of trust."""
    found = results.explanation
    if found is None:
        return absent("saliency", "explain")
    arrays = _arrays(results.folder.explain / "saliency.npz")
    bands = found.bands
    shells = shell_spectrum(bands.k_hmpc, bands.attributed.shells, bands.occluded.shells)
    maps = arrays.get("projections")
    return render(
        "saliency.html",
        found=found,
        model=label(found.model),
        overlays=overlays(results, found),
        shells=Picture.of(shells, "Attribution by Fourier shell with errors over seeds"),
        pair_shells=Picture.of(saliency_shells(found.fourier), "Attribution by Fourier shell, one pair", True),
        triangles=found.triangles,
        triangle_picture=_triangle_picture(results, found.triangles),
        methods=[_method_row(found, name) for name in found.methods],
        maps=None if maps is None else Picture.of(saliency_maps(maps, found.box_size_mpch), "Saliency maps", True),
        trust=trust(results),
    )


def overlays(results: RunResults, found: Explanation) -> Slider | None:
    """The GR sample under two maps, with the true difference of the pair beside them."""
    path = results.folder.explain / "maps.npz"
    if not path.exists():
        return None
    arrays = _arrays(path)
    names = {name: title(name) for name in SHOWN if name in arrays}
    if "cube_signed" in arrays:  # slices gathered along three axes
        names = {"cube_signed": "all slices", "cube_absolute": "all slices, moduli"}
        arrays |= {theory: arrays[f"cube_{theory}"] for theory in ("newton", "gr")}
    newton, gr = (_cube(arrays[theory]) for theory in ("newton", "gr"))
    panels = [
        Panel(f"GR under {shown}", gr, "attribution [logit]", overlay=_cube(arrays[name]))
        for name, shown in list(names.items())[:2]
    ]
    panels.append(Panel(NAMES["difference"], gr - newton, "difference of the samples"))
    return Slider(panels, found.box_size_mpch, "attribution-plane")


def triangle_figure(results: RunResults, triangles: Triangles) -> Any:
    """Contributions of triangles to the logit, two ways, and the measured and predicted bispectrum of GR - Newton."""
    sides = triangles.k_hmpc
    panels: dict[str, tuple[ArrayLike, ArrayLike]] = {
        "third-order response": (sides, triangles.response.contribution.value)
    }
    units = {"third-order response": "logit"}
    if triangles.surrogate is not None:
        panels["sparse surrogate"] = (sides, triangles.surrogate.contribution.value)
        units["sparse surrogate"] = "logit"
    wanted = "difference_cube" if results.study.dataset.sample == "difference" else "phi"
    measured = next((one for one in results.bispectra if one.quantity == wanted), None)
    if measured is not None and len(measured.triangles):
        error = measured.difference_error
        panels[MEASURED] = (measured.k, _ratio(measured.differences.mean(axis=0), error))
        units[MEASURED] = "standard errors"
        if np.isfinite(measured.relativistic).any():
            panels["predicted, second order"] = (measured.k, _ratio(measured.relativistic, error))
            units["predicted, second order"] = "standard errors of the measured"
    return triangle_plot(panels, units)


def _triangle_picture(results: RunResults, triangles: Triangles | None) -> Picture | None:
    if triangles is None:
        return None
    return Picture.of(triangle_figure(results, triangles), "Triangles: attribution and bispectrum", True)


def _method_row(found: Explanation, name: str) -> tuple[str, ...]:
    """What the attributions of a method add up to, beside what they should add up to."""
    sums = found.methods[name]
    change = "" if sums.change is None else with_error(sums.change)
    residual = "" if sums.largest_residual is None else minus(f"{sums.largest_residual:.1e}")
    return (title(name), with_error(sums.sum), change, residual)


def trust(results: RunResults) -> Markup:
    """The tests of trust, as a table and figures."""
    found = results.trust
    if found is None:
        return render("trust.html", found=None)
    curves = {title(name): value for name, value in found.curves.items()} | {"Fourier shells": found.band_curves}
    randomised = found.parameter_randomisation
    methods = {title(name): value for name, value in randomised.methods.items()}
    named = [title(name) for name in found.agreement.methods]
    return render(
        "trust.html",
        found=found,
        rows=[_trust_row(found, name) for name in found.curves],
        networks=", ".join(f"{name} {estimate.value:.2f}" for name, estimate in found.auc.items()),
        deletion=Picture.of(deletion_curves(curves), "Deletion and insertion curves", True),
        randomisation=Picture.of(randomisation(randomised.layers, methods), "Parameter randomisation", True),
        agreement=Picture.of(agreement(named, found.agreement), "Agreement between methods", True),
    )


def _trust_row(found: Trust, name: str) -> tuple[str, ...]:
    """The tests of one method that result in a number."""
    curves, last = found.curves[name], found.parameter_randomisation.methods[name].signed
    drawn = OverSeeds[float](value=last.value[-1], error=None if last.error is None else last.error[-1])
    others = {who: methods[name].signed for who, methods in found.networks.items()}
    again = [value for who, value in others.items() if who != "shuffled"]
    measured = (
        curves.deletion_advantage,
        curves.insertion_advantage,
        found.infidelity[name],
        found.sensitivity[name],
        found.equivariance[name],
        drawn,
        others["shuffled"],
    )
    cells = ["" if value is None else with_error(value) for value in measured]
    return (title(name), *cells, ", ".join(with_error(value) for value in again))


def _arrays(path: Path) -> Arrays:
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is not readable: {error}; expected the arrays of the explain stage") from error


def _cube(values: NDArray[Any]) -> NDArray[np.float64]:
    """The sum over channels of (channels, N, N[, N]), as a cube; a slice becomes a cube of a single plane."""
    added = values.astype(np.float64).sum(axis=0)
    return np.asarray(added[None] if added.ndim == 2 else added)


def _ratio(values: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """``values`` in units of the error; NaN where there is none."""
    return np.asarray(np.divide(values, error, out=np.full(values.shape, np.nan), where=error > 0))
