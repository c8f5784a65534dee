"""Campaigns: throughput against workers, what a pair costs beside a bare loop, memory over many pairs.

    python benchmarks/campaign.py throughput --workers 1 2      pairs an hour and efficiency at N = 32
    python benchmarks/campaign.py overhead                      a campaign of one worker beside a bare loop at N = 32
    python benchmarks/campaign.py memory --pairs 1000           memory of scheduler and worker over tiny pairs
    python benchmarks/campaign.py page                          docs/campaigns.md: its tables from the results

Each writes its part of benchmarks/results/campaign.json. Times are from the first pair begun to the last one whole, as
the journal of the run folder and the clock of this process give them, kernels compiled by a run before; starting
Python and the workers comes on top and is given apart. Threads: one a worker.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "campaign.json"
PAGE = Path(__file__).parents[1] / "docs" / "campaigns.md"
MARK = "<!-- {part} by benchmarks/campaign.py page -->"


def study_of(grid: int, pairs: int, workers: int, step: float = 0.04) -> Any:
    """The study of docs/results at 20 Mpc/h a cell, or smaller."""
    from weakfield.config import StudyConfig

    return StudyConfig.from_mapping(
        {
            "name": "benchmark",
            "seeds": {"first": 0, "count": pairs},
            "simulation": {
                "grid": grid,
                "box_size_mpch": 20.0 * grid,
                "mesh": "staggered",
                "start": "linear",
                "step_limit_hubble": step,
            },
            "campaign": {"workers": workers, "threads": 1},
        }
    )


def campaign(grid: int, pairs: int, workers: int, root: Path) -> dict[str, float]:
    """Seconds until all pairs are whole by workers; those before the first of them began are ``start``."""
    from weakfield.config import RunFolder
    from weakfield.pairs.clusters import connected
    from weakfield.pairs.journal import Tally
    from weakfield.pairs.runfolder import open_for_work
    from weakfield.pairs.workers import Dispatch

    study, folder, tally = study_of(grid, pairs + workers, workers), RunFolder(root), Tally()
    begin = time.perf_counter()
    with open_for_work(study, folder, "simulate", alone=False), connected(study, root / "jobs") as client:
        client.wait_for_workers(workers)
        grow = Dispatch(client, study, folder, tally, print, lambda: None).grow
        grow(range(pairs, pairs + workers))  # one a worker, which loads what its first pair loads
        ready = time.perf_counter()
        grow(range(pairs))
        end = time.perf_counter()
    assert len(tally.grown) == pairs + workers
    return {"start": ready - begin, "seconds": end - ready}


def bare_loop(grid: int, pairs: int, root: Path) -> float:
    """Seconds of pairs grown one after the other, without lock, journal or Dask."""
    from weakfield.config import RunFolder
    from weakfield.pairs.grower import PairGrower

    grower = PairGrower(study_of(grid, pairs + 1, 1), RunFolder(root), alone=True)
    with grower.writing():
        grower.grow(pairs)
        begin = time.perf_counter()
        for seed in range(pairs):
            grower.grow(seed)
        return time.perf_counter() - begin


def throughput(grid: int, pairs: int, counts: list[int]) -> dict[str, Any]:
    """Pairs an hour, and efficiency against the first count."""
    rows = []
    for workers in counts:
        with tempfile.TemporaryDirectory() as root:
            found = campaign(grid, pairs, workers, Path(root))
        rows.append({"workers": workers, "pairs_an_hour": 3600 * pairs / found["seconds"], "start_s": found["start"]})
        rows[-1]["efficiency"] = rows[-1]["pairs_an_hour"] / rows[0]["pairs_an_hour"] * counts[0] / workers
        print(rows[-1], flush=True)
    return {"grid": grid, "pairs": pairs, "rows": rows}


def overhead(grid: int, pairs: int, repeats: int) -> dict[str, Any]:
    """Seconds a pair of a campaign of one worker and of a bare loop, in turn; the median of the ratios."""
    loops, campaigns = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as root:
            loops.append(bare_loop(grid, pairs, Path(root)) / pairs)
        with tempfile.TemporaryDirectory() as root:
            campaigns.append(campaign(grid, pairs, 1, Path(root))["seconds"] / pairs)
        print(f"loop {loops[-1]:.4f} s, campaign {campaigns[-1]:.4f} s a pair", flush=True)
    ratios = [one / other - 1 for one, other in zip(campaigns, loops, strict=True)]
    return {
        "grid": grid, "pairs": pairs, "loop_s": loops, "campaign_s": campaigns,
        "overhead": statistics.median(ratios),
    }  # fmt: skip


def memory(pairs: int) -> dict[str, Any]:
    """Resident memory [MB] of client with scheduler, and of one worker, while tiny pairs go by."""
    import psutil

    from weakfield.config import RunFolder
    from weakfield.pairs.clusters import connected
    from weakfield.pairs.journal import Tally
    from weakfield.pairs.runfolder import open_for_work
    from weakfield.pairs.workers import Dispatch

    study, tally, rows = study_of(8, pairs, 1, step=0.5), Tally(), []
    simulation = {"transfer": "eisenstein-hu", "snapshot_redshifts": (10.0, 1.0), "spectra_bins": 4}
    study = study.model_copy(update={"simulation": study.simulation.model_copy(update=simulation)})
    with (
        tempfile.TemporaryDirectory() as root,
        open_for_work(study, RunFolder(root), "simulate", alone=False),
        connected(study, Path(root) / "jobs") as client,
    ):
        client.wait_for_workers(1)
        (worker,) = client.run(os.getpid).values()
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.5):
                sizes = [psutil.Process(pid).memory_info().rss / 1e6 for pid in (os.getpid(), worker)]
                rows.append([len(tally.grown), *sizes])

        watcher = threading.Thread(target=watch)
        watcher.start()
        begin = time.perf_counter()
        Dispatch(client, study, RunFolder(root), tally, print, lambda: None).grow(range(pairs))
        seconds = time.perf_counter() - begin
        done.set()
        watcher.join()
    table = [min(rows, key=lambda row: abs(row[0] - pairs * part / 4)) for part in range(1, 5)]
    print(table)
    return {"pairs": pairs, "seconds": seconds, "pairs_scheduler_worker_mb": table}


def machine() -> dict[str, Any]:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version()}


def write_page(results: dict[str, Any]) -> None:
    """Put the tables between their marks in docs/campaigns.md."""
    parts = {"measured": measured(results), "sizes": sizes(results)}
    text = PAGE.read_text(encoding="utf-8")
    for part, table in parts.items():
        mark = MARK.format(part=part)
        before, _, rest = text.partition(mark)
        _, _, after = rest.partition(mark)
        text = f"{before}{mark}\n{table}\n{mark}{after}"
    PAGE.write_text(text, encoding="utf-8")


def measured(results: dict[str, Any]) -> str:
    """What was measured, as the tables of the page."""
    lines = [f"On {results['machine']['processor']}, {results['machine']['cores']} cores, one thread a worker:", ""]
    if (found := results.get("throughput")) is not None:
        lines += [f"| workers, N = {found['grid']} | pairs an hour | efficiency | start [s] |", "|---|---|---|---|"]
        for row in found["rows"]:
            lines.append(
                f"| {row['workers']} | {row['pairs_an_hour']:.0f} | {row['efficiency']:.2f} | {row['start_s']:.1f} |"
            )
    if (found := results.get("overhead")) is not None:
        loop, ours = statistics.median(found["loop_s"]), statistics.median(found["campaign_s"])
        lines += ["", f"A pair at N = {found['grid']} takes {loop:.3f} s in a bare loop, {ours:.3f} s by a worker:"
                  f" {100 * found['overhead']:+.1f} % (median of {len(found['loop_s'])} runs in turn)."]  # fmt: skip
    if (found := results.get("memory")) is not None:
        rows = found["pairs_scheduler_worker_mb"]
        lines += ["", f"Over {found['pairs']} tiny pairs:", "", "| pairs | client and scheduler [MB] | worker [MB] |",
                  "|---|---|---|", *(f"| {done} | {one:.0f} | {two:.0f} |" for done, one, two in rows)]  # fmt: skip
    return "\n".join(lines)


def sizes(results: dict[str, Any]) -> str:
    """2000 pairs: disk from the settings; time from seconds a cycle of benchmarks/scaling.py and simulation.py."""
    from weakfield.pairs.cost import bytes_of_pair, cycles_of

    lines = ["| N | disk, 3 outputs of phi | cycles of a run | time a pair | 2000 pairs, 1 machine | 20 machines |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for grid, label in ((32, ""), (256, " (extrapolated)"), (512, " (extrapolated)")):
        study = study_of(grid, 2000, 1)
        outputs = {"snapshot_redshifts": (10.0, 5.0, 1.0), "spectra_redshifts": (10.0, 5.0, 1.0)}
        study = study.model_copy(update={"simulation": study.simulation.model_copy(update=outputs)})
        cycles = cycles_of(study.run_settings("gr", 0))
        seconds = seconds_of_pair(grid, cycles, results)
        lines.append(
            f"| {grid} | {2000 * bytes_of_pair(study) / 1e9:.3g} GB | {cycles} | {seconds:.3g} s{label} |"
            f" {2000 * seconds / 86400:.2g} days | {2000 * seconds / 86400 / 20:.2g} days |"
        )
    return "\n".join(lines)


def seconds_of_pair(grid: int, cycles: int, results: dict[str, Any]) -> float:
    """Seconds of both members: measured at N = 32; above from the cycles measured at the largest mesh, by N^3."""
    if grid == 32:
        return statistics.median(results["overhead"]["loop_s"])
    points = json.loads((RESULTS.parent / "scaling.json").read_text())
    return cycles * sum(cycle_seconds(points, theory, grid) for theory in ("gr", "newton"))


def cycle_seconds(points: Any, theory: str, grid: int) -> float:
    """Seconds of a cycle in double precision on all cores, from the largest mesh measured, scaled by its cells."""
    found = [row for row in points["rows"] if row["theory"] == theory and row["precision"] == "double"]
    largest = max(found, key=lambda row: row["grid"])
    return float(largest["cycle_ms"] / 1e3 * (grid / largest["grid"]) ** 3)


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("throughput", "overhead", "memory", "page"))
    parser.add_argument("--grid", type=int, default=32)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if given.part == "page":
        write_page(results)
        return
    if given.part == "throughput":
        results["throughput"] = throughput(given.grid, given.pairs or 24, given.workers)
    elif given.part == "overhead":
        results["overhead"] = overhead(given.grid, given.pairs or 12, given.repeat)
    else:
        results["memory"] = memory(given.pairs or 1000)
    results["machine"] = machine()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
