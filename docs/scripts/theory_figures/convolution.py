"""Page 6: what shifts of a periodic box do to maps and scores of our network, by padding and by way of coarsening."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
from marks import table, two_digits
from torch import Tensor, nn
from torch.nn import functional

from theory_figures.universes import normalised, simulated_pair
from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.config.training import TrainingSettings
from weakfield.learning.augmentation import Symmetry
from weakfield.learning.networks import build_network

BLOCKS = 3
PADDINGS = {"circular": "circular", "zeros": "constant"}
DOWN = ("stride 2", "average", "maximum", "none")


def leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def coarsened(x: Tensor, layer: nn.Conv3d, how: str) -> Tensor:
    """The second half of a block: its 2^3 convolution of stride 2, or a pooling or nothing in its place."""
    if how == "stride 2":
        return leaky(functional.conv3d(x, layer.weight, layer.bias, stride=2))
    if how == "average":
        return functional.avg_pool3d(x, 2)
    if how == "maximum":
        return functional.max_pool3d(x, 2)
    # the same 2^3 convolution with stride 1: at every place, not at every second one
    return leaky(functional.conv3d(functional.pad(x, (0, 1) * 3, mode="circular"), layer.weight, layer.bias))


def maps(network: nn.Module, x: Tensor, padding: str = "circular", how: str = "stride 2") -> list[Tensor]:
    """The feature maps of ``cnn3d`` after each block, with another padding or coarsening if wanted."""
    layers, found = [m for m in network.modules() if isinstance(m, nn.Conv3d)], []
    for wide, halving in zip(layers[::2], layers[1::2], strict=True):
        x = leaky(functional.conv3d(functional.pad(x, (1,) * 6, mode=padding), wide.weight, wide.bias))
        x = coarsened(x, halving, how)
        found.append(x)
    return found


def last(network: nn.Module, x: Tensor, padding: str, how: str) -> Tensor:
    """The logit: the network's own dense layers on the mean of the last maps over the box."""
    logit: Tensor = network.head(maps(network, x, padding, how)[-1].mean(dim=(2, 3, 4)))
    return logit.squeeze(1)


def change(network: nn.Module, cubes: Tensor, shift: int, padding: str, how: str, spread: float) -> float:
    """rms change of the logit under shifts along each axis, over ``spread``."""
    found = [
        last(network, Symmetry(shift=tuple(int(shift * (axis == i)) for i in range(3)))(cubes), padding, how)
        - last(network, cubes, padding, how)
        for axis in range(3)
    ]
    return float(torch.stack(found).square().mean().sqrt()) / spread


