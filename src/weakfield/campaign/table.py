"""The status of a campaign as a table, once or live on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weakfield.base.progress import without_bars
from weakfield.campaign.status import Status, Watcher
from weakfield.config import RunFolder, StudyConfig

if TYPE_CHECKING:
    from rich.table import Table

#: rows of pairs that run or failed
_ROWS = 12


@contextmanager
def live_table(study: StudyConfig, folder: RunFolder) -> Iterator[Callable[[], None]]:
    """Keep a table on standard error, if that is a terminal; yields what brings it up to date."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.live import Live

    watcher = Watcher(study, folder)
    with without_bars(), Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def refresh() -> None:
            live.update(as_table(watcher.look()), refresh=True)

        refresh()
        yield refresh


def as_table(status: Status) -> Table:
    """What is done, runs, failed; speed, time left, disk."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in rows(status):
        table.add_row(name, value)
    return table


def rows(status: Status) -> list[tuple[str, str]]:
    """The status in words, line by line."""
    left = "unknown" if status.seconds_left is None else duration(status.seconds_left)
    lines = [
        ("done", f"{status.done} of {status.pairs} pairs"),
        ("running", str(len(status.running))),
        ("failed", str(len(status.failed))),
        ("speed", f"{status.rate:.4g} pairs an hour, time left {left}" if status.running else "nothing runs"),
        (
            "disk",
            f"{size(status.disk_used)} used, {size(status.disk_needed)} more needed, {size(status.disk_free)} free",
        ),
    ]
    if status.dashboard is not None:
        lines.append(("dashboard", status.dashboard))
    for draw, who in list(status.running.items())[:_ROWS]:
        lines.append((f"seed {draw}", f"{who['host']}, process {who['process']}, since {who['since']}"))
    for draw, why in list(status.failed.items())[:_ROWS]:
        lines.append((f"seed {draw}", f"failed: {why}"))
    return lines


def duration(seconds: float) -> str:
    """A time for a person."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def size(count: float) -> str:
    """Bytes for a person."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
