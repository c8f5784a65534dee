"""A process that settles collects seldom, and at its end nothing that is still alive."""

from __future__ import annotations

import subprocess
import sys

CYCLE = """
import gc, sys
{settle}
class Node:
    def __del__(self):
        print("searched", flush=True)
node = Node()
node.itself = node
print(gc.get_threshold()[0] > 10_000)
sys.modules["kept"] = node  # alive until the very end, as imported modules are
del node
"""


def answer(settle: str) -> list[str]:
    code = CYCLE.format(settle=settle)
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def test_what_lives_to_the_end_is_not_searched_for_cycles():
    assert answer("") == ["False", "searched"]
    assert answer("from weakfield.base.startup import settle; settle()") == ["True"]


def test_what_is_made_after_the_imports_is_collected_as_usual():
    code = "from weakfield.base.startup import settle, settled; before = gc.get_threshold(); settle(); settled();"
    assert answer(code + "print(gc.get_threshold() == before, gc.get_freeze_count() > 0)") == ["True", "True", "False"]


def test_a_stage_works_with_the_usual_collector():
    """The command settles before its imports, the stage says when they are done."""
    code = (
        "import gc, weakfield.study as s; from weakfield.base.startup import settle; settle();"
        "import shutil; shutil.run = lambda *a: print(gc.get_threshold()[0]);"
        "s._stage('x', 'shutil', 'x', (), ()).work(None, None)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert int(out) < 10_000
