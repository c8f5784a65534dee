"""Bispectra of 30 seeds and their inverses on the spectral mesh against theory (docs/verification.md).

    python docs/scripts/ensemble.py FOLDER              grows what FOLDER lacks, then numbers, figures and tables
    python docs/scripts/ensemble.py FOLDER --measure    numbers, figures and tables of the seeds that are there
    python docs/scripts/ensemble.py FOLDER --grid 32    the same on 32^3, in a folder of its own
    python docs/scripts/ensemble.py --redraw            figures and tables of what docs/ensemble.json holds

64^3 cells of 20 Mpc/h, dust and Lambda, in memory: four universes a seed, and four of half the amplitude. Some ten
seconds of one core each, three quarters of an hour in all; an eighth of that on 32^3. FOLDER gets one file a seed and
amplitude, whole or not at all, with the modes of Phi up to a third of the Nyquist wavenumber, 1.5 MB; stopped and
started again the script goes on behind the last. The figure is that of the largest grid, tables are those of all.
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

from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, NAMES, OTHERS, new_figure, save_png
from weakfield.base.files import replacing, write_text
from weakfield.base.progress import bar
from weakfield.cosmology import Background, second_order_growth
from weakfield.fourier import quadratic
from weakfield.mesh import fft
from weakfield.mesh.threads import threads, threads_for_mesh
from weakfield.simulation.study_cache import StudyCache
from weakfield.spectra import bispectrum, even_bispectrum, mixed_bispectrum
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, relativistic_kernel, shell_mean
from weakfield.spectra.theory.relativistic import difference_coefficients, newtonian_coefficients

Reals = NDArray[np.float64]
Modes = NDArray[np.complex128]

KEPT = DOCS / "ensemble.json"
SEEDS = range(30)
REDSHIFTS = (10.0, 1.0)
GROUPS = {"equilateral": "equilateral", "squeezed": "squeezed", "all": "all, by largest side"}
#: GR - Newton, Newton: what is compared
KINDS = {"difference": NAMES["difference"], "newton": NAMES["newton"]}
ENOUGH = 10  # seeds of half the amplitude, for eight numbers and their covariance
LOOP = 0.02  # largest correction of one loop where z = 1 is held against the tree level


@dataclass(frozen=True)
class Mesh:
    """The universes of one grid: cells of 20 Mpc/h, what ``Case`` has for the rest."""

    grid: int

    @property
    def case(self) -> Case:
        """Step 0.06, spectral mesh, growing-mode start, Eisenstein-Hu, double precision."""
        return Case(grid=self.grid, cell=20.0, seed=0)

    @property
    def box(self) -> float:
        return self.case.box

    @property
    def reach(self) -> int:
        """Wave numbers kept along each axis, in units of k_F: to a third of the Nyquist wavenumber."""
        return round(self.grid / 6)

    @property
    def small(self) -> int:
        """Side of the mesh that holds them."""
        return 2 * (self.reach + 1)

    @property
    def edges(self) -> Reals:
        """One k_F wide, to a quarter of the Nyquist wavenumber."""
        return np.arange(0.5, self.grid / 8 + 1)

    @property
    def shells(self) -> int:
        return len(self.edges) - 1


def kept_modes(mesh: Mesh, modes: Any) -> Modes:
    """The modes up to ``reach`` along each axis, on the small mesh."""
    n = modes.shape[-2]
    here, there = (np.r_[0 : mesh.reach + 1, side - mesh.reach : side] for side in (n, mesh.small))
    small = np.zeros((mesh.small, mesh.small, mesh.small // 2 + 1), dtype=np.complex128)
    small[np.ix_(there, there, range(mesh.reach + 1))] = modes.numpy()[np.ix_(here, here, range(mesh.reach + 1))]
    return small


def universes(mesh: Mesh, case: Case, theory: str) -> list[list[Modes]]:
    """Kept modes of phi of a seed and of its inverse, by output."""
    shared = StudyCache(case.run(theory, False))
    fields = [grown(case, theory, inverted, shared)["phi"] for inverted in (False, True)]
    return [[kept_modes(mesh, one[z]) for z in REDSHIFTS] for one in fields]


def grow(mesh: Mesh, folder: Path) -> None:
    """One file a seed, where there is none; then those of half the amplitude."""
    todo = [(seed, half) for half in (False, True) for seed in SEEDS if not path(folder, seed, half).exists()]
    with bar("seeds", len(todo)) as progress, threads(threads_for_mesh(mesh.case.grid)):
        for seed, half in todo:
            case = replace(mesh.case, seed=seed, amplitude=0.5 if half else 1.0)
            found = {theory: universes(mesh, case, theory) for theory in ("newton", "gr")}
            if not half:
                early = early_potential(case, REDSHIFTS[0])
                products = quadratic.second_order_fields(early)
                names = ("gradient_squared", "psi_0", "theta_0", "square")
                found |= {"early": kept_modes(mesh, early)}
                found |= {name: kept_modes(mesh, getattr(products, name)) for name in names}
            with replacing(path(folder, seed, half)) as scratch, open(scratch, "wb") as handle:
                np.savez(handle, **found)
            progress.advance()


def path(folder: Path, seed: int, half: bool) -> Path:
    return folder / f"seed{seed:05d}{'-half' if half else ''}.npz"


def cube(mesh: Mesh, modes: Modes) -> Any:
    """The field of kept modes."""
    import torch

    return fft.backward(torch.from_numpy(np.ascontiguousarray(modes)), mesh.small, normalised=False)


def measured(mesh: Mesh, folder: Path, seed: int) -> dict[tuple[str, str, float], Reals]:
    """(T,) of one seed by kind, what it is and redshift: even bispectra, and theory with the modes it drew.

    With universes of half the amplitude, too, "loop": what is of sixth order in the initial modes. The even part of a
    bispectrum is A^4 tree + A^6 loop for the amplitude A, so that B(1) - 16 B(1/2) is 3/4 of it.
    """
    found: dict[tuple[str, str, float], Reals] = {}
    background = Background(mesh.case.cosmology, mesh.box)
    parts = load(folder, seed, False)
    half = load(folder, seed, True) if path(folder, seed, True).exists() else None
    for i, z in enumerate(REDSHIFTS):
        growth = second_order_growth(mesh.case.cosmology, z)
        linear = cube(mesh, growth.potential * parts["early"])
        theta, square = difference_coefficients(growth)
        gradient, psi = newtonian_coefficients(growth, background.four_pi_G * mesh.case.cosmology.Omega_m * (1 + z))
        second = {
            "difference": theta * parts["theta_0"] + square * parts["square"],
            "newton": gradient * parts["gradient_squared"] + psi * parts["psi_0"],
        }
        whole = even(mesh, parts, i)
        for kind, modes in second.items():
            found[kind, "simulated", z] = whole[kind]
            found[kind, "predicted", z] = mixed_bispectrum(linear, cube(mesh, modes), mesh.box, mesh.edges)
        found["difference", "third", z] = third_order(mesh, parts, i)
        if half:
            found |= {(kind, "loop", z): (whole[kind] - 16 * weak) / 0.75 for kind, weak in even(mesh, half, i).items()}
    return found


def even(mesh: Mesh, parts: dict[str, Modes], output: int) -> dict[str, Reals]:
    """Even bispectra of Newton and of GR less Newton at one output."""
    newton, gr = (
        even_bispectrum(*(cube(mesh, parts[theory][sign, output]) for sign in (0, 1)), mesh.box, mesh.edges).value
        for theory in ("newton", "gr")
    )
    return {"newton": newton, "difference": gr - newton}


def third_order(mesh: Mesh, parts: dict[str, Modes], output: int) -> Reals:
    """What the odd part of GR - Newton, of third order, makes of the even bispectrum beside Newton's even part."""
    odd = [cube(mesh, (parts[t][0, output] - parts[t][1, output]) / 2) for t in ("newton", "gr")]
    second = cube(mesh, (parts["newton"][0, output] + parts["newton"][1, output]) / 2)
    newton, gr = (mixed_bispectrum(one, second, mesh.box, mesh.edges) for one in odd)
    return gr - newton


