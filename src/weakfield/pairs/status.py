"""The progress of growing pairs, read from the run folder alone, on any machine that sees it; and a table of it."""

from __future__ import annotations

import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from weakfield.base.errors import BadInput
from weakfield.base.progress import without_bars
from weakfield.base.records import Record
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import draw_named, in_order
from weakfield.pairs.cost import bytes_of_pair
from weakfield.pairs.journal import draw_of, entries, log_path
from weakfield.pairs.locks import holders
from weakfield.pairs.manifest import Manifest, why_incomplete

if TYPE_CHECKING:
    from rich.table import Table

#: the rate comes from the seconds of this many pairs
_RECENT = 32
#: most rows shown of pairs that are running or have failed
_ROWS = 12


class CampaignRecord(Record):
    """``campaign.json``, which a campaign writes for other shells; of its keys, the one that is shown."""

    model_config = ConfigDict(extra="ignore")

    dashboard: str


@dataclass(frozen=True)
class Status:
    """Numbers of a campaign. ``running`` says who has which pair; ``failed`` gives the last failure of pairs not whole.

    ``damaged`` says of pairs that were grown what keeps them from being whole: a file that is missing or of another
    size, a manifest that is not that of the pair. Files are not read for it.
    ``rate`` [pairs an hour] assumes that the pairs running now take as long as the last ones did, so that no clock is
    read; it is 0 while nothing is running or nothing is known. ``seconds_left`` follows from it and is ``None`` if the
    rate is 0.
    """

    pairs: int
    done: int
    running: dict[Draw, dict[str, Any]]
    failed: dict[Draw, str]
    damaged: dict[Draw, str]
    rate: float
    seconds_left: float | None
    disk_used: int
    disk_needed: int
    disk_free: int
    dashboard: str | None

    def as_json(self) -> dict[str, Any]:
        """The status for ``--json``, which names pairs as text."""
        by_draw = ("running", "failed", "damaged")
        named = {key: {str(draw): of for draw, of in getattr(self, key).items()} for key in by_draw}
        return asdict(replace(self, running={}, failed={}, damaged={})) | named


class Watcher:
    """Looks at a run folder again and again; a pair once seen whole is not read again."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self._study, self._folder = study, folder
        self._bytes: dict[Draw, int] = {}
        self._seconds: deque[float] = deque(maxlen=_RECENT)

    def look(self) -> Status:
        """The status now."""
        draws = self._study.seeds.draws
        damaged = {draw: why for draw in draws if draw not in self._bytes and (why := self._read(draw)) is not None}
        running = {draw: who for draw, who in holders(self._folder).items() if draw not in self._bytes}
        missing = len(draws) - len(self._bytes)
        rate = 0.0
        if self._seconds and running:
            rate = 3600.0 * len(running) * len(self._seconds) / sum(self._seconds)
        used = sum(self._bytes.values())
        one = used // len(self._bytes) if self._bytes else bytes_of_pair(self._study)
        campaign = CampaignRecord.load_if_sound(self._folder.campaign / "campaign.json")
        return Status(
            pairs=len(draws),
            done=len(self._bytes),
            running=running,
            failed=self._failures(set(running)),
            damaged={draw: why for draw, why in damaged.items() if draw not in running},
            rate=rate,
            seconds_left=3600.0 * missing / rate if rate else None,
            disk_used=used,
            disk_needed=one * missing,
            disk_free=shutil.disk_usage(self._folder.root).free,
            dashboard=None if campaign is None else campaign.dashboard,
        )

    def _read(self, draw: Draw) -> str | None:
        """Take note of a pair if it is whole; of one that is there and is not, what is wrong."""
        if not Manifest.exists(self._folder.pair(draw)):
            return None
        try:
            why = why_incomplete(self._study, draw, self._folder)
        except BadInput as error:
            why = str(error)
        if why is not None:
            return why
        manifest = Manifest.load(self._folder.pair(draw))
        self._bytes[draw] = manifest.bytes
        if manifest.seconds:
            self._seconds.append(float(sum(manifest.seconds.values())))
        return None

    def _failures(self, running: set[Draw]) -> dict[Draw, str]:
        logs = (draw_named(path.stem) for path in (self._folder.campaign / "failed").glob("seed*.log"))
        draws = {draw for draw in logs if draw is not None} - set(self._bytes) - running
        if not draws:
            return {}
        said = {draw_of(entry): str(entry.get("error", "")) for entry in entries(self._folder)}
        return {draw: said.get(draw) or str(log_path(self._folder, draw)) for draw in sorted(draws, key=in_order)}


@contextmanager
def live_table(study: StudyConfig, folder: RunFolder) -> Iterator[Callable[[], None]]:
    """Keep a table on standard error, if that is a terminal; yields a function that brings the table up to date."""
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
    """A table of what is done, running and failed, with speed, time left and disk space."""
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
        *([("damaged", f"{len(status.damaged)}, to be grown again")] if status.damaged else []),
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
    for draw, why in list(status.damaged.items())[:_ROWS]:
        lines.append((f"seed {draw}", f"damaged: {why}"))
    return lines


def duration(seconds: float) -> str:
    """A duration in readable form."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def size(count: float) -> str:
    """A number of bytes in readable form."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
