"""Execute the notebooks in docs/notebooks and write each as a Markdown page with its output and pictures.

    python docs/scripts/notebooks.py --out runs/notebooks            all of them, a minute on two cores
    python docs/scripts/notebooks.py --out runs/notebooks pair       one

A notebook is a script in jupytext's percent format: it is also a plain program, and `jupytext --to notebook` makes a
notebook of Jupyter of it. Each is executed in a folder of its own, OUT/NAME, where it leaves its files.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
MARKDOWN = "[markdown]"


def cells(text: str) -> list[tuple[str, str]]:
    """The cells of a script in order: kind, ``markdown`` or ``code``, and text."""
    found = []
    for part in text.split("# %%")[1:]:
        head, _, body = part.partition("\n")
        if head.strip() == MARKDOWN:
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            found.append(("markdown", "\n".join(lines)))
        else:
            found.append(("code", body.strip()))
    return found


def execute(code: str, space: dict[str, object]) -> str:
    """Run a cell; what it printed, with the value of its last line if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(tree, "<cell>", "exec"), space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), space)
            if value is not None:
                print(value)
    return said.getvalue().strip()


def render(name: str, out: Path) -> Path:
    """Execute a notebook in ``out/name``; the page, beside its pictures."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    source = (NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    pictures: list[str] = []
    page: list[str] = []
    space: dict[str, object] = {"__name__": "__main__"}
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    plt.show = lambda: None
    for kind, text in cells(source):
        if kind == "markdown":
            page.append(text)
            continue
        said = execute(text, space)
        page.append(f"```python\n{text}\n```")
        if said:
            page.append(f"```text\n{said}\n```")
        for number in plt.get_fignums():
            pictures.append(f"{name}_{len(pictures)}.png")
            plt.figure(number).savefig(folder / pictures[-1], dpi=100)
            page.append(f"![{page_title(page)}, picture {len(pictures)}]({pictures[-1]})")
        plt.close("all")
    (folder / f"{name}.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")
    return folder / f"{name}.md"


def page_title(page: list[str]) -> str:
    """The first heading."""
    return page[0].splitlines()[0].removeprefix("# ")


def main() -> int:
    """What the command does; the number of notebooks that failed."""
    known = sorted(path.stem for path in NOTEBOOKS.glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/notebooks"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"there is no notebook {', '.join(sorted(unknown))}, expected {', '.join(known)}")
    failed, out = 0, arguments.out.resolve()
    for name in arguments.names or known:
        try:
            print(render(name, out))
        except Exception:
            traceback.print_exc()
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