def load(folder: Path, seed: int, half: bool) -> dict[str, Modes]:
    with np.load(path(folder, seed, half)) as data:
        return {name: data[name] for name in data.files}


@dataclass(frozen=True)
class Triangles:
    """The triangles of shells that are measured, and what theory says of them on average."""

    rows: NDArray[np.int64]
    k: Reals
    tree: dict[tuple[str, float], Reals]
    variance: Reals  # of one universe, Gaussian, at z = 10; up to a factor for every output

    def groups(self, kind: str, z: float, limit: int) -> Iterator[tuple[str, NDArray[np.bool_], Reals]]:
        """Name, triangles below a shell, and what makes a few numbers of them: (numbers, T), 1 for theory's mean."""
        first, middle, last = self.rows.T
        chosen = {
            "equilateral": first == last,
            "squeezed": (first == 0) & (middle == last) & (last >= 2),
            "all": np.ones(len(first), dtype=bool),
        }
        theory = self.tree[kind, z]
        for name, group in chosen.items():
            which = group & (last < limit)
            if not which.any():
                continue
            if name == "all":
                shells = np.unique(last[which])
                weight = np.array([np.where(last == shell, theory / self.variance, 0.0) for shell in shells])
            else:
                weight = np.eye(len(first))[which]
            yield name, which, weight / (weight @ theory)[:, None]


