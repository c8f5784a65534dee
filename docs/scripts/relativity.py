"""How much of GR - Newton is relativity's second order: docs/relativity.md, its table, its figure and relativity.json.

    python docs/scripts/relativity.py             # everything; a second run takes up where a first one was stopped
    python docs/scripts/relativity.py --only table cells radiation
    python docs/scripts/relativity.py --write     # the page again, from what relativity.json holds

Pairs and their inverses are grown in memory: four universes a case, two cores, seconds (32^3) to minutes (64^3) each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from marks import DOCS, IMAGES, fill, table
from scipy.integrate import quad
from torch import Tensor

from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.base.files import write_text
from weakfield.base.progress import bar
from weakfield.config import CosmologySettings, RunSettings
from weakfield.cosmology import Background, amplitude, second_order_growth
from weakfield.cosmology.growth import early_potential_growth
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import transfer_history
from weakfield.fourier import quadratic
from weakfield.mesh import spectral
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.kernels.cpu.warm import compile_kernels
from weakfield.mesh.noise import unit_modes
from weakfield.mesh.threads import threads, threads_for_mesh
from weakfield.simulation.evolution import at_redshifts
from weakfield.simulation.realisation import Realisation
from weakfield.simulation.spectral.fields import tensor_modes
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.universe import DTYPES
from weakfield.spectra.theory.relativistic import chi_coefficient, difference_coefficients, newtonian_coefficients

SCRIPT = "docs/scripts/relativity.py"
RESULTS = DOCS / "relativity.json"
REDSHIFTS = (10.0, 1.0)
THEORIES = ("newton", "gr")


@dataclass(frozen=True)
class Case:
    """One pair of settings and a seed."""

    grid: int = 32
    cell: float = 20.0  # Mpc/h
    step: float = 0.2
    seed: int = 1
    mesh: str = "spectral"
    start: str = "growing-mode"
    transfer: str = "eisenstein-hu"
    precision: str = "double"
    amplitude: float = 1.0  # of every initial mode
    vector: bool = False  # B, chi and h_ij too
    first: bool = False  # ``first_order`` instead of ``measured``
    particles: int = 1  # a cell and axis

    @property
    def box(self) -> float:
        return self.grid * self.cell

    @property
    def cosmology(self) -> CosmologySettings:
        """Without photons for the Eisenstein-Hu fit: the expansion is that of dust and Lambda then."""
        photons = {} if self.transfer == "camb" else {"t_cmb_kelvin": 0.0}
        return CosmologySettings(**photons).model_copy(update={"a_s": CosmologySettings().a_s * self.amplitude**2})

    def run(self, theory: str, inverted: bool) -> RunSettings:
        """The settings of one of its four universes."""
        simulation: dict[str, Any] = {
            "grid": self.grid, "box_size_mpch": self.box, "step_limit_hubble": self.step, "mesh": self.mesh,
            "start": self.start, "transfer": self.transfer, "precision": self.precision,
            "snapshot_redshifts": REDSHIFTS, "spectra_redshifts": REDSHIFTS, "tiling": self.grid // 4 * self.particles,
        }  # fmt: skip
        return RunSettings.model_validate(
            {"theory": theory, "seed": self.seed, "inverted": inverted, "cosmology": self.cosmology,
             "simulation": simulation}
        )  # fmt: skip


Fields = dict[str, dict[float, Tensor]]  # by name and redshift, modes in double precision


def grown(case: Case, theory: str, inverted: bool, shared: StudyCache) -> Fields:
    """phi of one universe, and with ``vector`` its chi, B and h_ij."""
    found: Fields = {"phi": {}, "chi": {}, "B": {}, "hij": {}}
    wanted = sorted(REDSHIFTS)
    for universe, clock in at_redshifts(case.run(theory, inverted), shared, diagnostics=case.vector):
        z = wanted.pop()
        if case.mesh == "staggered":
            found["phi"][z] = spectral.modes_of(universe.phi.double())
            continue
        found["phi"][z] = universe.phi_modes.to(torch.complex128).clone()
        if case.vector:
            found["chi"][z] = universe.chi_modes.to(torch.complex128).clone()
            found["B"][z] = universe.b_now.to(torch.complex128) / clock.a**2
            found["hij"][z] = tensor_modes(universe, clock)
    return found


def family(case: Case) -> dict[tuple[str, bool], Fields]:
    """Both theories of a seed and of its inverse."""
    with threads(threads_for_mesh(case.grid)):
        shared = {theory: StudyCache(case.run(theory, False)) for theory in THEORIES}
        return {(t, i): grown(case, t, i, shared[t]) for t in THEORIES for i in (False, True)}


def first_order(case: Case) -> dict[str, dict[str, float]]:
    """rms of the first order of GR - Newton over that of C1: what is odd, its third order taken off.

    In terms of the amplitude A the odd part is c1 A + c3 A^3, so (8 odd(A/2) - odd(A)) / 3 = c1 A.
    """

    def odd(fields: dict[tuple[str, bool], Fields], z: float) -> Tensor:
        plus, minus = (fields["gr", i]["phi"][z] - fields["newton", i]["phi"][z] for i in (False, True))
        return (plus - minus) / 2

    whole, half = family(case), family(replace(case, amplitude=0.5 * case.amplitude))
    found: dict[str, dict[str, float]] = {}
    for z in REDSHIFTS:
        predicted = relativity(case, z, quadratic.second_order_fields(early_potential(case, z)))
        first = (8 * odd(half, z) - odd(whole, z)) / 3
        found[f"{z:g}"] = {
            name: rms(first, weight) / rms(predicted, weight) for name, weight in bands(case) if weight.sum() > 0
        }
    return found


def relativity(case: Case, z: float, q: quadratic.QuadraticFields) -> Tensor:
    """Modes of C1 at redshift z."""
    theta, square = difference_coefficients(second_order_growth(case.cosmology, z))
    return theta * q.theta_0 + square * q.square


def measured(case: Case) -> dict[str, Any]:
    """Even and odd parts of a seed and its inverse beside theory, by band of wavenumbers and redshift.

    ``seconds``: of the processor, for a pair, that is for half of the universes grown here.
    """
    for theory in THEORIES:
        compile_kernels(DTYPES[case.precision], case.run(theory, False).theory, True, case.mesh)
    begin = time.process_time()
    fields = family(case)
    seconds = (time.process_time() - begin) / 2
    early = {z: early_potential(case, z) for z in REDSHIFTS}
    return {"seconds": seconds} | {
        f"{z:g}": {
            name: comparison(case, z, weight, fields, early[z]) for name, weight in bands(case) if weight.sum() > 0
        }
        for z in REDSHIFTS
    }


def comparison(case: Case, z: float, weight: Tensor, fields: Any, early: Tensor) -> dict[str, float]:
    """All numbers of one band of one output."""

    def even(theory: str, name: str = "phi") -> Tensor:
        return (fields[theory, False][name][z] + fields[theory, True][name][z]) / 2

    def odd(theory: str) -> Tensor:
        return (fields[theory, False]["phi"][z] - fields[theory, True]["phi"][z]) / 2

    growth, background = second_order_growth(case.cosmology, z), Background(case.cosmology, case.box)
    q = quadratic.second_order_fields(early)
    predicted = relativity(case, z, q)
    gradient, psi = newtonian_coefficients(growth, background.four_pi_G * case.cosmology.Omega_m * (1 + z))
    difference, rest = even("gr") - even("newton"), odd("gr") - odd("newton")
    response, correlation = compare(difference, predicted, weight)
    n_response, n_correlation = compare(even("newton"), gradient * q.gradient_squared + psi * q.psi_0, weight)
    linear, _ = compare(odd("newton"), early * growth.potential, weight)
    numbers = {
        "response": response, "correlation": correlation,
        "odd_over_phi": rms(rest, weight) / rms(odd("newton"), weight),
        "odd_over_c1": rms(rest, weight) / rms(predicted, weight),
        "c1_over_phi": rms(predicted, weight) / rms(odd("newton"), weight), "newton_response": n_response,
        "newton_correlation": n_correlation, "linear": linear,
    }  # fmt: skip
    if case.vector:
        numbers |= of_stress(case, z, weight, even, early, chi_coefficient(growth) * q.theta_0)
    return numbers


def of_stress(
    case: Case, z: float, weight: Tensor, even: Callable[[str, str], Tensor], early: Tensor, chi: Tensor
) -> dict[str, float]:
    """Even parts of chi, B and h_ij beside what the second-order stress of the growing mode makes of them.

    S_ij = s(a) d_i phi d_j phi of the early potential, s = 2 g^2 + (4/3) f^2 g^2 / Omega_m(a), 10/3 in matter
    domination; a^2 B = -2 i int a^2 s dtau P_ij k_m F_jm / k^2, h = 2 s Lambda F / k^2.
    """
    background = Background(case.cosmology, case.box)

    def strength(a: float) -> float:
        growth = second_order_growth(case.cosmology, 1 / a - 1)
        return growth.potential**2 * (2 + 4 / 3 * growth.rate**2 / growth.omega_m)

    a = 1 / (1 + z)
    integral, _ = quad(lambda x: x * strength(x) / background.conformal_hubble(x), 1e-4, a, epsrel=1e-8, limit=200)
    products = gradient_products(early)
    mesh = spectral.continuum(case.grid, early.device)
    v = torch.stack([sum(mesh.k[j] * products[min(i, j), max(i, j)] for j in range(3)) for i in range(3)])
    b = spectral.transverse(v, 1.0) * (-2j * integral / a**2)
    tensor = spectral.transverse_traceless(products, 2.0 * strength(a))
    numbers = {}
    for name, expected in (("chi", chi), ("B", b), ("hij", tensor)):
        for theory in THEORIES:
            response, correlation = compare(even(theory, name), expected, weight)
            numbers |= {f"{name}_{theory}_response": response, f"{name}_{theory}_correlation": correlation}
    return numbers


def gradient_products(modes: Tensor) -> dict[tuple[int, int], Tensor]:
    """Modes of d_i f d_j f without aliases, by (i, j) with i <= j."""
    n = modes.shape[-2]
    m = quadratic.padded_side(n)
    slopes = [quadratic.to_padded(1j * k * modes, m) for k in quadratic.wave_vector(modes)]
    return {(i, j): quadratic.from_padded(slopes[i] * slopes[j], n) for i in range(3) for j in range(i, 3)}


def early_potential(case: Case, z: float) -> Tensor:
    """Modes of the linear potential of a seed at redshift z over its growth g: the early one, of matter domination."""
    run, kernels = case.run("gr", False), kernels_for("cpu")
    functions = transfer_history(run.simulation, run.cosmology).at(1 / (1 + z))
    x = functions.k_hmpc * case.box
    source = natural_spline(x, -amplitude(run.cosmology, case.box, x) * functions.phi, functions.source)
    unit = unit_modes(case.grid, case.seed, run.simulation.k_domain, run.simulation.noise)
    modes = Realisation(unit, kernels).add(torch.zeros_like(unit), source)
    return modes / float(early_potential_growth(case.cosmology, z))


def bands(case: Case) -> Iterator[tuple[str, Tensor]]:
    """The bands of the table [h/Mpc], and those of the figure in tenths of the Nyquist wavenumber."""
    mesh = spectral.continuum(case.grid, torch.device("cpu"))
    k = torch.sqrt(mesh.k2) / case.box
    double = torch.full(k.shape, 2.0, dtype=torch.float64)
    double[:, :, 0] = 1.0
    edges = [(0.0, 0.03), (0.03, 0.05), (0.05, 0.08), (0.025, 0.035)]
    nyquist = np.pi / case.cell
    largest = nyquist * (1 - 2 / case.grid)  # of the initial modes
    for low, high in edges + [(nyquist * i / 10, nyquist * (i + 1) / 10) for i in range(8)]:
        inside = ((k > low) & (k <= high) & (k < largest)).double() * mesh.inside * double
        inside[0, 0, 0] = 0.0
        named = f"{low:g}-{high:g}" if (low, high) in edges else f"tenth {round(low / nyquist * 10)}"
        yield named, inside


def compare(found: Tensor, expected: Tensor, weight: Tensor) -> tuple[float, float]:
    """Response Re sum f p* / sum |p|^2 and correlation; components of vectors and tensors count as modes."""
    cross = float((weight * (found * expected.conj()).real).sum())
    one, two = (float((weight * f.abs() ** 2).sum()) for f in (found, expected))
    return cross / two, cross / (one * two) ** 0.5


def rms(modes: Tensor, weight: Tensor) -> float:
    return float((weight * modes.abs() ** 2).sum()) ** 0.5


#: what a second order that is right at k = 0.03 h/Mpc takes: one box of 640 Mpc/h
PRICED = {
    "spectral, 24^3": Case(grid=24, cell=640 / 24), "spectral, 32^3": Case(),
    **{
        f"staggered, {n}^3 cells{', 8 particles each' if m == 2 else ''}":
            Case(mesh="staggered", start="linear", step=0.04, grid=n, cell=640 / n, particles=m)
        for n, m in ((32, 1), (32, 2), (64, 1), (64, 2), (128, 1))
    },
}  # fmt: skip


def cases(parts: list[str]) -> Iterator[tuple[str, Case]]:
    """Every case of the page, by part."""
    known: dict[str, list[Case]] = {
        "table": [
            Case(grid=n, step=step, seed=seed, first=first)
            for n in (32, 64) for step in (0.2, 0.1) for seed in (1, 2) for first in (False, True)
        ],
        "others": [
            *(Case(mesh="staggered", start="linear", step=0.04, seed=seed) for seed in (1, 2)),
            *(Case(start="linear", seed=seed) for seed in (1, 2)),
            *(Case(step=step, seed=seed) for step in (0.4, 0.05) for seed in (1, 2)),
            *(Case(precision="single", seed=seed, grid=n) for n in (32, 64) for seed in (1, 2)),
            *(Case(mesh="staggered", start="linear", step=0.04, precision="single", seed=seed) for seed in (1, 2)),
        ],
        "radiation": [
            Case(grid=n, seed=seed, transfer="camb", first=first)
            for n in (32, 64) for seed in (1, 2) for first in (False, True)
        ] + [Case(step=0.05, seed=seed, transfer="camb") for seed in (1, 2)]
        + [Case(mesh="staggered", start="linear", step=0.04, transfer="camb", seed=seed) for seed in (1, 2)],
        "stress": [Case(grid=n, seed=seed, vector=True) for n in (32, 64) for seed in (1, 2)],
        "cells": [Case(grid=64, cell=cell, seed=seed) for cell in (40.0, 10.0, 5.0) for seed in (1, 2)],
        "box": [Case(grid=64, cell=80.0, seed=seed) for seed in (1, 2)],
        "price": [replace(case, seed=seed) for case in PRICED.values() for seed in (1, 2)],
    }  # fmt: skip
    for part in parts or known:
        yield from ((part, case) for case in known[part])


def key(case: Case) -> str:
    values = asdict(case)
    if case.particles == 1:
        del values["particles"]
    return json.dumps(values, sort_keys=True)


Results = dict[str, Any]
NARROW = ("0-0.03", "0.03-0.05", "0.05-0.08")


def known(results: Results, part: str, case: Case) -> bool:
    """Whether a case was measured, with its seconds where a part is about them."""
    return key(case) in results and (part != "price" or "seconds" in results[key(case)])


def mean(results: Results, case: Case, z: str, band: str, name: str, seeds: tuple[int, ...] = (1, 2)) -> float | None:
    """A number of a case, mean over seeds; nothing if one was not measured or has no such band."""
    found = [results.get(key(replace(case, seed=seed)), {}).get(z, {}).get(band, {}) for seed in seeds]
    values = [numbers[name] for numbers in found if name in numbers]
    return float(np.mean(values)) if len(values) == len(seeds) else None


def first_of(results: Results, case: Case, z: str, band: str) -> float | None:
    """The first order of GR - Newton over C1."""
    found = [results.get(key(replace(case, seed=seed, first=True)), {}).get(z, {}).get(band) for seed in (1, 2)]
    return float(np.mean(found)) if None not in found else None


def shown(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def relativity_table(results: Results, named: list[tuple[str, Case]]) -> str:
    """Response (correlation) with C1 and the odd part over C1, by band and redshift."""
    head = ["scheme"]
    for z in ("10", "1"):
        head += [f"z = {z}, k < 0.03", "0.03-0.05", "0.05-0.08"]
    rows = []
    for name, case in named:
        row = [name]
        for z in ("10", "1"):
            for band in NARROW:
                response, odd = (mean(results, case, z, band, what) for what in ("response", "odd_over_c1"))
                alike = mean(results, case, z, band, "correlation")
                row.append("" if response is None else f"{response:.3f} ({shown(alike)}); {odd:.2g}")
        if any(row[1:]):
            rows.append(row)
    return table(tuple(head), [tuple(row) for row in rows])


def newton_table(results: Results, named: list[tuple[str, Case]]) -> str:
    """Newton's second order against F2 and its linear growth, and what of the odd part is of first order."""
    head = ["scheme"]
    for z in ("10", "1"):
        head += [f"z = {z}: second order", "linear growth", "first order over C1", "C1 over phi"]
    rows = []
    for name, case in named:
        row = [name]
        for z in ("10", "1"):
            second, alike = (
                mean(results, case, z, NARROW[0], f"newton_{what}") for what in ("response", "correlation")
            )
            small = mean(results, case, z, NARROW[0], "c1_over_phi")
            row += [
                "" if second is None else f"{second:.3f} ({shown(alike)})",
                shown(mean(results, case, z, NARROW[0], "linear"), 4),
                shown(first_of(results, case, z, NARROW[0])), "" if small is None else f"{small:.1e}",
            ]  # fmt: skip
        if any(row[1:]):
            rows.append(row)
    return table(tuple(head), [tuple(row) for row in rows])


