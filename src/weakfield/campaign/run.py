"""Grow the pairs of a study: one after the other here, or by the workers of a campaign."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.progress import bar
from weakfield.campaign.journal import log_path, sentence
from weakfield.config import RunFolder, StudyConfig
from weakfield.simulation.claims import claimed
from weakfield.simulation.pair import flaw

if TYPE_CHECKING:
    from weakfield.simulation.ensemble import Session

Say = Callable[[str], None]


@dataclass
class Tally:
    """What became of the seeds so far: grown by us, whole before or by others, failed and why."""

    grown: set[int] = field(default_factory=set)
    there: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> int:
        return len(self.grown) + len(self.there)


def grow_pairs(study: StudyConfig, folder: RunFolder, seeds: Sequence[int]) -> int:
    """Bring the pairs of ``seeds`` to being whole on disk; how many were grown by this call.

    Where ``study.campaign`` asks for neither workers nor a cluster the pairs are grown here, one after the other; else
    by Dask, a task a pair. Either way each pair is claimed first, so that many such calls share a run folder. A pair
    that failed as often as ``campaign.tries`` allows is set aside, the others go on, and at the end a
    ``WeakfieldError`` names those set aside; ``BadInput`` for pairs of other settings.
    """
    tally = Tally()
    missing = []
    for seed in seeds:
        if flaw(study, seed, folder) is None:  # raises for a pair of other settings
            tally.there.add(seed)
        else:
            missing.append(seed)
    if missing:
        busy = claimed(folder)
        ordered = sorted(missing, key=lambda seed: (seed in busy, seed))
        if study.campaign.plain:
            _grow_here(study, folder, ordered, len(seeds), tally)
        else:
            from weakfield.campaign.engine import grow_with_workers

            grow_with_workers(study, folder, ordered, tally, say)
    _report(folder, tally)
    return len(tally.grown)


def say(message: str) -> None:
    """A line for a person, on standard error."""
    print(f"weakfield: {message}", file=sys.stderr, flush=True)


def _grow_here(study: StudyConfig, folder: RunFolder, seeds: Sequence[int], total: int, tally: Tally) -> None:
    """The plain loop: pass after pass over what is missing, the pairs that others have at the end of each.

    A failure that is the place's and not the pair's ends it: every other pair would meet the same.
    """
    from weakfield.simulation.ensemble import Session

    session, todo = Session(study), list(seeds)
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
    study: StudyConfig, folder: RunFolder, session: Session, seeds: Sequence[int], wait: bool, tally: Tally,
    advance: Callable[[], None],
) -> list[int]:  # fmt: skip
    """Grow what nobody else has; the seeds that somebody had."""
    from weakfield.campaign.work import grow_claimed, is_of_the_place, scratch_folder

    elsewhere = []
    for seed in seeds:
        try:
            with session.held():  # for each anew: a writer that failed writes no more
                scratch = scratch_folder(study.campaign.scratch, folder)
                status = grow_claimed(study, seed, folder, session, wait, scratch)
        except BadInput:
            raise  # of the settings: no pair would fare better
        except Exception as error:
            if is_of_the_place(error) or study.campaign.tries == 1:
                raise
            tally.failed[seed] = sentence(error)
            continue
        if status == "elsewhere":
            elsewhere.append(seed)
            continue
        (tally.grown if status == "whole" else tally.there).add(seed)
        advance()
    return elsewhere


def _report(folder: RunFolder, tally: Tally) -> None:
    """Raise for pairs that were set aside, with the reason of the first and where the others' are."""
    if not tally.failed:
        return
    seed, why = min(tally.failed.items())
    others = "" if len(tally.failed) == 1 else f" ({_listed(sorted(tally.failed))})"
    raise WeakfieldError(
        f"{len(tally.failed)} of {tally.whole + len(tally.failed)} pairs failed and were set aside{others};"
        f" seed {seed}: {why}; logs are in {log_path(folder, seed).parent}, and the same command tries them again"
    )


def _listed(seeds: Sequence[int]) -> str:
    shown = ", ".join(str(seed) for seed in seeds[:10])
    return f"seeds {shown}" + (", ..." if len(seeds) > 10 else "")
