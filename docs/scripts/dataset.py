"""Run the commands of docs/dataset.md and write what they print below them.

    python docs/scripts/dataset.py

Blocks that begin with ``# file: NAME`` are written to a folder, in which the ``$`` lines of the ``console`` blocks are
run in order; a minute in all. Where the page still says what they print, it stays as it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "dataset.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def rewritten(page: str, folder: Path) -> str:
    """The page with its commands run in ``folder``."""

    def block(found: re.Match[str]) -> str:
        language, text = found.groups()
        if named := re.match(r"# file: (\S+)\n", text):
            (folder / named[1]).write_text(text)
        if language != "console":
            return found[0]
        commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {command}\n{printed(command, folder)}" for command in commands) + "```"

    return BLOCK.sub(block, page)


def printed(command: str, folder: Path) -> str:
    """Standard output and error of a command, which may fail: the page shows what is refused, too."""
    tools = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "COLUMNS": "110"}
    command = re.sub(r"^weakfield\b", f"{sys.executable} -m weakfield", command)
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        text = rewritten(PAGE.read_text(encoding="utf-8"), Path(scratch))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
