"""How an attribution responds to perturbed samples: blocks exchanged, noise added, the box rotated and shifted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.base.optional import from_extra
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked
from weakfield.learning.augmentation import Symmetry

PERTURBATION_SEED = 1901_09392
SYMMETRY_SEED = 48

#: methods whose value in a cell is the response to a unit change there; the others distribute a difference of logits
LOCAL = ("gradient", "smoothgrad")


def infidelity(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    attribution: Tensor,
    local: bool,
    draws: int = 8,
    memory_mib: float = MEMORY_MIB,
) -> float:
    """The infidelity of Yeh et al., arXiv:1901.09392, of an attribution (channels, ...).

    It is the share of the logit's response to perturbations that the attribution does not account for. A perturbation
    takes a cubic block at a random place, wrapped around the box, from the Newtonian member. The mean squared error of
    the change of the logit that the attribution predicts, at its best overall scale, is divided by the mean square of
    the change: 0 for an attribution that predicts every change, 1 for one that predicts none.
    """
    with from_extra("learn", "infidelity"):
        from captum.metrics import infidelity as measure

    samples, _ = checked(network, torch.stack([newton, gr]))
    twin, sample = samples[:1], samples[1:]
    response = asked(network, samples, memory_mib)
    options = {"n_perturb_samples": draws, "max_examples_per_batch": min(response.batch(samples), draws)}

    def error(values: Tensor) -> float:
        random = np.random.default_rng(PERTURBATION_SEED)

        def perturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
            masks = torch.stack([_block(sample.shape[1:], random) for _ in inputs]).to(inputs.dtype)
            change = (inputs - twin) * masks
            return (change if local else masks), inputs - change

        with torch.no_grad():
            found = measure(response, perturb, sample, values[None].to(sample.dtype), normalize=True, **options)
        return float(found)

    none = error(torch.zeros_like(attribution))
    return error(attribution) / none if none > 0 else 0.0


def sensitivity(explain: Callable[[Tensor], Tensor], sample: Tensor, radius: float = 0.02, draws: int = 4) -> float:
    """The sensitivity of the same authors, of the map of ``sample`` (channels, ...).

    It is the largest relative change of the map under white noise of ``radius`` times the rms of the sample.
    ``explain`` gives the maps of samples (n, channels, ...).
    """
    with from_extra("learn", "sensitivity"):
        from captum.metrics import sensitivity_max

    random = np.random.default_rng(PERTURBATION_SEED)
    spread = radius * float(sample.to(torch.float64).std(correction=0))

    def perturb(inputs: Tensor) -> Tensor:
        return inputs + spread * torch.from_numpy(random.standard_normal(inputs.shape)).to(inputs.dtype)

    def maps(inputs: Tensor | tuple[Tensor, ...]) -> Tensor:  # captum passes either
        return explain(inputs if isinstance(inputs, Tensor) else inputs[0])

    found: Tensor = sensitivity_max(maps, sample[None], perturb, n_perturb_samples=draws, max_examples_per_batch=1)
    return float(found)


def random_symmetry(axes: int, grid: int, random: np.random.Generator) -> Symmetry:
    """A uniformly random symmetry of a periodic square or cube, shifts included."""
    order = tuple(int(axis) for axis in random.permutation(axes))
    reflected = tuple(bool(flag) for flag in random.integers(2, size=axes))
    return Symmetry(order, reflected, tuple(int(cells) for cells in random.integers(grid, size=axes)))


def equivariance_error(
    explain: Callable[[Tensor, Tensor], Tensor], sample: Tensor, twin: Tensor, draws: int = 4
) -> float:
    """rms over symmetries S of |A(S x) - S A(x)| / |A(x)| for one pair, samples (channels, ...).

    ``explain`` gives what is compared, for samples and the Newtonian members of their pairs (n, channels, ...): maps,
    or logits (n,), which a symmetry should leave unchanged.
    """
    random = np.random.default_rng(SYMMETRY_SEED)
    pair = torch.stack([sample, twin])
    plain = explain(pair[:1], pair[1:])
    squares = []
    for _ in range(draws):
        symmetry = random_symmetry(sample.ndim - 1, sample.shape[-1], random)
        moved = symmetry(pair)
        found = explain(moved[:1], moved[1:])
        expected = plain if plain.ndim == 1 else symmetry(plain)
        squares.append(float(((found - expected) ** 2).sum()))
    norm = float((plain**2).sum())
    return float(np.sqrt(np.mean(squares) / norm)) if norm > 0 else 0.0


def _block(shape: torch.Size, random: np.random.Generator) -> Tensor:
    """1 in a cube with sides of half the box at a random place, 0 elsewhere; (channels, ...) bool."""
    grid, axes = shape[-1], len(shape) - 1
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[(slice(None), *axes * [slice(0, max(1, grid // 2))])] = True
    shift = tuple(int(n) for n in random.integers(grid, size=axes))
    return torch.roll(mask, shift, dims=tuple(range(1, 1 + axes)))