def stress_table(results: Results) -> str:
    """chi, B and h_ij of GR beside their own second-order sources."""
    rows = []
    for grid in (32, 64):
        for z in ("10", "1"):
            row = [f"{grid}^3, z = {z}"]
            for name in ("chi", "B", "hij"):
                for band in NARROW[:2]:
                    case = Case(grid=grid, vector=True)
                    one, two = (mean(results, case, z, band, f"{name}_gr_{w}") for w in ("response", "correlation"))
                    row.append("" if one is None else f"{one:.3f} ({shown(two, 4)})")
            rows.append(row)
    bands = ["k < 0.03", "0.03-0.05"]
    head = ("", *(f"{name}, {band}" for name in ("chi", "B", "h_ij") for band in bands))
    return table(head, [tuple(row) for row in rows])


def price_table(results: Results) -> str:
    """Newton's second order and GR - Newton at 0.025 < k < 0.035 h/Mpc, beside the seconds of a pair."""
    rows = []
    for name, case in PRICED.items():
        seconds = [results.get(key(replace(case, seed=seed)), {}).get("seconds") for seed in (1, 2)]
        row = [name, "" if None in seconds else f"{np.mean([s for s in seconds if s is not None]):.0f}"]
        for z in ("10", "1"):
            for what in ("newton_response", "response"):
                row.append(shown(mean(results, case, z, "0.025-0.035", what)))
        rows.append(tuple(row))
    head = ["mesh", "seconds of a pair"]
    head += [f"z = {z}: {what}" for z in ("10", "1") for what in ("Newton over F2", "GR - Newton over C1")]
    return table(tuple(head), rows)


