"""Discrete transforms of lines of 2^a 3^b 5^c complex numbers, eight lines side by side.

Passes are in place, decimating in frequency: their output lies in digit-reversed places (``transform.Plan.place``).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from weakfield.mesh.kernels.cpu.simd import INLINE, SERIAL, load, store

# ---------------------------------------------------------------------------------------------------------------
# Complex numbers as pairs of vectors


@njit(**INLINE)
def _add(a, b):
    return a[0] + b[0], a[1] + b[1]


@njit(**INLINE)
def _sub(a, b):
    return a[0] - b[0], a[1] - b[1]


@njit(**INLINE)
def _minus_i(a, b):
    """a - i b."""
    return a[0] + b[1], a[1] - b[0]


@njit(**INLINE)
def _plus_i(a, b):
    """a + i b."""
    return a[0] - b[1], a[1] + b[0]


@njit(**INLINE)
def _get(buffer, re, im, at):
    return load(buffer, re + at), load(buffer, im + at)


@njit(**INLINE)
def _put(buffer, re, im, at, value):
    store(buffer, re + at, value[0])
    store(buffer, im + at, value[1])


@njit(**INLINE)
def _put_turned(buffer, re, im, at, value, twiddles, t):
    """Store value times the twiddle at ``t``."""
    c, s = twiddles[t], twiddles[t + 1]
    store(buffer, re + at, value[0] * c - value[1] * s)
    store(buffer, im + at, value[1] * c + value[0] * s)


@njit(**INLINE)
def _four(a0, a1, a2, a3):
    """Discrete transform of four."""
    b0, b2, b1, b3 = _add(a0, a2), _sub(a0, a2), _add(a1, a3), _sub(a1, a3)
    return _add(b0, b1), _minus_i(b2, b3), _sub(b0, b1), _plus_i(b2, b3)


# ---------------------------------------------------------------------------------------------------------------
# Passes: blocks of m elements ``stride`` numbers apart, real parts from ``re`` and imaginary parts from ``im`` on


@njit(**SERIAL)
def _pass2(buffer, re, im, stride, n, m, twiddles, t):
    step = m // 2
    for j in range(step):
        for block in range(0, n, m):
            p0 = (block + j) * stride
            p1 = p0 + step * stride
            a, b = _get(buffer, re, im, p0), _get(buffer, re, im, p1)
            _put(buffer, re, im, p0, _add(a, b))
            _put_turned(buffer, re, im, p1, _sub(a, b), twiddles, t + 2 * j)


@njit(**SERIAL)
def _pass3(buffer, re, im, stride, n, m, twiddles, t):
    step = m // 3
    half, root = buffer.dtype.type(0.5), buffer.dtype.type(0.75**0.5)
    for j in range(step):
        for block in range(0, n, m):
            p0 = (block + j) * stride
            p1 = p0 + step * stride
            p2 = p1 + step * stride
            a, b, c = _get(buffer, re, im, p0), _get(buffer, re, im, p1), _get(buffer, re, im, p2)
            s, d = _add(b, c), _sub(b, c)
            d = d[0] * root, d[1] * root
            mean = a[0] - half * s[0], a[1] - half * s[1]
            _put(buffer, re, im, p0, _add(a, s))
            _put_turned(buffer, re, im, p1, _minus_i(mean, d), twiddles, t + 4 * j)
            _put_turned(buffer, re, im, p2, _plus_i(mean, d), twiddles, t + 4 * j + 2)


@njit(**SERIAL)
def _pass4(buffer, re, im, stride, n, m, twiddles, t):
    step = m // 4
    for j in range(step):
        w = t + 6 * j
        for block in range(0, n, m):
            p0 = (block + j) * stride
            p1 = p0 + step * stride
            p2 = p1 + step * stride
            p3 = p2 + step * stride
            y0, y1, y2, y3 = _four(
                _get(buffer, re, im, p0), _get(buffer, re, im, p1), _get(buffer, re, im, p2), _get(buffer, re, im, p3)
            )
            _put(buffer, re, im, p0, y0)
            if step == 1:
                _put(buffer, re, im, p1, y1)
                _put(buffer, re, im, p2, y2)
                _put(buffer, re, im, p3, y3)
            else:
                _put_turned(buffer, re, im, p1, y1, twiddles, w)
                _put_turned(buffer, re, im, p2, y2, twiddles, w + 2)
                _put_turned(buffer, re, im, p3, y3, twiddles, w + 4)


@njit(**SERIAL)
def _pass5(buffer, re, im, stride, n, m, twiddles, t):
    step = m // 5
    real = buffer.dtype.type
    c1, c2 = real(np.cos(2 * np.pi / 5)), real(np.cos(4 * np.pi / 5))
    s1, s2 = real(np.sin(2 * np.pi / 5)), real(np.sin(4 * np.pi / 5))
    for j in range(step):
        w = t + 8 * j
        for block in range(0, n, m):
            p0 = (block + j) * stride
            p1 = p0 + step * stride
            p2 = p1 + step * stride
            p3 = p2 + step * stride
            p4 = p3 + step * stride
            a = _get(buffer, re, im, p0)
            b, e = _get(buffer, re, im, p1), _get(buffer, re, im, p4)
            c, d = _get(buffer, re, im, p2), _get(buffer, re, im, p3)
            be, cd, b_e, c_d = _add(b, e), _add(c, d), _sub(b, e), _sub(c, d)
            m1 = a[0] + c1 * be[0] + c2 * cd[0], a[1] + c1 * be[1] + c2 * cd[1]
            m2 = a[0] + c2 * be[0] + c1 * cd[0], a[1] + c2 * be[1] + c1 * cd[1]
            d1 = s1 * b_e[0] + s2 * c_d[0], s1 * b_e[1] + s2 * c_d[1]
            d2 = s2 * b_e[0] - s1 * c_d[0], s2 * b_e[1] - s1 * c_d[1]
            _put(buffer, re, im, p0, _add(a, _add(be, cd)))
            _put_turned(buffer, re, im, p1, _minus_i(m1, d1), twiddles, w)
            _put_turned(buffer, re, im, p2, _minus_i(m2, d2), twiddles, w + 2)
            _put_turned(buffer, re, im, p3, _plus_i(m2, d2), twiddles, w + 4)
            _put_turned(buffer, re, im, p4, _plus_i(m1, d1), twiddles, w + 6)


@njit(**SERIAL)
def _pass8(buffer, re, im, stride, n, m, twiddles, t):
    step = m // 8
    root = buffer.dtype.type(0.5**0.5)
    for j in range(step):
        w = t + 14 * j
        for block in range(0, n, m):
            p0 = (block + j) * stride
            p1 = p0 + step * stride
            p2 = p1 + step * stride
            p3 = p2 + step * stride
            p4 = p3 + step * stride
            p5 = p4 + step * stride
            p6 = p5 + step * stride
            p7 = p6 + step * stride
            x0, x4 = _get(buffer, re, im, p0), _get(buffer, re, im, p4)
            x1, x5 = _get(buffer, re, im, p1), _get(buffer, re, im, p5)
            x2, x6 = _get(buffer, re, im, p2), _get(buffer, re, im, p6)
            x3, x7 = _get(buffer, re, im, p3), _get(buffer, re, im, p7)
            y0, y2, y4, y6 = _four(_add(x0, x4), _add(x1, x5), _add(x2, x6), _add(x3, x7))
            o0, o1, o2, o3 = _sub(x0, x4), _sub(x1, x5), _sub(x2, x6), _sub(x3, x7)
            o1 = (o1[0] + o1[1]) * root, (o1[1] - o1[0]) * root
            o3 = (o3[1] - o3[0]) * root, (o3[1] + o3[0]) * -root
            e0, e2, e1, e3 = _minus_i(o0, o2), _plus_i(o0, o2), _add(o1, o3), _sub(o1, o3)
            y1, y5, y3, y7 = _add(e0, e1), _sub(e0, e1), _minus_i(e2, e3), _plus_i(e2, e3)
            _put(buffer, re, im, p0, y0)
            if step == 1:
                _put(buffer, re, im, p1, y1)
                _put(buffer, re, im, p2, y2)
                _put(buffer, re, im, p3, y3)
                _put(buffer, re, im, p4, y4)
                _put(buffer, re, im, p5, y5)
                _put(buffer, re, im, p6, y6)
                _put(buffer, re, im, p7, y7)
            else:
                _put_turned(buffer, re, im, p1, y1, twiddles, w)
                _put_turned(buffer, re, im, p2, y2, twiddles, w + 2)
                _put_turned(buffer, re, im, p3, y3, twiddles, w + 4)
                _put_turned(buffer, re, im, p4, y4, twiddles, w + 6)
                _put_turned(buffer, re, im, p5, y5, twiddles, w + 8)
                _put_turned(buffer, re, im, p6, y6, twiddles, w + 10)
                _put_turned(buffer, re, im, p7, y7, twiddles, w + 12)


@njit(**SERIAL)
def lines(buffer, re, im, stride, n, radices, twiddles):
    """Eight lines at once, exp(-i k x); with ``re`` and ``im`` exchanged exp(+i k x)."""
    m, t = n, np.int64(0)
    for radix in radices:
        if radix == 8:
            _pass8(buffer, re, im, stride, n, m, twiddles, t)
        elif radix == 4:
            _pass4(buffer, re, im, stride, n, m, twiddles, t)
        elif radix == 2:
            _pass2(buffer, re, im, stride, n, m, twiddles, t)
        elif radix == 3:
            _pass3(buffer, re, im, stride, n, m, twiddles, t)
        else:
            _pass5(buffer, re, im, stride, n, m, twiddles, t)
        t += 2 * (m // radix) * (radix - 1)
        m //= radix
