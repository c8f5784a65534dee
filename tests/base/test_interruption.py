"""A Ctrl-C that Python drops is raised again a moment later."""

from __future__ import annotations

import signal
import subprocess
import sys

LISTENING = """
import signal, time
from weakfield.base.interruption import listen
from weakfield.base.progress import bar
"""

LOST = """
class Dies:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

listen()
Dies()
print("goes on", flush=True)
with bar("pairs", 2) as progress:
    progress.advance()
    print("the bar too", flush=True)
    time.sleep(20)
print("too far")
"""

IGNORED = """
listen()
signal.raise_signal(signal.SIGINT)
with bar("pairs", 2) as progress:
    progress.advance()
print("done")
"""


def of_process(script: str, before: signal.Handlers) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LISTENING + script],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, before),
    )


def test_one_that_a_destructor_swallowed_comes_again() -> None:
    done = of_process(LOST, signal.SIG_DFL)
    assert done.stdout == "goes on\nthe bar too\n"
    assert done.stderr.startswith("Traceback")  # no word about the one that was lost
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert done.returncode == -signal.SIGINT


def test_who_was_told_to_ignore_it_does() -> None:
    done = of_process(IGNORED, signal.SIG_IGN)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


FAULTY = """
class Dies:
    def __del__(self):
        raise ValueError("a fault of its own")

listen()
Dies()
"""


def test_other_faults_of_destructors_are_reported_as_usual() -> None:
    done = of_process(FAULTY, signal.SIG_DFL)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Exception ignored in")
    assert "ValueError: a fault of its own" in done.stderr
