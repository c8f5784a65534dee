"""A package imports from the floors below it only, and no modules import each other in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import weakfield

SOURCE = Path(weakfield.__file__).parent
#: from the ground up
FLOORS = (
    {"_version"},
    {"base"},
    {"config"},
    {"cosmology"},
    {"mesh"},
    {"fourier"},
    {"formats"},
    {"simulation"},
    {"pairs"},
    {"spectra"},
    {"dataset"},
    {"learning"},
    {"audit", "explain"},
    {"report", "sharing"},
    {"stages"},
    {"study"},
    {"run"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}


@dataclass(frozen=True)
class Import:
    """What a line of a module imports: a module, or a name of it. ``typing``: for the type checker alone."""

    line: int
    module: str
    name: str | None = None
    typing: bool = False


def imports_of(source: str, parent: str) -> list[Import]:
    """Every import in a module of the package ``parent``, at any depth of its code."""

    def look(node: ast.AST, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, None, typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parent.split(".")[: parent.count(".") + 2 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(node.lineno, module, alias.name, typing) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            guarded = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and child in node.body
            yield from look(child, typing or guarded)

    return list(look(ast.parse(source), False))


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package stands for its ``__init__``."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = ("weakfield", *path.relative_to(SOURCE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
IMPORTS = {
    module: imports_of(
        path.read_text(encoding="utf-8"), module if path.name == "__init__.py" else module.rpartition(".")[0]
    )
    for module, path in MODULES.items()
}


def homes(module: str) -> dict[str, str]:
    """The names that a package loads lazily, by the modules that define them."""
    for node in ast.parse(MODULES[module].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
            found: dict[str, str] = ast.literal_eval(node.value)
            return {name: home if home.startswith("weakfield.") else f"{module}.{home}" for name, home in found.items()}
    return {}


HOMES = {module: homes(module) for module, path in MODULES.items() if path.name == "__init__.py"}


def floor_of(module: str) -> str:
    """First name below ``weakfield``; empty for the package itself, which is its public surface."""
    return module.partition(".")[2].partition(".")[0]


def needed(module: str) -> set[str]:
    """The modules that a module loads, now or when one of its functions is called."""
    found = set()
    for one in IMPORTS[module]:
        if one.typing or not one.module.startswith("weakfield"):
            continue
        target = f"{one.module}.{one.name}" if one.name and f"{one.module}.{one.name}" in MODULES else one.module
        if one.name and target == one.module:
            target = HOMES.get(one.module, {}).get(one.name, target)
        found.add(target)
    return found - {module}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of nodes each of which leads to each other one."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            new = graph.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    after = {node: reached(node) for node in graph}
    groups = {frozenset({a} | {b for b in after[a] if a in after[b]}) for a in graph if a in after[a]}
    return sorted(map(set, groups), key=sorted)


def test_every_module_stands_on_a_floor() -> None:
    assert {floor_of(module) for module in MODULES} - set(LEVEL) == {""}


def test_imports_point_down() -> None:
    wrong = []
    for module, found in IMPORTS.items():
        own = floor_of(module)
        for one in found if own else ():
            if one.module.split(".")[0] != "weakfield":
                continue
            other = floor_of(f"{one.module}.{one.name}" if one.module == "weakfield" and one.name else one.module)
            other = "_version" if other == "__version__" else other
            if other != own and LEVEL[other] >= LEVEL[own]:
                wrong.append(f"{MODULES[module]}:{one.line} imports weakfield.{other}, which is not below {own}")
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Nor inside functions; only what is for the type checker alone does not count."""
    assert circles({module: needed(module) for module in MODULES}) == []


def test_the_reader_of_imports_sees_all_kinds() -> None:
    source = (
        "import weakfield.cli.index\nfrom weakfield import study\ndef f():\n    from ..report import page\n"
        "if TYPE_CHECKING:\n    from weakfield.mesh import fft\nelse:\n    from . import noise\n"
    )
    assert imports_of(source, "weakfield.mesh") == [
        Import(1, "weakfield.cli.index"), Import(2, "weakfield", "study"), Import(4, "weakfield.report", "page"),
        Import(6, "weakfield.mesh", "fft", typing=True), Import(8, "weakfield.mesh", "noise"),
    ]  # fmt: skip


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}
    assert circles(graph) == [{"b", "c"}, {"e"}]
    assert circles({"a": {"b"}, "b": set()}) == []


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