def figure(results: Results) -> None:
    """Response and correlation against k over k_Nyq, by cell, at both redshifts."""
    chart, axes = new_figure(2, 2, size=(4.8, 3.1), sharex=True)
    middles = (np.arange(8) + 0.5) / 10
    for colour, cell in zip(OTHERS, (40.0, 20.0, 10.0, 5.0), strict=False):
        case = Case(grid=64, cell=cell)
        for column, z in enumerate(("10", "1")):
            for row, name in enumerate(("response", "correlation")):
                values = [mean(results, case, z, f"tenth {i}", name) for i in range(8)]
                known = [(x, y) for x, y in zip(middles, values, strict=True) if y is not None]
                if known:
                    axes[row][column].plot(*zip(*known, strict=True), "o-", color=colour, label=f"{cell:g} Mpc/h")
    for column, z in enumerate(("10", "1")):
        for row, (name, limits) in enumerate((("response to C1", (0.0, 2.0)), ("correlation with C1", (0.0, 1.05)))):
            axes[row][column].set_ylim(*limits)
            axes[row][column].axhline(1.0, color=GREY, linewidth=0.8)
            axes[row][column].set_ylabel(name)
        axes[0][column].set_title(f"z = {z}", fontsize=10)
        axes[1][column].set_xlabel("k / k_Nyq")
    axes[0][0].legend(title="cells", fontsize=8, frameon=False)
    save_png(IMAGES / "relativity.png", chart)


