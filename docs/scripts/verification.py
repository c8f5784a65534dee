"""Spectra and bispectra of an ensemble against theory, and how the mesh's deficit shrinks with its cells.

    python docs/scripts/verification.py FOLDER      grows what FOLDER lacks: 60 pairs of 64^3, and 8 of each other case
    python docs/scripts/verification.py --redraw    figures and tables only

Half an hour on two cores. Writes docs/verification.json and, from it, docs/images/verification_*.png and the
tables between the marks in docs/verification.md.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from marks import DOCS, IMAGES, fill

import weakfield as wf
from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, new_figure, save_png, wavenumber_axis
from weakfield.config import RunFolder, StudyConfig
from weakfield.spectra import cross_spectrum
from weakfield.spectra.measure import read_member
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, shell_mean, started_kernel
from weakfield.spectra.theory.realised import RealisedModes, linear_potential
from weakfield.study import run_study

OUTPUTS = (10.0, 1.0)
PICTURES = ("spectra_phi", "spectra_delta_written", "spectra_difference_cube", "bispectra_phi")


@dataclass(frozen=True)
class Case:
    """One kind of mesh: ``grid`` cells in a box [Mpc/h], ``finer`` particles a cell and axis."""

    box: float
    grid: int = 64
    finer: int = 1
    seeds: int = 8

    @property
    def name(self) -> str:
        return f"grid{self.grid}-box{self.box:g}" + (f"-particles{self.finer**3}" if self.finer > 1 else "")

    @property
    def cell(self) -> float:
        return self.box / self.grid

    @property
    def edges(self) -> np.ndarray:
        """Of the triangles: one k_F wide, to a third of the Nyquist wavenumber."""
        return np.arange(0.5, self.grid / 6 + 1)

    @property
    def study(self) -> StudyConfig:
        values = {
            "grid": self.grid, "box_size_mpch": self.box, "tiling": self.finer * self.grid // 4,
            "mesh": "staggered", "start": "linear", "step_limit_hubble": 0.04, "snapshot_redshifts": list(OUTPUTS),
        }  # fmt: skip
        if self.finer == 1:
            del values["tiling"]
        seeds = {"first": 0, "count": self.seeds}
        return StudyConfig.from_mapping({"name": self.name, "seeds": seeds, "simulation": values})


MAIN = Case(1280.0, seeds=60)  # cells of 20 Mpc/h, those of the study
CELLS = (Case(2560.0), MAIN, Case(640.0), Case(320.0), Case(160.0))
PARTICLES = tuple(Case(640.0, 32, finer) for finer in (1, 2, 4))


def grown(root: Path, case: Case) -> RunFolder:
    """The run folder of a case, with every pair."""
    run_study(case.study, root / case.name, only="simulate")
    return RunFolder(root / case.name)


def responses(config: StudyConfig, folder: RunFolder, theory: LinearTheory) -> dict:
    """P_phi of each seed over linear theory with its own modes: (theory, output) -> seeds x shells."""
    found: dict = {}
    for seed in config.seeds.all:
        own = RealisedModes(config.simulation, seed)
        for kind in ("newton", "gr"):
            for z, member in read_member(config, folder, seed, kind).items():
                power = wf.power_spectrum(member.phi, member.box_size_mpch).power
                with np.errstate(divide="ignore", invalid="ignore"):
                    found.setdefault((kind, z), []).append(power / own.power(theory, z))
    return {key: np.array(rows) for key, rows in found.items()}


def bispectra(case: Case, folder: RunFolder, theory: LinearTheory, z: float) -> dict:
    """B of Newton seed by seed: as measured, and less that of the linear field, which is zero on average.

    The tree level, averaged over the triples of each triangle, has each leg multiplied by sqrt(P / P_linear).
    """
    config, box, edges = case.study, case.box, case.edges
    plain, reduced = [], []
    for seed in config.seeds.all:
        phi = read_member(config, folder, seed, "newton")[z].phi
        linear = linear_potential(theory, config.simulation, seed, z)
        measured, first = (wf.bispectrum(field, box, edges) for field in (phi, linear))
        leg = cross_spectrum(phi, linear, box, edges).power / first.power[0, 0]
        plain.append(measured)
        reduced.append(measured.value - leg[first.triangles].prod(axis=1) * first.value)
    mean = sum(plain[1:], plain[0])
    averages = TriangleAverages(case.grid, box, edges, mean.triangles)
    tree, started = (
        averages.bispectrum(kernel, lambda k: theory.potential_power(k, z))
        for kernel in (newtonian_kernel(theory, z), started_kernel(theory, config.simulation, z))
    )
    expected = shell_mean(lambda k: theory.potential_power(k, z), case.grid, box, edges)
    legs = np.sqrt(mean.power[0, 0] / expected)
    return {
        "triangles": mean.triangles, "k": mean.k, "tree": tree, "mesh": tree * legs[mean.triangles].prod(axis=1),
        "started": started, "plain": np.array([one.value for one in plain]), "reduced": np.array(reduced),
    }  # fmt: skip


def amplitude(values: np.ndarray, tree: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """Best factor of the tree level over the chosen triangles, with its standard error over seeds."""
    weight = tree[chosen] / values[:, chosen].var(axis=0, ddof=1)
    each = values[:, chosen] @ weight / (tree[chosen] @ weight)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def bispectrum_numbers(found: dict, grid: int) -> dict:
    """What is kept of the bispectra of one box and output: pulls and amplitudes by the largest side."""
    last, numbers = found["triangles"][:, 2], {"shells": {}, "cuts": {}}
    numbers["started"] = float(found["started"] @ found["tree"] / (found["tree"] @ found["tree"]))
    for kind in ("plain", "reduced"):
        values, mesh = found[kind], found["mesh"]
        rows = [amplitude(values, mesh, last == shell) for shell in range(last.max() + 1)]
        numbers["shells"][kind] = {"amplitude": [a for a, _ in rows], "error": [e for _, e in rows]}
        for cut in (6, 4, 3):
            chosen = (found["triangles"] + 1.5 <= grid / 2 / cut + 0.5).all(axis=1)
            error = values[:, chosen].std(axis=0, ddof=1) / np.sqrt(len(values))
            pull = (values[:, chosen].mean(axis=0) - mesh[chosen]) / error
            fit = amplitude(values, mesh, chosen)
            numbers["cuts"].setdefault(str(cut), {})[kind] = {
                "triangles": int(chosen.sum()), "amplitude": fit[0], "error": fit[1],
                "chi2": float((pull**2).sum()), "largest_pull": float(np.abs(pull).max()),
                "within_one_error": float((np.abs(pull) < 1).mean()), "within_two": float((np.abs(pull) < 2).mean()),
            }  # fmt: skip
    numbers["k"] = [float(found["k"][last == shell, 2].mean()) for shell in range(last.max() + 1)]
    return numbers


def measured(root: Path, case: Case) -> dict:
    """Everything that is plotted or tabulated of one case."""
    config, folder = case.study, grown(root, case)
    theory = LinearTheory(config.simulation, config.cosmology)
    entry: dict = {
        "cell_mpch": case.cell, "particles_a_cell": case.finer**3, "seeds": case.seeds,
        "k_hmpc": shell_mean(lambda k: k, case.grid, case.box).tolist(), "response": {}, "bispectrum": {},
    }  # fmt: skip
    for (kind, z), rows in responses(config, folder, theory).items():
        entry["response"][f"{kind} {z:g}"] = {
            name: [float(f"{value:.6g}") for value in getattr(rows, name)(axis=0)]
            for name in ("mean", "std", "min", "max")
        }
    for z in OUTPUTS:
        entry["bispectrum"][f"{z:g}"] = bispectrum_numbers(bispectra(case, folder, theory, z), case.grid)
    print(f"{case.name} measured", flush=True)
    return entry


def stage(root: Path) -> list[dict]:
    """The measure stage on the largest ensemble: its pictures into the pages, its significances as rows."""
    run_study(MAIN.study, root / MAIN.name, only="measure")
    folder = RunFolder(root / MAIN.name).spectra
    for name in PICTURES:
        shutil.copyfile(folder / f"{name}.png", IMAGES / f"verification_{name}.png")
    with open(folder / "significance.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def draw(results: dict) -> None:
    """The pictures of the page."""
    entries = [results[case.name] for case in CELLS]
    colours = ["#CC79A7", COLOURS["newton"], "#009E73", "#E69F00", "#222222"]
    figure, axes = new_figure(2, 2, size=(5.6, 3.6))
    for column, z in enumerate(OUTPUTS):
        power, triangles = axes[:, column]
        for entry, colour in zip(entries, colours, strict=True):
            label = f"{entry['cell_mpch']:g} Mpc/h, {entry['seeds']} seeds"
            mean, scatter = (np.array(entry["response"][f"newton {z:g}"][name]) for name in ("mean", "std"))
            error, kept = scatter / np.sqrt(entry["seeds"]), slice(0, len(mean) - 1)
            options = {"color": colour, "markersize": 3, "elinewidth": 0.8, "label": label}
            power.errorbar(np.array(entry["k_hmpc"])[kept], mean[kept], error[kept], fmt="o-", linewidth=0.8, **options)
            found = entry["bispectrum"][f"{z:g}"]
            fit = found["shells"]["reduced"]
            triangles.errorbar(found["k"], fit["amplitude"], fit["error"], fmt="o-", linewidth=0.8, **options)
            if entry is entries[CELLS.index(MAIN)]:
                power.axvline(np.pi / MAIN.cell / 16, color=colour, linewidth=0.8, linestyle=":")
                triangles.axvline(np.pi / MAIN.cell / 6, color=colour, linewidth=0.8, linestyle=":")
                fit = found["shells"]["plain"]
                triangles.fill_between(
                    found["k"], np.array(fit["amplitude"]) - fit["error"], np.array(fit["amplitude"]) + fit["error"],
                    color=LIGHT_GREY, linewidth=0, label="20 Mpc/h, as measured",
                )  # fmt: skip
        for panel in (power, triangles):
            panel.axhline(1, color=GREY, linewidth=1)
            wavenumber_axis(panel)
            panel.set_title(f"z = {z:g}", fontsize=10)
        power.set_ylabel(r"$P_\Phi$ / linear theory, own modes")
        triangles.set_ylabel(r"$B_\Phi$ / (tree level $\prod\sqrt{P/P_\mathrm{lin}}$)")
        triangles.set_xlabel("largest side k  [h/Mpc]")
        triangles.set_ylim(-0.3, 2.0)
    axes[0, 0].legend(frameon=False, fontsize=8)
    axes[1, 0].legend(frameon=False, fontsize=8)
    save_png(IMAGES / "verification_mesh.png", figure)


def tables(results: dict) -> str:
    """The claims and what was measured of them."""
    main = results[MAIN.name]
    rows = ["P_phi of each seed over linear theory with its own modes, cells of 20 Mpc/h:", ""]
    rows += ["| output, theory | k [h/Mpc] | k / k_Nyq | mean | seeds' scatter | lowest | highest |", "|---" * 7 + "|"]
    for name, found in main["response"].items():
        for i in (0, 1, 2, 6, 13):
            k = main["k_hmpc"][i]
            values = " | ".join(f"{found[key][i]:.4f}" for key in ("mean", "std", "min", "max"))
            kind, z = name.split()
            rows.append(f"| z = {z}, {kind} | {k:.4f} | 1/{np.pi / MAIN.cell / k:.1f} | {values} |")
    rows += [
        "",
        "B_Phi over the tree level with each leg multiplied by sqrt(P / P_linear), Newton, 20 Mpc/h cells:",
        "",
    ]
    rows += [
        "| output, sides up to | triangles | estimate | amplitude | chi^2 | within 1, 2 errors | largest pull |",
        "|---" * 7 + "|",
    ]
    names = {"plain": "as measured", "reduced": "less the linear field's own"}
    for z, found in main["bispectrum"].items():
        for cut, kinds in found["cuts"].items():
            for kind, fit in kinds.items():
                rows.append(
                    f"| z = {z}, k_Nyq/{cut} | {fit['triangles']} | {names[kind]} | {fit['amplitude']:.3f} ± "
                    f"{fit['error']:.3f} | {fit['chi2']:.1f} | {fit['within_one_error']:.0%}, {fit['within_two']:.0%} |"
                    f" {fit['largest_pull']:.1f} |"
                )
    rows += ["", "Newton in cells of other sizes, less the linear field's own, sides up to k_Nyq/6; in brackets what"]
    rows += [
        "particles started by linear theory should reach without a mesh (`started_kernel`):",
        "",
        *meshes(results, CELLS, 6),
    ]
    rows += [
        "",
        "More particles in cells of 20 Mpc/h, on 32^3, sides up to k_Nyq/3:",
        "",
        *meshes(results, PARTICLES, 3),
    ]
    rows += ["", "GR against Newton in all bins together, by pairs that had no part in the weights of the bins:", ""]
    rows += ["| statistic | field | z | sigma, one pair | sigma, together | pairs |", "|---" * 6 + "|"]
    for row in results["significance"]:
        sigmas = f"{float(row['sigma_one_pair']):.1f} | {float(row['sigma_ensemble']):.0f} | {row['judging_pairs']}"
        rows.append(f"| {row['statistic']} | {row['quantity']} | {row['redshift']} | {sigmas} |")
    return "\n".join(rows)


def meshes(results: dict, cases: tuple[Case, ...], cut: int) -> list[str]:
    """One row a mesh: P_phi over linear theory at three wavenumbers, and the amplitude of B_Phi up to k_Nyq / cut."""
    head = ("cells [Mpc/h]", "particles a cell", "seeds", "P(z=10) at k_Nyq/16", "at 0.041 h/Mpc", "at 0.085 h/Mpc")
    rows = ["| " + " | ".join((*head, "B(z=10)", "B(z=1)")) + " |", "|---" * 8 + "|"]
    for case in cases:
        entry = results[case.name]
        k, response = np.array(entry["k_hmpc"]), np.array(entry["response"]["newton 10"]["mean"])
        wanted = (np.pi / case.cell / 16, 0.041, 0.085)
        known = [k[0] <= q <= 0.9 * np.pi / case.cell for q in wanted]
        cells = [
            f"{value:.3f}" if yes else "" for value, yes in zip(np.interp(wanted, k, response), known, strict=True)
        ]
        for z in ("10", "1"):
            fit, started = entry["bispectrum"][z]["cuts"][str(cut)]["reduced"], entry["bispectrum"][z]["started"]
            cells.append(f"{fit['amplitude']:.2f} ± {fit['error']:.2f} ({started:.2f})")
        rows.append(f"| {case.cell:g} | {case.finer**3} | {case.seeds} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Measure the pairs of a folder, or take what was measured before; then the figures and tables of the page."""
    kept = DOCS / "verification.json"
    if "--redraw" in sys.argv:
        results = json.loads(kept.read_text())
    elif len(sys.argv) == 2:
        results = {case.name: measured(Path(sys.argv[1]), case) for case in (*CELLS, *PARTICLES)}
        results["significance"] = stage(Path(sys.argv[1]))
        kept.write_text(json.dumps(results) + "\n")
    else:
        sys.exit(__doc__)
    draw(results)
    fill(DOCS / "verification.md", "verification", "docs/scripts/verification.py", tables(results))


if __name__ == "__main__":
    main()
