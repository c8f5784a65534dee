"""Runs every reference case and writes docs/validation.md and its figure: `make validate`.

For each case kept in tests/data: the largest deviation of each field from the output of the reference program,
max|ours - theirs| / max|theirs| over all snapshots (positions in cells); for runs with linear radiation, which depend
on the Boltzmann code (CAMB, and CLASS where it is installed), the relative rms of phi and of GR - Newton.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from validation_lightcones import lightcones
from validation_linear import linear
from validation_more import more

import weakfield as wf
from weakfield.base.figures import COLOURS, GREY, new_figure, save_png
from weakfield.formats import load_particles
from weakfield.mesh import fft
from weakfield.mesh.kernels import cpu
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.particles import Particles

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
EXACT = ("stock16_gr", "stock16_newton", "stock16_gr_elliptic", "fork16_gr", "fork16_newton")
LINKED = ("class32", "class64")
FIELDS = ("phi", "chi", "B", "T00", "hij")
TEXT = """# Validation

Every reference case of the tests, run again and compared with the output of gevolution 1.2. This page and its
figure are written by `make validate`.

## Runs from a transfer file

Largest deviation over all snapshots, max|ours - theirs| / max|theirs|; positions in cells. `stock16`: the program as
published; `fork16`: with its second-order terms. Spectra and background files: every printed digit.

{exact}

![Largest deviation of each field](images/validation.png)

## Runs with linear radiation

The reference linked CLASS 3.2; here the tables are those of `transfer`, on the same wavenumbers{without}. Relative
rms deviation of phi for each theory, and of the GR - Newton difference with its mean removed.

{linked}

{cones}
{more}
{linear_fields}
## Self-force of the stencil

