"""Seconds of what every run waits for before its first cycle, and at its end.

    python benchmarks/startup.py                     medians of seven processes each
    python benchmarks/startup.py --repeat 3

Whole processes, in turn: Python with nothing, with PyTorch, with what a simulation imports, the same without the search
for garbage at the end, as the command ``weakfield`` ends, then with kernels loaded from disk, and ``weakfield --help``.
The table goes to the terminal and to benchmarks/results/startup.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "startup.json"
AS_COMMAND = "import atexit, gc; atexit.register(gc.freeze); "
SIMULATION = "from weakfield.simulation import evolution; from weakfield.mesh.kernels.cpu import warm; "
KERNELS = "import torch; warm.compile_kernels(torch.float64, 'gr', False)"
CASES = {
    "Python": "pass",
    "import torch": "import torch",
    "imports of a simulation": SIMULATION,
    "the same, as the command does it": AS_COMMAND + SIMULATION,
    "and the kernels of a GR run": AS_COMMAND + SIMULATION + KERNELS,
    "weakfield --help": "import sys; sys.argv[1:] = ['--help']; from weakfield.cli import main; main()",
}


def seconds(code: str) -> float:
    """Wall time of one process."""
    begin = time.perf_counter()
    environment = {"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for code in CASES.values():
        seconds(code)  # what is not compiled or cached yet
    for _ in range(options.repeat):
        for name, code in CASES.items():
            times[name].append(seconds(code))
    medians = {name: statistics.median(several) for name, several in times.items()}
    for name, value in medians.items():
        print(f"{value:6.2f} s  {name}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
