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


def settle() -> None:
    """For programs, before their heavy imports: collect seldom, and nothing that is still alive at the end."""
    gc.set_threshold(_PATIENCE, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
