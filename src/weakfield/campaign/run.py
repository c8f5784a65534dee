"""Grow the pairs of a study: one after the other here, or by the workers of a campaign."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.progress import bar
from weakfield.campaign.journal import log_path, sentence
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import in_order
from weakfield.simulation.claims import claimed
from weakfield.simulation.pair import flaw

if TYPE_CHECKING:
    from weakfield.simulation.ensemble import Session

Say = Callable[[str], None]


@dataclass
class Tally:
    """What became of the pairs so far: grown by us, whole before or by others, failed and why."""

    grown: set[Draw] = field(default_factory=set)
    there: set[Draw] = field(default_factory=set)
    failed: dict[Draw, str] = field(default_factory=dict)

    @property
    def whole(self) -> int:
        return len(self.grown) + len(self.there)


def grow_pairs(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw]) -> int:
    """Bring the pairs of ``draws`` to being whole on disk; how many were grown by this call.

    Where ``study.campaign`` asks for neither workers nor a cluster the pairs are grown here, one after the other; else
    by Dask, a task a pair. Either way each pair is claimed first, so that many such calls share a run folder. A pair
    that failed as often as ``campaign.tries`` allows is set aside, the others go on, and at the end a
    ``WeakfieldError`` names those set aside; ``BadInput`` for pairs of other settings.
    """
    tally = Tally()
    missing = []
    for draw in draws:
        if flaw(study, draw, folder) is None:  # raises for a pair of other settings
            tally.there.add(draw)
        else:
            missing.append(draw)
    if missing:
        busy = claimed(folder)
        ordered = sorted(missing, key=lambda draw: (draw in busy, in_order(draw)))
        if study.campaign.plain:
            _grow_here(study, folder, ordered, len(draws), tally)
        else:
            from weakfield.campaign.engine import grow_with_workers

            grow_with_workers(study, folder, ordered, tally, say)
    _report(folder, tally)
    return len(tally.grown)


def say(message: str) -> None:
    """A line for a person, on standard error."""
    print(f"weakfield: {message}", file=sys.stderr, flush=True)


def _grow_here(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw], total: int, tally: Tally) -> None:
    """The plain loop: pass after pass over what is missing, the pairs that others have at the end of each.

    A failure that is the place's and not the pair's ends it: every other pair would meet the same.
    """
    from weakfield.simulation.ensemble import Session

    session, todo = Session(study), list(draws)
    with bar("pairs", total) as progress:
        progress.advance(total - len(todo))
        for _ in range(study.campaign.tries):
            tally.failed.clear()
            for wait in (False, True):
                todo = _pass(study, folder, session, todo, wait, tally, lambda: progress.advance())
            todo = list(tally.failed)
            if not todo:
                return


def _pass(
    study: StudyConfig, folder: RunFolder, session: Session, draws: Sequence[Draw], wait: bool, tally: Tally,
    advance: Callable[[], None],
) -> list[Draw]:  # fmt: skip
    """Grow what nobody else has; the pairs that somebody had."""
    from weakfield.campaign.work import grow_claimed, is_of_the_place, scratch_folder

    elsewhere = []
    for draw in draws:
        try:
            with session.held():  # for each anew: a writer that failed writes no more
                scratch = scratch_folder(study.campaign.scratch, folder)
                status = grow_claimed(study, draw, folder, session, wait, scratch)
        except BadInput:
            raise  # of the settings: no pair would fare better
        except Exception as error:
            if is_of_the_place(error) or study.campaign.tries == 1:
                raise
            tally.failed[draw] = sentence(error)
            continue
        if status == "elsewhere":
            elsewhere.append(draw)
            continue
        (tally.grown if status == "whole" else tally.there).add(draw)
        advance()
    return elsewhere


def _report(folder: RunFolder, tally: Tally) -> None:
    """Raise for pairs that were set aside, with the reason of the first and where the others' are."""
    if not tally.failed:
        return
    failed = sorted(tally.failed, key=in_order)
    others = "" if len(failed) == 1 else f" ({_listed(failed)})"
    first, logs = failed[0], log_path(folder, failed[0]).parent
    raise WeakfieldError(
        f"{len(failed)} of {tally.whole + len(failed)} pairs failed and were set aside{others}; seed {first}:"
        f" {tally.failed[first]}; logs are in {logs}, and the same command tries them again"
    )


def _listed(draws: Sequence[Draw]) -> str:
    shown = ", ".join(str(draw) for draw in draws[:10])
    return f"seeds {shown}" + (", ..." if len(draws) > 10 else "")
