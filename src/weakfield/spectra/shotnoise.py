"""Shot noise of particles as a mass assignment shapes it (Jing 2005, astro-ph/0409240).

Painted particles have the power V/N_p sum_m W^2(k + 2 k_Nyq m): a product over the axes of polynomials in
s = sin^2(pi n_i / N), exact with all aliases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weakfield.mesh.shells import WINDOW_ORDERS, Shells, wavenumbers, window_power

#: sum over aliases of sinc^2p as a polynomial in s, lowest power first
ALIAS_SUMS: dict[str, tuple[float, ...]] = {
    "none": (1.0,),
    "ngp": (1.0,),
    "cic": (1.0, -2 / 3),
    "tsc": (1.0, -1.0, 2 / 15),
    "pcs": (1.0, -4 / 3, 2 / 5, -4 / 315),
}


def aliased_shot_noise(shell: Shells, shot_noise: float, window: str) -> NDArray[np.float64]:
    """Sum over the modes of each shell of the shot noise, divided by the window as the power is, (shells,)."""
    if shot_noise == 0.0 or window == "none":
        return shot_noise * shell.modes.astype(np.float64)
    full, half = (
        np.polynomial.polynomial.polyval(np.sin(np.pi * k / shell.n) ** 2, ALIAS_SUMS[window])
        for k in wavenumbers(shell.n)
    )
    shape = full[:, None, None] * full[None, :, None] * half[None, None, :]
    return shot_noise * shell.sums(shape / window_power(shell.n, 2 * WINDOW_ORDERS[window]))
