"""Commands under torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def together() -> Iterator[bool]:
    """Whether this process has the command to run: yes, unless torchrun started it as one that follows another.

    A follower has taken its share of all trainings by the time the block begins.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:  # known without PyTorch, which takes a second to load
        yield True
        return
    from weakfield.learning.distributed import session
    from weakfield.learning.fitting import follow

    with session(follow) as leads:
        yield leads
    if not leads:
        # nothing is left to do or to write, and threads of PyTorch that end with the interpreter abort it now and then
        os._exit(0)
