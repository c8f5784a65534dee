"""Figures and numbers of docs/theory.

    python docs/scripts/theory.py                 all pages, about a minute on one core
    python docs/scripts/theory.py estimators      one of them
    python docs/scripts/theory.py --tiny --into F all, as small as they run, into folder F: for tests

Writes docs/images/theory_PAGE.png and the text between the marks in docs/theory/PAGE.md; with ``--into``, images, pages
and the measured numbers (PAGE.json) into that folder instead.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path

import torch
from marks import DOCS, IMAGES, fill

from weakfield.base.figures import save_png

PAGES = ("estimators", "fitting", "losses", "backpropagation", "optimisers", "convolution", "conditioning")
SCRIPT = "docs/scripts/theory.py"


def make(name: str, tiny: bool, into: Path | None) -> None:
    """Measure, draw and write one page; print what is written."""
    module = import_module(f"theory_figures.{name}")
    start = time.perf_counter()
    torch.manual_seed(0)
    results = module.measure(tiny)
    text = module.text(results)
    save_png((into or IMAGES) / f"theory_{name}.png", module.draw(results), dpi=110)
    fill(DOCS / "theory" / f"{name}.md", "theory", f"{SCRIPT} {name}", text, into and into / f"{name}.md")
    if into:
        (into / f"{name}.json").write_text(json.dumps(results))
    print(f"{name}, {time.perf_counter() - start:.1f} s\n\n{text}\n", flush=True)


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], help="all when none is named")
    parser.add_argument("--tiny", action="store_true", help="as small as it runs; needs --into")
    parser.add_argument("--into", type=Path, help="an existing folder to write into instead of docs")
    options = parser.parse_args()
    if options.tiny and not options.into:
        parser.error("--tiny would overwrite the figures of docs, expected --into FOLDER beside it")
    for name in options.pages or PAGES:
        make(name, options.tiny, options.into)


if __name__ == "__main__":
    main()
