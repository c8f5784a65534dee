"""Page 4: the gradient by back-propagation through our network, against finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from marks import table
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from theory_figures.universes import planted
from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks import build_network

GRID, EXCESS = 8, 0.15
STEPS = 10.0 ** np.arange(-14, 0.6, 0.5)
CASES = {  # name: (precision, activation put in the place of LeakyReLU, central)
    "one-sided, tanh, double": (torch.float64, nn.Tanh, False),
    "central, tanh, double": (torch.float64, nn.Tanh, True),
    "central, LeakyReLU, double": (torch.float64, None, True),
    "central, LeakyReLU, single": (torch.float32, None, True),
}


def network(precision: torch.dtype, activation: type[nn.Module] | None) -> nn.Module:
    """``cnn3d``, with other activations if wanted."""
    torch.manual_seed(4)
    built = build_network((1, *(GRID,) * 3), TrainingSettings.from_mapping({"channels": 4, "blocks": 2}))
    if activation is not None:
        for parent in list(built.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.LeakyReLU):
                    setattr(parent, name, activation())
    return built.to(precision).eval()


def loss(model: nn.Module, cubes: Tensor) -> Tensor:
    """Binary cross-entropy of pairs flattened to Newton, GR, Newton, GR, ..."""
    labels = torch.tensor([0.0, 1.0], dtype=cubes.dtype).repeat(len(cubes) // 2)
    return cross_entropy(model(cubes), labels)


def norm(parts: Sequence[Tensor]) -> Tensor:
    """Euclidean, over all weights."""
    return torch.stack([part.double().square().sum() for part in parts]).sum().sqrt()


def errors(precision: torch.dtype, activation: type[nn.Module] | None, central: bool, cubes: Tensor) -> dict[str, Any]:
    """Relative error of the difference quotient for each step, along a direction half gradient and half random."""
    model, cubes = network(precision, activation), cubes.to(precision)
    weights = list(model.parameters())
    gradients = torch.autograd.grad(loss(model, cubes), weights)
    random = torch.Generator().manual_seed(5)
    noise = [torch.randn(w.shape, generator=random, dtype=torch.float64) for w in weights]
    mixed = [g.double() / norm(gradients) + n / norm(noise) for g, n in zip(gradients, noise, strict=True)]
    direction = [(part / norm(mixed)).to(precision) for part in mixed]
    slope = float(sum((g.double() * d.double()).sum() for g, d in zip(gradients, direction, strict=True)))
    start = [w.detach().clone() for w in weights]

    def along(step: float) -> float:
        with torch.no_grad():
            for w, origin, d in zip(weights, start, direction, strict=True):
                w.copy_(origin + step * d)
            return float(loss(model, cubes))

    here, found = along(0.0), []
    for step in STEPS:
        quotient = (along(step) - along(-step)) / (2 * step) if central else (along(step) - here) / step
        found.append(abs(quotient / slope - 1))
    return {"slope": slope, "errors": found, "parameters": sum(w.numel() for w in weights)}


def measure(tiny: bool) -> dict[str, Any]:
    cubes = planted(GRID, range(2 if tiny else 16), EXCESS).values.flatten(0, 1)
    return {"pairs": len(cubes) // 2, **{name: errors(*case, cubes) for name, case in CASES.items()}}


def order(found: list[float], low: float, high: float) -> float:
    """Slope of log error against log step between two steps."""
    first, last = np.searchsorted(STEPS, [0.99 * low, 1.01 * high])
    return float(np.polyfit(np.log(STEPS[first:last]), np.log(found[first:last]), 1)[0])


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(size=(6.4, 4.0))
    panel = axes[0, 0]
    for name, colour, mark in zip(CASES, (OTHERS[3], OTHERS[1], OTHERS[0], OTHERS[2]), "s^ov", strict=True):
        panel.loglog(
            STEPS, np.maximum(results[name]["errors"], 1e-16), mark + "-", ms=3, lw=1, color=colour, label=name
        )
    for power, factor in ((1, 0.3), (2, 0.03)):
        panel.loglog(STEPS[-12:], factor * STEPS[-12:] ** power, ":", color=GREY, lw=1)
    panel.set(xlabel="step h along a unit direction of all weights", ylim=(1e-13, 1e2),
              ylabel="relative error of the difference quotient")  # fmt: skip
    panel.legend(fontsize=8, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
    head = ("difference quotient", "smallest relative error", "at step", "order, steps 0.01 to 0.3")
    rows = []
    for name in CASES:
        found = results[name]["errors"]
        best = int(np.argmin(found))
        rows.append((name, f"{found[best]:.0e}", f"{STEPS[best]:.0e}", f"{order(found, 1e-2, 0.32):.1f}"))
    count = results[next(iter(CASES))]["parameters"]
    return "\n".join([
        f"`cnn3d` with {count} weights, loss of {results['pairs']} planted pairs of {GRID}³, error of the difference "
        "quotient against back-propagation:",
        "",
        table(head, rows),
        "",
        f"The whole gradient by central differences takes {2 * count} forward passes; back-propagation, one forward "
        "and one backward pass.",
    ])  # fmt: skip
