"""Attribution in cells, for networks of cubes and of slices. A new method is a function here and a line below."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from weakfield.base.errors import BadInput, nearest
from weakfield.explain.pixels.contract import Method

_HERE = "weakfield.explain.pixels"

#: name: where it is; the contract is in ``contract``
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
    "deeplift": "deeplift:deeplift",
}


def method(name: str) -> Method:
    """The method of that name; ``BadInput`` when there is none."""
    if name not in METHODS:
        raise BadInput(
            f"explain.methods holds '{name}', expected some of {', '.join(METHODS)}" + nearest(name, METHODS)
        )
    module, function = METHODS[name].split(":")
    return cast(Method, getattr(import_module(f"{_HERE}.{module}"), function))
