"""Page 7: how the gradient shrinks or grows through deep stacks, and how ill-conditioned potentials are as input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from marks import table, two_digits
from torch import Tensor, nn

import weakfield as wf
from theory_figures.universes import normalised, simulated_pair
from weakfield.base.figures import OTHERS, new_figure, wavenumber_axis

DEPTH, WIDTH = 16, 8
FAN = 27 * WIDTH  # numbers that a 3^3 convolution adds up
LEAK = 0.2
STACKS = {  # name: (activation, variance of a weight times FAN; None: PyTorch's default, 1/3)
    "sigmoid, default": (nn.Sigmoid(), None),
    "LeakyReLU, default": (nn.LeakyReLU(LEAK), None),
    "LeakyReLU, He": (nn.LeakyReLU(LEAK), 2 / (1 + LEAK**2)),
    "SELU, LeCun": (nn.SELU(), 1.0),
    "LeakyReLU, twice He": (nn.LeakyReLU(LEAK), 8 / (1 + LEAK**2)),
}
LAPLACIAN = "Laplacian of the potential, k⁴ P"


class Stack(nn.Module):
    """DEPTH circular 3^3 convolutions of WIDTH channels, each with the activation, then one logit of the mean map."""

    def __init__(self, activation: nn.Module, gain: float | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv3d(1 if i == 0 else WIDTH, WIDTH, 3, padding=1, padding_mode="circular") for i in range(DEPTH)
        )
        self.activation, self.head = activation, nn.Linear(WIDTH, 1)
        if gain is not None:
            for layer in self.layers:
                nn.init.normal_(layer.weight, std=math.sqrt(gain / layer.weight[0].numel()))
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits, and the input of each activation."""
        before = []
        for layer in self.layers:
            before.append(layer(x))
            x = self.activation(before[-1])
        return self.head(x.mean(dim=(2, 3, 4))).squeeze(1), before


def through(activation: nn.Module, gain: float | None, cubes: Tensor) -> dict[str, Any]:
    """rms of the gradient of the loss by the input of each activation, and the factor a layer that theory expects."""
    torch.manual_seed(1)
    stack = Stack(activation, gain)
    logits, before = stack(cubes)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor([0.0, 1.0]))
    gradients = torch.autograd.grad(loss, before)
    rms = [float(g.double().square().mean().sqrt()) for g in gradients]
    factors = []
    for layer, x in zip(stack.layers[3:-2], before[2:-3], strict=True):  # from the input of a layer to its output
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(activation(x).sum(), x)
        variance = float(layer.weight.detach().double().square().mean())
        factors.append(FAN * variance * float(slope.double().square().mean()))
    expected = math.exp(0.5 * np.mean(np.log(factors)))
    measured = (rms[2] / rms[-3]) ** (1 / (DEPTH - 5))
    signal = [float(x.detach().double().std()) for x in before]
    return {"rms": rms, "measured": measured, "expected": expected, "signal": signal}


def spectra(fields: dict[str, Tensor], box: float) -> dict[str, Any]:
    """P(k) of the fields of the Newtonian universe, and the ratio of its largest to its smallest shell mean.

    In Fourier space the covariance of the cells of a homogeneous field is diagonal, with P(k) as its eigenvalues, so
    that the ratio is the condition number of a linear fit of the cells (shells below 3/4 of the Nyquist wavenumber).
    """
    inputs = {"potential": fields["phi"][0], "growth-scaled difference": fields["difference"][0]}
    found = {}
    for name, field in inputs.items():
        spectrum = wf.power_spectrum(field, box)
        inside = spectrum.k < 0.75 * math.pi * field.shape[0] / box
        k, power = spectrum.k[inside], spectrum.power[inside]
        found[name] = {"k": k.tolist(), "power": power.tolist()}
        if name == "potential":
            found[LAPLACIAN] = {"k": k.tolist(), "power": (power * k**4).tolist()}
    for row in found.values():
        row["condition"] = max(row["power"]) / min(row["power"])
    return found


def measure(tiny: bool) -> dict[str, Any]:
    fields, box = simulated_pair(tiny)
    cubes = normalised(fields["difference"])
    stacks = {name: through(*case, cubes) for name, case in STACKS.items()}
    return {"grid": cubes.shape[-1], "box": box, "stacks": stacks, "spectra": spectra(fields, box)}


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=2)
    gradient, spectrum = axes[0]
    colours = OTHERS[:5]
    for (name, row), colour in zip(results["stacks"].items(), colours, strict=True):
        relative = np.array(row["rms"]) / row["rms"][-1]
        gradient.semilogy(np.arange(1, DEPTH + 1), relative, "o-", ms=3, color=colour, label=name)
    gradient.set(xlabel="layer, from the input", ylabel="rms gradient / that of the last layer")
    for (name, row), colour in zip(results["spectra"].items(), colours, strict=False):
        power = np.array(row["power"])
        spectrum.semilogy(row["k"], power / power.max(), "o-", ms=3, color=colour, label=name)
    wavenumber_axis(spectrum)
    spectrum.set(ylabel="P(k) / its largest value")
    for panel in (gradient, spectrum):
        panel.legend(fontsize=8, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
    stacks = [
        (name, f"{row['expected']:.3f}", f"{row['measured']:.3f}", f"{row['rms'][0] / row['rms'][-1]:.1e}",
         f"{row['signal'][-1] / row['signal'][0]:.1e}")
        for name, row in results["stacks"].items()
    ]  # fmt: skip
    inputs = [
        (name, two_digits(row["condition"]), two_digits(row["condition"] / 2 * math.log(1e3)))
        for name, row in results["spectra"].items()
    ]
    grid = results["grid"]
    return "\n".join([
        f"Stacks of {DEPTH} circular convolutions of {WIDTH} channels on the difference cubes of one simulated pair at "
        f"{grid}³. Factor of the gradient from a layer to the one before, expected and measured, and from the last "
        "layer to the first:",
        "",
        table(("stack", "expected factor", "measured", "first / last, gradient", "last / first, signal"), stacks),
        "",
        f"Eigenvalues of the covariance of the cells of one universe (Newton, L = {results['box']:g} Mpc/h, {grid}³, "
        "z = 1, k below 3/4 of the Nyquist wavenumber), and the steps in which gradient descent on a linear fit "
        "shrinks its slowest error by 1000, about κ ln(1000) / 2:",
        "",
        table(("input", "condition κ", "steps"), inputs),
    ])  # fmt: skip
