"""Spectra and bispectra of an ensemble against theory, and how the mesh's deficit shrinks with its cells.

    python docs/scripts/verification.py FOLDER      grows what FOLDER lacks: 60 pairs of 64^3, and 8 of each other cell
    python docs/scripts/verification.py --redraw    figures and tables only

A quarter of an hour on two cores. Writes docs/verification.json and, from it, docs/images/verification_*.png and the
tables between the marks in docs/verification.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import weakfield as wf
from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, OTHERS, new_figure, save_png, wavenumber_axis
from weakfield.config import RunFolder, StudyConfig
from weakfield.spectra import cross_spectrum
from weakfield.spectra.measure import read_member
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, shell_mean
from weakfield.spectra.theory.realised import RealisedModes, linear_potential
from weakfield.study import run_study

ROOT = Path(__file__).parents[2]
GRID, OUTPUTS = 64, (10.0, 1.0)
MAIN = 1280.0  # Mpc/h: cells of 20 Mpc/h
BOXES = {MAIN: 60, 2560.0: 8, 640.0: 8, 320.0: 8, 160.0: 8}  # box -> seeds
EDGES = np.arange(0.5, GRID / 6 + 1)  # of the triangles: one k_F wide, to a third of the Nyquist wavenumber
BEGIN, END = "<!-- verification: written by docs/scripts/verification.py -->", "<!-- /verification -->"


def study(box: float) -> StudyConfig:
    values = {"grid": GRID, "box_size_mpch": box, "step_limit_hubble": 0.04, "snapshot_redshifts": list(OUTPUTS)}
    seeds = {"first": 0, "count": BOXES[box]}
    return StudyConfig.from_mapping({"name": f"cells{box / GRID:g}", "seeds": seeds, "simulation": values})


def grown(root: Path, box: float) -> RunFolder:
    """The run folder of a box, with every pair."""
    folder = root / f"box{box:g}"
    run_study(study(box), folder, only="simulate")
    return RunFolder(folder)


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


def bispectra(config: StudyConfig, folder: RunFolder, theory: LinearTheory, z: float) -> dict:
    """B of Newton seed by seed: as measured, and less that of the linear field, which is zero on average.

    The tree level, averaged over the triples of each triangle, has each leg multiplied by sqrt(P / P_linear).
    """
    box = config.simulation.box_size_mpch
    plain, reduced = [], []
    for seed in config.seeds.all:
        phi = read_member(config, folder, seed, "newton")[z].phi
        linear = linear_potential(theory, config.simulation, seed, z)
        measured, first = (wf.bispectrum(field, box, EDGES) for field in (phi, linear))
        leg = cross_spectrum(phi, linear, box, EDGES).power / first.power[0, 0]
        plain.append(measured)
        reduced.append(measured.value - leg[first.triangles].prod(axis=1) * first.value)
    mean = sum(plain[1:], plain[0])
    averages = TriangleAverages(GRID, box, EDGES, mean.triangles)
    tree = averages.bispectrum(newtonian_kernel(theory, z), lambda k: theory.potential_power(k, z))
    expected = shell_mean(lambda k: theory.potential_power(k, z), GRID, box, EDGES)
    legs = np.sqrt(mean.power[0, 0] / expected)
    return {
        "triangles": mean.triangles, "k": mean.k, "tree": tree, "mesh": tree * legs[mean.triangles].prod(axis=1),
        "plain": np.array([one.value for one in plain]), "reduced": np.array(reduced),
    }  # fmt: skip


def amplitude(values: np.ndarray, tree: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """Best factor of the tree level over the chosen triangles, with its standard error over seeds."""
    weight = tree[chosen] / values[:, chosen].var(axis=0, ddof=1)
    each = values[:, chosen] @ weight / (tree[chosen] @ weight)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def bispectrum_numbers(found: dict) -> dict:
    """What is kept of the bispectra of one box and output: pulls and amplitudes by the largest side."""
    last, numbers = found["triangles"][:, 2], {"shells": {}, "cuts": {}}
    for kind in ("plain", "reduced"):
        values, mesh = found[kind], found["mesh"]
        rows = [amplitude(values, mesh, last == shell) for shell in range(last.max() + 1)]
        numbers["shells"][kind] = {"amplitude": [a for a, _ in rows], "error": [e for _, e in rows]}
        for cut in (6, 4, 3):
            chosen = (found["triangles"] + 1.5 <= GRID / 2 / cut + 0.5).all(axis=1)
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


def measure(root: Path) -> dict:
    """Everything that is plotted or tabulated."""
    results: dict = {"grid": GRID, "boxes": {}}
    for box, seeds in BOXES.items():
        config, folder = study(box), grown(root, box)
        theory = LinearTheory(config.simulation, config.cosmology)
        k = shell_mean(lambda q: q, GRID, box)
        entry: dict = {"cell_mpch": box / GRID, "seeds": seeds, "k_hmpc": k.tolist(), "response": {}, "bispectrum": {}}
        for (kind, z), rows in responses(config, folder, theory).items():
            entry["response"][f"{kind} {z:g}"] = {
                name: getattr(rows, name)(axis=0).tolist() for name in ("mean", "std", "min", "max")
            }
        for z in OUTPUTS:
            entry["bispectrum"][f"{z:g}"] = bispectrum_numbers(bispectra(config, folder, theory, z))
        results["boxes"][f"{box:g}"] = entry
        print(f"{box:g} Mpc/h measured", flush=True)
    return results


def draw(results: dict) -> None:
    entries = sorted(results["boxes"].values(), key=lambda entry: -entry["cell_mpch"])
    colours = ["#CC79A7", COLOURS["newton"], "#009E73", "#E69F00", "#222222"]
    figure, axes = new_figure(2, 2, size=(5.6, 3.6))
    for column, z in enumerate(OUTPUTS):
        power, triangles = axes[:, column]
        for entry, colour in zip(entries, colours, strict=True):
            label = f"{entry['cell_mpch']:g} Mpc/h, {entry['seeds']} seeds"
            mean, scatter = (np.array(entry["response"][f"newton {z:g}"][name]) for name in ("mean", "std"))
            error, kept = scatter / np.sqrt(entry["seeds"]), slice(0, GRID // 2 - 2)
            options = {"color": colour, "markersize": 3, "elinewidth": 0.8, "label": label}
            power.errorbar(np.array(entry["k_hmpc"])[kept], mean[kept], error[kept], fmt="o-", linewidth=0.8, **options)
            found = entry["bispectrum"][f"{z:g}"]
            fit = found["shells"]["reduced"]
            triangles.errorbar(found["k"], fit["amplitude"], fit["error"], fmt="o-", linewidth=0.8, **options)
            if entry["cell_mpch"] == MAIN / GRID:
                power.axvline(np.pi * GRID / MAIN / 16, color=colour, linewidth=0.8, linestyle=":")
                triangles.axvline(np.pi * GRID / MAIN / 6, color=colour, linewidth=0.8, linestyle=":")
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
    save_png(ROOT / "docs" / "images" / "verification_mesh.png", figure)


def tables(results: dict) -> str:
    """The claims and what was measured of them."""
    main = results["boxes"][f"{MAIN:g}"]
    rows = ["P_phi of each seed over linear theory with its own modes, cells of 20 Mpc/h:", ""]
    rows += ["| output, theory | k [h/Mpc] | k / k_Nyq | mean | seeds' scatter | lowest | highest |", "|---" * 7 + "|"]
    for name, found in main["response"].items():
        for i in (0, 1, 2, 6, 13):
            k = main["k_hmpc"][i]
            values = " | ".join(f"{found[key][i]:.4f}" for key in ("mean", "std", "min", "max"))
            kind, z = name.split()
            rows.append(f"| z = {z}, {kind} | {k:.4f} | 1/{np.pi * GRID / MAIN / k:.1f} | {values} |")
    rows += ["", "B_Phi over the tree level with each leg multiplied by sqrt(P / P_linear), Newton, 20 Mpc/h cells:", ""]
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
    rows += ["", "The same at other cell sizes, less the linear field's own, sides up to k_Nyq/6:", ""]
    rows += ["| cells [Mpc/h] | seeds | P(z=10) at k_Nyq/16 | P(z=10) at 0.085 h/Mpc | B(z=10) | B(z=1) |", "|---" * 6 + "|"]
    for entry in sorted(results["boxes"].values(), key=lambda entry: -entry["cell_mpch"]):
        k, response = np.array(entry["k_hmpc"]), np.array(entry["response"]["newton 10"]["mean"])
        nyquist = np.pi / entry["cell_mpch"]
        at = [np.interp(q, k, response) if k[0] * 0.6 < q < k[-3] else np.nan for q in (nyquist / 16, 0.085)]
        fits = [entry["bispectrum"][z]["cuts"]["6"]["reduced"] for z in ("10", "1")]
        rows.append(
            f"| {entry['cell_mpch']:g} | {entry['seeds']} | "
            + " | ".join("" if np.isnan(value) else f"{value:.3f}" for value in at)
            + " | "
            + " | ".join(f"{fit['amplitude']:.2f} ± {fit['error']:.2f}" for fit in fits)
            + " |"
        )
    return "\n".join(rows)


def fill(page: Path, text: str) -> None:
    """Put ``text`` between the marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main() -> None:
    kept = ROOT / "docs" / "verification.json"
    if "--redraw" in sys.argv:
        results = json.loads(kept.read_text())
    elif len(sys.argv) == 2:
        results = json.loads(json.dumps(measure(Path(sys.argv[1]))))
        kept.write_text(json.dumps(results, indent=None) + "\n")
    else:
        sys.exit(__doc__)
    draw(results)
    fill(ROOT / "docs" / "verification.md", tables(results))


if __name__ == "__main__":
    main()
