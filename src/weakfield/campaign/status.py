"""How a campaign stands, read from its run folder alone: from any shell, on any machine that sees it."""

from __future__ import annotations

import shutil
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json
from weakfield.campaign.cost import bytes_of_pair
from weakfield.campaign.journal import draw_of, entries, log_path
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import draw_named, in_order
from weakfield.simulation.claims import claimed

#: pairs whose seconds give the rate
_RECENT = 32


@dataclass(frozen=True)
class Status:
    """Numbers of a campaign. ``running``: who has which pair; ``failed``: last failure of those not whole.

    ``rate`` [pairs an hour] is that of the pairs running now at the seconds the last ones took, so that no clock
    enters; 0 while nothing runs or nothing is known. ``seconds_left`` follows from it, nothing if it is 0.
    """

    pairs: int
    done: int
    running: dict[Draw, dict[str, Any]]
    failed: dict[Draw, str]
    rate: float
    seconds_left: float | None
    disk_used: int
    disk_needed: int
    disk_free: int
    dashboard: str | None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``, which names pairs in text."""
        named = {key: {str(draw): of for draw, of in getattr(self, key).items()} for key in ("running", "failed")}
        return asdict(replace(self, running={}, failed={})) | named


class Watcher:
    """Looks at a run folder again and again; pairs seen whole are not read twice."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self._study, self._folder = study, folder
        self._bytes: dict[Draw, int] = {}
        self._seconds: deque[float] = deque(maxlen=_RECENT)

    def look(self) -> Status:
        """The status now."""
        draws = self._study.seeds.draws
        for draw in draws:
            if draw not in self._bytes:
                self._read(draw)
        running = {draw: who for draw, who in claimed(self._folder).items() if draw not in self._bytes}
        missing = len(draws) - len(self._bytes)
        rate = 0.0
        if self._seconds and running:
            rate = 3600.0 * len(running) * len(self._seconds) / sum(self._seconds)
        used = sum(self._bytes.values())
        one = used // len(self._bytes) if self._bytes else bytes_of_pair(self._study)
        about = self._folder.campaign / "campaign.json"
        return Status(
            pairs=len(draws),
            done=len(self._bytes),
            running=running,
            failed=self._failures(set(running)),
            rate=rate,
            seconds_left=3600.0 * missing / rate if rate else None,
            disk_used=used,
            disk_needed=one * missing,
            disk_free=shutil.disk_usage(self._folder.root).free,
            dashboard=read_json(about)["dashboard"] if about.exists() else None,
        )

    def _read(self, draw: Draw) -> None:
        try:
            manifest = read_json(self._folder.pair(draw) / "pair.json")
        except BadInput:
            return  # not there, or damaged and as good as not there
        self._bytes[draw] = sum(int(entry.get("bytes", 0)) for entry in manifest.get("files", {}).values())
        if manifest.get("seconds"):
            self._seconds.append(float(sum(manifest["seconds"].values())))

    def _failures(self, running: set[Draw]) -> dict[Draw, str]:
        logs = (draw_named(path.stem) for path in (self._folder.campaign / "failed").glob("seed*.log"))
        draws = {draw for draw in logs if draw is not None} - set(self._bytes) - running
        if not draws:
            return {}
        said = {draw_of(entry): str(entry.get("error", "")) for entry in entries(self._folder)}
        return {draw: said.get(draw) or str(log_path(self._folder, draw)) for draw in sorted(draws, key=in_order)}
