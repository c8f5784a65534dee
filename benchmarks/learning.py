"""How fast networks are trained: our loop against the same network fed from memory in a bare loop, and the variants.

Run as ``python benchmarks/learning.py [--cases cubes32 cubes64 slices256] [--rounds 5]``; writes
``benchmarks/results/learning.json``. The bare loop is forward pass, loss, backward pass and step on batches that lie
ready; ours also draws symmetries and moves every sample, clips, watches layers and keeps account. Epochs of the two
take turns, so that what else the machine does meets both; the fastest of each is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from weakfield.config.training import TrainingSettings
from weakfield.dataset import PairTensor
from weakfield.learning.distributed import Crew
from weakfield.learning.loop import Loop, Task
from weakfield.learning.losses import training_loss
from weakfield.learning.networks import arrange, build_network
from weakfield.learning.optimisers import build_optimiser
from weakfield.learning.variants import Variant, measure

RESULTS = Path(__file__).parent / "results" / "learning.json"
CPU = torch.device("cpu")

#: name: network, shape, batches an epoch
CASES: dict[str, tuple[str, tuple[int, ...], int]] = {
    "cubes32": ("cnn3d", (1, 32, 32, 32), 10),
    "cubes64": ("cnn3d", (1, 64, 64, 64), 3),
    "slices256": ("cnn2d", (1, 256, 256), 6),
}
VARIANTS = [Variant(p, layout) for p in ("single", "bf16") for layout in ("channels_last", "contiguous")]


def bare_epoch(settings: TrainingSettings, pairs: PairTensor, variant: Variant) -> Callable[[], None]:
    """One pass over pairs that lie ready in batches."""
    network = arrange(build_network(pairs.shape, settings), variant.layout)
    optimiser = build_optimiser(network, settings)
    size = settings.batch_pairs
    batches = [batch.flatten(0, 1) for batch in torch.split(pairs.values, size)]

    def epoch() -> None:
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=variant.precision == "bf16"):
                outputs = network(batch)
            optimiser.zero_grad()
            training_loss(settings, outputs.float(), size).backward()
            optimiser.step()

    return epoch


def our_epoch(settings: TrainingSettings, pairs: PairTensor, variant: Variant) -> Callable[[], None]:
    """One pass of the training loop over the same pairs, epochs counted on."""
    loop = Loop(Task(settings, {"train": pairs, "validation": pairs}, "noise"), variant, CPU, Crew(), None)
    number = iter(range(10**6))
    return lambda: loop.train(next(number)) and None


def seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def row(name: str, rounds: int) -> dict[str, Any]:
    """Variants and loops of one case."""
    network, shape, batches = CASES[name]
    settings = TrainingSettings(network=network)
    variants = measure(settings, shape, CPU, VARIANTS)
    fastest = min(variants, key=variants.__getitem__)
    variant = Variant(*fastest.split(), chosen_by="trial")
    count = batches * settings.batch_pairs
    values = torch.randn(count, 2, *shape, generator=torch.Generator().manual_seed(0))
    pairs = PairTensor(range(count), values)
    work = {"bare": bare_epoch(settings, pairs, variant), "ours": our_epoch(settings, pairs, variant)}
    times: dict[str, list[float]] = {who: [] for who in work}
    for _ in range(rounds + 1):
        for who, epoch in work.items():
            times[who].append(seconds(epoch))
    rate = {who: 2 * count / min(found[1:]) for who, found in times.items()}
    return {
        "case": name,
        "network": network,
        "shape": list(shape),
        "parameters": sum(p.numel() for p in build_network(shape, settings).parameters()),
        "batch": 2 * settings.batch_pairs,
        "milliseconds_a_sample": {variant: 1e3 * found for variant, found in variants.items()},
        "fastest": fastest,
        "samples_a_second": rate,
        "share": rate["ours"] / rate["bare"],
    }


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    torch.use_deterministic_algorithms(True)  # as trainings do
    before = json.loads(asked.results.read_text())["rows"] if asked.results.exists() else []
    rows = {found["case"]: found for found in before}
    for name in asked.cases:
        rows[name] = row(name, asked.rounds)
        print(json.dumps(rows[name]))
    machine = {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0))}
    machine |= {"threads": torch.get_num_threads(), "torch": torch.__version__}
    asked.results.parent.mkdir(exist_ok=True)
    asked.results.write_text(json.dumps({"machine": machine, "rows": list(rows.values())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
