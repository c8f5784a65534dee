"""Many pairs of one study, one after another: what they share is made once, and a GPU does not wait for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from weakfield.config import RunFolder, StudyConfig
from weakfield.simulation.pair import grow_pair
from weakfield.simulation.shared import Shared
from weakfield.simulation.writer import Behind, Immediate


@contextmanager
def growing(study: StudyConfig) -> Iterator[Callable[[StudyConfig, int, RunFolder], None]]:
    """``grow_pair`` for the pairs of a study; when the context is left without an error, all are whole on disk.

    Memory does not grow with the number of pairs: one universe lives at a time, and a bounded number of fields waits
    to be written.
    """
    shared = Shared(study.run_settings("gr", study.seeds.all[0]))
    with Behind() if shared.device.type == "cuda" else nullcontext(Immediate()) as writer:
        yield partial(grow_pair, shared=shared, writer=writer)
