"""Seconds of what every run waits for before its first cycle, and at its end.

    python benchmarks/startup.py                     medians of seven processes each
    python benchmarks/startup.py --repeat 3
    python benchmarks/startup.py --run runs/demo     and the second run of a finished study

Whole processes, in turn: Python with nothing, with PyTorch, with what a simulation imports, the same without the search
for garbage at the end, as the command ``weakfield`` ends, then with kernels loaded from disk; ``weakfield --help``; and
examples/settings.ini with N = 64 up to its first cycle.
The table goes to the terminal and to benchmarks/results/startup.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "startup.json"
AS_COMMAND = "from weakfield.base import ending; ending.prepare(); ending.finish(0); "
SIMULATION = "from weakfield.simulation import evolution; from weakfield.mesh.kernels.cpu import warm; "
KERNELS = "import torch; warm.compile_kernels(torch.float64, 'gr', False)"
#: ends the process where the bar of the cycles appears
FIRST_CYCLE = """
import os, sys
from weakfield.base import progress
bar = progress.bar
progress.bar = lambda name, total: os._exit(0) if "seed" in name else bar(name, total)
sys.argv[1:] = ["simulate", "settings.ini"]
from weakfield.cli import main
main()
"""
CASES = {
    "Python": "pass",
    "import torch": "import torch",
    "imports of a simulation": SIMULATION,
    "the same, as the command does it": AS_COMMAND + SIMULATION,
    "and the kernels of a GR run": AS_COMMAND + SIMULATION + KERNELS,
    "weakfield --help": "import sys; sys.argv[1:] = ['--help']; from weakfield.cli import main; main()",
    "settings.ini, N = 64, to its first cycle": FIRST_CYCLE,
}


def seconds(code: str, folder: str) -> float:
    """Wall time of one process that works in ``folder``."""
    begin = time.perf_counter()
    environment = {"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment, cwd=folder)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--run", type=Path, help="run folder of a finished study")
    options = parser.parse_args()
    cases = dict(CASES)
    if options.run:
        line = ["run", str(options.run.resolve())]
        cases["second run of a study"] = f"import sys; sys.argv[1:] = {line}; from weakfield.cli import main; main()"
    times: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        settings = (ROOT / "examples" / "settings.ini").read_text()
        larger = re.sub(r"(?m)^(tiling factor|Ngrid)( *= )(\d+)", lambda m: f"{m[1]}{m[2]}{4 * int(m[3])}", settings)
        (Path(folder) / "settings.ini").write_text(larger)
        for code in cases.values():
            seconds(code, folder)  # what is not compiled or cached yet
        for _ in range(options.repeat):
            for name, code in cases.items():
                times[name].append(seconds(code, folder))
    medians = {name: statistics.median(several) for name, several in times.items()}
    for name, value in medians.items():
        print(f"{value:6.2f} s  {name}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
