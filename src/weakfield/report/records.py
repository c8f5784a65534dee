"""The JSON files of a run as the page reads them: the keys that it shows, typed; all others are ignored.

A key with a default is one that is missing from runs of an earlier version, or with some settings.
"""

from __future__ import annotations

from pydantic import ConfigDict

from weakfield.base.records import Record


class Shown(Record):
    """One JSON object, of which the page shows some keys."""

    model_config = ConfigDict(extra="ignore")


class Start(Shown):
    time: str = "unknown"


class Machine(Shown):
    type: str
    system: str
    cores: int


class Provenance(Shown):
    """``provenance.json``."""

    versions: dict[str, str | None]
    git_commit: str | None
    starts: list[Start]
    machine: Machine
