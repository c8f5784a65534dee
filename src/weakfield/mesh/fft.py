"""Real Fourier transforms of cubes: unnormalised forward, divided by N^3 backward, half axis x.

On the CPU our own transform serves sides that are multiples of 16 with factors 2, 3 and 5, and DUCC serves the others;
the results of both do not depend on the number of threads (PyTorch's do). On a GPU it is torch.fft.
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.threads import current_threads

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def forward(field: Tensor, out: Tensor | None = None, threads: int | None = None) -> Tensor:
    """F(k) = sum_x f(x) exp(-i k x): real ``(..., N, N, N)`` [z, y, x] to complex ``(..., N, N, N//2+1)``."""
    if field.is_cuda:
        return torch_forward(field, out)
    if out is None:
        out = torch.empty((*field.shape[:-1], field.shape[-1] // 2 + 1), dtype=COMPLEX[field.dtype])
    if _own(field, out, field.shape[-1]):
        from weakfield.mesh.kernels.cpu import transform

        transform.forward(field.numpy(), out.numpy(), threads or current_threads())
        return out
    import ducc0

    ducc0.fft.r2c(field.numpy(), axes=_cube_axes(field), nthreads=threads or current_threads(), out=out.numpy())
    return out


def backward(
    modes: Tensor,
    n: int,
    out: Tensor | None = None,
    normalised: bool = True,
    threads: int | None = None,
    overwrite: bool = False,
) -> Tensor:
    """f(x) = N^-3 sum_k F(k) exp(i k x), the inverse of ``forward`` (without N^-3 if not ``normalised``).

    Imaginary parts of the self-conjugate modes are dropped; on the planes kx = 0 and kx = N/2 only the
    Hermitian part of ``modes`` counts. ``modes`` is left as it was, unless ``overwrite`` allows its memory to be used
    on a CPU, which saves a copy and gives the same bits.
    """
    if modes.is_cuda:
        return torch_backward(modes, n, out, normalised)
    if out is None:
        out = torch.empty((*modes.shape[:-1], n), dtype=modes.real.dtype)
    if _own(modes, out, n):
        from weakfield.mesh.kernels.cpu import transform

        scale = 1.0 / n**3 if normalised else 1.0
        transform.backward(modes.numpy(), out.numpy(), scale, overwrite, threads or current_threads())
        return out
    import ducc0

    z, y, x = _cube_axes(modes)
    options = {"forward": False, "inorm": 2 if normalised else 0, "nthreads": threads or current_threads()}
    if overwrite:
        ducc0.fft.c2c(modes.numpy(), axes=(z, y), out=modes.numpy(), **options)
        ducc0.fft.c2r(modes.numpy(), axes=(x,), lastsize=n, out=out.numpy(), **options)
    else:
        ducc0.fft.c2r(modes.numpy(), axes=(z, y, x), lastsize=n, out=out.numpy(), **options)
    return out


def torch_forward(field: Tensor, out: Tensor | None = None) -> Tensor:
    """``forward`` by PyTorch, as it is done on a GPU."""
    modes: Tensor = torch.fft.rfftn(field, dim=(-3, -2, -1)).contiguous()
    return modes if out is None else out.copy_(modes)


def torch_backward(modes: Tensor, n: int, out: Tensor | None = None, normalised: bool = True) -> Tensor:
    """``backward`` by PyTorch, as it is done on a GPU; ``modes`` is left as it was.

    It takes two steps, z and y before x: how a transform of three axes treats modes that are not Hermitian is not
    documented, but a transform of the last axis alone is documented to ignore what a real line cannot hold.
    """
    norm = "backward" if normalised else "forward"
    planes = torch.fft.ifftn(modes, dim=(-3, -2), norm=norm)
    planes[..., 0].imag.zero_()  # what a real line cannot hold; cuFFT does not promise to leave it out
    if n % 2 == 0:
        planes[..., n // 2].imag.zero_()
    field: Tensor = torch.fft.irfft(planes, n=n, dim=-1, norm=norm).contiguous()
    return field if out is None else out.copy_(field)


def _own(source: Tensor, target: Tensor, n: int) -> bool:
    """Whether our own transforms take these arrays: only some sizes, and only contiguous memory."""
    from weakfield.mesh.kernels.cpu import transform

    return transform.fits(n) and source.is_contiguous() and target.is_contiguous()


def _cube_axes(array: Tensor) -> tuple[int, int, int]:
    return (array.ndim - 3, array.ndim - 2, array.ndim - 1)
