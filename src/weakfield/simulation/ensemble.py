"""Many pairs of one study, one after another: what they share is made once, and a GPU does not wait for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.simulation.pair import grow_pair
from weakfield.simulation.shared import Shared
from weakfield.simulation.writer import Behind, Immediate, Writer


class Session:
    """What the pairs of one study share in one process; ``held`` says from when to when files may still be written.

    Memory does not grow with the number of pairs: one universe lives at a time, and a bounded number of fields waits
    to be written.
    """

    def __init__(self, study: StudyConfig) -> None:
        self._shared = Shared(study.run_settings("gr", study.seeds.all[0]))
        self.writer: Writer = Immediate()

    def serves(self, study: StudyConfig) -> bool:
        """Whether this was made for the settings of ``study``."""
        return self._shared.serves(study.run_settings("gr", study.seeds.all[0]))

    @contextmanager
    def held(self) -> Iterator[None]:
        """When the context is left without an error, all pairs grown in it are whole on disk."""
        with Behind() if self._shared.device.type == "cuda" else nullcontext(Immediate()) as self.writer:
            yield

    def grow(self, study: StudyConfig, draw: Draw, folder: RunFolder, scratch: Path | None = None) -> None:
        """``grow_pair``; on a GPU the pair may become whole as late as the end of ``held``."""
        grow_pair(study, draw, folder, self._shared, self.writer, scratch)


@contextmanager
def growing(study: StudyConfig) -> Iterator[Callable[[StudyConfig, Draw, RunFolder], None]]:
    """``grow_pair`` for the pairs of a study; when the context is left without an error, all are whole on disk."""
    session = Session(study)
    with session.held():
        yield session.grow
