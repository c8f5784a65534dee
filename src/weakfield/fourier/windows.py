"""Windows of mass assignment, and the shot noise of particles as the window shapes it.

A window is prod_i sinc(pi n_i / N)^p. The shot noise of painted particles has the power
V/N_p sum_m W^2(k + 2 k_Nyq m), which is a product over the axes of polynomials in s = sin^2(pi n_i / N) and includes
all aliases exactly (Jing 2005, astro-ph/0409240).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from weakfield.base.errors import BadInput, nearest
from weakfield.fourier.half_axis import Reals, wavenumbers
from weakfield.fourier.shells import Shells

Window = Literal["none", "ngp", "cic", "tsc", "pcs"]
#: order p of each mass assignment: its window is prod_i sinc(pi n_i / N)^p
WINDOW_ORDERS: dict[str, int] = {"none": 0, "ngp": 1, "cic": 2, "tsc": 3, "pcs": 4}

#: sum over aliases of sinc^2p as a polynomial in s, lowest power first
ALIAS_SUMS: dict[str, tuple[float, ...]] = {
    "none": (1.0,),
    "ngp": (1.0,),
    "cic": (1.0, -2 / 3),
    "tsc": (1.0, -1.0, 2 / 15),
    "pcs": (1.0, -4 / 3, 2 / 5, -4 / 315),
}


def window_order(window: str) -> int:
    """The order p of a mass assignment; raises ``BadInput`` for an unknown one."""
    if not isinstance(window, str) or window not in WINDOW_ORDERS:
        raise BadInput(
            f"window is '{window}', expected one of {', '.join(WINDOW_ORDERS)}" + nearest(str(window), WINDOW_ORDERS)
        )
    return WINDOW_ORDERS[window]


def window_axes(n: int, exponent: int) -> tuple[Reals, Reals]:
    """sinc(pi n_i / N)^exponent along a full axis (N,) and the half axis (N//2+1,)."""
    full, half = (np.sinc(axis / n) ** exponent for axis in wavenumbers(n))
    return full, half


def window_power(n: int, exponent: int) -> Reals:
    """prod_i sinc(pi n_i / N)^exponent of every mode, (N, N, N//2+1)."""
    full, half = window_axes(n, exponent)
    return np.asarray(full[:, None, None] * full[None, :, None] * half[None, None, :])


def aliased_shot_noise(shell: Shells, shot_noise: float, window: str) -> Reals:
    """Sum of the shot noise over the modes of each shell, divided by the window just as the power is, (shells,)."""
    if shot_noise == 0.0 or window == "none":
        return shot_noise * shell.modes.astype(np.float64)
    full, half = (
        np.polynomial.polynomial.polyval(np.sin(np.pi * k / shell.n) ** 2, ALIAS_SUMS[window])
        for k in wavenumbers(shell.n)
    )
    shape = full[:, None, None] * full[None, :, None] * half[None, None, :]
    return shot_noise * shell.sums(shape / window_power(shell.n, 2 * WINDOW_ORDERS[window]))
