"""Progress bars with the time left, on a terminal only.

``bars()`` opens a display on standard error. ``bar()`` adds a line to the open display and does nothing when none is
open, so that library code can always report progress and stay silent in a script.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_display: Progress | None = None


@contextmanager
def bars(enabled: bool = True) -> Iterator[None]:
    """Show the bars opened inside the block, if standard error is a terminal and ``enabled``."""
    global _display
    if not enabled or _display is not None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as display:
        _display = display
        try:
            yield
        finally:
            _display = None


@contextmanager
def without_bars() -> Iterator[None]:
    """Take the bars off the terminal during the block, which draws there itself."""
    shown = _display
    if shown is None:
        yield
        return
    shown.stop()
    try:
        yield
    finally:
        shown.start()


class bar:
    """One line of progress: ``with bar("pairs", 48) as b: b.advance()``."""

    def __init__(self, description: str, total: int | None) -> None:
        self._task: TaskID | None = None
        if _display is not None:
            self._task = _display.add_task(description, total=total)

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """Count ``steps`` more as done; ``note`` replaces the description."""
        if _display is not None and self._task is not None:
            _display.advance(self._task, steps)
            if note is not None:
                _display.update(self._task, description=note)

    def __enter__(self) -> bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _display is not None and self._task is not None:
            _display.remove_task(self._task)
