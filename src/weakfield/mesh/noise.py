"""Unit Gaussian modes drawn one by one from a counter-based generator (EQUATIONS 3.4).

The random numbers of a mode depend only on the seed and on its wave vector, not on the grid, the threads or the device.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

_U32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_PARITY = np.uint64(0x1BD11BDAA9FC1A22)
_ROTATIONS = np.array([(14, 16), (52, 57), (23, 40), (5, 37), (25, 33), (46, 12), (58, 22), (32, 32)], dtype=np.uint64)
#: how many stream positions a line of modes may use, and lines a plane: so the numbering does not depend on the grid
_SPAN = 65536


@njit(cache=True)
def _rotated(word: Any, bits: Any) -> Any:
    return (word << bits) | (word >> (np.uint64(64) - bits))


@njit(cache=True)
def _threefry(counter: Any, key: Any, out: Any) -> None:
    """Threefry-4x64 with 20 rounds, for counter (c, 0, 0, 0) and key (k, 0, 0, 0), into ``out``."""
    zero = np.uint64(0)
    schedule = (key, zero, zero, zero, _PARITY ^ key)
    w0, w1, w2, w3 = counter + key, zero, zero, zero
    for r in range(20):
        first, second = _ROTATIONS[r % 8, 0], _ROTATIONS[r % 8, 1]
        if r % 2 == 0:
            w0 += w1
            w1 = _rotated(w1, first) ^ w0
            w2 += w3
            w3 = _rotated(w3, second) ^ w2
        else:
            w0 += w3
            w3 = _rotated(w3, first) ^ w0
            w2 += w1
            w1 = _rotated(w1, second) ^ w2
        if r % 4 == 3:
            s = r // 4 + 1
            w0 += schedule[s % 5]
            w1 += schedule[(s + 1) % 5]
            w2 += schedule[(s + 2) % 5]
            w3 += schedule[(s + 3) % 5] + np.uint64(s)
    out[0], out[1], out[2], out[3] = w0, w1, w2, w3


@njit(cache=True)
def _word(position: Any, seed: Any, block: Any, block_index: Any) -> Any:
    """The 32-bit word at a stream position; ``block`` holds the four 64-bit words of the last block used."""
    index = position >> 3
    if index != block_index[0]:
        _threefry(np.uint64(index), seed, block)
        block_index[0] = index
    pair = block[(position >> 1) & 3]
    return pair & _LOW if position % 2 == 0 else pair >> _U32


@njit(cache=True)
def _line(base: Any, count: Any, seed: Any, conjugate: Any, fixed: Any, out: Any) -> None:
    """``count`` consecutive unit modes from stream position ``base`` on, into ``out``; ``fixed``: draw only phases."""
    block = np.empty(4, np.uint64)
    block_index = np.full(1, -1, np.int64)
    position = base
    for i in range(count):
        r1 = np.float32(0.0)
        while r1 == 0.0:
            r1 = np.float32(_word(position, seed, block, block_index)) / np.float32(4294967296.0)
            position += 1
        r2 = np.float32(_word(position, seed, block, block_index)) / np.float32(4294967296.0)
        position += 1
        amplitude = math.sqrt(2.0) if fixed else math.sqrt(-2.0 * np.float64(math.log(r1)))
        phase = 2.0 * math.pi * np.float64(r2)
        imaginary = amplitude * math.sin(phase)
        out[i] = complex(amplitude * math.cos(phase), -imaginary if conjugate else imaginary)


@njit(cache=True)
def _start(block: Any, my: Any, mz: Any) -> Any:
    return ((np.int64(block) * _SPAN + mz) * _SPAN + my) * _SPAN


@njit(cache=True)
def _axis_mode(y_negative: Any, z_negative: Any, my: Any, mz: Any, hermitian: Any) -> Any:
    """Stream position and conjugation of the mode (0, n_y, n_z)."""
    if not hermitian:  # the reference program's table, EQUATIONS 3.4
        if z_negative:
            return _start(2 if y_negative else 0, my, mz), True
        return _start(1 if y_negative else 0, my, mz), False
    if z_negative:  # conjugate of the partner (0, -n_y, -n_z)
        return _start(0 if y_negative or my == 0 else 1, my, mz), True
    if y_negative and mz == 0:
        return _start(0, my, 0), True
    return _start(1 if y_negative else 0, my, mz), False


@njit(parallel=True, cache=True)
def _fill(out: Any, n: Any, seed: Any, sphere: Any, hermitian: Any, fixed: Any) -> None:
    limit = n // 2 - 1
    for plane in prange(n):
        iz = np.int64(plane)  # prange counts in unsigned integers
        z_negative = iz > n // 2
        mz = n - iz if z_negative else iz
        for iy in range(n):
            y_negative = iy > n // 2
            my = n - iy if y_negative else iy
            row = out[iz, iy]
            row[:] = 0.0
            if my >= limit or mz >= limit:
                continue
            end = 0  # first n_x beyond the domain
            while end < limit and (not sphere or end * end + my * my + mz * mz < limit * limit):
                end += 1
            if end == 0:
                continue
            if my + mz > 0:
                base, conjugate = _axis_mode(y_negative, z_negative, my, mz, hermitian)
                _line(base, 1, seed, conjugate, fixed, row[:1])
            # modes with n_x >= 1: the block follows the signs; lines of blocks 0 and 1 begin at n_x = 0
            # unless that mode is the origin, those of blocks 2 and 3 at n_x = 1
            block = (2 if z_negative else 0) + (1 if y_negative else 0)
            skip = 2 if block < 2 and my + mz > 0 else 0
            _line(_start(block, my, mz) + skip, end - 1, seed, False, fixed, row[1:end])


def unit_modes(
    n: int,
    seed: int,
    domain: Literal["sphere", "cube"] = "sphere",
    noise: Literal["hermitian", "gevolution"] = "hermitian",
    fixed_amplitude: bool = False,
    inverted: bool = False,
) -> Tensor:
    """Complex Gaussian modes with <|F|^2> = 2, complex128 ``(n, n, n//2+1)`` [z, y, x], zero outside the domain.

    ``noise="gevolution"`` keeps the reference program's independent numbers at (0, ky, kz) and (0, -ky, -kz), so that
    a real field keeps only half the variance there; ``"hermitian"`` makes the second the conjugate of the first
    (EQUATIONS 0.1). The domain excludes |n_i| >= n/2 - 1 and, for the sphere, |n| >= n/2 - 1 too. With
    ``fixed_amplitude`` every mode has |F|^2 = 2 and the same phase as without; ``inverted`` multiplies all by -1.
    """
    out = torch.empty((n, n, n // 2 + 1), dtype=torch.complex128)
    _fill(out.numpy(), n, np.uint64(seed), domain == "sphere", noise == "hermitian", fixed_amplitude)
    return out.neg_() if inverted else out


def random_words(seed: int, position: int, count: int) -> list[int]:
    """``count`` 32-bit words of the stream of a seed, from ``position`` on."""
    block, block_index = np.empty(4, np.uint64), np.full(1, -1, np.int64)
    return [int(_word(position + i, np.uint64(seed), block, block_index)) for i in range(count)]
