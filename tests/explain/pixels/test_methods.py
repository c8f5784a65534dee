"""Every method against networks whose attribution is known, and what must hold for any network."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from helpers.known_networks import Kinked, Linear, Pooled, Quadratic, fields, registered
from weakfield.base.errors import BadInput
from weakfield.explain.pixels import METHODS, method
from weakfield.explain.pixels.contract import completeness
from weakfield.explain.pixels.gradcam import cam_layer, guided_gradient
from weakfield.explain.pixels.integrated import integrate, pair_integrated_gradients
from weakfield.explain.pixels.occlusion import occlusion_by_shell
from weakfield.explain.response import Response

SHAPES = [(1, 8, 8, 8), (2, 8, 8, 8), (1, 8, 8), (2, 8, 8)]
EXACT = {"atol": 1e-11, "rtol": 1e-9}  # double precision, sums of some thousand terms of order 1
CAMS = ("grad_cam", "grad_cam_unsigned", "guided_grad_cam", "guided_grad_cam_unsigned")
OPTIONS: dict[str, dict] = {
    "occlusion": {"block": 4},
    "smoothgrad": {"draws": 4},
    "integrated": {"steps": 6},
    "pair_integrated": {"most": 64},
}


def cases(*fast: str) -> list:
    """Every network of the registry that takes a shape; ``fast`` ones are asked in the fast tests, one channel only."""
    found = []
    for shape in SHAPES:
        for name, network in registered(*shape).items():
            marks = [] if shape[0] == 1 and (not fast or name in fast) else [pytest.mark.slow]
            found.append(pytest.param(shape, name, network, id=f"{name}-{'x'.join(map(str, shape))}", marks=marks))
    return found


#: networks that work in single precision inside, whatever their weights are
SINGLE = ("mlp",)


def ask(name: str, network: nn.Module, x: Tensor, twin: Tensor | None = None, **options: object) -> Tensor:
    return method(name)(network, x, twin, **OPTIONS.get(name, {}), **options)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_linear_network_is_its_weights(shape):
    weights, x, twin = fields(1, *shape, seed=1)[0], fields(2, *shape), fields(2, *shape, seed=5)
    network = Linear(weights)
    for name in ("gradient", "smoothgrad"):
        torch.testing.assert_close(ask(name, network, x), weights.expand_as(x), **EXACT)
    for name in ("gradient_x_input", "integrated", "pair_integrated", "deeplift"):
        torch.testing.assert_close(ask(name, network, x, twin), weights * (x - twin), **EXACT)
    torch.testing.assert_close(ask("integrated", network, x), weights * x, **EXACT)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("overlap", [False, True])
def test_occlusion_of_a_linear_network_by_brute_force(shape, overlap):
    weights, x, twin = fields(1, *shape, seed=1)[0], fields(2, *shape), fields(2, *shape, seed=5)
    axes, expected, shifts = len(shape) - 1, torch.zeros(2, *shape, dtype=torch.float64), (0, 2) if overlap else (0,)
    contribution = weights * (x - twin)
    for shift in torch.cartesian_prod(*axes * [torch.tensor(shifts)]).view(-1, axes).tolist():
        dims = tuple(range(2, 2 + axes))
        moved = torch.roll(contribution, [-s for s in shift], dims)  # blocks of the shifted tiling start at 0
        for corner in torch.cartesian_prod(*axes * [torch.tensor([0, 4])]).tolist():
            box = (slice(None), slice(None), *(slice(c, c + 4) for c in corner))
            part = torch.zeros_like(moved)
            part[box] = moved[box].flatten(1).sum(1).view(-1, *[1] * (1 + axes)) / (shape[0] * 4**axes)
            expected += torch.roll(part, shift, dims) / len(shifts) ** axes
    torch.testing.assert_close(ask("occlusion", Linear(weights), x, twin, overlap=overlap), expected, **EXACT)
    torch.testing.assert_close(expected.flatten(1).sum(1), contribution.flatten(1).sum(1), **EXACT)


def test_quadratic_network_by_hand():
    weights, x, twin = fields(1, 1, 6, 6, 6, seed=1)[0], fields(2, 1, 6, 6, 6), fields(2, 1, 6, 6, 6, seed=5)
    network = Quadratic(weights)
    torch.testing.assert_close(ask("gradient", network, x), weights * x, **EXACT)
    torch.testing.assert_close(ask("gradient_x_input", network, x), weights * x**2, **EXACT)
    for name in ("integrated", "pair_integrated"):  # two Gauss nodes integrate a linear gradient exactly
        torch.testing.assert_close(ask(name, network, x, twin), weights * (x**2 - twin**2) / 2, **EXACT)
    # noise of both signs cancels in a gradient that is linear
    torch.testing.assert_close(ask("smoothgrad", network, x), weights * x, **EXACT)


def test_kinks_by_hand():
    """Cell by cell w (L(x) - L(b)): DeepLIFT is exact, the path integral to its tolerance."""
    weights, x, twin = fields(1, 1, 4, 4, seed=1)[0], fields(3, 1, 4, 4), fields(3, 1, 4, 4, seed=5)
    network = Kinked(weights)
    change = weights * (network.kink(x - 0.5) - network.kink(twin - 0.5)).detach()
    torch.testing.assert_close(ask("deeplift", network, x, twin), change.detach(), **EXACT)
    found = integrate(network, x, twin, tolerance=1e-5, most=20_000)
    # an interval with two kinks of opposite sign may pass for smooth: 1e-2 a cell, 1e-5 in the sum
    torch.testing.assert_close(found.attributions, change.detach(), atol=1e-2, rtol=0)
    assert float(found.residual.abs().max()) < 1e-5
    assert min(found.evaluations) > 8


@pytest.mark.parametrize(("shape", "name", "network"), cases())
def test_pair_attributions_sum_to_the_logit_difference(shape, name, network):
    x = 2 * fields(3, *shape) + 1
    twin = 0.9 * x + 0.1 * fields(3, *shape, seed=8)  # as alike as the two universes of a pair, or less
    found = integrate(
        network, x, twin, tolerance=1e-4, most=8192
    )  # large networks have thousands of kinks between them
    with torch.no_grad():
        change = network(x) - network(twin)
    torch.testing.assert_close(found.change, change, **EXACT)
    assert float(change.abs().max()) > 1e-3  # else there would be nothing to add up
    assert float((found.attributions.flatten(1).sum(1) - change).abs().max()) < 1e-4
    torch.testing.assert_close(completeness(network, x, twin, found.attributions), found.residual, atol=1e-9, rtol=0)
    coarse = integrate(network, x, twin, tolerance=float("inf"), steps=2)
    assert coarse.evaluations == (2, 2, 2)


@pytest.mark.parametrize(("shape", "name", "network"), cases("cnn3d", "cnn2d"))
def test_single_precision_keeps_the_sum_too(shape, name, network):
    single, x = deepcopy(network).float(), fields(2, *shape).float()
    twin = 0.9 * x + 0.1 * fields(2, *shape, seed=8).float()
    found = integrate(single, x, twin, most=8192)
    # 1e-4, or what single precision leaves of a sum of larger terms
    terms = float(found.attributions.abs().flatten(1).sum(1).max())
    assert float(found.residual.abs().max()) < max(1e-4, 1e-5 * terms)
    assert found.attributions.dtype == torch.float64


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("shape", "kind", "network"), cases("cnn3d", "cnn2d"))
def test_every_method_on_every_network(name, shape, kind, network):
    """Shape and precision; independent of batches and of company; the network is left as it was."""
    x, twin = fields(3, *shape), fields(3, *shape, seed=8)
    network = deepcopy(network).train()
    parameter = next(network.parameters())
    try:
        whole = ask(name, network, x, twin)
        small = ask(name, network, x, twin, memory_mib=1e-9)  # one sample at a time
        alone = ask(name, network, x[1:2], twin[1:2])
    except BadInput:
        assert name in CAMS  # a network without convolutions has no Grad-CAM
        return
    assert network.training
    assert parameter.requires_grad
    assert all(not module._forward_hooks and not module._backward_hooks for module in network.modules())
    assert whole.shape == x.shape
    assert whole.dtype == torch.float64
    assert torch.isfinite(whole).all()
    assert not whole.requires_grad
    scale = float(whole.abs().max())
    assert scale > 0 or name.endswith("unsigned")
    # the order of sums in a batch of another size: 1e-12 in double precision, 1e-5 in single
    rounding = (1e-4 if kind in SINGLE else 1e-10) * max(scale, 1e-30)
    torch.testing.assert_close(small, whole, atol=rounding, rtol=0)
    torch.testing.assert_close(alone[0], whole[1], atol=rounding, rtol=0)


def test_gradient_agrees_with_finite_differences():
    network = registered(1, 8, 8, 8)["cnn3d"]
    x = fields(1, 1, 8, 8, 8)
    found, step = ask("gradient", network, x), 1e-6
    for cell in [(0, 0, 0, 0, 0), (0, 0, 3, 1, 7), (0, 0, 7, 7, 7)]:
        moved = [x.clone(), x.clone()]
        for sign, cube in zip((-1, 1), moved, strict=True):
            cube[cell] += sign * step
        with torch.no_grad():
            low, high = (float(network(cube)) for cube in moved)
        # double precision: rounding 1e-16 / step leaves 1e-10
        assert float(found[cell]) == pytest.approx((high - low) / (2 * step), abs=1e-9)


@pytest.mark.parametrize("axes", [2, 3])
def test_grad_cam_of_a_pooled_convolution_adds_up_to_its_logit(axes):
    """Channels weighted by their mean gradient are the logit itself: its terms, cell by cell, but for nothing."""
    network, x = Pooled(2, axes), fields(3, 2, *axes * [8])
    with torch.no_grad():
        logit = network(x)
        coarse = torch.einsum("nc...,c->n...", network.convolution(x), network.weights) / 4**axes
    found = ask("grad_cam", network, x)
    torch.testing.assert_close(found.flatten(1).sum(1), logit, **EXACT)
    torch.testing.assert_close(found[:, 0], found[:, 1], **EXACT)
    # far from interpolating anything: each coarse cell keeps its share where it is the only one
    spike = torch.zeros(1, 2, *axes * [8], dtype=torch.float64)
    spike[(0, slice(None), *axes * [slice(0, 2)])] = 1.0
    assert coarse.shape == (3, *axes * [4])
    with torch.no_grad():
        network.convolution.bias.zero_()
    map_ = ask("grad_cam", network, spike)[0, 0]
    top = torch.nonzero(map_.abs() > 0.99 * map_.abs().max())
    assert set(top.flatten().tolist()) == {0, 1}  # the cells under the coarse cell 0, none else
    assert float(map_[(-1,) * axes].abs()) > 0  # and its flank wraps around the box


def test_grad_cam_signs():
    network, x = Pooled(1, 3), fields(4, 1, 8, 8, 8)
    signed, clipped = ask("grad_cam", network, x), ask("grad_cam_unsigned", network, x)
    assert float(signed.min()) < 0 <= float(clipped.min())
    assert float(clipped.sum()) > float(signed.sum())


def test_grad_cam_takes_the_last_convolution_that_has_a_map():
    network = registered(1, 4, 4, 4)["cnn3d"]  # two blocks leave a single cell
    layer = cam_layer(network, fields(1, 1, 4, 4, 4))
    assert layer is network.features[4].convolution
    with pytest.raises(BadInput, match="convolution"):
        cam_layer(Linear(fields(1, 1, 4, 4)[0]), fields(1, 1, 4, 4))


def test_guided_gradient_by_hand():
    """logit = sum w L(x - 1/2): the gradient survives where w > 0 and x > 1/2, without the slope of the activation."""
    weights, x = fields(1, 1, 4, 4, seed=1)[0], fields(3, 1, 4, 4)
    network = Kinked(weights)
    passed = (x > 0.5).double()
    torch.testing.assert_close(guided_gradient(network, x), weights.clamp_min(0) * passed, **EXACT)
    torch.testing.assert_close(guided_gradient(network, x, newton=True), (-weights).clamp_min(0) * passed, **EXACT)


def test_guided_grad_cam_changes_sign_with_the_logit():
    network = registered(1, 8, 8, 8)["cnn3d"]
    last = network.head[-1]
    x = fields(2, 1, 8, 8, 8)
    found = ask("guided_grad_cam", network, x)
    with torch.no_grad():
        last.weight.neg_()
    torch.testing.assert_close(ask("guided_grad_cam", network, x), -found, **EXACT)


@pytest.mark.parametrize("shape", SHAPES)
def test_occlusion_by_shell_of_a_linear_network(shape):
    """Each band's loss is its own share of the difference, and they add up to all of it."""
    weights, x, twin = fields(1, *shape, seed=1)[0], fields(2, *shape), fields(2, *shape, seed=5)
    found = occlusion_by_shell(Linear(weights), x, twin)
    whole = (weights * (x - twin)).flatten(1).sum(1)
    torch.testing.assert_close(found.sum(1), whole, **EXACT)
    assert found.shape == (2, 4 + 1)  # three shells, the mean, the rest
    from weakfield.explain.bands import Bands, by_band

    expected = by_band(weights.expand_as(x), x - twin, Bands.of(x))
    torch.testing.assert_close(found, torch.from_numpy(expected), **EXACT)


def test_a_budget_counts_what_a_sample_needs():
    network, x = Pooled(1, 3), fields(1, 1, 8, 8, 8)
    # the sample with its gradient; what autograd keeps: the input of the convolution, its 24 weights, the 3 behind it
    one = 8 * (4 * 512 + 2 * (512 + 24 + 3))
    assert [Response(network, memory=memory).batch(x) for memory in (1, 10 * one - 1, 10 * one)] == [1, 9, 10]
    with pytest.raises(BadInput, match="memory budget"):
        ask("gradient", network, x, memory_mib=0)


def test_bad_input_is_one_sentence():
    network, x = Pooled(1, 3), fields(2, 1, 8, 8, 8)
    with pytest.raises(BadInput, match="Newtonian twin"):
        pair_integrated_gradients(network, x)
    with pytest.raises(BadInput, match="baselines have shape"):
        ask("integrated", network, x, x[:1])
    with pytest.raises(BadInput, match="samples have shape"):
        ask("gradient", network, x[0, 0])
    with pytest.raises(BadInput, match=r"explain\.block is 3"):
        method("occlusion")(network, x, block=3)
    with pytest.raises(BadInput, match="did you mean 'smoothgrad'"):
        method("smothgrad")