def write(results: Results) -> None:
    """The tables between the marks of docs/relativity.md, and its figure."""
    spectral_rows = [(f"{n}^3, step {step:g}", Case(grid=n, step=step)) for n in (32, 64) for step in (0.2, 0.1)]
    other_rows = [
        ("32^3, step 0.4", Case(step=0.4)), ("32^3, step 0.05", Case(step=0.05)),
        ("linear start", Case(start="linear")),
        ("32^3, single precision", Case(precision="single")), ("64^3, single", Case(precision="single", grid=64)),
        ("staggered mesh, linear start, step 0.04", Case(mesh="staggered", start="linear", step=0.04)),
        ("the same, single", Case(mesh="staggered", start="linear", step=0.04, precision="single")),
    ]  # fmt: skip
    radiation_rows = [
        ("32^3, CAMB", Case(transfer="camb")), ("32^3, CAMB, step 0.05", Case(transfer="camb", step=0.05)),
        ("64^3, CAMB", Case(transfer="camb", grid=64)),
        ("staggered mesh, CAMB", Case(transfer="camb", mesh="staggered", start="linear", step=0.04)),
    ]  # fmt: skip
    difference = "GR \N{MINUS SIGN} Newton"
    text = "\n".join(
        [
            f"Response (correlation) of the even part of {difference} with C₁; odd part over rms C₁. Bands in h/Mpc:\n",
            relativity_table(results, spectral_rows + other_rows),
            "With radiation:\n",
            relativity_table(results, radiation_rows),
            "Newton below k = 0.03 h/Mpc: response (correlation) of its second order to F₂ with Λ, its first order over"
            f" linear growth; rms of the first order of {difference} over rms C₁; rms C₁ over that of Φ:\n",
            newton_table(results, spectral_rows + other_rows + radiation_rows),
            "χ, B and h_ij of GR, response (correlation) of the even part to their sources:\n",
            stress_table(results),
            "What a second order right at 0.025 < k < 0.035 h/Mpc takes, in one box of 640 Mpc/h, without radiation;"
            " seconds of one core:\n",
            price_table(results),
        ]
    )
    fill(DOCS / "relativity.md", "relativity", SCRIPT, text)
    figure(results)


def main() -> None:
    """Measure what is missing; write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="parts of the page to measure")
    parser.add_argument("--grid", type=int, help="of them, those of so many cells a side")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    options = parser.parse_args()
    results: Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    wanted = [(part, case) for part, case in cases(options.only) if options.grid in (None, case.grid)]
    todo = [] if options.write else [case for part, case in wanted if not known(results, part, case)]
    with bar("cases", len(todo)) as progress:
        for case in todo:
            results[key(case)] = first_order(case) if case.first else measured(case)
            write_text(RESULTS, json.dumps(results, indent=1))
            progress.advance()
    write(results)


if __name__ == "__main__":
    main()
