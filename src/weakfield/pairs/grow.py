"""The engine that grows pairs; the command line, campaigns and ``wf.simulate`` all use it.

It finds out which pairs are missing and has them grown, either on this machine (``local``) or by the workers of a
campaign (``workers``). Each pair is grown under its own lock, so that many such calls can share a run
folder.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import write_text
from weakfield.base.pool import start_server
from weakfield.base.system_errors import told
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import in_order
from weakfield.formats.settings_ini import IniRun
from weakfield.formats.sources import SettingsSource, settings_from
from weakfield.pairs.journal import Tally, log_path
from weakfield.pairs.locks import holders
from weakfield.pairs.reading import damage
from weakfield.pairs.runfolder import open_for_work, require_trusted


def simulate(config: SettingsSource, out_dir: str | Path | None = None, trust: bool = False) -> list[Path]:
    """Grow all pairs of a study, or run a settings.ini of the reference program; returns the paths written.

    ``config`` is a preset, a study (TOML file, mapping or ``StudyConfig``), a run folder to continue, or a
    settings.ini. A study writes into the run folder ``out_dir``, by default ``runs/<name>``, which later stages and
    ``weakfield run`` continue. A settings.ini writes into its ``output path`` (relative to the working directory)
    unless ``out_dir`` is given. Raises ``BadInput`` for settings that cannot be run and for a folder that holds other
    pairs, and ``WeakfieldError`` for a folder in use and for pairs that failed again and again. Keys that are not
    understood, and defaults that are taken, become Python warnings. ``trust`` as in ``wf.open``: no code that a study
    names runs here, but the run folder keeps the study, and later stages run it.
    """
    study = settings_from(config)
    if isinstance(study, IniRun):
        for text in study.said:
            warnings.warn(text, stacklevel=2)
        return _simulate_ini(study, study.output_path if out_dir is None else Path(out_dir))
    if out_dir is None:
        continued = isinstance(config, str | Path) and Path(config).is_dir()
        out_dir = str(config) if continued else Path("runs") / study.name
    if isinstance(config, str | os.PathLike) and study.plugins:
        path = Path(config)
        require_trusted(study, path / "study.toml" if path.is_dir() else path, trust)
    folder = RunFolder(out_dir)
    with open_for_work(study, folder, "simulate"):
        grow_pairs(study, folder, study.seeds.draws)
    found = (sorted(folder.pair(draw).rglob("*")) for draw in study.seeds.draws)
    return [path for paths in found for path in paths if path.is_file()]


def _simulate_ini(run: IniRun, folder: Path) -> list[Path]:
    """One run as the reference program does it: first the settings that were used, then its output."""
    from weakfield.mesh.devices import device_for
    from weakfield.simulation import grow_member
    from weakfield.simulation.bounds import require_possible

    require_possible(run.settings, device_for(run.settings.simulation.device))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeakfieldError(told(error, folder, "make the folder")) from error
    used = folder / f"{run.settings.output.generic_base}_settings_used.ini"
    if used.resolve() != run.path.resolve():  # a run by the settings of a finished one
        write_text(used, run.used)
    return [used, *grow_member(run.settings, folder)]


def grow_pairs(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw]) -> int:
    """Grow those pairs of ``draws`` that are not yet whole on disk, every file of which is read and checked.

    Returns how many this call grew.

    Where ``study.campaign`` asks for neither a number of workers nor a cluster, the pairs are grown on this machine,
    one a core or one after the other (``local``); otherwise Dask grows them, with one task per pair. A pair that has
    failed as often as ``campaign.tries`` allows is set aside while the others go on, and at the end a
    ``WeakfieldError`` names the pairs that were set aside. A fault of the disk or the folder ends the call at once,
    because every other pair would meet it too. Raises ``BadInput`` for pairs of other settings.
    """
    tally = Tally()
    why = {draw: found for draw in draws if (found := damage(study, draw, folder)) is not None}
    missing = list(why)
    if missing and study.classes is not None:
        raise BadInput(
            f"{why[missing[0]]}; the cubes of {folder.root} were imported and cannot be grown, expected 'weakfield"
            " import --arrays' to bring them back"
        )
    tally.there.update(set(draws) - set(missing))
    if missing:
        busy = holders(folder)
        missing.sort(key=lambda draw: (draw in busy, in_order(draw)))
        if study.campaign.needs_dask:
            from weakfield.pairs.workers import grow_with_workers

            grow_with_workers(study, folder, missing, tally, say)
        else:
            if len(missing) > 1 and study.campaign.here > 1:
                start_server()  # it imports what workers need while this process does so too
            from weakfield.pairs.local import grow_here

            grow_here(study, folder, missing, tally)
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
