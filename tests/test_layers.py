"""A package imports from the floors below it only; the floors from the ground up."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import weakfield

SOURCE = Path(weakfield.__file__).parent
FLOORS = (
    {"_version"},
    {"base"},
    {"config"},
    {"cosmology"},
    {"mesh"},
    {"fourier"},
    {"formats"},
    {"simulation"},
    {"spectra"},
    {"dataset"},
    {"campaign"},
    {"learning"},
    {"audit", "explain"},
    {"report"},
    {"stages"},
    {"study"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}
MODULES = sorted(SOURCE.rglob("*.py"))


def package_of(path: Path) -> str:
    """First name below ``weakfield``: ``.../mesh/fft.py`` -> ``mesh``; the package's own ``__init__`` -> ````."""
    first = path.relative_to(SOURCE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported(source: str, parent: tuple[str, ...]) -> set[tuple[int, str]]:
    """Line and package of every weakfield import in a module of the package ``parent``, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = parent[: len(parent) - node.level + 1] if node.level else ()
            base = ".".join((*start, node.module or "")).strip(".")
            names = [base] if base != "weakfield" else [f"{base}.{alias.name}" for alias in node.names]
        found |= {(node.lineno, name.split(".")[1]) for name in names if name.startswith("weakfield.")}
    return found


def test_every_module_stands_on_a_floor() -> None:
    assert {package_of(path) for path in MODULES} - set(LEVEL) == {""}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    own = package_of(path)
    if own == "":
        return  # the public surface, which loads lazily what it names
    parent = ("weakfield", *path.relative_to(SOURCE).parts[:-1])
    for line, other in imported(path.read_text(encoding="utf-8"), parent):
        if other == "__version__":
            other = "_version"
        allowed = other == own or LEVEL[other] < LEVEL[own]
        assert allowed, f"{path}:{line} imports weakfield.{other} from weakfield.{own}, which is not above it"


def test_the_reader_of_imports_sees_all_kinds() -> None:
    source = "import weakfield.cli.index\nfrom weakfield import study\ndef f():\n    from ..report import page\n"
    assert imported(source, ("weakfield", "mesh")) == {(1, "cli"), (2, "study"), (4, "report")}


def test_importing_the_package_is_light_and_silent() -> None:
    code = (
        "import sys, weakfield, weakfield.cli, weakfield.cli.commands, weakfield.cli.stages;"
        "import weakfield.cli.information; weakfield.__version__\n"
    )
    code += "heavy = {'torch', 'numba', 'h5py', 'camb', 'matplotlib', 'sklearn', 'scipy', 'pydantic'}\n"
    code += "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_dir_lists_the_surface() -> None:
    assert dir(weakfield) == sorted(weakfield.__all__)
    assert all(getattr(weakfield, name) is not None for name in dir(weakfield))
