"""Cross spectra in the bins of the reference program (EQUATIONS 10, 22)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from torch import Tensor

from weakfield.fourier.reference_spectrum import ReferenceSpectrum, mode_factors, reference_shells


def cross_spectrum(
    first: Tensor, second: Tensor, bins: int, box_size_mpch: float, window: Literal["none", "cic"] = "none"
) -> ReferenceSpectrum:
    """<Re(f_k g_k*) k^3> / 2 pi^2 of two unnormalised real FFTs (N, N, N//2+1), otherwise as ``reference_spectrum``.

    Its error is the scatter of that product in a bin. Sums run in a fixed order on the processor.
    """
    shell = reference_shells(first.shape[-2], bins)
    f, g = first.cpu().numpy(), second.cpu().numpy()
    product = (f.real * g.real + f.imag * g.imag) * mode_factors(shell.n, window)
    kept = shell.count > 0
    count = shell.count[kept]
    mean, square = shell.sums(product)[kept] / count, shell.sums(product**2)[kept] / count
    return ReferenceSpectrum(
        k_hmpc=shell.k[kept] / box_size_mpch,
        dimensionless=mean,
        k_scatter=shell.sigma_k[kept] / box_size_mpch,
        error=np.sqrt(np.maximum(square - mean**2, 0)) / np.sqrt(count),
        count=count.astype(np.int64),
    )
