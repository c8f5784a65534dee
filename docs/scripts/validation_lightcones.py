"""The part of docs/validation.md about light cones: each case of tests/data against the reference program's files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import weakfield as wf
from weakfield.formats.cone_maps import load_maps
from weakfield.formats.cone_particles import load_cone_particles

DATA = Path(__file__).parents[2] / "tests" / "data"
#: cases, with what the names of their files begin with for each cone
CASES = {"lc_full_gr": ("lc",), "lc_multi_gr": ("lightcone0", "lightcone1")}
HEADER = ["case", "particles", "IDs that differ", "positions [box]", "velocities", "maps", "info lines that differ"]
TEXT = """## Light cones

The settings of each case on 2 x 2 processes. Particles of all cycles, by ID; largest deviation of positions (float32,
of which the last digit is 1e-7 of the box), of velocities over the largest one, and of the metric maps, max|ours -
theirs| / max|theirs| by component.

{rows}
"""


def lightcone_row(case: str, folder: Path) -> list[str]:
    """Run a case and compare all that its data hold."""
    text = (DATA / case / "settings.ini").read_text().replace("tk_z100.dat", str(DATA / "tk_z100.dat"))
    ini = folder / f"{case}.ini"
    ini.write_text(text + "lightcone process grid = 2, 2\n")
    wf.simulate(ini, folder / case)
    stored = np.load(DATA / case / "lightcone.npz")
    count, wrong, worst = 0, 0, dict.fromkeys(("pos", "vel", "map"), 0.0)
    for name in stored.files:
        cone, cycle, rest = name.split("_", 2)
        stem = folder / case / f"{CASES[case][int(cone[4:])]}_{cycle}"
        theirs = stored[name]
        if rest == "cdm_id":
            count += theirs.size
            wrong += np.setxor1d(load_cone_particles(Path(f"{stem}_cdm")).ids, theirs).size
        elif rest in ("cdm_pos", "cdm_vel"):
            found = load_cone_particles(Path(f"{stem}_cdm"))
            ours, kind = (found.positions, "pos") if rest == "cdm_pos" else (found.velocities, "vel")
            unit = float(found.header["BoxSize"]) if kind == "pos" else float(np.abs(theirs).max())
            worst[kind] = max(worst[kind], float(np.abs(ours - theirs).max()) / unit)
        elif rest not in ("cdm_header", "shells"):
            ours = np.concatenate([shell.values for shell in load_maps(Path(f"{stem}_{rest}.map"))])
            worst["map"] = max(worst["map"], float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    lines = 0
    for base in CASES[case]:
        ours, theirs = ((f / f"{base}_info.dat").read_text().splitlines() for f in (folder / case, DATA / case))
        lines += sum(a != b for a, b in zip(ours, theirs, strict=True))
    return [case, str(count), str(wrong), *(f"{worst[kind]:.1e}" for kind in ("pos", "vel", "map")), str(lines)]


def lightcones() -> str:
    """The section as Markdown."""
    with tempfile.TemporaryDirectory() as scratch:
        rows = [lightcone_row(case, Path(scratch)) for case in CASES]
    lines = ("| " + " | ".join(row) + " |" for row in [HEADER, ["---"] * len(HEADER), *rows])
    return TEXT.format(rows="\n".join(lines))


if __name__ == "__main__":
    sys.stdout.write(lightcones())
