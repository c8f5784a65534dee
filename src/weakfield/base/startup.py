"""A process that starts and ends without searching what it imports for garbage.

PyTorch, Numba and SciPy make some hundred thousand objects that live as long as the process. Python's collector of
reference cycles goes through them again and again while they are imported, and once more at the end
(``python benchmarks/startup.py`` measures it).
"""

from __future__ import annotations

import atexit
import gc

#: new containers before the collector looks at them; Python's own 700 makes it run some thousand times in imports
_PATIENCE = 50_000

_usual: tuple[int, int, int] | None = None


def settle() -> None:
    """For programs, before their heavy imports: collect seldom, and nothing that is still alive at the end."""
    global _usual
    if _usual is None:
        _usual = gc.get_threshold()
        gc.set_threshold(_PATIENCE, *_usual[1:])
        atexit.register(gc.freeze)


def settled() -> None:
    """When they are done: what they made is left alone, and all that follows is collected as usual.

    Cycles of tensors must not wait for fifty thousand others. Without ``settle`` before it this does nothing.
    """
    global _usual
    if _usual is not None:
        gc.freeze()
        gc.set_threshold(*_usual)
        _usual = None
