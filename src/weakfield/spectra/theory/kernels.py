"""Second-order kernels as sums of products of functions of one wavenumber each.

A kernel K(k1, k2) multiplies two first-order modes and gives the second-order mode k1 + k2. With a = k1^2, b = k2^2 and
c = |k1 + k2|^2 the scalar product is k1.k2 = (c - a - b) / 2, so every kernel of perturbation theory is a sum of
products of powers of a, b, c, and an average over all closed triples of modes is a sum of products of three fields
(``triangles``). Kernels here are built like the equations they come from: ``A``, ``B``, ``C`` and ``DOT`` are a, b, c
and k1.k2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]
Powers = tuple[int, int, int]


@dataclass(frozen=True)
class Laurent:
    """sum of coefficient x a^p b^q c^r over ``terms[p, q, r]``; adds, multiplies and takes numbers on either side."""

    terms: Mapping[Powers, float]

    def __add__(self, other: Laurent | float) -> Laurent:
        total = dict(self.terms)
        for powers, coefficient in _laurent(other).terms.items():
            total[powers] = total.get(powers, 0.0) + coefficient
        return Laurent({powers: value for powers, value in total.items() if value != 0.0})

    def __mul__(self, other: Laurent | float) -> Laurent:
        total: dict[Powers, float] = {}
        for (p, q, r), left in self.terms.items():
            for (s, t, u), right in _laurent(other).terms.items():
                powers = (p + s, q + t, r + u)
                total[powers] = total.get(powers, 0.0) + left * right
        return Laurent({powers: value for powers, value in total.items() if value != 0.0})

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Laurent:
        return self * -1.0

    def __sub__(self, other: Laurent | float) -> Laurent:
        return self + _laurent(other) * -1.0

    def __rsub__(self, other: float) -> Laurent:
        return other + -self

    def __truediv__(self, number: float) -> Laurent:
        return self * (1.0 / number)

    def __call__(self, k1: ArrayLike, k2: ArrayLike, k3: ArrayLike) -> Reals:
        """Value for sides k1, k2 and k3 = |k1 + k2|, arrays that broadcast."""
        a, b, c = (np.asarray(k, dtype=np.float64) ** 2 for k in (k1, k2, k3))
        return np.asarray(
            sum(value * a**p * b**q * c**r for (p, q, r), value in self.terms.items()) + 0.0 * (a + b + c)
        )

    @property
    def swapped(self) -> Laurent:
        """The same with k1 and k2 exchanged."""
        return Laurent({(q, p, r): value for (p, q, r), value in self.terms.items()})


def _laurent(value: Laurent | float) -> Laurent:
    return value if isinstance(value, Laurent) else Laurent({(0, 0, 0): float(value)})


A, B, C = Laurent({(1, 0, 0): 1.0}), Laurent({(0, 1, 0): 1.0}), Laurent({(0, 0, 1): 1.0})
#: k1.k2 of the vectors that add to the third
DOT = (C - A - B) / 2
PER_A, PER_B, PER_C = (Laurent({powers: 1.0}) for powers in ((-1, 0, 0), (0, -1, 0), (0, 0, -1)))


@dataclass(frozen=True)
class Kernel:
    """sum over ``parts`` of polynomial / (c + shift): a shift of ``None`` means no division.

    ``shift`` (h/Mpc)^2 is what a Helmholtz operator adds to the k^2 of a Laplacian. Symmetric in k1 and k2.
    """

    parts: Mapping[float | None, Laurent]

    def __call__(self, k1: ArrayLike, k2: ArrayLike, k3: ArrayLike) -> Reals:
        """Value for sides k1, k2 and k3 = |k1 + k2|, arrays that broadcast."""
        c = np.asarray(k3, dtype=np.float64) ** 2
        pieces = (
            polynomial(k1, k2, k3) / (1.0 if shift is None else c + shift) for shift, polynomial in self.parts.items()
        )
        return np.asarray(sum(pieces))

    def __add__(self, other: Kernel) -> Kernel:
        total = dict(self.parts)
        for shift, polynomial in other.parts.items():
            total[shift] = total[shift] + polynomial if shift in total else polynomial
        return Kernel(total)

    def __mul__(self, number: float) -> Kernel:
        return Kernel({shift: polynomial * number for shift, polynomial in self.parts.items()})

    __rmul__ = __mul__


def f2_ab(displacement: float = 3 / 7) -> Laurent:
    """F2 a b = (1 + e)/2 a b + (k1.k2) (a + b)/2 + (1 - e)/2 (k1.k2)^2 (Bernardeau et al. 2002, astro-ph/0112551).

    e = ``displacement`` = -E/D^2 is the growth of second-order displacements (``SecondOrderGrowth``), 3/7 in
    Einstein-de Sitter, where the coefficients are 5/7 and 2/7.
    """
    return (1 + displacement) / 2 * A * B + DOT * (A + B) / 2 + (1 - displacement) / 2 * DOT * DOT


def f2(displacement: float = 3 / 7) -> Kernel:
    """Second-order kernel of the density contrast for a growing mode, ``displacement`` as in ``f2_ab``."""
    return Kernel({None: f2_ab(displacement) * PER_A * PER_B})


F2_AB, F2 = f2_ab(), f2()
#: the same as F2 for particles moved by the linear displacement, (k.k1)(k.k2) / (2 a b) with k = k1 + k2
ZELDOVICH = Kernel({None: (DOT + A) * (DOT + B) * PER_A * PER_B / 2})


def potential_kernel(contrast: float, displacement: float = 3 / 7) -> Kernel:
    """Kernel of Phi in terms of two linear Phi, from F2 and Phi = -C(k) delta with C = ``contrast`` / k^2.

    Phi_2(k) = -C(k) F2 delta delta = -F2 C(k) / (C(k1) C(k2)) Phi Phi; ``displacement`` as in ``f2_ab``.
    """
    return Kernel({None: -1.0 / contrast * f2_ab(displacement) * PER_C})
