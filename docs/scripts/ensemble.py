"""Bispectra of 30 seeds and their inverses on the spectral mesh against theory (docs/verification.md).

    python docs/scripts/ensemble.py FOLDER              grows what FOLDER lacks, then numbers, figures and tables
    python docs/scripts/ensemble.py FOLDER --measure    numbers, figures and tables of the seeds that are there
    python docs/scripts/ensemble.py --redraw            figures and tables of what docs/ensemble.json holds

64^3 cells of 20 Mpc/h, dust and Lambda, in memory: four universes a seed, and two of half the amplitude. A quarter of a
minute of one core each, an hour in all. FOLDER gets one file a seed, whole or not at all, with the modes of Phi up to a
third of the Nyquist wavenumber, 1.5 MB; stopped and started again the script goes on behind the last.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from marks import DOCS, IMAGES, fill, table
from numpy.typing import NDArray
from relativity import Case, early_potential, grown
from scipy.stats import f as f_distribution

from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, OTHERS, new_figure, save_png
from weakfield.base.files import replacing, write_text
from weakfield.base.progress import bar
from weakfield.cosmology import Background, second_order_growth
from weakfield.mesh import fft, quadratic
from weakfield.mesh.threads import threads, threads_for_mesh
from weakfield.simulation.shared import Shared
from weakfield.spectra import bispectrum
from weakfield.spectra.inverted_bispectrum import even_bispectrum, mixed_bispectrum
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, relativistic_kernel, shell_mean
from weakfield.spectra.theory.relativistic import difference_coefficients, newtonian_coefficients

Reals = NDArray[np.float64]
Modes = NDArray[np.complex128]

KEPT = DOCS / "ensemble.json"
SEEDS = range(30)
REDSHIFTS = (10.0, 1.0)
MAIN = Case(grid=64, cell=20.0, seed=0)  # step 0.06, spectral mesh, growing-mode start, Eisenstein-Hu, double precision
REACH = 11  # wave numbers kept along each axis, in units of k_F: a little more than a third of the Nyquist wavenumber
SMALL = 2 * (REACH + 1)  # side of the mesh that holds them
EDGES = np.arange(0.5, 9)  # one k_F wide, to a quarter of the Nyquist wavenumber
GROUPS = {"equilateral": "equilateral", "squeezed": "squeezed", "all": "all, by largest side"}
#: GR - Newton, Newton: what is compared
KINDS = {"difference": "GR − Newton", "newton": "Newton"}
LOOP = 0.02  # largest correction of one loop where Newton at z = 1 is held against the tree level


def kept_modes(modes: Any) -> Modes:
    """The modes up to ``REACH`` along each axis, (SMALL, SMALL, SMALL // 2 + 1)."""
    n = modes.shape[-2]
    here, there = (np.r_[0 : REACH + 1, side - REACH : side] for side in (n, SMALL))
    small = np.zeros((SMALL, SMALL, SMALL // 2 + 1), dtype=np.complex128)
    small[np.ix_(there, there, range(REACH + 1))] = modes.numpy()[np.ix_(here, here, range(REACH + 1))]
    return small


def universes(case: Case, theory: str) -> list[list[Modes]]:
    """Kept modes of phi of a seed and of its inverse, by output."""
    shared = Shared(case.run(theory, False))
    fields = [grown(case, theory, inverted, shared)["phi"] for inverted in (False, True)]
    return [[kept_modes(one[z]) for z in REDSHIFTS] for one in fields]


def grow(folder: Path) -> None:
    """One file a seed, where there is none; then those of half the amplitude."""
    todo = [(seed, half) for half in (False, True) for seed in SEEDS if not path(folder, seed, half).exists()]
    with bar("seeds", len(todo)) as progress, threads(threads_for_mesh(MAIN.grid)):
        for seed, half in todo:
            case = replace(MAIN, seed=seed, amplitude=0.5 if half else 1.0)
            found = {"newton": universes(case, "newton")}
            if not half:
                early = early_potential(case, REDSHIFTS[0])
                products = quadratic.second_order_fields(early)
                names = ("gradient_squared", "psi_0", "theta_0", "square")
                found |= {"gr": universes(case, "gr"), "early": kept_modes(early)}
                found |= {name: kept_modes(getattr(products, name)) for name in names}
            with replacing(path(folder, seed, half)) as scratch, open(scratch, "wb") as handle:
                np.savez(handle, **found)
            progress.advance()


def path(folder: Path, seed: int, half: bool) -> Path:
    return folder / f"seed{seed:05d}{'-half' if half else ''}.npz"


def cube(modes: Modes) -> Any:
    """The field of kept modes."""
    import torch

    return fft.backward(torch.from_numpy(np.ascontiguousarray(modes)), SMALL, normalised=False)


def measured(folder: Path, seed: int) -> dict[tuple[str, str, float], Reals]:
    """(T,) of one seed by kind, what it is and redshift: even bispectra, and theory with the modes it drew."""
    found: dict[tuple[str, str, float], Reals] = {}
    background = Background(MAIN.cosmology, MAIN.box)
    with np.load(path(folder, seed, False)) as data:
        parts = {name: data[name] for name in data.files}
    for i, z in enumerate(REDSHIFTS):
        even = {
            t: even_bispectrum(*(cube(parts[t][s, i]) for s in (0, 1)), MAIN.box, EDGES).value for t in ("newton", "gr")
        }
        growth = second_order_growth(MAIN.cosmology, z)
        linear = cube(growth.potential * parts["early"])
        theta, square = difference_coefficients(growth)
        gradient, psi = newtonian_coefficients(growth, background.four_pi_G * MAIN.cosmology.Omega_m * (1 + z))
        second = {
            "difference": theta * parts["theta_0"] + square * parts["square"],
            "newton": gradient * parts["gradient_squared"] + psi * parts["psi_0"],
        }
        found["newton", "simulated", z] = even["newton"]
        found["difference", "simulated", z] = even["gr"] - even["newton"]
        for kind, modes in second.items():
            found[kind, "predicted", z] = mixed_bispectrum(linear, cube(modes), MAIN.box, EDGES)
    if path(folder, seed, True).exists():
        with np.load(path(folder, seed, True)) as data:
            half = data["newton"]
        for i, z in enumerate(REDSHIFTS):
            weak = 16 * even_bispectrum(cube(half[0, i]), cube(half[1, i]), MAIN.box, EDGES).value
            found["newton", "loop", z] = (found["newton", "simulated", z] - weak) / (1 - 0.5**2)
    return found


@dataclass(frozen=True)
class Triangles:
    """The triangles of shells that are measured, and what theory says of them on average."""

    rows: NDArray[np.int64]
    k: Reals
    tree: dict[tuple[str, float], Reals]
    variance: Reals  # of one universe, Gaussian, at z = 10; up to a factor for every output

    def groups(self, kind: str, z: float) -> Iterator[tuple[str, NDArray[np.bool_], Reals]]:
        """Name, triangles and what makes few numbers of them: (numbers, T) weights, of unit response to theory."""
        first, middle, last = self.rows.T
        chosen = {
            "equilateral": (first == last),
            "squeezed": (first == 0) & (middle == last) & (last >= 2),
            "all": np.ones(len(first), dtype=bool),
        }
        theory = self.tree[kind, z]
        for name, which in chosen.items():
            if name == "all":
                weight = np.array([np.where(last == shell, theory / self.variance, 0.0) for shell in np.unique(last)])
            else:
                weight = np.eye(len(first))[which] * np.sign(theory)
            yield name, which, weight / (weight @ theory)[:, None]


def triangles_of_theory() -> Triangles:
    """Rows, wavenumbers and tree levels, averaged over the modes of each triangle."""
    import torch

    noise = torch.randn((SMALL,) * 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shape = bispectrum(noise, MAIN.box, EDGES)
    run = MAIN.run("gr", False)
    theory = LinearTheory(run.simulation, run.cosmology)
    averages = TriangleAverages(MAIN.grid, MAIN.box, EDGES, shape.triangles)
    tree: dict[tuple[str, float], Reals] = {}
    for z in REDSHIFTS:

        def power(k: Reals, z: float = z) -> Reals:
            return theory.potential_power(k, z)

        tree["newton", z] = averages.bispectrum(newtonian_kernel(theory, z), power)
        tree["difference", z] = averages.bispectrum(
            relativistic_kernel(theory, run.simulation, z, "growing-mode"), power
        )
    powers = shell_mean(lambda k: theory.potential_power(k, REDSHIFTS[0]), MAIN.grid, MAIN.box, EDGES)
    first, middle, last = shape.triangles.T
    same = np.where(first == last, 6, np.where((first == middle) | (middle == last), 2, 1))
    return Triangles(shape.triangles, shape.k, tree, same * powers[shape.triangles].prod(axis=1) / shape.modes)


def hotelling(values: Reals) -> dict[str, float]:
    """Is the mean of (seeds, numbers) zero? chi^2 with the inverse of the sample covariance made unbiased (Hartlap et
    al. 2007), and the p value of T^2 by its F distribution, which needs no such correction."""
    seeds, numbers = values.shape
    mean, covariance = values.mean(axis=0), np.atleast_2d(np.cov(values.T))
    t2 = float(seeds * mean @ np.linalg.solve(covariance, mean))
    p = float(f_distribution.sf(t2 * (seeds - numbers) / (numbers * (seeds - 1)), numbers, seeds - numbers))
    return {"numbers": numbers, "chi2": t2 * (seeds - numbers - 2) / (seeds - 1), "p": p}


def jackknife(of_seeds: Any, seeds: int) -> tuple[float, float]:
    """Value and standard error of a function of a list of seeds."""
    every = np.arange(seeds)
    without = np.array([of_seeds(np.delete(every, i)) for i in every])
    return float(of_seeds(every)), float(np.sqrt((seeds - 1) * without.var()))


def response(found: Reals, expected: Reals, which: NDArray[np.bool_]) -> dict[str, float]:
    """Slope of what is found (seeds, T) on what its own modes make expected, every triangle with the same weight."""
    one, two = found[:, which], expected[:, which]
    weight = 1 / (two**2).mean(axis=0)

    def slope(seeds: NDArray[np.int64]) -> float:
        return float((one[seeds] * two[seeds] * weight).sum() / (two[seeds] ** 2 * weight).sum())

    value, error = jackknife(slope, len(found))
    norms = (one**2 * weight).sum() * (two**2 * weight).sum()
    return {"response": value, "error": error, "correlation": float((one * two * weight).sum() / norms**0.5)}


def of_mean(found: Reals, expected: Reals, weight: Reals) -> dict[str, float]:
    """Ratio of the means over seeds, the numbers of a group summed with weights of unit response to theory."""
    total = weight.sum(axis=0)

    def ratio(seeds: NDArray[np.int64]) -> float:
        return float((found[seeds] @ total).sum() / (expected[seeds] @ total).sum())

    value, error = jackknife(ratio, len(found))
    return {"ratio": value, "ratio_error": error}


def numbers(folder: Path) -> dict[str, Any]:
    """All that the page says, of the seeds that are in the folder."""
    seeds = [seed for seed in SEEDS if path(folder, seed, False).exists()]
    each = [measured(folder, seed) for seed in seeds]
    halves = [one for one in each if ("newton", "loop", REDSHIFTS[0]) in one]
    shape = triangles_of_theory()
    results: dict[str, Any] = {
        "seeds": len(seeds), "seeds_of_half_amplitude": len(halves), "k": shape.k.round(6).tolist(),
        "triangles": shape.rows.tolist(), "outputs": {},
    }  # fmt: skip
    for z in REDSHIFTS:
        below = shells_below(halves, shape, z) if len(halves) > 1 else {"corrections": [], "shells": len(EDGES) - 1}
        output: dict[str, Any] = {"one_loop": below}
        for kind in KINDS:
            found, expected = (np.array([one[kind, name, z] for one in each]) for name in ("simulated", "predicted"))
            tree = shape.tree[kind, z]
            entry: dict[str, Any] = {"groups": {}, "tree": digits(tree)}
            for name, values in (("simulated", found), ("predicted", expected), ("rest", found - expected)):
                entry[name] = digits(values.mean(axis=0))
                entry[f"{name}_error"] = digits(values.std(axis=0, ddof=1) / np.sqrt(len(seeds)))
            limits = [len(EDGES) - 1] + ([below["shells"]] if kind == "newton" and z == 1 else [])
            for limit in limits:
                inside = shape.rows[:, 2] < limit
                for name, which, weight in shape.groups(kind, z):
                    rows = weight[(weight[:, ~inside] == 0).all(axis=1)]
                    if not len(rows):
                        continue
                    entry["groups"][f"{name} {limit}"] = {
                        "group": name, "shells": limit, "triangles": int((which & inside).sum()),
                        **response(found, expected, which & inside), **of_mean(found, expected, rows),
                        "own_modes": hotelling((found - expected) @ rows.T),
                        "mean_theory": hotelling((found - tree) @ rows.T),
                        "drawn": hotelling((expected - tree) @ rows.T),
                        "points": {
                            "k": shape.k[[np.flatnonzero(row)[0] for row in rows], 2].round(5).tolist(),
                            **points(found, expected, tree, rows),
                        },
                    }  # fmt: skip
            output[kind] = entry
        results["outputs"][f"{z:g}"] = output
    return results


def points(found: Reals, expected: Reals, tree: Reals, rows: Reals) -> dict[str, list[float]]:
    """Of each number of a group, in units of theory: mean and error as simulated, and less theory of its own modes."""
    values: dict[str, list[float]] = {}
    for name, one in (("simulated", found), ("rest", found - expected)):
        of_rows = one @ rows.T / (rows @ tree)
        values[name] = digits(of_rows.mean(axis=0))
        values[f"{name}_error"] = digits(of_rows.std(axis=0, ddof=1) / np.sqrt(len(one)))
    return values


def shells_below(halves: list[Any], shape: Triangles, z: float) -> dict[str, Any]:
    """Newton's correction of one loop by the largest side, of the tree level, and how many shells are below ``LOOP``.

    From the same seeds at half the amplitude A: B = A^4 tree + A^6 loop, so that B(1) - 16 B(1/2) is 3/4 of the loop.
    """
    loop = np.array([one["newton", "loop", z] for one in halves])
    weight = next(rows for name, _, rows in shape.groups("newton", z) if name == "all")
    of_shells = loop @ weight.T
    mean, error = of_shells.mean(axis=0), of_shells.std(axis=0, ddof=1) / np.sqrt(len(loop))
    large = np.flatnonzero(np.abs(mean) >= LOOP)
    return {
        "corrections": digits(mean), "errors": digits(error),
        "shells": int(large[0]) if len(large) else len(mean),
    }  # fmt: skip


def digits(values: Reals) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def draw(results: dict[str, Any]) -> None:
    """GR - Newton over theory, and Newton over the tree level, by largest side."""
    shown = {"equilateral": "equilateral", "squeezed": "squeezed", "all": "all, by largest side"}
    colours = dict(zip(shown, OTHERS, strict=False))
    nyquist = np.pi / MAIN.cell
    figure, axes = new_figure(2, 2, size=(5.6, 3.6))
    for row, kind in enumerate(KINDS):
        for column, z in enumerate(REDSHIFTS):
            panel, entry = axes[row, column], results["outputs"][f"{z:g}"][kind]
            for place, (name, label) in enumerate(shown.items()):
                found = entry["groups"][f"{name} {len(EDGES) - 1}"]["points"]
                k = np.array(found["k"]) * (1 + 0.012 * (place - 1)) / nyquist
                rest, wide = np.array(found["rest"]), np.array(found["simulated_error"])
                if name == "all":
                    panel.fill_between(
                        k, 1 - wide, 1 + wide, color=LIGHT_GREY, linewidth=0, label="error without own modes"
                    )
                panel.errorbar(
                    k, 1 + rest, found["rest_error"], fmt="o", markersize=3.5, elinewidth=0.9, color=colours[name],
                    label=label,
                )  # fmt: skip
            panel.axhline(1, color=GREY, linewidth=1)
            panel.set_title(f"{KINDS[kind]}, z = {z:g}", fontsize=10, color=COLOURS[kind])
            panel.set_ylim(*((0.5, 1.5) if kind == "difference" else (0.9, 1.1)))
            panel.set_ylabel(r"$B_\Phi$ / theory, own modes")
            panel.set_xlabel("largest side k / k_Nyq")
    axes[0, 0].legend(frameon=False, fontsize=8, ncols=2)
    save_png(IMAGES / "verification_ensemble.png", figure)


def p_value(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"**{value:.1g}**"


def tables(results: dict[str, Any]) -> str:
    """What was asked of the mesh, and what it gave."""
    lines = [f"{results['seeds']} seeds with their inverses, sides up to k_Nyq/4 unless said.", ""]
    for kind, title in KINDS.items():
        rows = []
        for z, output in results["outputs"].items():
            for found in output[kind]["groups"].values():
                whole = found["shells"] == len(EDGES) - 1
                where = "" if whole else f", sides up to k_Nyq/{MAIN.grid / 2 / found['shells']:.1f}"
                own, mean = found["own_modes"], found["mean_theory"]
                rows.append((
                    f"z = {z}, {GROUPS[found['group']]}{where}", str(found["triangles"]),
                    f"{found['response']:.3f} ± {found['error']:.3f}", f"{found['correlation']:.4f}",
                    f"{found['ratio']:.3f} ± {found['ratio_error']:.3f}",
                    f"{own['chi2']:.1f} of {own['numbers']}", p_value(own["p"]),
                    f"{mean['chi2']:.1f} of {mean['numbers']}", p_value(mean["p"]),
                ))  # fmt: skip
        head = (
            "output, triangles", "number", "response", "correlation", "ratio of the means", "chi^2, own modes", "p",
            "chi^2, mean theory", "p",
        )  # fmt: skip
        lines += [f"{title} of B_Phi over theory:", "", table(head, rows), ""]
    loops = [
        (f"z = {z}", *(f"{value:+.3f} ± {error:.3f}" for value, error in zip(*pair, strict=True)))
        for z, output in results["outputs"].items()
        if (pair := (output["one_loop"]["corrections"], output["one_loop"].get("errors", [])))[0]
    ]
    if loops:
        lines += [
            f"One loop of Newton over its tree level by largest side, of {results['seeds_of_half_amplitude']} seeds:",
            "",
            table(("largest side / k_F", *(str(i + 1) for i in range(len(loops[0]) - 1))), loops),
        ]
    return "\n".join(lines).rstrip()


def main() -> None:
    """Grow, measure, draw and write, as far as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="one file a seed")
    parser.add_argument("--measure", action="store_true", help="grow nothing")
    parser.add_argument("--redraw", action="store_true", help="from docs/ensemble.json")
    options = parser.parse_args()
    if options.redraw:
        results = json.loads(KEPT.read_text())
    elif options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        if not options.measure:
            grow(options.folder)
        results = numbers(options.folder)
        write_text(KEPT, json.dumps(results) + "\n")
    else:
        parser.error("expected a folder, or --redraw")
    draw(results)
    fill(DOCS / "verification.md", "ensemble", "docs/scripts/ensemble.py", tables(results))


if __name__ == "__main__":
    main()
