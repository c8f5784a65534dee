"""What the network saw, and whether the maps can be trusted: the explanation on the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from weakfield.base.arrays import load_arrays
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
from weakfield.report.numbers import digits, minus, with_error
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults
from weakfield.report.slider import Panel, Slider
from weakfield.report.truth import truth

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


def heading(results: RunResults) -> str:
    """The heading of the section, which promises nothing of a network that saw nothing."""
    return "What the network saw" if nothing_to_explain(results) is None else "Attribution"


def nothing_to_explain(results: RunResults) -> str | None:
    """A sentence of a network that is at chance on the test seeds, whose attributions would be noise; else ``None``."""
    if results.models:
        return results.main_model.metrics.at_chance
    return None if results.explanation is None else results.explanation.at_chance


def explanation(results: RunResults) -> Markup:
    """Attribution of test pairs in cells, by Fourier shell and by triangle, and the tests of trust."""
    found = results.explanation
    if found is None:
        return absent("saliency", "explain")
    if (said := nothing_to_explain(results)) is not None:
        return render("at_chance.html", said=said, left_out=found.left_out)
    bands, fourier, shells, pair_shells, maps = found.bands, found.fourier, None, None, None
    if bands is not None:
        drawn = shell_spectrum(bands.k_hmpc, bands.attributed.shells, bands.occluded.shells)
        shells = Picture.of(drawn, "Attribution by Fourier shell with errors over seeds")
    if fourier is not None:
        pair_shells = Picture.of(saliency_shells(fourier), "Attribution by Fourier shell, one pair", True)
        maps = load_arrays(results.folder.explain / "saliency.npz").get("projections")
    return render(
        "saliency.html",
        found=found,
        model=label(found.model),
        overlays=overlays(results, found),
        shells=shells,
        pair_shells=pair_shells,
        triangles=found.triangles,
        triangle_picture=_triangle_picture(results, found.triangles),
        methods=[_method_row(found, name) for name in found.methods],
        maps=None if maps is None else Picture.of(saliency_maps(maps, found.box_size_mpch), "Saliency maps", True),
        trust=trust(results),
        paired=results.study.paired,
        truth=truth(found, TITLES),
    )


def overlays(results: RunResults, found: Explanation) -> Slider | None:
    """The GR sample under two maps, with the true difference of the pair beside them."""
    path = results.folder.explain / "maps.npz"
    if not path.exists():
        return None
    arrays = load_arrays(path)
    names = {name: title(name) for name in SHOWN if name in arrays}
    if "cube_signed" in arrays:  # slices gathered along three axes
        names = {"cube_signed": "all slices", "cube_absolute": "all slices, moduli"}
        arrays |= {theory: arrays[f"cube_{theory}"] for theory in ("newton", "gr")}
    newton, gr = (_cube(arrays[theory]) for theory in ("newton", "gr"))
    panels = [
        Panel(f"GR under {shown}", gr, "attribution [logit]", overlay=_cube(arrays[name]))
        for name, shown in list(names.items())[:2]
    ]
    if results.study.paired:
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
        study = results.study
        why = "none of their methods can be used" if study.explain.trust else "explain.trust is off"
        return render("trust.html", found=None, why=why if study.paired else "the classes are not paired")
    curves = {title(name): value for name, value in found.curves.items()}
    if found.band_curves is not None:
        curves |= {"Fourier shells": found.band_curves}
    return render(
        "trust.html",
        found=found,
        rows=[_trust_row(found, name) for name in found.tested],
        quantus=None if found.quantus is None else [_quantus_row(found, name) for name in found.quantus],
        networks=", ".join(f"{name} {estimate.value:.2f}" for name, estimate in found.auc.items()),
        deletion=Picture.of(deletion_curves(curves), "Deletion and insertion curves", True) if curves else None,
        randomisation=_randomisation(found),
        agreement=_agreement(found),
    )


def _randomisation(found: Trust) -> Picture | None:
    drawn = found.parameter_randomisation
    if drawn is None or not drawn.methods:
        return None
    methods = {title(name): value for name, value in drawn.methods.items()}
    return Picture.of(randomisation(drawn.layers, methods), "Parameter randomisation", True)


def _agreement(found: Trust) -> Picture | None:
    if found.agreement is None:
        return None
    named = [title(name) for name in found.agreement.methods]
    return Picture.of(agreement(named, found.agreement), "Agreement between methods", True)


def _trust_row(found: Trust, name: str) -> tuple[str, ...]:
    """The tests of one method that result in a number; those that were left out are empty."""
    *tests, shuffled = found.tests(name).values()
    drawn, randomised = None, found.parameter_randomisation
    if randomised is not None and name in randomised.methods:
        last = randomised.methods[name].signed
        drawn = OverSeeds[float](value=last.value[-1], error=None if last.error is None else last.error[-1])
    again = [methods[name].signed for who, methods in found.networks.items() if who != "shuffled" and name in methods]
    cells = ["" if value is None else with_error(value) for value in (*tests, drawn, shuffled)]
    return (title(name), *cells, ", ".join(with_error(value) for value in again))


def _quantus_row(found: Trust, name: str) -> tuple[str, ...]:
    """The measures of Quantus on one method, and ours that ask something like them."""
    by_quantus, ours = (found.quantus or {})[name], found.tests(name)
    theirs = (by_quantus.complexity, by_quantus.sparseness, by_quantus.relative_stability)
    sums = "" if by_quantus.sensitivity_n is None else digits(by_quantus.sensitivity_n, 2)
    beside = (ours["sensitivity"], ours["infidelity"])
    cells = ["" if value is None else with_error(value) for value in (*theirs, *beside)]
    return (title(name), *cells[:3], sums, *cells[3:])


def _cube(values: NDArray[Any]) -> NDArray[np.float64]:
    """The sum over channels of (channels, N, N[, N]), as a cube; a slice becomes a cube of a single plane."""
    added = values.astype(np.float64).sum(axis=0)
    return np.asarray(added[None] if added.ndim == 2 else added)


def _ratio(values: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """``values`` in units of the error; NaN where there is none."""
    return np.asarray(np.divide(values, error, out=np.full(values.shape, np.nan), where=error > 0))
