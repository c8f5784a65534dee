"""The part of docs/validation.md about linear fields: from the reference's own tables, from CLASS, from CAMB."""

from __future__ import annotations

import sys
import tempfile
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from validation_more import DATA, apart, potentials, simulated

import weakfield as wf
from weakfield.formats.settings_ini import read_settings_ini
from weakfield.simulation import grow_member

sys.path.insert(0, str(DATA.parent))

from helpers.class_tables import ClassTables

Row = list[str]
TABLES = "the reference's tables"
HEADER = ["case", "what it has", "linear fields of", "phi", "chi"]
TEXT = """## Linear fields of other species

The reference linked CLASS 3.2. Largest deviation over the snapshots that are kept, max|ours - theirs| / max|theirs|,
with the tables that CLASS gave it (single precision, for `ncdm_class_gr` as far as z = 40) and with those of the
Boltzmann codes here. The tests ask for 1e-6 with CLASS and 5e-5 of phi with CAMB, which differs by more in the linear
part of chi. Massive neutrinos as linear fields need CLASS.

{rows}
"""
ABSENT = "\nCLASS itself is absent here (`pip install weakfield[class]`).\n"


def from_tables(text: str, stored: dict[str, np.ndarray], output: Path) -> Path:
    """The output of settings with transfer functions that are stored."""
    output.mkdir()
    ini = output / "settings.ini"
    ini.write_text(text)
    with warnings.catch_warnings(action="ignore"):
        grow_member(read_settings_ini(ini).settings, output, ClassTables(stored))
    return output


def row(case: str, what: str, code: str, worst: dict[str, float]) -> Row:
    return [case, what, code, *(f"{worst[name]:.1e}" for name in ("phi", "chi"))]


def fluid(folder: Path, codes: dict[str, str]) -> list[Row]:
    """Perturbations of a fluid of dark energy with w0 = -0.9, wa = 0.1."""
    case, what = "fluid_class_gr", "perturbations of a fluid"
    text = (DATA / case / "settings.ini").read_text()
    stored = dict(np.load(DATA / case / "class_transfer.npz"))
    rows = [row(case, what, TABLES, potentials(case, from_tables(text, stored, folder / "fluid")))]
    return rows + coded(case, what, "transfer", folder, codes)


def tk_file(folder: Path, codes: dict[str, str]) -> list[Row]:
    """A start from a Tk file, and linear radiation, whose tables are not kept."""
    return coded("tk_class_gr", "a Tk file and linear radiation", "linear transfer", folder, codes)


def coded(case: str, what: str, key: str, folder: Path, codes: dict[str, str]) -> list[Row]:
    """One row a Boltzmann code, by which ``key`` is set."""
    text = (DATA / case / "settings.ini").read_text()
    rows = []
    for code, name in codes.items():
        (folder / code).mkdir(exist_ok=True)
        output = simulated(case, f"{text}{key} = {code}\n", folder / code)
        rows.append(row(case, what, name, potentials(case, output)))
    return rows


def neutrinos(folder: Path, codes: dict[str, str]) -> list[Row]:
    """Massive neutrinos that are linear until z = 20 and particles then."""
    case, what = "ncdm_class_gr", "neutrinos, linear at first"
    stored = dict(np.load(DATA / "species" / f"{case}.npz"))
    text = str(stored["settings"])
    early = text.replace("= 101, 40, 1\n", "= 40\n").replace("= 40, 10, 1\n", "= 40\n")
    output = from_tables(early, stored, folder / "neutrinos")
    at_40 = {name: apart(field(output / f"snap000_{name}.h5", 1), stored[name]) for name in ("phi", "chi")}
    rows = [row(case, f"{what}, to z = 40", TABLES, at_40)]
    if "class" in codes:
        output = simulated(case, text, folder)
        worst = {
            name: max(
                apart(field(output / f"snap001_{name}.h5", 1), stored[name]),
                apart(field(output / f"snap002_{name}.h5", 2), stored[f"{name}_end"]),
            )
            for name in ("phi", "chi")
        }
        rows.append(row(case, f"{what}, to z = 1", codes["class"], worst))
    return rows


def field(path: Path, step: int) -> np.ndarray:
    """A field on every ``step``-th node."""
    values: np.ndarray = wf.load_field(path)[0].numpy()[::step, ::step, ::step]
    return values


def linear() -> str:
    """The section as Markdown."""
    codes = {"class": f"CLASS {version('classy')}"} if find_spec("classy") else {}
    absent = "" if codes else ABSENT
    codes["camb"] = f"CAMB {version('camb')}"
    with tempfile.TemporaryDirectory() as name:
        rows = [made for case in (fluid, tk_file, neutrinos) for made in case(Path(name), codes)]
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return TEXT.format(rows="\n".join("| " + " | ".join(line) + " |" for line in lines)) + absent


if __name__ == "__main__":
    sys.stdout.write(linear())
