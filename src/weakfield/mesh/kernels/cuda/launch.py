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

from weakfield.mesh.devices import interpreted, sent
from weakfield.mesh.lattice import Lattice

#: options of every launch: products and sums may fuse, as in the kernels of the CPU
OPTIONS = {"enable_fp_fusion": True}
#: particles of one program
PARTICLES = 256
#: sites or modes of one program
_TILE = 256
#: of those, along x; short enough that the half axis of 2^m + 1 modes wastes little
_ALONG_X = 64
#: programs of a launch in Triton's interpreter, about: it runs them one after another, each operation of one in NumPy.
#: Small meshes keep the programs of a GPU, large ones get larger programs and so take seconds instead of minutes
_INTERPRETED_PROGRAMS = 4
#: particles or sites of a program at most: with 8 fields each, half of what Triton allows in one tensor
_LARGEST = 2**16


def scalars(like: Tensor, *values: float) -> Tensor:
    """The values as float64 on the device of ``like``; the copy waits for nothing."""
    return sent(torch.tensor(values, dtype=torch.float64), like.device)


def blocks(count: int, size: int = PARTICLES) -> tuple[tuple[int], int]:
    """Programs for so many particles, and how many each takes; one at least, since a launch of none is an error."""
    size = _interpreted(count, size)
    return (max(triton.cdiv(count, size), 1),), size


def tiles(rows: int, width: int) -> tuple[tuple[int, int], int, int]:
    """Programs over rows of ``width`` elements, and the rows and elements along x that each of them takes."""
    along = min(triton.next_power_of_2(width), _ALONG_X)
    high = _interpreted(rows * width, _TILE) // along
    return (triton.cdiv(rows, high), triton.cdiv(width, along)), high, along


def _interpreted(count: int, size: int) -> int:
    """The size of a program over so many elements: as given on a GPU, a power of 2 at least that in the interpreter."""
    if interpreted():
        size = max(size, min(triton.next_power_of_2(triton.cdiv(count, _INTERPRETED_PROGRAMS)), _LARGEST))
    return size


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
