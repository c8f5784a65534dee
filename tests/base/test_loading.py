"""The search for garbage rests while modules load, and only then."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress

from weakfield.base.loading import loading


def test_the_search_rests_inside_and_goes_on_after_an_error() -> None:
    seen = []
    with suppress(KeyError), loading():
        seen.append(gc.isenabled())
        raise KeyError
    assert seen == [False]
    assert gc.isenabled()


def test_a_search_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with loading(), loading():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_only_the_first_load_of_a_command_is_kept_for_good() -> None:
    code = (
        "import gc; from weakfield.base.loading import loading\n"
        "with loading(): pass\n"
        "assert gc.get_freeze_count() == 0\n"
        "with loading(for_good=True): pass\n"
        "kept = gc.get_freeze_count(); assert kept > 0\n"
        "more = [[] for _ in range(1000)]\n"
        "with loading(for_good=True): pass\n"
        "assert gc.get_freeze_count() <= kept"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