The lattice gradient of the force is constant along its axis within a cell, so a single particle away from a cell
centre pulls on itself. One particle at {count} random places in a cell of a {mesh}-cubed mesh, in units of the pull on
a second particle one cell away from a first one at a cell centre: rms {rms:.3f}, largest {largest:.3f}; at the cell
centre {centre:.0e}. The reference program has the same stencil.
"""


def run(case: str, folder: Path, extra: str) -> Path:
    """Run the settings.ini of a case into ``folder``."""
    text = (DATA / case / "settings.ini").read_text().replace("tk_z100.dat", str(DATA / "tk_z100.dat"))
    ini = folder / f"{case}.ini"
    ini.write_text(text + extra)
    wf.simulate(ini, folder / case)
    return folder / case


def exact_case(case: str, folder: Path) -> dict[str, float]:
    """Largest deviation of each quantity the data of a case hold; text files count differing lines."""
    output = run(case, folder, "second order terms = yes\n" if case.startswith("fork") else "")
    stored = dict(np.load(DATA / case / "snapshots.npz"))
    if (DATA / case / "hij.npz").exists():
        stored |= dict(np.load(DATA / case / "hij.npz"))
    worst: dict[str, float] = {}
    for i in range(len(stored["z"])):
        for name in FIELDS:
            if f"{name}_{i}" in stored:
                ours = wf.load_field(output / f"snap{i:03d}_{name}.h5")[0].numpy()
                theirs = stored[f"{name}_{i}"]
                theirs = np.moveaxis(theirs, -1, 0) if theirs.ndim == 4 else theirs
                deviation = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
                worst[name] = max(worst.get(name, 0.0), deviation)
        if f"x_{i}" in stored:
            apart = load_particles(output / f"snap{i:03d}_cdm.h5").positions - stored[f"x_{i}"]
            apart = np.mod(apart + 0.5, 1.0) - 0.5
            worst["positions"] = max(worst.get("positions", 0.0), float(np.abs(apart).max()) * 16)
    lines = [
        (a, b)
        for path in sorted((DATA / case).glob("*.dat"))
        for a, b in zip(path.read_text().splitlines(), (output / path.name).read_text().splitlines(), strict=True)
    ]
    worst["lines"] = sum(a != b for a, b in lines) / len(lines)
    return worst


def linked_case(case: str, transfer: str, folder: Path) -> list[tuple[float, float, float, float]]:
    """(z, GR, Newton, difference) relative rms deviations of each snapshot."""
    fields: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    redshifts: list[float] = []
    for theory in ("gr", "newton"):
        name = f"{case}_{theory}"
        output = run(name, folder, f"second order terms = yes\ntransfer = {transfer}\n")
        stored = np.load(DATA / name / "phi.npz")
        stride = int(stored["stride"])
        kept = [i for i in range(len(stored["z"])) if f"phi_{i}" in stored]
        redshifts = [float(stored["z"][i]) for i in kept]
        fields[theory] = [
            (
                wf.load_field(output / f"snap{i:03d}_phi.h5")[0].numpy()[::stride, ::stride, ::stride],
                stored[f"phi_{i}"].astype(np.float64),
            )
            for i in kept
        ]
    rows = []
    for z, (gr, gr_ref), (newton, newton_ref) in zip(redshifts, fields["gr"], fields["newton"], strict=True):
        ours, theirs = gr - newton, gr_ref - newton_ref
        apart = (ours - ours.mean()) - (theirs - theirs.mean())
        rows.append(
            (
                z,
                float(np.sqrt(((gr - gr_ref) ** 2).mean() / (gr_ref**2).mean())),
                float(np.sqrt(((newton - newton_ref) ** 2).mean() / (newton_ref**2).mean())),
                float(apart.std() / theirs.std()),
            )
        )
    return rows


def self_force(mesh: int = 16, count: int = 500) -> dict[str, float]:
    """The pull of a particle on itself in units of its pull on a neighbour one cell away (Newton)."""
    lattice = Lattice(mesh)

    def pull(*places: tuple[float, float, float]) -> float:
        """|grad phi| at the last of the particles, of the field of the first."""
        first = Particles.at_rest(mesh, np.array(places[:1]) / mesh, np.arange(1), 1.0, torch.float64)
        modes = fft.forward(cpu.paint(first))
        phi = fft.backward(cpu.divide_by_laplacian(modes, lattice, -1.0, 0.0, True), mesh)
        last = Particles.at_rest(mesh, np.array(places[-1:]) / mesh, np.arange(1), 1.0, torch.float64)
        return float(cpu.gradient(last, phi).norm())

    centre = (5.5, 5.5, 5.5)
    unit = pull(centre, (6.5, 5.5, 5.5))
    places = np.random.default_rng(1).uniform(5.0, 6.0, (count, 3))
    found = np.array([pull(tuple(place)) for place in places]) / unit
    return {
        "mesh": mesh, "count": count, "rms": float(np.sqrt((found**2).mean())), "largest": float(found.max()),
        "centre": pull(centre) / unit,
    }  # fmt: skip


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def figure(results: dict[str, dict[str, float]]) -> None:
    """One row a quantity, one mark a case, with the agreement asked for."""
    drawing, axes = new_figure(size=(7.0, 3.6))
    panel = axes[0, 0]
    names = [*FIELDS, "positions"]
    marks = {"stock16": "o", "fork16": "s"}
    for shift, (case, worst) in enumerate(results.items()):
        theory = "newton" if "newton" in case else "gr"
        points = [(worst[name], i + 0.12 * (shift - 2)) for i, name in enumerate(names) if name in worst]
        panel.plot(
            *zip(*points, strict=True), marks[case.split("_")[0]], color=COLOURS[theory], label=case, ls="none",
            mfc="white" if "elliptic" in case else COLOURS[theory],
        )  # fmt: skip
    panel.axvline(1e-8, color=GREY, ls="--", lw=1, label="agreement asked for in the tests")
    panel.set(xscale="log", yticks=range(len(names)), yticklabels=names)
    panel.set_xlabel("largest deviation, relative to the largest value (positions: cells)")
    panel.invert_yaxis()
    panel.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_png(ROOT / "docs" / "images" / "validation.png", drawing)


def main() -> None:
    """What the command does: run, compare and write the page."""
    codes = {"camb": f"CAMB {version('camb')}"} | (
        {"class": f"CLASS {version('classy')}"} if find_spec("classy") else {}
    )
    with tempfile.TemporaryDirectory() as scratch:
        results = {case: exact_case(case, Path(scratch)) for case in EXACT}
        linked = {(case, code): linked_case(case, code, Path(scratch)) for case in LINKED for code in codes}
    figure(results)
    columns = [*FIELDS, "positions"]
    exact_rows = [
        [case, *(f"{worst[name]:.1e}" if name in worst else "" for name in columns), f"{worst['lines']:.0%}"]
        for case, worst in results.items()
    ]
    linked_rows = [
        [case, f"{code} ({codes[code]})", f"{z:.3f}", f"{gr:.1e}", f"{newton:.1e}", f"{difference:.3%}"]
        for (case, code), rows in linked.items()
        for z, gr, newton, difference in rows
    ]
    page = TEXT.format(
        exact=table(["case", *columns, "text lines that differ"], exact_rows),
        linked=table(["case", "transfer", "redshift", "phi, GR", "phi, Newton", "GR - Newton"], linked_rows),
        without="" if "class" in codes else "; CLASS itself is absent here (`pip install weakfield[class]`)",
        cones=lightcones(),
        more=more(),
        linear_fields=linear(),
        **self_force(),
    )
    (ROOT / "docs" / "validation.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
