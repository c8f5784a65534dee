"""Time of one training step a cube: memory layout and precision of the network, in a bare loop.

Run as ``python benchmarks/learning.py [grid] [threads]``. The settings the package uses are those that win here on a
CPU: channels-last layout, single precision.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn
from torch.nn import functional

from weakfield.config.training import TrainingSettings
from weakfield.learning.networks import build_network

STEPS, BATCH = 12, 8


def seconds_per_cube(network: nn.Module, cubes: torch.Tensor, bf16: bool) -> float:
    """Median over the steps of forward pass, backward pass and update."""
    labels = torch.tensor([0.0, 1.0]).repeat(len(cubes) // 2)
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)
    times = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = network(cubes)
        functional.binary_cross_entropy_with_logits(logits.float(), labels).backward()
        optimiser.step()
        optimiser.zero_grad()
        times.append((time.perf_counter() - begin) / len(cubes))
    return sorted(times)[len(times) // 2]


class Contiguous(nn.Module):
    """The same layers on cubes in the default layout."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.features = network.features.to(memory_format=torch.contiguous_format)
        self.head = network.head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).mean(dim=(2, 3, 4))).squeeze(1)


def main() -> None:
    grid = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else torch.get_num_threads())
    cubes = torch.randn(BATCH, 1, grid, grid, grid, generator=torch.Generator().manual_seed(0))
    print(f"{grid}^3 cubes, {torch.get_num_threads()} threads, PyTorch {torch.__version__}")
    for layout in ("channels last", "contiguous"):
        for bf16 in (False, True):
            network = build_network((1, *(grid,) * 3), TrainingSettings())
            if layout == "contiguous":
                network = Contiguous(network)
            seconds = seconds_per_cube(network, cubes, bf16)
            print(f"{layout:14s} {'bf16' if bf16 else 'float32':8s} {1e3 * seconds:6.2f} ms a cube")


if __name__ == "__main__":
    main()
