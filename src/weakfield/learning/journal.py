"""What a training reports epoch by epoch: JSON lines, and event files for TensorBoard on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from weakfield.base.files import write_text
from weakfield.base.optional import from_extra
from weakfield.learning.monitor import Norms

LOG, EVENTS = "log.jsonl", "tensorboard"


class Journal:
    """``log.jsonl`` in ``folder``, one line per epoch: the row of the history and the norms of every layer.

    The file is written whole each time, before a checkpoint and at the end of a ``with`` block, so that an epoch
    repeated after an interruption replaces its line. It holds no times, so that the same training writes the same
    bytes. Raises ``BadInput`` when TensorBoard is asked for but not installed.
    """

    def __init__(self, folder: Path, tensorboard: bool, finished: int) -> None:
        self.folder = folder
        self._rows: list[tuple[dict[str, float], Norms]] = []
        self._written = 0
        self.writer: Any = None
        if tensorboard:
            with from_extra("learn", "training.tensorboard"):
                from torch.utils.tensorboard import SummaryWriter
            self.writer = SummaryWriter(str(folder / EVENTS), purge_step=finished)  # type: ignore[no-untyped-call]

    def note(self, history: list[dict[str, float]], norms: list[Norms]) -> None:
        """Take the state of the training after its last epoch."""
        self._rows = list(zip(history, norms, strict=True))
        if self.writer is not None and history:
            epoch = len(history) - 1
            for name, value in history[-1].items():
                self.writer.add_scalar(name, value, epoch)
            for layer, row in norms[-1].items():
                for name, value in row.items():
                    self.writer.add_scalar(f"{name}/{layer}", value, epoch)
            self.writer.flush()

    def write(self) -> None:
        """Write the state that was noted last."""
        if len(self._rows) > self._written:
            lines = [json.dumps({**row, "layers": layers}) for row, layers in self._rows]
            write_text(self.folder / LOG, "\n".join(lines) + "\n")
            self._written = len(self._rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.write()
        if self.writer is not None:
            self.writer.close()
