"""Attribution in cells, for networks of cubes and of slices. A new method is a function here and a line below."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any, cast

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput, nearest
from weakfield.base.plugins import Expected, is_plugin, load_plugin, source_hash
from weakfield.explain.pixels.contract import MEMORY_MIB, Method, asked, checked

_HERE = "weakfield.explain.pixels"

#: name: module that holds the method; the contract is in ``contract``
METHODS = {
    "gradient": "gradients:gradient",
    "gradient_x_input": "gradients:gradient_x_input",
    "smoothgrad": "gradients:smoothgrad",
    "integrated": "integrated:integrated_gradients",
    "pair_integrated": "integrated:pair_integrated_gradients",
    "grad_cam": "gradcam:grad_cam",
    "grad_cam_unsigned": "gradcam:grad_cam_unsigned",
    "guided_grad_cam": "gradcam:guided_grad_cam",
    "guided_grad_cam_unsigned": "gradcam:guided_grad_cam_unsigned",
    "occlusion": "occlusion:occlusion",
    "deeplift": "gradients:deeplift",
}


#: what a user's own method has to be
OWN_METHOD = Expected("explain.methods", "a function of a network, samples and baselines", callable)


def method(name: str) -> Method:
    """The method that the settings call ``name``; ``BadInput`` when there is none."""
    if is_plugin(name):
        return partial(_own_map, name, load_plugin(name, OWN_METHOD))
    if name not in METHODS:
        raise BadInput(
            f"explain.methods holds '{name}', expected some of {', '.join(METHODS)}, or module:NAME of one's own"
            + nearest(name, METHODS)
        )
    module, function = METHODS[name].split(":")
    return cast(Method, getattr(import_module(f"{_HERE}.{module}"), function))


def source_of(name: str) -> str:
    """Hash of the file of a user's own method, which decides its maps as the settings do; otherwise empty."""
    return source_hash(name, OWN_METHOD)


def _own_map(
    name: str,
    function: Method,
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """The map of a user's own method, which is given a copy of the network that returns the logit for GR.

    ``BadInput`` for a result that is not a map of the samples.
    """
    x, b = checked(network, samples, baselines)
    with torch.enable_grad():
        found: Any = function(asked(network, x, memory_mib), x, None if baselines is None else b)
    if not isinstance(found, Tensor) or found.shape != samples.shape:
        what = f"a tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"{found!r:.60}"
        raise BadInput(f"method '{name}' returned {what}, expected a tensor of the samples' shape {tuple(x.shape)}")
    values: Tensor = found.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(values).all()):
        raise BadInput(f"method '{name}' returned NaN or infinity, expected finite numbers")
    return values
