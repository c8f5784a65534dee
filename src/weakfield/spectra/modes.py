"""Modes of a cube given by a user: checked, transformed, compensated."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.fourier.triangles import ShellModes
from weakfield.fourier.windows import window_order
from weakfield.mesh import fft
from weakfield.mesh.kernels.cpu import triples as kernel

Cube = Tensor | NDArray[Any]

#: lengths between these have volumes, and squares of volumes, in double precision
_SHORTEST, _LONGEST = 1e-45, 1e45


def raw_modes(field: Cube, name: str = "field") -> Tensor:
    """FFT(field), unnormalised, (N, N, N//2+1) complex128; ``BadInput`` for anything but a finite real cube."""
    array = field if isinstance(field, Tensor) else np.asarray(field)
    if array.ndim != 3 or len(set(array.shape)) != 1 or 0 in array.shape or "complex" in str(array.dtype):
        raise BadInput(f"{name} is {array.dtype} of shape {tuple(array.shape)}, expected a real cube (N, N, N)")
    if isinstance(array, Tensor):
        tensor = array.detach().to(torch.float64)
    else:  # only numpy knows reversed axes and foreign byte orders
        tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))
    modes = fft.forward(tensor.contiguous())
    # every site enters the mean, so that NaN or infinity anywhere makes it NaN or infinite
    if not bool(torch.isfinite(modes[0, 0, 0].abs())) and not bool(torch.isfinite(tensor).all()):
        raise BadInput(f"{name} holds NaN or infinity, expected finite numbers")
    return modes


def shell_amplitudes(field: Cube, modes: ShellModes, window: str = "none", name: str = "field") -> Tensor:
    """FFT(field) / N^3 / prod sinc^p(pi n_i / N) at the modes of the shells, (modes,) complex128."""
    raw = raw_modes(field, name)
    if raw.shape[0] != modes.n:
        raise BadInput(f"the fields have sides {modes.n} and {raw.shape[0]}, expected the same")
    # the factors of a mode by |n_i|, one for each axis
    inverse = 1 / (modes.n * np.sinc(np.arange(modes.n // 2 + 1) / modes.n) ** window_order(window))
    if not raw.is_cuda:
        return torch.from_numpy(kernel.gather(raw.numpy(), modes.z, modes.y, modes.x, inverse))
    z, y, x = (torch.from_numpy(axis.astype(np.int64)).to(raw.device) for axis in (modes.z, modes.y, modes.x))
    factors = torch.from_numpy(inverse).to(raw.device)
    values = raw.view(-1)[(z % modes.n * modes.n + y % modes.n) * (modes.n // 2 + 1) + x]
    return values * (factors[z.abs()] * factors[y.abs()] * factors[x])


def box_of(field: object, box_size: float | None) -> float:
    """The side of the box a field lies in [Mpc/h]: as given, or as ``box_size_mpch`` of a ``DataArray`` says.

    ``BadInput`` where neither states it, where both do and they differ, and for a value that is not a length.
    """
    attributes = getattr(field, "attrs", None)
    stated = attributes.get("box_size_mpch") if isinstance(attributes, dict) else None
    if box_size is None and stated is None:
        raise BadInput("box_size is not given, expected the side of the box in Mpc/h")
    if box_size is None:
        return checked_box(float(stated))  # type: ignore[arg-type]
    if stated is not None and abs(float(stated) / checked_box(box_size) - 1.0) > 1e-6:
        raise BadInput(
            f"box_size is {box_size:g} but the field says that its box is {float(stated):g} Mpc/h, expected one"
        )
    return checked_box(box_size)


def as_number(value: Any, name: str) -> float:
    """A real number as a float; ``BadInput`` for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{name} is {str(value)[:100]}, expected a number") from error


def checked_box(box_size: float) -> float:
    """The side of a box as a float; ``BadInput`` unless it is a length whose sixth power is a number, too."""
    length = as_number(box_size, "box_size")
    if not _SHORTEST < length < _LONGEST:
        raise BadInput(f"box_size is {box_size}, expected a length in Mpc/h above 0")
    return length
