"""Two Newtonian runs of a seed with other numbers of threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.universes import grow_newton, share_of_different_numbers
from weakfield.base.progress import bar
from weakfield.config import RunSettings

THREADS = (1, 2)
#: a rule of construction: two seeds show it
SEEDS = 2


def with_threads(count: int) -> object:
    """``grow_member`` with so many threads, whatever the size of the mesh."""

    def grow(settings: RunSettings, folder: Path) -> None:
        from weakfield.mesh.threads import fixed_threads
        from weakfield.simulation import grow_member

        with fixed_threads(count):
            grow_member(settings, folder)

    return grow


def run(context: Context) -> Result:
    seeds = context.dataset.part("test")[:SEEDS]
    shares = []
    with bar("Newtonian runs with other threads", len(seeds)) as progress:
        for seed in seeds:
            runs = [
                grow_newton(context, "newton_threads", context.study, seed, f"-threads{count}", with_threads(count))  # type: ignore[arg-type]
                for count in THREADS
            ]
            names = [path.name for path in context.dataset.files(seed, "newton")]
            shares.append(share_of_different_numbers(*([run / name for name in names] for run in runs)))
            progress.advance()
    different = context.ratio(np.array(shares), np.ones(len(shares)))
    return Result(
        different,
        f"share of stored numbers that differ between {THREADS[0]} and {THREADS[1]} threads",
        "clean" if max(shares) == 0 else "inconclusive",
        remark=f"{len(seeds)} seeds, every number of phi at both redshifts compared bit by bit.",
    )


CONTROL = Control(
    name="newton_threads",
    question="Does the number of threads leave a trace in the numbers?",
    expectation="None: every sum runs in a fixed order, so the share of numbers that differ must be exactly 0.",
    how="Two test seeds are grown under Newton with one thread and with two; the stored fields are compared.",
    verdicts=(
        "Clean: the same bits. Inconclusive: some differ, so that twins grown with other numbers of threads could be"
        " told apart by rounding."
    ),
    blind="A GPU, whose sums have no fixed order unless simulation.deterministic is set.",
    run=run,
)
