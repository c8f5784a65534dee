"""Write docs/commands.md: every command with its arguments and options, from what ``--help`` says.

python docs/scripts/commands.py        what `make docs` runs; --print shows the page and writes nothing
"""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from weakfield.cli import MODULES

PAGE = Path(__file__).resolve().parents[1] / "commands.md"
HEAD = """# Commands

Every command, what it reads and writes, and its options: what `weakfield COMMAND --help` prints. This page is made by
`python docs/scripts/commands.py`.

Exit codes: 0 when all is done, 2 when something given was wrong, 1 when the work could not be completed, 130 when it
was interrupted. Then one sentence on standard error says what happened; `--debug` anywhere shows the traceback.
"""


def page() -> str:
    """The page, command by command in the order of ``weakfield --help``."""
    for module in MODULES:
        import_module(module)
    from weakfield.cli.app import app

    return HEAD + "".join(
        _section("weakfield", name, command) for name, command in _commands(typer.main.get_command(app))
    )


def _commands(group: Any, above: str = "") -> list[tuple[str, Any]]:
    """Every command with its full name; those of a group in place of the group."""
    found = []
    for name, command in group.commands.items():
        full = f"{above}{name}"
        found += _commands(command, f"{full} ") if hasattr(command, "commands") else [(full, command)]
    return found


def _section(program: str, name: str, command: Any) -> str:
    """One command: its sentences, examples, arguments and options."""
    text, _, examples = (command.help or "").partition("\b\n")
    lines = [f"\n## {program} {name}\n", text.strip().replace("<", "&lt;") + "\n"]
    if examples:
        lines.append(f"```sh\n{examples.strip()}\n```\n")
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    if rows:
        lines.append("| argument or option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    names = [*parameter.opts, *getattr(parameter, "secondary_opts", ())]
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    elif parameter.metavar:
        names[-1] += f" {parameter.metavar}"
    meaning = re.sub(r"\s+", " ", parameter.help or "").replace("|", "\\|")
    return "| " + ", ".join(f"`{name}`".replace("|", "\\|") for name in names) + f" | {meaning} |"


def main() -> None:
    """What the command does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the page instead of writing it")
    if parser.parse_args().print:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
