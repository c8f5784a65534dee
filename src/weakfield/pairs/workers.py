"""Growing pairs with the workers of a campaign: one Dask task per pair, and what to do with the results."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import write_json
from weakfield.base.provenance import now
from weakfield.config import Draw, Inverse, RunFolder, StudyConfig
from weakfield.config.layout import pair_name, seed_of
from weakfield.pairs.clusters import connected
from weakfield.pairs.grower import PairGrower, disk_fault, scratch_folder
from weakfield.pairs.journal import Tally, log_failure, note, sentence
from weakfield.pairs.locks import identity
from weakfield.pairs.manifest import settings_hash
from weakfield.pairs.runfolder import check_same_universe
from weakfield.pairs.status import live_table
from weakfield.simulation.study_cache import StudyCache

Say = Callable[[str], None]

#: seconds between checks of the connection, and between updates of the table
_LOOK_S = 1.0
#: after this many unfit workers with no pair grown in between, the queue is asked for no more
_UNFIT = 10


@dataclass(frozen=True)
class Task:
    """What a worker has to know, in plain values, so that a worker of another version understands enough to decline."""

    software_version: str
    settings: str  # hash of what decides a pair
    study: dict[str, Any]
    root: str
    scratch: str | None
    inverted: bool = False  # whether to grow the pair of the seed's inverse

    @classmethod
    def of(cls, study: StudyConfig, folder: RunFolder) -> Task:
        """The task of growing the pairs of a study in a run folder."""
        values, root = study.model_dump(mode="json"), str(folder.root.resolve())
        return cls(__version__, settings_hash(study), values, root, study.campaign.scratch)


_cache: StudyCache | None = None  # one per worker process, so that tables and particles at rest serve all its pairs


def grow_seed(task: dict[str, Any], seed: int, wait: bool) -> dict[str, Any]:
    """The Dask task: when this returns, the pair of a seed (or of its inverse, if the task says so) is whole on disk.

    ``task`` is a ``Task`` as a mapping. Returns ``status`` (that of ``PairGrower.grow``, or "unfit" where this process
    cannot grow any pair), ``why``, and the worker's ``host`` and ``process``. Raises ``WeakfieldError`` for a pair that
    failed; its log is in the run folder.
    """
    global _cache
    who = identity()
    if task["software_version"] != __version__:
        why = f"has weakfield {__version__}, expected {task['software_version']} as the campaign's"
        return {"status": "unfit", "why": why, **who}
    study, folder = StudyConfig.from_mapping(task["study"]), RunFolder(task["root"])
    if (hindrance := _hindrance(study, folder, task)) is not None:
        return {"status": "unfit", "why": hindrance, **who}
    try:
        if _cache is not None and not _cache.serves(study.run_settings("gr", study.seeds.first)):
            _cache = None
        grower = PairGrower(study, folder, scratch_folder(task["scratch"], folder), _cache)
        _cache = grower.cache
        with grower.writing():
            status = grower.grow(Inverse(seed) if task["inverted"] else seed, wait)
    except Exception as error:
        _cache = None
        if (fault := disk_fault(error)) is not None:
            return {"status": "unfit", "why": f"{sentence(error)} ({fault})", **who}
        raise WeakfieldError(sentence(error)) from error  # plain words can be sent, whatever the error was
    return {"status": status, "why": "", **who}


def _hindrance(study: StudyConfig, folder: RunFolder, task: dict[str, Any]) -> str | None:
    """What keeps this worker from growing any pair of the campaign, or ``None``."""
    if not folder.root.is_dir():
        return f"does not see {folder.root}, expected a file system that all workers share"
    if (own := settings_hash(study)) != task["settings"]:
        return f"makes {own} of the settings, expected {task['settings']} as the campaign does"
    try:
        check_same_universe(study, folder, growing=True)
        scratch_folder(task["scratch"], folder)
    except (BadInput, OSError) as error:
        return sentence(error)
    return None


def grow_with_workers(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw], tally: Tally, say: Say) -> None:
    """Grow the pairs of ``draws`` with the workers of ``study.campaign``, noting in ``tally`` what became of each.

    Raises ``WeakfieldError`` when the scheduler is lost or no worker is left that can work; pairs that are whole by
    then stay, and the same command continues from there.
    """
    with connected(study, folder.campaign / "jobs") as client:
        address = client.scheduler.address
        say(f"{len(draws)} pairs to grow by the workers of {address}; dashboard: {_dashboard(client)}")
        _describe(folder, client)
        try:
            with live_table(study, folder) as refresh:
                Dispatch(client, study, folder, tally, say, refresh).grow(draws)
        finally:
            (folder.campaign / "campaign.json").unlink(missing_ok=True)


class Dispatch:
    """Hands out tasks and collects results until each pair is whole or set aside."""

    def __init__(
        self, client: Any, study: StudyConfig, folder: RunFolder, tally: Tally, say: Say, refresh: Callable[[], None]
    ) -> None:
        self._client, self._study, self._folder = client, study, folder
        self._tally, self._say, self._refresh = tally, say, refresh
        self._task = Task.of(study, folder)
        self._token = uuid.uuid4().hex[:8]  # a scheduler may serve several campaigns, and remembers tasks by name
        self._results: SimpleQueue[tuple[Draw, Any]] = SimpleQueue()
        self._futures: dict[Draw, Any] = {}
        self._tasks: Counter[Draw] = Counter()
        self._unfit: set[tuple[str, int]] = set()
        self._in_vain = 0  # workers found unfit since the last pair was grown
        self._alone_since = self._looked = time.monotonic()
        self._why = ""

    def grow(self, draws: Sequence[Draw]) -> None:
        """Grow the pairs that no other process has, then those that others had."""
        from distributed.comm.core import CommClosedError

        try:
            for wait in (False, True):
                for draw in draws:
                    self._submit(draw, wait)
                draws = self._gather(wait)
        except CommClosedError as error:  # the scheduler went while it was asked for something
            raise self._lost() from error
        except BaseException:
            if self._client.status == "running":  # otherwise nobody would answer
                with suppress(Exception):
                    self._client.cancel(list(self._futures.values()))
            raise

    def _submit(self, draw: Draw, wait: bool) -> None:
        self._tasks[draw] += 1
        task = asdict(replace(self._task, inverted=isinstance(draw, Inverse)))
        future = self._client.submit(
            grow_seed,
            task,
            seed_of(draw),
            wait,
            key=f"{pair_name(draw)}-{self._token}-{self._tasks[draw]}",
            retries=self._study.campaign.tries - 1,
            priority=-seed_of(draw),
            pure=False,
        )
        self._futures[draw] = future
        future.add_done_callback(lambda done: self._results.put((draw, done)))

    def _gather(self, wait: bool) -> list[Draw]:
        """Collect results until no task is left; returns the pairs that another process has."""
        elsewhere: list[Draw] = []
        while self._futures:
            try:
                draw, future = self._results.get(timeout=_LOOK_S)
            except Empty:
                self._look()
                continue
            if time.monotonic() - self._looked > _LOOK_S:
                self._look()
            if self._futures.get(draw) is not future and getattr(self._futures.get(draw), "key", None) != future.key:
                continue
            self._futures.pop(draw)
            self._take(draw, future, wait, elsewhere)
        return elsewhere

    def _take(self, draw: Draw, future: Any, wait: bool, elsewhere: list[Draw]) -> None:
        if future.status in ("cancelled", "lost"):
            raise self._lost()
        if future.status == "error":
            self._set_aside(draw, future)
            return
        result = future.result()
        future.release()  # a worker that holds nothing others may want leaves more easily
        match result["status"]:
            case "whole":
                self._tally.grown.add(draw)
                self._in_vain = 0
            case "there":
                self._tally.there.add(draw)
            case "elsewhere":
                elsewhere.append(draw)
            case "unfit":
                self._retire(result)
                self._submit(draw, wait)

    def _set_aside(self, draw: Draw, future: Any) -> None:
        """Set aside a pair that failed, or lost its worker, too often."""
        error = future.exception()
        why = sentence(error)
        if type(error).__name__ == "KilledWorker":
            why = f"{self._study.campaign.tries} workers died while they had it (too little memory?)"
            if self._study.campaign.cluster != "local":
                why += f"; their logs are in {self._folder.campaign / 'jobs'}"
            note(self._folder, draw, "failed", error=why)
            log_failure(self._folder, draw, WeakfieldError(why))
        self._tally.failed[draw] = why
        self._say(f"seed {draw} is set aside: {why}")

    def _retire(self, result: dict[str, Any]) -> None:
        """Dismiss a worker that cannot grow any pair; its pair goes to another worker, if there is one."""
        who = (result["host"], result["process"])
        self._why = f"worker {who[0]} (process {who[1]}) {result['why']}"
        if who not in self._unfit:
            self._say(f"{self._why}; it gets no more pairs")
            self._unfit.add(who)
            self._in_vain += 1
        processes = self._client.run(_process, on_error="ignore")
        unfit = [address for address, process in processes.items() if tuple(process) in self._unfit]
        nobody_else = self._study.campaign.cluster == "local" and len(unfit) == len(processes)
        if nobody_else or self._in_vain >= _UNFIT:
            raise self._given_up(self._why)
        if unfit:
            self._client.retire_workers(workers=unfit, close_workers=True)

    def _look(self) -> None:
        """Check that the scheduler and the workers are still there, and draw the table."""
        self._looked = time.monotonic()
        self._refresh()
        if self._client.status != "running":
            raise self._lost()
        try:
            there = len(self._client.scheduler_info(n_workers=-1)["workers"])
        except Exception as error:
            raise self._lost() from error
        if there:
            self._alone_since = self._looked
        patience = self._study.campaign.patience_s
        if self._why and not there and self._study.campaign.cluster == "local":
            patience = min(patience, 2 * _LOOK_S)  # nobody else will come
        if self._looked - self._alone_since > patience:
            raise self._given_up(self._why or f"for {patience:g} s there was none")

    def _lost(self) -> WeakfieldError:
        return WeakfieldError(
            f"the scheduler {self._client.scheduler.address if self._client.scheduler else ''} was lost;"
            f" {self._tally.whole} pairs are whole, and the same command continues"
        )

    def _given_up(self, why: str) -> WeakfieldError:
        return WeakfieldError(
            f"no worker is left that can grow a pair: {why}; {self._tally.whole} pairs are whole, and the same command"
            " continues"
        )


def _process() -> list[Any]:
    """Host and process of a worker."""
    who = identity()
    return [who["host"], who["process"]]


def _dashboard(client: Any) -> str:
    """The address where a browser shows the workers, if the packages for that are installed."""
    try:
        import bokeh  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
    except ImportError:
        return "none (pip install 'weakfield[campaign]' brings what it needs)"
    return str(client.dashboard_link)


def _describe(folder: RunFolder, client: Any) -> None:
    """Tell ``weakfield status`` in another shell who runs the campaign and where its scheduler is."""
    with suppress(WeakfieldError):
        write_json(
            folder.campaign / "campaign.json",
            {"scheduler": client.scheduler.address, "dashboard": _dashboard(client), "client": identity(), "at": now()},
        )
