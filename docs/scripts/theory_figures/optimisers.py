"""Page 5: activations and their slopes, optimisers on a quadratic of known condition, schedules against noise."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import torch
from marks import table
from torch import Tensor, nn

from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.config.training import Activation, TrainingSettings
from weakfield.learning.networks.layers import activation
from weakfield.learning.optimisers import build_optimiser
from weakfield.learning.schedules import learning_rate

CONDITION, DIMENSIONS, STEPS, GOAL = 100.0, 10, 400, 1e-6
RATES = np.geomspace(1e-4, 3.0, 28)
ROOT_RATE = (math.sqrt(CONDITION) - 1) / (math.sqrt(CONDITION) + 1)  # squared, the best momentum on a quadratic
OPTIMISERS: dict[str, dict[str, Any]] = {
    "SGD": {"optimiser": "sgd"},
    "momentum": {"optimiser": "momentum", "momentum": ROOT_RATE**2},
    "Nesterov": {"optimiser": "nesterov", "momentum": ROOT_RATE},
    "RMSprop": {"optimiser": "rmsprop", "momentum": 0.0},
    "Adam": {"optimiser": "adam"},
    "AdamW": {"optimiser": "adamw", "weight_decay": 1e-2},
}
SCHEDULES: dict[str, dict[str, Any]] = {  # of one peak; those of a training of 30 epochs
    "constant": {"schedule": "constant", "warmup": 0.0},
    "step": {"schedule": "step", "warmup": 0.0, "decay_epochs": 10, "decay_factor": 0.1},
    "warm-up, cosine": {"schedule": "cosine", "warmup": 0.1},
    "one cycle": {"schedule": "one_cycle", "warmup": 0.3},
}
ACTIVATIONS = get_args(Activation)


def hessian(turned: bool) -> Tensor:
    """Eigenvalues from 1 to CONDITION in equal ratios, along the axes or along random directions."""
    values = torch.logspace(0, math.log10(CONDITION), DIMENSIONS, dtype=torch.float64)
    if not turned:
        return torch.diag(values)
    random = torch.Generator().manual_seed(3)
    q, _ = torch.linalg.qr(torch.randn(DIMENSIONS, DIMENSIONS, generator=random, dtype=torch.float64))
    return q @ torch.diag(values) @ q.T


def descend(settings: dict[str, Any], rate: float, matrix: Tensor, steps: int) -> list[float]:
    """f = w H w / 2 over its first value, after each step from a random w, the same in the basis of eigenvectors.

    Ends where f rises above twice its start, or is far below the goal.
    """
    _, modes = torch.linalg.eigh(matrix)
    start = torch.randn(DIMENSIONS, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    w = nn.Parameter(modes @ start)
    options = TrainingSettings.from_mapping({"weight_decay": 0.0, "learning_rate": rate, **settings})
    optimiser, values = build_optimiser(nn.ParameterList([w]), options), []
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


def best(settings: dict[str, Any], matrix: Tensor, steps: int, rates: Any) -> dict[str, Any]:
    """The learning rate that needs the fewest steps, or ends lowest when none arrives."""
    runs = [(rate, descend(settings, float(rate), matrix, steps)) for rate in rates]
    rate, values = min(runs, key=lambda run: (steps_needed(run[1]), run[1][-1] if math.isfinite(run[1][-1]) else 1e300))
    needed = steps_needed(values)
    return {"rate": float(rate), "values": values, "steps": needed if math.isfinite(needed) else None}


def noisy(schedule: dict[str, Any], steps: int, runs: int, noise: float = 1.0) -> list[float]:
    """Mean f of ``runs`` descents by momentum whose gradients carry noise, as those of small batches do."""
    options = TrainingSettings.from_mapping(
        {"optimiser": "momentum", "learning_rate": 0.01, "weight_decay": 0.0, "epochs": 30, **schedule}
    )
    matrix, random = hessian(False).diag(), torch.Generator().manual_seed(11)
    w = nn.Parameter(torch.ones(runs, DIMENSIONS, dtype=torch.float64))
    optimiser, values = build_optimiser(nn.ParameterList([w]), options), []
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate(options, (step + 1) / steps)
        w.grad = matrix * w.detach() + noise * torch.randn(w.shape, generator=random, dtype=torch.float64)
        optimiser.step()
        values.append(float((0.5 * matrix * w.detach().square()).sum(dim=1).mean()))
    return values


def measure(tiny: bool) -> dict[str, Any]:
    """What the picture shows and the page quotes."""
    steps, rates = (60, RATES[::7]) if tiny else (STEPS, RATES)
    quadratic = {
        name: {
            "axes": best(settings, hessian(False), steps, rates),
            "turned": best(settings, hessian(True), steps, rates),
        }
        for name, settings in OPTIMISERS.items()
    }
    noise = {name: noisy(schedule, 60 if tiny else 600, 4 if tiny else 64) for name, schedule in SCHEDULES.items()}
    return {"quadratic": quadratic, "noise": noise, "activations": slopes()}


def slopes() -> dict[str, dict[str, float]]:
    """Of each activation on a standard normal input: mean and rms of the output, rms of the slope, largest slope."""
    random = torch.Generator().manual_seed(9)
    found = {}
    for name in ACTIVATIONS:
        x = torch.randn(100_000, generator=random, requires_grad=True)
        y = activation(name)(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        y = y.detach()
        found[name] = {
            "mean": float(y.mean()), "rms": float(y.square().mean().sqrt()),
            "rms_slope": float(slope.square().mean().sqrt()), "largest_slope": float(slope.max()),
        }  # fmt: skip
    return found


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=3, size=(4.2, 3.6))
    shape, descent, schedule = axes[0]
    x = torch.linspace(-4, 4, 161)
    colours = (*OTHERS[:5], GREY)
    chosen = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu")
    for name, colour in zip(chosen, colours, strict=True):
        x.requires_grad_()
        y = activation(name)(x)
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
        schedule.semilogy(run, color=colour, lw=1.2, label=name)
    schedule.set(xlabel="step", ylabel="f with noisy gradients, mean of runs")
    for panel in axes[0]:
        panel.legend(fontsize=7, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
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
    final = {name: float(np.mean(run[-20:])) for name, run in results["noise"].items()}
    activations = [
        (
            f"`{name}`",
            f"{row['mean']:.2f}",
            f"{row['rms']:.2f}",
            f"{row['rms_slope']:.2f}",
            f"{row['largest_slope']:.2f}",
        )
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
