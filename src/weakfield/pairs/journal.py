"""The journal of a run folder: a line for each pair begun, grown or failed, for people to read. It decides nothing.

Each host has its own file, ``campaign/journal/HOST.jsonl``: lines appended by one host do not mix, and different hosts
never write to the same file. A line cut off by a kill is skipped.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from weakfield.base.errors import one_line
from weakfield.base.provenance import now
from weakfield.base.system_errors import told
from weakfield.config import Draw, Inverse, RunFolder
from weakfield.config.layout import pair_name, seed_of
from weakfield.pairs.locks import identity

Event = Literal["begun", "grown", "failed"]


@dataclass
class Tally:
    """What has become of the pairs so far: grown by us; already whole, or grown by others; failed, with the reason."""

    grown: set[Draw] = field(default_factory=set)
    there: set[Draw] = field(default_factory=set)
    failed: dict[Draw, str] = field(default_factory=dict)

    @property
    def whole(self) -> int:
        return len(self.grown) + len(self.there)


def note(folder: RunFolder, draw: Draw, event: Event, **facts: Any) -> None:
    """Append a line; a disk that cannot take it is no reason to lose a pair."""
    who = identity()
    path = folder.campaign / "journal" / f"{who['host']}.jsonl"
    inverted = {"inverted": True} if isinstance(draw, Inverse) else {}
    line = {"time": now(), "seed": seed_of(draw), **inverted, "event": event, "process": who["process"], **facts}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())
        finally:
            os.close(handle)
    except OSError:
        pass


def entries(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """Every complete line, host by host, with its ``host``."""
    for path in sorted((folder.campaign / "journal").glob("*.jsonl")):
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and type(entry.get("seed")) is int and "event" in entry:
                    yield entry | {"host": path.stem}


def draw_of(entry: dict[str, Any]) -> Draw:
    """The pair that a line is about."""
    return Inverse(entry["seed"]) if entry.get("inverted") else int(entry["seed"])


def log_path(folder: RunFolder, draw: Draw) -> Path:
    """The log with the failures of a pair; it is removed once the pair is whole."""
    return folder.campaign / "failed" / f"{pair_name(draw)}.log"


def log_failure(folder: RunFolder, draw: Draw, error: BaseException) -> None:
    """Append one failure with its traceback, if the disk can take it."""
    who = identity()
    text = "".join(traceback.format_exception(error))
    try:
        path = log_path(folder, draw)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as log:
            log.write(f"{now()} on {who['host']}, process {who['process']}: {sentence(error)}\n{text}\n")
    except OSError:
        pass


def sentence(error: BaseException) -> str:
    """An error as a single line."""
    if isinstance(error, OSError):
        return one_line(told(error))
    return one_line(str(error)) or type(error).__name__
