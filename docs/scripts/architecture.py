"""Draw docs/images/architecture.svg: the floors of the package and the stages of a study.

    python docs/scripts/architecture.py

Floors are those that tests/test_layers.py holds every import to, stages those of weakfield.study.
"""

from __future__ import annotations

import importlib.util
import sys
from html import escape
from pathlib import Path

from weakfield.study import STAGE_NAMES

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
WORDS = {
    "cli": "commands",
    "run": "a run folder as an object of Python",
    "study": "the stages in order; finished work is recognised",
    "report": "figures and the page",
    "sharing": "exports with their card",
    "audit": "controls",
    "explain": "attribution",
    "learning": "networks, training, baselines, errors over seeds",
    "dataset": "samples, index, splits, normalisation",
    "spectra": "P(k), bispectra, and what they should be",
    "pairs": "pairs grown, alone or by many workers",
    "simulation": "initial conditions, both theories, main loop",
    "formats": "settings.ini, HDF5, Gadget-2, tables",
    "fourier": "shells, filters, windows, triangles",
    "mesh": "lattice, FFT, noise, particles, kernels",
    "cosmology": "background, growth, transfer functions",
    "config": "checked settings",
    "base": "errors, whole files, progress, provenance",
}
WIDTH, ROW, INK, LINE, FILL = 760, 34, "#1b1f24", "#8a94a6", "#e8edf6"


def floors() -> list[list[str]]:
    """The packages, from the top; the helpers that a reader need not know are left out."""
    spec = importlib.util.spec_from_file_location("layers", ROOT / "tests" / "test_layers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["layers"] = module  # its dataclasses ask for it
    spec.loader.exec_module(module)
    return [sorted(floor & set(WORDS)) for floor in reversed(module.FLOORS) if floor & set(WORDS)]


def box(x: float, y: float, width: float, name: str, words: str = "") -> str:
    """A box with a name in bold and what it is for."""
    text = f'<tspan font-weight="bold">{escape(name)}</tspan>' + (f"  {escape(words)}" if words else "")
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{ROW - 8}" rx="4" fill="{FILL}" stroke="{LINE}"/>'
        f'<text x="{x + 8:g}" y="{y + 18:g}" xml:space="preserve">{text}</text>\n'
    )


def picture() -> str:
    """The SVG."""
    parts, y = ['<text x="10" y="20">Stages of a study; each reads what those to its left have made:</text>\n'], 30
    width = (WIDTH - 20) / len(STAGE_NAMES)
    for number, stage in enumerate(STAGE_NAMES):
        parts.append(box(10 + number * width, y, width - 10, stage))
    y += 60
    parts.append(f'<text x="10" y="{y - 6}">Floors of the package; each imports from those below it only:</text>\n')
    for floor in floors():
        share = (WIDTH - 20) / len(floor)
        parts += [box(10 + number * share, y, share - 10, name, WORDS[name]) for number, name in enumerate(floor)]
        y += ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" font-family="sans-serif" font-size="13"'
        f' fill="{INK}">\n<rect width="{WIDTH}" height="{y + 6}" fill="white"/>\n{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
