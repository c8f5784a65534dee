"""What the network saw, and whether the maps can be trusted: the explanation on the page."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.figures import NAMES
from weakfield.report.attribution import agreement, deletion_curves, randomisation, shell_spectrum, triangle_plot
from weakfield.report.figures import saliency_maps, saliency_shells
from weakfield.report.html import absent, figure, image, interval, minus, paragraph, render, table
from weakfield.report.material import Material
from weakfield.report.results import LABELS
from weakfield.report.slider import Panel, stack

#: the maps that are laid over the sample, the first two of those there are
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


def explanation(material: Material) -> str:
    """Attribution of test pairs in cells and by Fourier shell, and the tests of trust."""
    found = material.explanation
    if found is None:
        return absent("saliency", "explain")
    arrays = _arrays(material.folder.explain / "saliency.npz")
    shells = (
        "Left: contribution of every Fourier shell to the difference of the logits of this pair, gradient times input;"
        " the contributions of all modes add up to it exactly. Right: power of the gradients by shell. One pair and one"
        " network, hence no error bars."
    )
    parts = [paragraph(_total(found)), "<h3>Slice by slice</h3>", overlays(material, found)]
    parts += ["<h3>By Fourier shell</h3>", shell_figure(found)]
    parts.append(figure(image(render(saliency_shells(found)), "Attribution by Fourier shell, one pair", True), shells))
    parts += ["<h3>By triangle</h3>", triangles(material, found)]
    parts += ["<h3>By cell</h3>", methods_table(found), _projections(found, arrays)]
    parts += ["<h3>Can the maps be trusted?</h3>", trust(material)]
    return "".join(parts)


def overlays(material: Material, found: dict[str, Any]) -> str:
    """The sample of GR with two maps laid over it, and the true difference of the pair beside them, under a slider."""
    path = material.folder.explain / "maps.npz"
    if not path.exists():
        return ""
    arrays = _arrays(path)
    names = {name: TITLES.get(name, name) for name in SHOWN if name in arrays}
    if "cube_signed" in arrays:  # slices gathered along three axes
        names = {"cube_signed": "all slices", "cube_absolute": "all slices, moduli"}
        arrays |= {theory: arrays[f"cube_{theory}"] for theory in ("newton", "gr")}
    newton, gr = (_cube(arrays[theory]) for theory in ("newton", "gr"))
    panels = [
        Panel(f"GR under {title}", gr, "attribution [logit]", overlay=_cube(arrays[name]))
        for name, title in list(names.items())[:2]
    ]
    panels.append(Panel(NAMES["difference"], gr - newton, "difference of the samples"))
    html, note = stack(panels, found["box_size_mpch"], name="attribution-plane")
    text = (
        f"Test pair of seed {found['seed']}. In grey the sample of GR; over it, the more opaque the stronger, what each"
        " cell contributes to the logit: purple speaks for GR, orange for Newton. Right: the true difference of the"
        " pair, in units of the rms of the training samples. Where the two look alike, the network saw the difference"
        f" where it is. {note}"
    )
    return figure(html, text.strip())


def shell_figure(found: dict[str, Any]) -> str:
    """The shell spectrum with its errors over seeds."""
    bands, path = found["bands"], found["path"]
    seeds = len(found["seeds"])
    drawn = shell_spectrum(bands["k_hmpc"], bands["attributed"]["shells"], bands["occluded"]["shells"])
    difference = bands["logit_difference"]
    gap = minus(f"{path['largest_residual']:.1e}")
    caption = (
        f"Mean over {seeds} test pairs of what each shell contributes to the logit of GR \N{MINUS SIGN} Newton"
        f" ({_value(difference)} in all), with its standard error over seeds. Circles: integral of the gradient from"
        " one twin to the other, additive over modes; its sum misses the difference of the logits by no more than"
        f" {gap} in any pair. Squares: loss of logit when the shell alone is taken from the twin. Where the two part,"
        f" shells act together. The cube mean contributes {_value(bands['attributed']['mean'])}, modes in no shell"
        f" {_value(bands['attributed']['rest'])}. Of the whole, amplitudes carry {_value(bands['amplitude']['total'])}"
        f" and phases {_value(bands['phase']['total'])}."
    )
    return figure(image(render(drawn), "Attribution by Fourier shell with errors over seeds"), caption)


def triangles(material: Material, found: dict[str, Any]) -> str:
    """Which triangles carry the decision, two ways, beside the bispectrum of GR - Newton."""
    shared = found.get("triangles")
    if shared is None:
        return paragraph("Triangles were not looked at: explain.triangle_shells is 0.", "absent")
    response, surrogate = shared["response"], shared["surrogate"]
    shares = {name: _value(value) for name, value in response["shares"].items()}
    agreed = shared["agreement"]
    text = (
        f"Of the mean logit difference of {shared['seeds']} test pairs the shares {shares['power']} lie in powers of"
        f" shells, {shares['triangles']} in triangles of shells and {shares['remainder']} in neither, by the"
        " third-order response of the logit."
    )
    if agreed is not None:
        text += (
            " The weights that it gives to triangles have a rank correlation of"
            f" {interval(agreed)} with those of a sparse regression of"
            f" the logit on measured spectra, which predicts {surrogate['explained']:.2f} of the variance of logits of"
            " seeds that it has not seen."
        )
    caption = (
        "Triangles by their shape, each quantity on its own scale. Contributions to the logit of GR \N{MINUS SIGN}"
        " Newton by the response and by the surrogate; measured and predicted difference of the bispectra in units of"
        " the standard error of the measured one, where the measure stage has them."
    )
    drawn = image(render(triangle_figure(material, shared)), "Triangles: attribution and bispectrum", True)
    return paragraph(text) + figure(drawn, caption)


def triangle_figure(material: Material, shared: dict[str, Any]) -> Any:
    """Contributions of triangles to the logit, two ways, and the measured and predicted bispectrum of GR - Newton."""
    response, surrogate, sides = shared["response"], shared["surrogate"], shared["k_hmpc"]
    panels: dict[str, tuple[Any, Any]] = {"third-order response": (sides, response["contribution"]["value"])}
    labels = {"third-order response": "logit"}
    if surrogate is not None:
        panels["sparse surrogate"] = (sides, surrogate["contribution"]["value"])
        labels["sparse surrogate"] = "logit"
    wanted = "difference_cube" if material.study.dataset.sample == "difference" else "phi"
    measured = next((one for one in material.bispectra if one.quantity == wanted), None)
    if measured is not None and len(measured.triangles):
        error = measured.difference_error
        panels[MEASURED] = (measured.k, _ratio(measured.differences.mean(axis=0), error))
        labels[MEASURED] = "standard errors"
        if np.isfinite(measured.relativistic).any():
            panels["predicted, second order"] = (measured.k, _ratio(measured.relativistic, error))
            labels["predicted, second order"] = "standard errors of the measured"
    return triangle_plot(panels, labels)


def methods_table(found: dict[str, Any]) -> str:
    """What the attributions of each method add up to, beside what they should."""
    rows = []
    for name, value in found["methods"].items():
        change = _value(value["change"]) if "change" in value else ""
        residual = minus(f"{value['largest_residual']:.1e}") if "largest_residual" in value else ""
        rows.append([escape(TITLES.get(name, name)), _value(value["sum"]), change, residual])
    note = (
        "Sums over the cells of the sample of GR, mean over test pairs with standard error, and the difference of"
        " logits that they share out: to the Newtonian twin, for integrated gradients to the mean field. Methods"
        " without one are derivatives or rankings. Largest gap: of any pair."
    )
    head = ("method", "sum of the map [logit]", "difference of logits", "largest gap")
    return table(head, rows, numbers=(1, 2, 3)) + paragraph(note, "note")


def trust(material: Material) -> str:
    """The tests of trust, drawn and tabled."""
    found = material.trust
    if found is None:
        return paragraph("The tests of trust were not run: explain.trust is off.", "absent")
    seeds, curves = len(found["seeds"]), {TITLES.get(name, name): value for name, value in found["curves"].items()}
    curves["Fourier shells"] = found["band_curves"]
    randomised = found["parameter_randomisation"]
    methods = {TITLES.get(name, name): value for name, value in randomised["methods"].items()}
    named = [TITLES.get(name, name) for name in found["agreement"]["methods"]]
    return "".join(
        [
            trust_table(found),
            figure(
                image(render(deletion_curves(curves)), "Deletion and insertion curves", True),
                f"Logit as cells, or shells of modes, pass from one twin to the other, those of strongest attribution"
                f" first; dotted: in random order. All {seeds} pairs together, bands are standard errors over seeds. An"
                " attribution that is right falls below the dotted line on the left and rises above it on the right."
                " A cell or shell that speaks for Newton makes the curve overshoot.",
            ),
            figure(
                image(render(randomisation(randomised["layers"], methods)), "Parameter randomisation", True),
                "Rank correlation of the map of the trained network with that of one whose last layers were drawn"
                f" anew, mean over {seeds} pairs with standard error. A map that stays as it is does not explain the"
                " network.",
            ),
            figure(
                image(render(agreement(named, found["agreement"])), "Agreement between methods", True),
                f"Rank correlation over cells of every pair of methods, mean over {seeds} pairs and standard error.",
            ),
        ]
    )


def trust_table(found: dict[str, Any]) -> str:
    """One row a method: the tests that end in a number."""
    rows = []
    for name, curves in found["curves"].items():
        others = {who: values[name]["signed"] for who, values in found["networks"].items()}
        again = [value for who, value in others.items() if who != "shuffled"]
        last = found["parameter_randomisation"]["methods"][name]["signed"]
        drawn = {key: value[-1] if value is not None else None for key, value in last.items()}
        values = (
            curves["deletion_advantage"], curves["insertion_advantage"], found["infidelity"][name],
            found["sensitivity"][name], found["equivariance"][name], drawn, others["shuffled"],
        )  # fmt: skip
        cells = [*(_value(value) for value in values), ", ".join(_value(value) for value in again)]
        rows.append([escape(TITLES.get(name, name)), *cells])
    scores = ", ".join(f"{who} {value['value']:.2f}" for who, value in found["auc"].items())
    note = (
        f"Mean over {len(found['seeds'])} test pairs with standard error. Deletion, insertion: area between the curve"
        " and that of random orders, positive is better. Infidelity: share of the logit's answer to exchanged blocks"
        " that the map does not predict (0 best, 1 nothing). Sensitivity: relative change of the map under noise of 2 %"
        " of the rms. Equivariance: relative change when the box is rotated, reflected and shifted; that of the logit"
        f" difference is {_value(found['equivariance']['logit'])}. Last columns: rank correlation with the maps"
        " of the network drawn anew, of one trained on shuffled labels (both should be near 0) and of networks from"
        f" other initial weights (should be near 1), trained for {found['epochs']} epochs; their AUC: {scores}."
    )
    head = (
        "method", "deletion", "insertion", "infidelity", "sensitivity", "equivariance", "drawn anew", "shuffled labels",
        "other weights",
    )  # fmt: skip
    return table(head, rows) + paragraph(note, "note")


def _total(found: dict[str, Any]) -> str:
    pair, logit, difference = found["fourier"]["pair"], found["logit"], found["logit_difference"]
    return minus(
        f"Test pair of seed {found['seed']}, {LABELS.get(found['model'], found['model'])}: logit {logit['newton']:.4g}"
        f" (Newton) and {logit['gr']:.4g} (GR), a difference of {difference:.3g}. Gradient times input, with the mean"
        f" of the two gradients and the difference of the two samples, attributes {pair['total']:.3g} of it"
        f"{_share(pair['total'], difference)}. Of that, {pair['mean']:.3g}{_share(pair['mean'], pair['total'])} belongs"
        f" to the mean of the sample and {pair['rest']:.3g}{_share(pair['rest'], pair['total'])}"
        " to modes in no shell: the corners of the Fourier cube and its Nyquist planes."
    )


def _projections(found: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> str:
    maps = (
        "Signed gradient of the logit with respect to each cell of the normalised cube, summed along z, y and x (rows),"
        " for the Newton cube, the GR cube and their difference (columns, each with its own colour scale). Purple: more"
        " of the field there raises the score for GR. Exact derivatives of one network for one pair, hence no errors."
    )
    if "projections" not in arrays:
        return ""
    return figure(
        image(render(saliency_maps(arrays["projections"], found["box_size_mpch"])), "Saliency maps", True), maps
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is not readable: {error}; expected the arrays of the explain stage") from error


def _cube(values: NDArray[Any]) -> NDArray[np.float64]:
    """The channels of (channels, N, N[, N]) added, as a cube; a slice is one of a single plane."""
    added = values.astype(np.float64).sum(axis=0)
    return np.asarray(added[None] if added.ndim == 2 else added)


def _ratio(values: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """In units of the error; not a number where there is none."""
    return np.asarray(np.divide(values, error, out=np.full(values.shape, np.nan), where=error > 0))


def _value(found: dict[str, Any]) -> str:
    """``0.012 +- 0.003``: two digits of the error; without an error three of the value."""
    value, error = float(found["value"]), found["error"]
    if error is None or not error > 0:
        return minus(f"{value:.3g}")
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    if digits > 4:
        return minus(f"{value:.2e} \N{PLUS-MINUS SIGN} {error:.0e}")
    return minus(f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}")


def _share(part: float, whole: float) -> str:
    """`` (42 %)``, or nothing when the whole is nothing."""
    return f" ({100 * part / whole:.0f} %)" if whole else ""
