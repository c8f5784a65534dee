"""Growing pairs on this machine without Dask, one a core or one after the other (``cores``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing

from weakfield.base.errors import BadInput
from weakfield.base.pool import WorkerLost, completed, mapped, start_server
from weakfield.base.progress import bar
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh.threads import available_threads, threads
from weakfield.pairs.cores import workers_for
from weakfield.pairs.grower import PairGrower, Status, disk_fault, scratch_folder
from weakfield.pairs.journal import Tally, note, sentence
from weakfield.simulation.evolution import compile_kernels_of
from weakfield.simulation.study_cache import StudyCache

#: a pair, and whether to wait for it where another process has it
Wanted = tuple[Draw, bool]


def shared_work(study: StudyConfig, workers: int) -> tuple[TransferHistory | None, int]:
    """What workers are handed: the transfer functions of a study, made once, and the number of threads of each.

    While their server starts, this also compiles what is not compiled yet, once for all.
    """
    if workers == 1:
        return None, available_threads()
    start_server()
    cache = StudyCache(run := study.run_settings("gr", study.seeds.first))
    compile_kernels_of(run)
    compile_kernels_of(study.run_settings("newton", study.seeds.first))
    return cache.history, max(1, available_threads() // workers)


def pair_work(
    study: StudyConfig, folder: RunFolder, history: TransferHistory | None, count: int, alone: bool = False
) -> Callable[[Wanted], Status]:
    """The work of growing pairs of a study with ``count`` threads; ``alone`` as for ``PairGrower``."""
    cache = StudyCache(study.run_settings("gr", study.seeds.first), history)
    grower = PairGrower(study, folder, cache=cache, alone=alone)

    def work(wanted: Wanted) -> Status:
        draw, wait = wanted
        with threads(count), grower.writing():
            grower.scratch = None if alone else scratch_folder(study.campaign.scratch, folder)
            return grower.grow(draw, wait)

    return work


def grow_alone(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw], workers: int, label: str) -> None:
    """Grow pairs in a folder that belongs to the caller, without locks and journal; raises the first error."""
    workers = min(workers, workers_for(study, len(draws)))
    with bar(label, len(draws)) as progress:
        arguments = (study, folder, *shared_work(study, workers), True)
        mapped(pair_work, arguments, [(draw, False) for draw in draws], workers, lambda _: progress.advance())


def grow_here(study: StudyConfig, folder: RunFolder, draws: Sequence[Draw], tally: Tally) -> None:
    """Grow the pairs of ``draws`` on this machine, noting in ``tally`` what became of each.

    A pair that fails is tried again after the others, and one that another process has is waited for at the end. Raises
    ``BadInput`` where the settings are wrong, and what went wrong with the disk or the folder: no other pair would fare
    better.
    """
    tries, todo = Counter[Draw](), [(draw, False) for draw in draws]
    workers = workers_for(study, len(draws))
    history, count = shared_work(study, workers)
    with bar("pairs", tally.whole + len(draws)) as progress:
        progress.advance(tally.whole)
        while todo:
            again: list[Wanted] = []
            elsewhere: list[Wanted] = []
            with closing(completed(pair_work, (study, folder, history, count), todo, workers)) as answers:
                for one in answers:
                    draw, error = one.job[0], one.error
                    if isinstance(error, WorkerLost):
                        note(folder, draw, "failed", error=sentence(error))
                    if error is not None:
                        tries[draw] += 1
                        if isinstance(error, BadInput) or disk_fault(error) or study.campaign.tries == 1:
                            raise error
                        if tries[draw] < study.campaign.tries:
                            again.append((draw, False))
                        else:
                            tally.failed[draw] = sentence(error)
                    elif one.result == "elsewhere":
                        elsewhere.append((draw, True))
                    else:
                        (tally.grown if one.result == "whole" else tally.there).add(draw)
                        progress.advance()
            todo = again + elsewhere
