"""Grad-CAM (Selvaraju et al., arXiv:1610.02391) and guided Grad-CAM on a periodic box, signed and unsigned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from weakfield.base.optional import from_extra
from weakfield.base.trials import Unsuited
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked, in_batches
from weakfield.learning.networks.symmetric import SymmetricConvolution

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, SymmetricConvolution)
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.PReLU, nn.CELU, nn.SELU, nn.Softplus)


class _Negative(nn.Module):
    """The logit for Newton."""

    def __init__(self, response: nn.Module) -> None:
        super().__init__()
        self.response = response

    def forward(self, x: Tensor) -> Tensor:
        logit: Tensor = self.response(x)
        return -logit


def grad_cam(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Signed Grad-CAM: channels of the last convolution weighted by their mean gradient, not clipped.

    The coarse map is interpolated periodically to the cells of the box and divided evenly among the channels of the
    input: (n, channels, ...) float64. ``Unsuited`` when no convolution leaves more than one cell per side.
    """
    x, _ = checked(network, samples)
    return _cam(network, x, False, memory_mib)


def grad_cam_unsigned(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Grad-CAM as published: evidence for GR only, clipped at 0 on the coarse map before interpolation."""
    x, _ = checked(network, samples)
    return _cam(network, x, True, memory_mib)


def guided_grad_cam(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Guided Grad-CAM of the logit for GR minus that of the logit for Newton: signed evidence for either theory."""
    x, _ = checked(network, samples)
    return _guided_cam(network, x, False, memory_mib) - _guided_cam(network, x, True, memory_mib)


def guided_grad_cam_unsigned(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Guided Grad-CAM as published, of the logit for GR."""
    x, _ = checked(network, samples)
    return _guided_cam(network, x, False, memory_mib)


def has_map(network: nn.Module, sample: Tensor) -> bool:
    """Whether some convolution of the network has an output of more than one cell per side, which Grad-CAM needs."""
    return bool(_maps(network, sample))


def has_activations(network: nn.Module, sample: Tensor) -> bool:
    """Whether ``sample`` passes activations that are modules, which guided backpropagation needs."""
    return bool(_passed(network, sample, ACTIVATIONS, lambda output: True))


def cam_layer(network: nn.Module, sample: Tensor) -> nn.Module:
    """The last convolution whose output for ``sample`` (1, channels, ...) has more than one cell per side."""
    found = _maps(network, sample)
    if not found:
        raise Unsuited("the network has no convolution with more than one cell a side, expected one for Grad-CAM")
    return found[-1]


def _maps(network: nn.Module, sample: Tensor) -> list[nn.Module]:
    """Convolutions with more than one cell per side, in the order in which the sample passes through them."""
    return _passed(network, sample, CONVOLUTIONS, lambda output: min(output.shape[2:]) > 1)


def _passed(
    network: nn.Module, sample: Tensor, kinds: tuple[type[nn.Module], ...], wanted: Callable[[Tensor], bool]
) -> list[nn.Module]:
    """Modules of these kinds whose output for ``sample`` is ``wanted``, in the order of its way through the network."""
    found: list[nn.Module] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if wanted(output):
            found.append(module)

    hooks = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, kinds)]
    try:
        with torch.no_grad():
            network(sample.clone())  # a network may change its input in place
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _cam(network: nn.Module, x: Tensor, clipped: bool, memory_mib: float, newton: bool = False) -> Tensor:
    with from_extra("learn", "Grad-CAM"):
        from captum.attr import LayerGradCam

    response = asked(network, x, memory_mib)
    method = LayerGradCam(_Negative(response) if newton else response, cam_layer(response, x[:1]))
    coarse = in_batches(lambda batch: method.attribute(batch, relu_attributions=clipped), response.batch(x), x)
    channels = x.shape[1]
    return (upsample(coarse, x.shape[-1]) / channels).expand(x.shape).clone()


def _guided_cam(network: nn.Module, x: Tensor, newton: bool, memory_mib: float) -> Tensor:
    return _cam(network, x, True, memory_mib, newton) * guided_gradient(network, x, newton, memory_mib=memory_mib)


def guided_gradient(network: nn.Module, x: Tensor, newton: bool = False, *, memory_mib: float = MEMORY_MIB) -> Tensor:
    """Guided backpropagation (Springenberg et al., arXiv:1412.6806) of the logit for GR, or for Newton.

    On its way back through an activation, a gradient survives where it is positive and the input of the activation was
    positive. captum applies this rule to ReLU only; here it applies to every kind of activation that is a module.
    """
    response = asked(network, x, memory_mib)
    target = _Negative(response) if newton else response

    def one(batch: Tensor) -> Tensor:
        inputs = batch.clone().requires_grad_()
        with _guided(response, x[:1]):
            (found,) = torch.autograd.grad(target(inputs).sum(), inputs)
        return found

    return in_batches(one, response.batch(x), x)


@contextmanager
def _guided(network: nn.Module, sample: Tensor) -> Iterator[None]:
    """Apply the rule to every activation of the network during the block."""
    if not has_activations(network, sample):
        raise Unsuited("the network has no activation that is a module, expected some for guided backpropagation")

    def mark(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        guided: Tensor = _Guide.apply(output, inputs[0])  # type: ignore[no-untyped-call]
        return guided

    hooks = [m.register_forward_hook(mark) for m in network.modules() if isinstance(m, ACTIVATIONS)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Guide(torch.autograd.Function):
    """The output of an activation, whose gradient is passed on to its *input* by the rule of guided backpropagation.

    The activation itself is left out of the graph: the gradient of its output is 0, and that of its input follows the
    rule.
    """

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, output: Tensor, before: Tensor) -> Tensor:
        context.save_for_backward(before > 0)
        return output.clone()

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, *above: Tensor) -> tuple[None, Tensor]:
        (positive,) = context.saved_tensors  # type: ignore[attr-defined]
        return None, above[0].clamp_min(0) * positive


def upsample(maps: Tensor, grid: int) -> Tensor:
    """Maps (n, channels, m, m[, m]) on the cells of a box of ``grid`` cells per side, linear and periodic.

    Cell c of the coarse map covers the cells of the fine one from c N/m to (c + 1) N/m, so the fine cells have their
    centres at (i + 1/2) m/N - 1/2. The sum over cells is kept: values are divided by (N/m)^d.
    """
    for axis in range(2, maps.ndim):
        coarse = maps.shape[axis]
        places = (torch.arange(grid, dtype=torch.float64) + 0.5) * coarse / grid - 0.5
        below = torch.floor(places)
        share = (places - below).to(maps.dtype).view(-1, *[1] * (maps.ndim - 1 - axis))
        index = below.to(torch.int64)
        low, high = (maps.index_select(axis, (index + side) % coarse) for side in (0, 1))
        maps = (low * (1 - share) + high * share) * (coarse / grid)
    return maps
