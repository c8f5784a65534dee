"""How long every stage of a study takes on one core and on more, and where it spends its time.

    python benchmarks/stages.py                             the demo: 48 pairs at N = 32, with 1 and 2 workers
    python benchmarks/stages.py --grid 16 --pairs 12        a smaller one
    python benchmarks/stages.py --stages audit explain      these alone; the others run before, untimed
    python benchmarks/stages.py --profile                   also the functions in which one worker spends its time

Every stage is a command of its own, as a person gives it; a stage starts from what the stages before it left, with any
number of workers. ``seconds`` are those that the stage says it took, without the start of Python; ``cpu`` are those of
all processes of the command on any core, which other work on the machine changes less. The efficiency of w workers is
the seconds of one over w times those of w. Results go to the terminal and to benchmarks/results/stages.json.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pstats
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import weakfield

RESULTS = Path(__file__).parent / "results" / "stages.json"
SOURCE = str(Path(weakfield.__file__).parent)
STAGES = {
    "simulate": "pairs",
    "measure": "spectra",
    "dataset": "dataset",
    "train": "training",
    "audit": "audit",
    "explain": "explain",
    "report": "report",
}
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=int, default=32)
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    # workers and their server become our children when the command has ended, so that their time can be asked for
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rows = []
    with tempfile.TemporaryDirectory(prefix="weakfield-stages-") as temporary:
        folder = Path(temporary) / "run"
        start = ["run", "demo", "--grid", str(options.grid), "--pairs", str(options.pairs), "--out", str(folder)]
        if options.stages != list(STAGES)[: len(options.stages)]:
            command(start, 1)
        for stage in options.stages:
            rows.append(measured(stage, folder, start[1:], options))
            print(
                "  ".join(f"{name} {shown(value)}" for name, value in rows[-1].items() if name != "profile"), flush=True
            )
            for name, seconds in rows[-1].get("profile", {}).items():
                print(f"    {seconds:7.2f} s  {name}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"grid": options.grid, "pairs": options.pairs, "stages": rows}, indent=1) + "\n")


def measured(stage: str, folder: Path, study: list[str], options: argparse.Namespace) -> dict:
    """Seconds and CPU seconds of a stage by number of workers, medians of runs in turn, and its profile."""
    line = ["simulate", *study] if stage == "simulate" else [stage, str(folder)]
    seconds, cpu = defaultdict(list), defaultdict(list)
    for _ in range(options.repeat):
        for workers in options.workers:
            shutil.rmtree(folder / STAGES[stage], ignore_errors=True)
            told, busy = command(line, workers)
            seconds[workers].append(told["seconds"])
            cpu[workers].append(busy)
    row: dict = {"stage": stage}
    first = options.workers[0]
    for workers in options.workers:
        row |= {f"seconds {workers}": statistics.median(seconds[workers])}
        row |= {f"cpu {workers}": statistics.median(cpu[workers])}
        if workers != first:
            gain = statistics.median(a / b for a, b in zip(seconds[first], seconds[workers], strict=True))
            row |= {f"efficiency {workers}": gain * first / workers}
    if options.profile:
        shutil.rmtree(folder / STAGES[stage], ignore_errors=True)
        kept = folder.parent / "profile"
        command(line, 1, ["-m", "cProfile", "-o", str(kept)])
        row["profile"] = where(kept)
    return row


def command(line: list[str], workers: int, before: list[str] | None = None) -> tuple[dict, float]:
    """The last line that a command says about its stage, and the CPU seconds of all its processes."""
    begin = busy()
    # the number of cores that "auto" finds: on a machine with that many, this is what people get
    environment = {**os.environ, "WEAKFIELD_WORKERS": str(workers), "OMP_WAIT_POLICY": "PASSIVE"}
    whole = [sys.executable, *(before or []), "-m", "weakfield", *line, "--json"]
    done = subprocess.run(whole, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    with suppress(ChildProcessError):
        while True:
            os.wait()
    return json.loads(done.stdout.splitlines()[-1]), busy() - begin


def busy() -> float:
    """CPU seconds of all that has run under this process and ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def where(profile: Path, most: int = 8) -> dict[str, float]:
    """Seconds in the functions of weakfield that take longest, libraries that they call included."""
    stats = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]
    own: dict[str, float] = defaultdict(float)
    for place, (_, _, inside, _, callers) in stats.items():
        if place[0].startswith(SOURCE):
            own[named(place)] += inside
        else:
            for caller, (_, _, _, together) in callers.items():
                if caller[0].startswith(SOURCE):
                    own[named(caller)] += together
    own = {name: seconds for name, seconds in own.items() if not name.startswith("cli/")}  # all else happens in these
    return dict(sorted(own.items(), key=lambda item: -item[1])[:most])


def named(place: tuple[str, int, str]) -> str:
    return f"{place[0].removeprefix(SOURCE + '/')} {place[2]}"


def shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
