"""Page 5: activations and their slopes, optimisers on a quadratic of known condition, schedules against noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from marks import table
from torch import Tensor, nn

from weakfield.base.figures import GREY, OTHERS, new_figure

CONDITION, DIMENSIONS, STEPS, GOAL = 100.0, 10, 400, 1e-6
RATES = np.geomspace(1e-4, 3.0, 28)
ROOT_RATE = (math.sqrt(CONDITION) - 1) / (math.sqrt(CONDITION) + 1)  # squared, the best momentum on a quadratic
Factory = Callable[[list[Tensor], float], torch.optim.Optimizer]
OPTIMISERS: dict[str, Factory] = {
    "SGD": lambda p, lr: torch.optim.SGD(p, lr),
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=ROOT_RATE**2),
    "Nesterov": lambda p, lr: torch.optim.SGD(p, lr, momentum=ROOT_RATE, nesterov=True),
    "RMSprop": lambda p, lr: torch.optim.RMSprop(p, lr),
    "Adam": lambda p, lr: torch.optim.Adam(p, lr),
    "AdamW": lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=1e-2),
}
ACTIVATIONS: dict[str, nn.Module] = {
    "linear": nn.Identity(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "ReLU": nn.ReLU(),
    "LeakyReLU 0.2": nn.LeakyReLU(0.2), "PReLU (a = 0.25)": nn.PReLU(), "ELU": nn.ELU(), "SELU": nn.SELU(),
}  # fmt: skip


def hessian(turned: bool) -> Tensor:
    """Eigenvalues from 1 to CONDITION in equal ratios, along the axes or along random directions."""
    values = torch.logspace(0, math.log10(CONDITION), DIMENSIONS, dtype=torch.float64)
    if not turned:
        return torch.diag(values)
    random = torch.Generator().manual_seed(3)
    q, _ = torch.linalg.qr(torch.randn(DIMENSIONS, DIMENSIONS, generator=random, dtype=torch.float64))
    return q @ torch.diag(values) @ q.T


def descend(factory: Factory, rate: float, matrix: Tensor, steps: int) -> list[float]:
    """f = w H w / 2 over its first value, after each step from a random w, the same in the basis of eigenvectors.

    Ends where f rises above twice its start, or is far below the goal.
    """
    _, modes = torch.linalg.eigh(matrix)
    start = torch.randn(DIMENSIONS, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    w = (modes @ start).requires_grad_()
    optimiser, values = factory([w], rate), []
    for _ in range(steps + 1):
        pull = matrix @ w.detach()
        values.append(float(0.5 * w.detach() @ pull))
        if not values[-1] <= 2 * values[0] or values[-1] < 1e-3 * GOAL * values[0]:
            break
        w.grad = pull
        optimiser.step()
    return [value / values[0] for value in values]


def steps_needed(values: list[float]) -> float:
    """Steps until f stays below GOAL for good; infinite if it never does."""
    if not values[-1] <= GOAL:
        return math.inf
    return float(1 + max((i for i, value in enumerate(values) if value > GOAL), default=-1))


def best(factory: Factory, matrix: Tensor, steps: int, rates: Any) -> dict[str, Any]:
    """The learning rate that needs the fewest steps, or ends lowest when none arrives."""
    runs = [(rate, descend(factory, float(rate), matrix, steps)) for rate in rates]
    rate, values = min(runs, key=lambda run: (steps_needed(run[1]), run[1][-1] if math.isfinite(run[1][-1]) else 1e300))
    needed = steps_needed(values)
    return {"rate": float(rate), "values": values, "steps": needed if math.isfinite(needed) else None}


def schedules(optimiser: torch.optim.Optimizer, peak: float, steps: int) -> dict[str, Any]:
    """Of the same peak: constant, three steps by 1/10, cosine after 10 % warm-up, one cycle."""
    from torch.optim import lr_scheduler as lr

    warm = max(1, steps // 10)
    return {
        "constant": lambda: lr.ConstantLR(optimiser, 1.0),
        "step": lambda: lr.StepLR(optimiser, steps // 3 + 1, 0.1),
        "warm-up, cosine": lambda: lr.SequentialLR(
            optimiser,
            [lr.LinearLR(optimiser, 0.01, 1.0, warm), lr.CosineAnnealingLR(optimiser, steps - warm)],
            [warm],
        ),
        "one cycle": lambda: lr.OneCycleLR(optimiser, peak, total_steps=steps + 1, cycle_momentum=False),
    }


def noisy(name: str, steps: int, runs: int, peak: float = 0.01, noise: float = 1.0) -> dict[str, Any]:
    """Mean f of ``runs`` descents by momentum 0.9 whose gradients carry noise, as those of small batches do."""
    matrix = hessian(False).diag()
    random = torch.Generator().manual_seed(11)
    w = torch.ones(runs, DIMENSIONS, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([w], peak, momentum=0.9)
    schedule = schedules(optimiser, peak, steps)[name]()
    rates, values = [], []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        w.grad = matrix * w.detach() + noise * torch.randn(w.shape, generator=random, dtype=torch.float64)
        optimiser.step()
        schedule.step()
        values.append(float((0.5 * matrix * w.detach().square()).sum(dim=1).mean()))
    return {"rates": rates, "values": values}


def measure(tiny: bool) -> dict[str, Any]:
    steps, rates = (60, RATES[::7]) if tiny else (STEPS, RATES)
    quadratic = {
        name: {
            "axes": best(factory, hessian(False), steps, rates),
            "turned": best(factory, hessian(True), steps, rates),
        }
        for name, factory in OPTIMISERS.items()
    }
    names = ("constant", "step", "warm-up, cosine", "one cycle")
    noise = {name: noisy(name, 60 if tiny else 600, 4 if tiny else 64) for name in names}
    return {"quadratic": quadratic, "noise": noise, "activations": slopes()}


def slopes() -> dict[str, dict[str, float]]:
    """Of each activation on a standard normal input: mean and rms of the output, rms of the slope, largest slope."""
    random = torch.Generator().manual_seed(9)
    found = {}
    for name, activation in ACTIVATIONS.items():
        x = torch.randn(100_000, generator=random, requires_grad=True)
        y = activation(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        y = y.detach()
        found[name] = {
            "mean": float(y.mean()), "rms": float(y.square().mean().sqrt()),
            "rms_slope": float(slope.square().mean().sqrt()), "largest_slope": float(slope.max()),
        }  # fmt: skip
    return found


def draw(results: dict[str, Any]) -> Any:
    figure, axes = new_figure(columns=3, size=(4.2, 3.6))
    shape, descent, schedule = axes[0]
    x = torch.linspace(-4, 4, 161)
    colours = (*OTHERS, "#56B4E9", GREY)
    chosen = ("sigmoid", "tanh", "ReLU", "LeakyReLU 0.2", "ELU", "SELU")
    for name, colour in zip(chosen, colours, strict=True):
        x.requires_grad_()
        y = ACTIVATIONS[name](x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        shape.plot(x.detach(), y.detach(), color=colour, label=name)
        shape.plot(x.detach(), slope, "--", color=colour, lw=0.8)
    shape.set(xlabel="input", ylabel="activation (solid), slope (dashed)", ylim=(-2, 3))
    for (name, runs), colour in zip(results["quadratic"].items(), colours, strict=True):
        for kind, line in (("axes", "-"), ("turned", "--")):
            label = name if kind == "axes" else None
            descent.semilogy(runs[kind]["values"], line, color=colour, lw=1.2, label=label)
    descent.set(xlabel="step", ylabel="f / f at the start", ylim=(1e-8, 2), xlim=(0, 300))
    for (name, run), colour in zip(results["noise"].items(), colours, strict=False):
        schedule.semilogy(run["values"], color=colour, lw=1.2, label=name)
    schedule.set(xlabel="step", ylabel="f with noisy gradients, mean of runs")
    for panel in axes[0]:
        panel.legend(fontsize=7, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    rows = []
    for name, runs in results["quadratic"].items():
        cells = []
        for kind in ("axes", "turned"):
            run = runs[kind]
            reached = f"{run['steps']:.0f}" if run["steps"] is not None else f"not in {len(run['values']) - 1}"
            cells += [reached, f"{run['rate']:.2g}"]
        rows.append((name, *cells))
    head = ("optimiser", "steps, eigenvectors along the axes", "its learning rate", "steps, turned",
            "its learning rate")  # fmt: skip
    final = {name: float(np.mean(run["values"][-20:])) for name, run in results["noise"].items()}
    activations = [
        (name, f"{row['mean']:.2f}", f"{row['rms']:.2f}", f"{row['rms_slope']:.2f}", f"{row['largest_slope']:.2f}")
        for name, row in results["activations"].items()
    ]
    predicted = [math.log(GOAL) / (2 * math.log(r)) for r in ((CONDITION - 1) / (CONDITION + 1), ROOT_RATE)]
    return "\n".join([
        "Activations of a standard normal input:",
        "",
        table(("activation", "mean", "rms", "rms slope", "largest slope"), activations),
        "",
        f"Steps until f stays below {GOAL:g} of its start, condition {CONDITION:g}, {DIMENSIONS} dimensions, the best "
        f"of {len(RATES)} learning rates for each at which f never rises above twice its start:",
        "",
        table(head, rows),
        "",
        f"The factors a step give {predicted[0]:.0f} steps for SGD at the worst and {predicted[1]:.0f} for momentum. "
        "With noisy gradients f ends at " + ", ".join(f"{value:.1e} ({name})" for name, value in final.items()) + ".",
    ])  # fmt: skip
