"""What particles of the spectral mesh read there, and how they move (EQUATIONS 16.1, 16.2)."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import write_back
from weakfield.mesh.kernels.cpu.pcs_cells import (
    alike,
    exponential,
    find_nodes,
    gather,
    gather_with_slopes,
    numbers,
    scratch,
    spread,
    spread_slopes,
)
from weakfield.mesh.kernels.cpu.simd import (
    HALF,
    PARALLEL,
    WIDTH,
    load,
    load4,
    load_rows,
    number,
    put,
    root,
    store,
    store4,
)
from weakfield.mesh.packed import D_PHI, D_PSI, METRIC_PHI, METRIC_PSI, PACKED, VECTOR

#: fields of a_squared B and of its three derivatives at a particle
_DRAGGING = 4 * VECTOR


@njit(**PARALLEL)
def _read(column, row_start, u, fields, n, packed, out):
    places, count, flat = u.reshape(-1), len(column), out.reshape(-1)
    for plane in prange(n):
        z = np.int64(plane)
        cells, nodes, shares = scratch(u.dtype)
        found = np.zeros(HALF, fields.dtype)
        for row in range(z * n, (z + 1) * n):
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                spread(places, count, first, cells, shares)
                for i in range(begin, stop):
                    find_nodes(nodes, cells, i, number(column, first + i), y, z, n, n, n * n)
                    for field in range(0, packed, HALF):
                        store4(found, 0, gather(load4, fields[field:], packed, nodes, shares, i))
                        for k in range(HALF):
                            put(flat, (field + k) * count + first + i, found[k])


@njit(**PARALLEL)
def _newton(column, row_start, u, q, slopes, keep, kick, drift, n, pitch_y, pitch_z):
    real, count = u.dtype.type, len(column)
    keep, kick, drift = real(keep), real(kick), real(drift)
    places, momenta = u.reshape(-1), q.reshape(-1)
    for plane in prange(n):
        z = np.int64(plane)
        cells, nodes, shares = scratch(u.dtype)
        rows = np.zeros(64, u.dtype)
        for row in range(z * n, (z + 1) * n):
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                ux, uy, uz = spread(places, count, first, cells, shares)
                for i in range(begin, stop):
                    find_nodes(nodes, cells, i, number(column, first + i), y, z, n, pitch_y, pitch_z)
                    store4(rows, 8 * i, gather(load4, slopes, VECTOR, nodes, shares, i))
                at = load_rows(rows, 0, WIDTH)
                qx, qy, qz = (
                    keep * load(momenta, first) - kick * at[0], keep * load(momenta, count + first) - kick * at[1],
                    keep * load(momenta, 2 * count + first) - kick * at[2],
                )  # fmt: skip
                write_back(momenta, count, first, begin, stop, qx, qy, qz, cells)
                write_back(places, count, first, begin, stop, ux + drift * qx, uy + drift * qy, uz + drift * qz, cells)


@njit(**PARALLEL)
def _gr(column, row_start, u, q, metric, dragging, a, a_half, keep, kick, drift, n, pitch_y, pitch_z):
    real = u.dtype.type
    a2, half2, keep, kick = real(a * a), real(a_half * a_half), real(keep), real(kick)
    turn = real(n / (a * a))
    step, shift = real(drift * n), real(drift * n / (a_half * a_half))
    places, momenta, count = u.reshape(-1), q.reshape(-1), len(column)
    for plane in prange(n):
        z = np.int64(plane)
        cells, nodes, shares = scratch(u.dtype)
        slopes, rows, drags = np.empty(96, u.dtype), np.zeros(64, u.dtype), np.zeros(8 * _DRAGGING, u.dtype)
        for row in range(z * n, (z + 1) * n):
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                ux, uy, uz = spread(places, count, first, cells, shares)
                spread_slopes(cells, slopes)
                for i in range(begin, stop):
                    find_nodes(nodes, cells, i, number(column, first + i), y, z, n, pitch_y, pitch_z)
                    store(rows, 8 * i, gather(load, metric, PACKED, nodes, shares, i))
                for i in range(begin, stop):
                    b, bx, by, bz = gather_with_slopes(load4, dragging, VECTOR, nodes, shares, slopes, i)
                    store4(drags, _DRAGGING * i, b)
                    store4(drags, _DRAGGING * i + VECTOR, bx)
                    store4(drags, _DRAGGING * i + 2 * VECTOR, by)
                    store4(drags, _DRAGGING * i + 3 * VECTOR, bz)
                # from here on eight particles side by side
                at = load_rows(rows, 0, WIDTH)
                b, more = load_rows(drags, 0, _DRAGGING), load_rows(drags, 2 * VECTOR, _DRAGGING)
                qx, qy, qz = (
                    load(momenta, first), load(momenta, count + first), load(momenta, 2 * count + first),
                )  # fmt: skip
                e1, f1 = exponential(at[METRIC_PHI], cells), exponential(at[METRIC_PSI], cells)
                e2 = e1 * e1
                squared = e2 * (qx * qx + qy * qy + qz * qz)
                energy = root(a2 + squared)
                slow = squared / energy
                fall_x = f1 * (energy * at[D_PSI] + slow * at[D_PHI])
                fall_y = f1 * (energy * at[D_PSI + 1] + slow * at[D_PHI + 1])
                fall_z = f1 * (energy * at[D_PSI + 2] + slow * at[D_PHI + 2])
                fall_x += turn * (qx * b[4] + qy * b[5] + qz * b[6])
                fall_y += turn * (qx * more[0] + qy * more[1] + qz * more[2])
                fall_z += turn * (qx * more[4] + qy * more[5] + qz * more[6])
                qx, qy, qz = keep * qx - kick * fall_x, keep * qy - kick * fall_y, keep * qz - kick * fall_z
                speed = step * (f1 * e2) / root(half2 + e2 * (qx * qx + qy * qy + qz * qz))
                # added up before they meet the position, beside which the shift alone would be rounded away
                step_x, step_y, step_z = (
                    speed * qx + shift * b[0], speed * qy + shift * b[1], speed * qz + shift * b[2],
                )  # fmt: skip
                write_back(momenta, count, first, begin, stop, qx, qy, qz, cells)
                write_back(places, count, first, begin, stop, ux + step_x, uy + step_y, uz + step_z, cells)


def read_pcs(particles, fields):
    """See ``reference.pcs.read_pcs``."""
    if len(particles) < WIDTH:
        return reference.read_pcs(particles, fields)
    packed = fields.shape[-1]
    whole = -packed % HALF
    padded = torch.nn.functional.pad(fields, (0, whole)) if whole else fields.contiguous()
    out = fields.new_empty((packed + whole, len(particles)))
    _read(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        padded.numpy().reshape(-1), particles.grid, packed + whole, out.numpy(),
    )  # fmt: skip
    return out[:packed]


def kick_drift_newton_pcs(particles, slopes, step):
    """See ``reference.pcs.kick_drift_newton_pcs``."""
    if len(particles) < WIDTH:
        reference.kick_drift_newton_pcs(particles, slopes, step)
        return
    n, (flat, *pitches) = particles.grid, numbers(slopes)
    _newton(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), flat, float(step.keep), float(step.kick), float(step.drift * n), n, *pitches,
    )  # fmt: skip


def kick_drift_pcs(particles, metric, dragging, step):
    """See ``reference.pcs.kick_drift_pcs``."""
    if len(particles) < WIDTH:
        reference.kick_drift_pcs(particles, metric, dragging, step)
        return
    packed, *pitches = numbers(metric)
    _gr(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), packed, numbers(alike(dragging, pitches))[0], float(step.a), float(step.a_half),
        float(step.keep), float(step.kick), float(step.drift), particles.grid, *pitches,
    )  # fmt: skip
