"""What every launch needs: scalars in full precision, tiles of rows, tensors a kernel can address.

Triton passes a Python float as a 32-bit one, whatever the kernel computes in: 0.1 arrives as 0.100000001490116. Scalars
therefore travel in a small float64 tensor and are cast in the kernel to the precision of the fields. (So no scalar is
baked into a launch either, which a capture in a CUDA graph would need.) Literals in the kernels are numbers that a
32-bit float holds exactly: 0.5, 0.125, 3.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import triton
from torch import Tensor

from weakfield.mesh.devices import sent
from weakfield.mesh.lattice import Lattice

#: options of every launch: products and sums may fuse, as in the kernels of the CPU
OPTIONS = {"enable_fp_fusion": True}
#: particles of one program
PARTICLES = 256
#: sites or modes of one program
_TILE = 256
#: of those, along x; short enough that the half axis of 2^m + 1 modes wastes little
_ALONG_X = 64


def scalars(like: Tensor, *values: float) -> Tensor:
    """The values as float64 on the device of ``like``; the copy waits for nothing."""
    return sent(torch.tensor(values, dtype=torch.float64), like.device)


def blocks(count: int) -> tuple[int]:
    """Programs for so many particles; one at least, since a launch of none is an error."""
    return (max(triton.cdiv(count, PARTICLES), 1),)


def tiles(rows: int, width: int) -> tuple[tuple[int, int], int, int]:
    """Programs over rows of ``width`` elements, and the rows and elements along x that each of them takes."""
    along = min(triton.next_power_of_2(width), _ALONG_X)
    high = _TILE // along
    return (triton.cdiv(rows, high), triton.cdiv(width, along)), high, along


def reals(modes: Tensor) -> Tensor:
    """A complex tensor as pairs of reals, the same memory."""
    return torch.view_as_real(contiguous(modes))


def contiguous(tensor: Tensor) -> Tensor:
    """The tensor, if it lies in memory as its shape says: kernels address it by that."""
    if not tensor.is_contiguous():
        raise ValueError(f"a kernel was given a tensor of strides {tensor.stride()}, expected a contiguous one")
    return tensor


@lru_cache(maxsize=8)
def symbols(n: int, device: torch.device) -> Tensor:
    """(3, n) float64: K_i, Re kappa_i and Im kappa_i of one axis (``mesh.lattice``)."""
    lattice = Lattice(n)
    kappa = torch.from_numpy(lattice.kappa_numpy)
    return torch.stack([torch.from_numpy(lattice.k2_numpy), kappa.real, kappa.imag]).to(device)
