"""Time to load a pair of samples: from the files of the pairs, from memory, from the cubes kept on disk.

Run as ``python benchmarks/dataset.py RUN [PAIRS]`` on a run folder with pairs, which stays as it is: the data set is
built beside links to them, in a folder that is removed. Whole cubes and slices; medians over the pairs or batches.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from weakfield.base.files import file_hash
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.dataset import Dataset, Pairs, build, open_dataset

BATCH = 16


def milliseconds(work: Callable[[Any], object], over: Iterable[Any]) -> float:
    """Median time of ``work`` on each item."""
    times = []
    for item in over:
        begin = time.perf_counter()
        work(item)
        times.append(time.perf_counter() - begin)
    return 1e3 * median(times)


def batches(pairs: Pairs) -> list[list[int]]:
    """Places of one epoch, far from each other, in batches."""
    count = len(pairs)
    order = [place * 7919 % count for place in range(count)] if count % 7919 else list(range(count))
    return [order[i : i + BATCH] for i in range(0, min(count, 50 * BATCH), BATCH)]


def report(study: StudyConfig, folder: RunFolder, shape: str) -> None:
    """Build a data set of the pairs of a run folder in one shape, and print what that took."""
    study = study.model_copy(update={"dataset": study.dataset.model_copy(update={"partial": True, "shape": shape})})
    begin = time.perf_counter()
    build.run(study, folder)
    data = open_dataset(folder)
    built = 1e3 * (time.perf_counter() - begin) / len(data.seeds)
    grid = data.grid
    print(f"{shape}s of {grid}^3, {len(data.seeds)} pairs")
    print(f"  building, a pair          {built:9.3f} ms")
    if shape == "cube":
        files = [[path for theory in THEORIES for path in data.files(seed, theory)] for seed in data.seeds]
        hashing = milliseconds(lambda paths: [file_hash(path) for path in paths], files)
        print(f"  hashing, a pair           {hashing:9.3f} ms (not done when loading)")
    for name, pairs in sources(data).items():
        per_pair = milliseconds(pairs.load, batches(pairs)) / BATCH
        print(f"  {name:25s} {per_pair:9.4f} ms a pair of samples")


def sources(data: Dataset) -> dict[str, Pairs]:
    """Pairs not loaded yet, loaded once, and kept on disk."""
    warm, kept = data.samples(data.seeds), data.samples(data.seeds, on_disk=True)
    for pairs in (warm, kept):
        pairs.load(range(0, len(pairs), pairs.sample_shape.count))
    mapped = open_dataset(data.folder).samples(data.seeds, on_disk=True)
    return {"files, first time": data.samples(data.seeds, room=1), "disk, mapped": mapped, "memory": warm}


def main() -> None:
    """What the command does: measure, print and keep."""
    source = RunFolder(sys.argv[1])
    study = StudyConfig.from_toml(source.study)
    if len(sys.argv) > 2:
        study = study.model_copy(update={"seeds": study.seeds.model_copy(update={"count": int(sys.argv[2])})})
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch) / "run")
        folder.root.mkdir()
        folder.pairs.symlink_to(source.pairs.resolve())
        for shape in ("cube", "slice"):
            report(study, folder, shape)


if __name__ == "__main__":
    main()