def triangles_of_theory(mesh: Mesh) -> Triangles:
    """Rows, wavenumbers and tree levels, averaged over the modes of each triangle."""
    import torch

    noise = torch.randn((mesh.small,) * 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shape = bispectrum(noise, mesh.box, mesh.edges)
    run = mesh.case.run("gr", False)
    theory = LinearTheory(run.simulation, run.cosmology)
    averages = TriangleAverages(mesh.case.grid, mesh.box, mesh.edges, shape.triangles)
    tree: dict[tuple[str, float], Reals] = {}
    for z in REDSHIFTS:

        def power(k: Reals, z: float = z) -> Reals:
            return theory.potential_power(k, z)

        tree["newton", z] = averages.bispectrum(newtonian_kernel(theory, z), power)
        tree["difference", z] = averages.bispectrum(
            relativistic_kernel(theory, run.simulation, z, "growing-mode"), power
        )
    powers = shell_mean(lambda k: theory.potential_power(k, REDSHIFTS[0]), mesh.case.grid, mesh.box, mesh.edges)
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
    """Ratio of the means over seeds of what ``weight`` makes one number of."""

    def ratio(seeds: NDArray[np.int64]) -> float:
        return float((found[seeds] @ weight).sum() / (expected[seeds] @ weight).sum())

    value, error = jackknife(ratio, len(found))
    return {"ratio": value, "ratio_error": error}


def numbers(mesh: Mesh, folder: Path) -> dict[str, Any]:
    """All that the page says, of the seeds that are in the folder."""
    seeds = [seed for seed in SEEDS if path(folder, seed, False).exists()]
    each = [measured(mesh, folder, seed) for seed in seeds]
    halves = [one for one in each if ("newton", "loop", REDSHIFTS[0]) in one]
    shape = triangles_of_theory(mesh)
    results: dict[str, Any] = {
        "seeds": len(seeds), "seeds_of_half_amplitude": len(halves), "k": shape.k.round(6).tolist(),
        "triangles": shape.rows.tolist(), "outputs": {},
    }  # fmt: skip
    for z in REDSHIFTS:
        loops = {kind: one_loop(halves, shape, kind, z) for kind in KINDS} if len(halves) > ENOUGH else {}
        output: dict[str, Any] = {"one_loop": loops}
        for kind in KINDS:
            found, expected = (np.array([one[kind, name, z] for one in each]) for name in ("simulated", "predicted"))
            entry: dict[str, Any] = {"groups": {}, "tree": digits(shape.tree[kind, z])}
            for name, values in (("simulated", found), ("predicted", expected), ("rest", found - expected)):
                entry[name] = digits(values.mean(axis=0))
                entry[f"{name}_error"] = digits(values.std(axis=0, ddof=1) / np.sqrt(len(seeds)))
            limits = [mesh.shells]
            if z == 1 and loops and 0 < loops[kind]["shells"] < limits[0]:
                limits.append(loops[kind]["shells"])
            for limit in limits:
                for name, which, rows in shape.groups(kind, z, limit):
                    entry["groups"][f"{name} {limit}"] = {
                        "group": name, "shells": limit, "triangles": int(which.sum()),
                        **compared(found, expected, shape, kind, z, which, rows),
                        "mean_theory": hotelling((found - shape.tree[kind, z]) @ rows.T),
                        "drawn": hotelling((expected - shape.tree[kind, z]) @ rows.T),
                        "leading": leading(halves, shape, kind, z, which, rows),
                    }  # fmt: skip
            output[kind] = entry
        results["outputs"][f"{z:g}"] = output
    return results


def compared(
    found: Reals, expected: Reals, shape: Triangles, kind: str, z: float, which: NDArray[np.bool_], rows: Reals
) -> dict[str, Any]:
    """A group against theory of its own modes."""
    return {
        **response(found, expected, which),
        **of_mean(found, expected, np.where(which, shape.tree[kind, z] / shape.variance, 0.0)),
        "own_modes": hotelling((found - expected) @ rows.T),
        "points": {
            "k": shape.k[[np.flatnonzero(row)[0] for row in rows], 2].round(5).tolist(),
            **points(found, expected, shape.tree[kind, z], rows),
        },
    }  # fmt: skip


def leading(
    halves: list[Any], shape: Triangles, kind: str, z: float, which: NDArray[np.bool_], rows: Reals
) -> dict[str, Any] | None:
    """The same of the fourth order of the initial modes alone, that of the tree level."""
    if len(halves) <= ENOUGH:
        return None
    found, loop, expected = (
        np.array([one[kind, name, z] for one in halves]) for name in ("simulated", "loop", "predicted")
    )
    return compared(found - loop, expected, shape, kind, z, which, rows) | {
        "mean_theory": hotelling((found - loop - shape.tree[kind, z]) @ rows.T)
    }


def points(found: Reals, expected: Reals, tree: Reals, rows: Reals) -> dict[str, list[float]]:
    """Of each number of a group, in units of theory: mean and error as simulated, and less theory of its own modes."""
    values: dict[str, list[float]] = {}
    for name, one in (("simulated", found), ("rest", found - expected)):
        of_rows = one @ rows.T / (rows @ tree)
        values[name] = digits(of_rows.mean(axis=0))
        values[f"{name}_error"] = digits(of_rows.std(axis=0, ddof=1) / np.sqrt(len(one)))
    return values


def one_loop(halves: list[Any], shape: Triangles, kind: str, z: float) -> dict[str, Any]:
    """The sixth order over the tree level by the largest side, and how many shells there are before ``LOOP``."""
    loop, third = (
        np.array([one.get((kind, name, z), np.zeros(len(shape.rows))) for one in halves]) for name in ("loop", "third")
    )
    weight = next(rows for name, _, rows in shape.groups(kind, z, int(shape.rows.max()) + 1) if name == "all")
    of_shells = loop @ weight.T
    mean, error = of_shells.mean(axis=0), of_shells.std(axis=0, ddof=1) / np.sqrt(len(loop))
    large = np.flatnonzero(np.abs(mean) >= LOOP)
    return {
        "corrections": digits(mean), "errors": digits(error), "shells": int(large[0]) if len(large) else len(mean),
        "third": digits((third @ weight.T).mean(axis=0)),
    }  # fmt: skip


def digits(values: Reals) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def draw(mesh: Mesh, results: dict[str, Any]) -> None:
    """GR - Newton over theory, and Newton over the tree level, by largest side."""
    colours = dict(zip(GROUPS, OTHERS, strict=False))
    nyquist = np.pi / mesh.case.cell
    figure, axes = new_figure(2, 2, size=(5.6, 3.6))
    for row, kind in enumerate(KINDS):
        for column, z in enumerate(REDSHIFTS):
            panel, entry = axes[row, column], results["outputs"][f"{z:g}"][kind]
            for place, (name, label) in enumerate(GROUPS.items()):
                group = entry["groups"][f"{name} {mesh.shells}"]
                found = group["points"]
                k = np.array(found["k"]) * (1 + 0.012 * (place - 1)) / nyquist
                if name == "all":
                    wide = np.array(found["simulated_error"])
                    panel.fill_between(
                        k, 1 - wide, 1 + wide, color=LIGHT_GREY, linewidth=0, label="cosmic variance of the mean"
                    )
                options = {"markersize": 3.5, "elinewidth": 0.9, "color": colours[name]}
                panel.errorbar(k, 1 + np.array(found["rest"]), found["rest_error"], fmt="o", label=label, **options)
                if group["leading"] and kind == "difference":
                    fourth = group["leading"]["points"]
                    panel.errorbar(
                        k * 1.004, 1 + np.array(fourth["rest"]), fourth["rest_error"], fmt="o", fillstyle="none",
                        label=f"{label}, fourth order", **options,
                    )  # fmt: skip
            panel.axhline(1, color=GREY, linewidth=1)
            panel.set_title(f"{KINDS[kind]}, z = {z:g}", fontsize=10, color=COLOURS[kind])
            panel.set_ylim(*((0.6, 1.6) if kind == "difference" else (0.95, 1.05)))
            panel.set_ylabel(r"$B_\Phi$ / theory, own modes")
            panel.set_xlabel(r"largest side $k\,/\,k_\mathrm{Nyq}$")
    axes[0, 0].legend(frameon=False, fontsize=8, ncols=2)
    save_png(IMAGES / "verification_ensemble.png", figure)


def p_value(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"**{value:.1g}**"


def judged(found: dict[str, Any]) -> tuple[str, ...]:
    """Response, correlation, ratio of means of a group; chi^2 and p against theory of its modes, and of the mean."""
    own, mean = found["own_modes"], found["mean_theory"]
    return (
        f"{found['response']:.3f} ± {found['error']:.3f}", f"{found['correlation']:.4f}",
        f"{found['ratio']:.3f} ± {found['ratio_error']:.3f}", f"{own['chi2']:.1f} of {own['numbers']}",
        p_value(own["p"]), f"{mean['chi2']:.1f} of {mean['numbers']}", p_value(mean["p"]),
    )  # fmt: skip


def tables(mesh: Mesh, results: dict[str, Any]) -> str:
    """What was asked of the mesh, and what it gave."""
    lines = [
        f"**{mesh.grid}³ cells of 20 Mpc/h**: {results['seeds']} seeds with their inverses, "
        f"{results['seeds_of_half_amplitude']} at half the amplitude too. Sides up to k_Nyq/4 unless said."
    ]
    of_own = (
        "output, triangles", "number", "response", "correlation", "ratio of the means", "chi^2, own modes", "p",
        "chi^2, mean theory", "p",
    )  # fmt: skip
    for kind, title in KINDS.items():
        rows, fourth = [], []
        for z, output in results["outputs"].items():
            for found in output[kind]["groups"].values():
                whole = found["shells"] == mesh.shells
                where = "" if whole else f", sides up to k_Nyq/{mesh.case.grid / 2 / found['shells']:.1f}"
                named = (f"z = {z}, {GROUPS[found['group']]}{where}", str(found["triangles"]))
                rows.append((*named, *judged(found)))
                if found["leading"]:
                    fourth.append((*named, *judged(found["leading"])))
        lines += ["", f"{title} of B_Phi over theory:", "", table(of_own, rows)]
        if fourth:
            lines += ["", f"{title}, the fourth order of the initial modes alone:", "", table(of_own, fourth)]
    loops = []
    for z, output in results["outputs"].items():
        for kind, one in output["one_loop"].items():
            name = f"z = {z}, {KINDS[kind]}"
            loops.append((name, *map("{:+.3f} ± {:.3f}".format, one["corrections"], one["errors"])))
            if kind == "difference":
                loops.append((f"{name}: its odd part beside Newton's even one", *map("{:+.3f}".format, one["third"])))
    if loops:
        head = ("largest side / k_F", *(str(shell + 1) for shell in range(len(loops[0]) - 1)))
        lines += ["", "The sixth order (one loop) over the tree level, all triangles:", "", table(head, loops)]
    return "\n".join(lines)


def main() -> None:
    """Grow, measure, draw and write, as far as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="one file a seed")
    parser.add_argument("--grid", type=int, default=64, help="cells along an axis; a folder for each grid")
    parser.add_argument("--measure", action="store_true", help="grow nothing")
    parser.add_argument("--redraw", action="store_true", help="from docs/ensemble.json")
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if options.folder:
        mesh = Mesh(options.grid)
        options.folder.mkdir(parents=True, exist_ok=True)
        if not options.measure:
            grow(mesh, options.folder)
        results[str(mesh.grid)] = numbers(mesh, options.folder)
        write_text(KEPT, json.dumps(results) + "\n")
    elif not options.redraw:
        parser.error("expected a folder, or --redraw")
    grids = sorted((int(grid) for grid in results), reverse=True)
    draw(Mesh(grids[0]), results[str(grids[0])])
    text = "\n\n".join(tables(Mesh(grid), results[str(grid)]) for grid in grids)
    fill(DOCS / "verification.md", "ensemble", "docs/scripts/ensemble.py", text)


if __name__ == "__main__":
    main()
