"""The engine that grows pairs; the command line, campaigns and ``wf.simulate`` all use it.

It finds out which pairs are missing and has them grown, either one after the other in this process (``grower``) or by
the workers of a campaign (``workers``). Each pair is grown under its own lock, so that many such calls can share a run
folder.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.progress import bar
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import in_order
from weakfield.formats.settings_ini import IniRun
from weakfield.formats.sources import SettingsSource, settings_from
from weakfield.pairs.journal import Tally, log_path, sentence
from weakfield.pairs.locks import holders
from weakfield.pairs.manifest import why_incomplete
from weakfield.pairs.runfolder import open_for_work


def simulate(config: SettingsSource, out_dir: str | Path | None = None) -> list[Path]:
    """Grow all pairs of a study, or run a settings.ini of the reference program; returns the paths written.

    ``config`` is a preset, a study (TOML file, mapping or ``StudyConfig``), a run folder to continue, or a
    settings.ini. A study writes into the run folder ``out_dir``, by default ``runs/<name>``, which later stages and
    ``weakfield run`` continue. A settings.ini writes into its ``output path`` (relative to the working directory)
    unless ``out_dir`` is given. Raises ``BadInput`` for settings that cannot be run and for a folder that holds other
    pairs, and ``WeakfieldError`` for a folder in use and for pairs that failed again and again. Keys that are not
    understood become Python warnings.
    """
    study = settings_from(config)
    if isinstance(study, IniRun):
        for text in study.warnings:
            warnings.warn(text, stacklevel=2)
        from weakfield.simulation import grow_member

        path = study.output_path if out_dir is None else Path(out_dir)
        path.mkdir(parents=True, exist_ok=True)
        return grow_member(study.settings, path)
    if out_dir is None:
        continued = isinstance(config, str | Path) and Path(config).is_dir()
        out_dir = str(config) if continued else Path("runs") / study.name
    folder = RunFolder(out_dir)
    with open_for_work(study, folder, "simulate"):
        grow_pairs(study, folder, study.seeds.draws)
    found = (sorted(folder.pair(draw).rglob("*")) for draw in study.seeds.draws)
    return [path for paths in found for path in paths if path.is_file()]


def grow_pairs(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw]) -> int:
    """Grow those pairs of ``draws`` that are not yet whole on disk; returns how many this call grew.

    Where ``study.campaign`` asks for neither workers nor a cluster, the pairs are grown in this process, one after the
    other; otherwise Dask grows them, with one task per pair. A pair that has failed as often as ``campaign.tries``
    allows is set aside while the others go on, and at the end a ``WeakfieldError`` names the pairs that were set aside.
    A fault of the disk or the folder ends the call at once, because every other pair would meet it too. Raises
    ``BadInput`` for pairs of other settings.
    """
    tally = Tally()
    missing = [draw for draw in draws if why_incomplete(study, draw, folder) is not None]
    tally.there.update(set(draws) - set(missing))
    if missing:
        busy = holders(folder)
        missing.sort(key=lambda draw: (draw in busy, in_order(draw)))
        if study.campaign.plain:
            from weakfield.pairs.grower import PairGrower, disk_fault, scratch_folder

            grower, tries = PairGrower(study, folder), Counter[Draw]()
            todo = deque((draw, False) for draw in missing)
            with bar("pairs", len(draws)) as progress:
                progress.advance(tally.whole)
                while todo:
                    draw, wait = todo.popleft()
                    try:
                        with grower.writing():
                            grower.scratch = scratch_folder(study.campaign.scratch, folder)
                            status = grower.grow(draw, wait)
                    except BadInput:
                        raise  # the settings are wrong: no other pair would fare better
                    except Exception as error:
                        tries[draw] += 1
                        if disk_fault(error) or study.campaign.tries == 1:
                            raise
                        if tries[draw] < study.campaign.tries:
                            todo.append((draw, False))
                        else:
                            tally.failed[draw] = sentence(error)
                        continue
                    if status == "elsewhere":
                        todo.append((draw, True))  # try it last, when the other process may be done with it
                        continue
                    (tally.grown if status == "whole" else tally.there).add(draw)
                    progress.advance()
        else:
            from weakfield.pairs.workers import grow_with_workers

            grow_with_workers(study, folder, missing, tally, say)
    if tally.failed:
        raise _set_aside(folder, tally)
    return len(tally.grown)


def say(message: str) -> None:
    """Print a line for the user on standard error."""
    print(f"weakfield: {message}", file=sys.stderr, flush=True)


def _set_aside(folder: RunFolder, tally: Tally) -> WeakfieldError:
    """The error about the pairs that were set aside: the reason for the first, and where to find the others."""
    failed = sorted(tally.failed, key=in_order)
    shown = ", ".join(str(draw) for draw in failed[:10]) + (", ..." if len(failed) > 10 else "")
    first, logs = failed[0], log_path(folder, failed[0]).parent
    return WeakfieldError(
        f"{len(failed)} of {tally.whole + len(failed)} pairs failed and were set aside"
        + ("" if len(failed) == 1 else f" (seeds {shown})")
        + f"; seed {first}: {tally.failed[first]}; logs are in {logs}, and the same command tries them again"
    )