def equivariance(network: nn.Module, cubes: Tensor, shift: int, padding: str) -> list[float]:
    """After each block: rms of map(shifted) - shifted(map), over the rms of the map about its mean; shift in cells."""
    before, after, errors = maps(network, cubes, padding), maps(network, cubes.roll(shift, dims=4), padding), []
    for block, (old, new) in enumerate(zip(before, after, strict=True)):
        moved = old.roll(shift // 2 ** (block + 1), dims=4)
        spread = old - old.mean(dim=(2, 3, 4), keepdim=True)
        errors.append(float(((new - moved).square().mean() / spread.square().mean()).sqrt()))
    return errors


def theorem(network: nn.Module, cubes: Tensor) -> float:
    """Largest difference of the first layer from conj(W) X in Fourier space, over the largest value."""
    layer = next(m for m in network.modules() if isinstance(m, nn.Conv3d))
    n = cubes.shape[-1]
    kernel = torch.zeros(layer.out_channels, n, n, n, dtype=torch.float64)
    kernel[:, :3, :3, :3] = layer.weight[:, 0].double()
    kernel = kernel.roll((-1, -1, -1), dims=(1, 2, 3))  # the middle of the kernel is its origin
    modes = torch.fft.fftn(kernel, dim=(1, 2, 3)).conj() * torch.fft.fftn(cubes.double(), dim=(2, 3, 4))
    expected = torch.fft.ifftn(modes, dim=(2, 3, 4)).real
    found = functional.conv3d(functional.pad(cubes, (1,) * 6, mode="circular"), layer.weight)
    return float((found - expected).abs().max() / expected.abs().max())


def over_origins(cubes: Tensor) -> dict[str, float]:
    """rms change of the logit of one block under a shift by one cell, alone and as a mean over its 8 origins."""
    torch.manual_seed(7)
    network = build_network(tuple(cubes.shape[1:]), TrainingSettings.from_mapping({"blocks": 1, "channels": 4}))
    network = network.double().eval()

    def mean(x: Tensor) -> Tensor:
        return torch.stack([network(Symmetry(shift=s)(x)) for s in product((0, 1), repeat=3)]).mean(dim=0)

    moved = Symmetry(shift=(0, 0, 1))(cubes)
    twins = (network(cubes)[1] - network(cubes)[0]).abs()
    return {
        "alone": float((network(moved) - network(cubes)).square().mean().sqrt() / twins),
        "mean": float((mean(moved) - mean(cubes)).square().mean().sqrt() / twins),
    }


@torch.no_grad()
def measure(tiny: bool) -> dict[str, Any]:
    """What the picture shows and the page quotes."""
    pair = simulated_pair(tiny)[0]
    cubes = normalised(pair["difference"]).double()  # twins differ by less than single precision resolves
    torch.manual_seed(6)
    network = build_network(tuple(cubes.shape[1:]), TrainingSettings.from_mapping({"blocks": BLOCKS, "channels": 4}))
    network = network.double().eval()
    own = network(cubes)
    rebuilt = last(network, cubes, "circular", "stride 2")
    shifts = list(range(0, 9)) if tiny else list(range(0, 17))
    results: dict[str, Any] = {
        "grid": cubes.shape[-1], "shifts": shifts, "theorem": theorem(network, cubes),
        "rebuilt": float((own - rebuilt).abs().max()), "score": {}, "coarsening": {}, "maps": {},
        "twins": float((own[1] - own[0]).abs()), "curve": {},
    }  # fmt: skip
    results["origins"] = over_origins(cubes)
    spread = results["twins"]
    for name, padding in PADDINGS.items():
        results["curve"][name] = [change(network, cubes, s, padding, "stride 2", spread) for s in shifts]
        results["maps"][name] = {str(s): equivariance(network, cubes, s, padding) for s in (1, 2, 4, 8)}
    for how in DOWN:
        twins = last(network, cubes, "circular", how)
        apart = float((twins[1] - twins[0]).abs())
        results["coarsening"][how] = [change(network, cubes, s, "circular", how, apart) for s in (1, 2, 4, 8)]
    return results


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=2)
    score, layers = axes[0]
    for name, colour, mark in zip(PADDINGS, (OTHERS[1], OTHERS[3]), "os", strict=True):
        score.semilogy(results["shifts"][1:], np.maximum(results["curve"][name][1:], 1e-12), mark + "-", ms=4,
                       color=colour, label=f"padding: {name}")  # fmt: skip
        for shift, line in (("1", ":"), ("4", "--"), ("8", "-")):
            values = np.maximum(results["maps"][name][shift], 1e-16)
            label = f"{name}, shift {shift}"
            layers.semilogy(range(1, BLOCKS + 1), values, mark + line, ms=4, color=colour, label=label)
    score.axhline(1, color=GREY, lw=1, ls=":")
    score.set(xlabel="shift [cells]", ylabel="rms change of the logit / |GR - Newton|")
    score.set_xticks(results["shifts"][::2])
    layers.set(xlabel="block", ylabel="error of equivariance of the maps")
    layers.set_xticks(range(1, BLOCKS + 1))
    for panel in (score, layers):
        panel.legend(fontsize=8, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""

    def cells(values: list[float]) -> list[str]:
        return ["exact to rounding" if value < 1e-6 else two_digits(value) for value in values]

    shifts = ("1 cell", "2", "4", "8")
    rows = [
        (name, *cells([results["curve"][name][results["shifts"].index(s)] for s in (1, 2, 4, 8)])) for name in PADDINGS
    ]
    coarse = [(how, *cells(values)) for how, values in results["coarsening"].items()]
    return "\n".join([
        f"Difference cubes of one simulated pair at {results['grid']}³, `cnn3d` of {BLOCKS} blocks with initial "
        "weights. rms change of the logit under a shift, in units of its difference between the twins:",
        "",
        table(("padding", *shifts), rows),
        "",
        "Circular padding, with something else in the place of the convolutions of stride 2:",
        "",
        table(("coarsening", *shifts), coarse),
        "",
        f"With one block, the logit at one origin changes by {two_digits(results['origins']['alone'])} under a shift "
        f"by one cell, the mean over its 8 origins by {results['origins']['mean']:.0e}.",
        "",
        f"The first layer agrees with conj(W) X in Fourier space to {results['theorem']:.0e} of its largest value "
        "(double precision).",
    ])  # fmt: skip
