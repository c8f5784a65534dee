"""Where fields and particles live: in the memory of a GPU where one works, else in that of the processor."""

from __future__ import annotations

import os
from typing import Literal

import torch

from weakfield.base.errors import BadInput

Device = Literal["auto", "cpu", "cuda"]


def device_for(setting: Device) -> torch.device:
    """The device that a setting names; "auto" is a GPU if ``why_not`` finds nothing against it, else the CPU.

    The environment variable WEAKFIELD_DEVICE replaces "auto". Raises ``BadInput`` when "cuda" cannot work here.
    """
    wanted: str = setting
    if setting == "auto":
        wanted = os.environ.get("WEAKFIELD_DEVICE", "auto")
        if wanted not in ("auto", "cpu", "cuda"):
            raise BadInput(f"WEAKFIELD_DEVICE is {wanted!r}, expected 'auto', 'cpu' or 'cuda'")
    if wanted == "cpu":
        return torch.device("cpu")
    hindrance = why_not()
    if hindrance is None:
        return torch.device("cuda", torch.cuda.current_device())
    if wanted == "cuda":
        raise BadInput(f"device is 'cuda' but {hindrance}; expected a CUDA GPU, or device 'cpu'")
    return torch.device("cpu")


def why_not() -> str | None:
    """The reason why the GPU kernels cannot work here; ``None`` if they can."""
    if not torch.cuda.is_available():
        return "PyTorch finds no CUDA GPU"
    try:
        if interpreted():
            return "TRITON_INTERPRET is set, which runs kernels in Triton's interpreter"
    except ImportError:
        return "Triton is not installed"
    return None


def interpreted() -> bool:
    """Whether Triton runs its kernels in its interpreter, in NumPy. Raises ``ImportError`` without Triton."""
    import triton

    return bool(triton.knobs.runtime.interpret)


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Send a tensor from the processor to a device, without waiting for what the device is doing."""
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def describe(device: torch.device) -> str:
    """A device as provenance records it: cpu, or cuda with the name of the GPU."""
    return "cpu" if device.type == "cpu" else f"cuda ({torch.cuda.get_device_name(device)})"
