"""Bispectra, the simulation's own spectra, significance of the difference: a section of the page each."""

from __future__ import annotations

from math import isfinite

from weakfield.report.html import absent, figure, image, minus, paragraph, table
from weakfield.report.material import Material
from weakfield.spectra.paired import PairedPower
from weakfield.spectra.paired_bispectrum import PairedBispectrum
from weakfield.spectra.parity import Estimate, sentence
from weakfield.spectra.significance import FEWEST

QUANTITIES = {
    "phi": "potential",
    "difference_cube": "growth-scaled difference cubes",
    "phi_written": "potential, as the simulation wrote it",
    "delta_written": "density, as the simulation wrote it",
}


def bispectra(material: Material) -> str:
    """Equilateral, squeezed and all triangles of the potential and of the difference cubes."""
    folder = material.folder.spectra
    if not material.bispectra:
        return absent("bispectra", "measure")
    captions = {
        "phi": (
            "Bispectrum of the potential in units of its cosmic variance for the mean of all pairs (grey band). Lines:"
            " tree level averaged over the same triples of modes (dotted), and with each leg multiplied by sqrt(P /"
            " linear theory), what the mesh keeps of it (solid). Below: GR \N{MINUS SIGN} Newton of the same triangles,"
            " errors from the scatter of the pairs, in which cosmic variance cancels; green: the second-order"
            " difference for the initial conditions of these runs in the continuum. It needs displacements larger than"
            " the distance of particles, which cells of 20 Mpc/h do not give: see docs/verification.md."
        ),
        "difference_cube": (
            "The same for growth-scaled difference cubes, in which the linear field cancels; there is no tree level of"
            " a field that begins at second order."
        ),
    }
    parts = []
    for quantity, caption in captions.items():
        path = folder / f"bispectra_{quantity}.png"
        if path.exists():
            parts.append(figure(image(path.read_bytes(), f"Bispectra, {QUANTITIES[quantity]}", True), caption))
    return "".join(parts)


def written(material: Material) -> str:
    """The spectra that the simulation wrote while it grew, beside linear theory and the non-linear fit."""
    folder, parts = material.folder.spectra, []
    if not material.spectra:
        return absent("spectra", "measure")
    gauge = "Newton in N-body gauge, GR in Poisson gauge"
    for quantity, text in (("phi_written", "potential"), ("delta_written", f"density ({gauge})")):
        path = folder / f"spectra_{quantity}.png"
        if path.exists():
            caption = (
                f"Dimensionless power of the {text} from the spectra files of the simulation, mean over seeds with its"
                " standard error, in their own bins; theory is averaged over the modes of the same bins and knows"
                " neither the mesh nor its cut-off at the Nyquist wavenumber."
            )
            parts.append(figure(image(path.read_bytes(), f"Spectra files: {text}", True), caption))
    return "".join(parts) or paragraph("These pairs hold no spectra files.")


def significance(material: Material) -> str:
    """One row a statistic: sigma of one pair and of all that judge."""
    found: list[tuple[str, PairedPower | PairedBispectrum]] = [("P(k)", result) for result in material.spectra]
    found += [("bispectrum", result) for result in material.bispectra]
    rows = []
    for name, result in found:
        total = result.significance
        if isfinite(total.ensemble):
            redshift = "" if result.quantity == "difference_cube" else f"{result.redshift:g}"
            sigmas = (f"{total.one_pair:.1f}", f"{total.ensemble:.1f}", str(total.judges))
            rows.append([name, QUANTITIES[result.quantity], redshift, *sigmas])
    if not found:
        return absent("significance", "measure")
    if not rows:
        return paragraph(f"Fewer than {FEWEST} pairs: their scatter says too little.")
    note = (
        "Standard deviations by which GR differs from Newton in all bins together. Half of the seeds choose the weights"
        " of the bins, the other half judges, so that no difference gives 0 \N{PLUS-MINUS SIGN} 1. One pair: two"
        " universes that share every random number; without pairs, cosmic variance would hide all of it. What differs"
        " is whatever the two codes do differently, the mesh included: significant is not yet relativistic."
    )
    head = ("statistic", "field", "z", "sigma, one pair", "sigma, together", "judging pairs")
    return table(head, rows, numbers=(2, 3, 4, 5)) + paragraph(note, "note")


def relativity(material: Material) -> str:
    """Even and odd part of GR - Newton beside relativity's own part, where seeds have their inverses."""
    path = material.folder.spectra / "parity.png"
    if not material.parities or not path.exists():
        if material.study.seeds.inverted:
            return absent("even and odd parts", "measure")
        return paragraph(
            "Not measured: it takes each seed's inverse too (every initial mode times \N{MINUS SIGN}1), which"
            " seeds.inverted = true has grown."
        )
    rows = []
    for result in material.parities:
        found = (result.response, result.correlation, result.odd_over_predicted, result.even_over_odd)
        band = [f"{result.redshift:g}", f"below {result.limit:.2g}", str(result.modes[-1])]
        rows.append([*band, *(_of_band(estimate) for estimate in found)])
    seeds = len(material.parities[0].seeds)
    one = "C\N{SUBSCRIPT ONE}"
    caption = (
        f"GR \N{MINUS SIGN} Newton of the potential of {seeds} {'seeds' if seeds > 1 else 'seed'}, and of the same with"
        " every initial mode times \N{MINUS SIGN}1. Half the sum of the two is even in the initial modes: second"
        " order. Half the difference is odd: first order, and third."
        f" {one} is relativity's own part at second order for a start that is right at that order, mode by mode for"
        " each seed. Response: \N{GREEK CAPITAL LETTER SIGMA} Re E P* / \N{GREEK CAPITAL LETTER SIGMA}"
        f" |P|\N{SUPERSCRIPT TWO} of the even part E with P = {one}, 1 if they are the same. Grey: the band of the"
        " table. Errors are those of the mean over seeds."
    )
    head = ("z", "k [h/Mpc]", "modes", "response", "correlation", f"odd / {one}", "even / odd")
    words = "".join(paragraph(sentence(result)) for result in material.parities)
    pictured = figure(image(path.read_bytes(), "Even and odd part of GR minus Newton", True), caption)
    return words + pictured + table(head, rows, numbers=tuple(range(len(head))))


def _of_band(estimate: Estimate) -> str:
    value, error = float(estimate.value[-1]), float(estimate.error[-1])
    if not isfinite(value):
        return "unknown"
    return minus(f"{value:.3g}" + (f" \N{PLUS-MINUS SIGN} {error:.1g}" if isfinite(error) else ""))
