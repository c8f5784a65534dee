"""Light cones on the spectral mesh, against direct sums over modes and against short steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.spectral_runs import spectral_run
from weakfield.config.lightcone import LightCone, LightConeSettings
from weakfield.formats.cone_maps import load_maps
from weakfield.formats.cone_particles import load_cone_particles
from weakfield.mesh import spectral
from weakfield.mesh.healpix import directions, file_order, rotation
from weakfield.mesh.kernels.cpu.lightcone import interpolated, splined
from weakfield.simulation import grow_member
from weakfield.simulation.evolution import at_redshifts
from weakfield.simulation.lightcone import LightCones


def with_cone(run, **cone):
    made = LightCone(**({"vertex_mpch": (40.0, 60.0, 200.0)} | cone))
    return run.model_copy(update={"lightcone": LightConeSettings(cones=(made,), clip_distance=True)})


def summed(modes: torch.Tensor, points: np.ndarray) -> np.ndarray:
    """The field of modes (N, N, N//2+1) at ``points`` (3, P), mode by mode."""
    n = modes.shape[0]
    z, y, x = np.nonzero(np.abs(modes.numpy()) > 0)
    numbers = np.stack([x, np.where(y > n // 2, y - n, y), np.where(z > n // 2, z - n, z)])
    waves = np.exp(2j * np.pi * (points.T @ numbers)) * modes.numpy()[z, y, x]
    return (np.where(x == 0, 1.0, 2.0) * waves.real).sum(1)


def test_splines_through_a_field_are_of_fourth_order():
    """Where cells become half as wide their error falls sixteenfold, that of lines between the nodes fourfold."""
    draw = np.random.default_rng(1)
    points = draw.random((3, 500))
    errors = []
    for n in (16, 32):
        field = torch.zeros((n, n, n // 2 + 1), dtype=torch.complex128)
        field[1, -2 % n, 2], field[0, 1, 1], field[2, 0, 0] = 1.0, 0.5j, 0.3 - 0.2j
        field[-2, 0, 0] = field[2, 0, 0].conj()
        exact = summed(field, points)
        nodes = spectral.field_of(field, n)
        smooth = spectral.field_of(spectral.modes_of(nodes, windowed=True), n).numpy()
        out, lines = np.empty(500), np.empty(500)
        splined(smooth, points, out)
        interpolated(nodes.numpy(), points, np.zeros(3), lines)
        errors.append([np.abs(found - exact).max() for found in (out, lines)])
    cubic, linear = np.log2(np.array(errors[0]) / errors[1])
    assert cubic > 3.8
    assert linear == pytest.approx(2.0, abs=0.3)
    assert errors[0][0] < 0.05 * errors[0][1]


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_maps_are_the_fields_of_the_cycle(theory, tmp_path):
    run = with_cone(spectral_run(theory), redshift=8.5, outputs=("phi", "chi", "B", "hij"), distance_mpch=(60.0, 120.0))
    ((universe, clock),) = at_redshifts(run, diagnostics=True)
    cones = LightCones(run, tmp_path)
    cones.write_due(universe, clock)
    turned = rotation(cones.cones[0].axis)
    fields = {"phi": universe.phi_modes, "chi": universe.chi_modes}
    fields |= {f"B{i + 1}": universe.b_now[i] / clock.a**2 for i in range(3)}
    for name, modes in fields.items():
        (path,) = tmp_path.glob(f"*_{name}.map")
        shells = load_maps(path)
        assert len(shells) > 2
        for shell in shells[:2]:
            order = file_order(shell.nside, shell.nside_ring, shell.values.size)
            pixels = turned @ directions(shell.nside, order).T
            points = np.array(cones.cones[0].vertex)[:, None] + shell.distance * pixels
            expected = summed(modes.to(torch.complex128), points)
            # splines miss some of what varies within two or three cells
            assert np.std(shell.values - expected) < 0.05 * np.std(expected), name
    assert len(list(tmp_path.glob("*_h??.map"))) == 5


def on_the_cone(theory: str, folder: Path, limit: float):
    """Positions [kpc/h] and velocities [km/s] on a cone by ID, of a run in such steps.

    There is a cycle 51 Mpc/h before the observer, so that with long steps particles come from both sides of it.
    """
    run = spectral_run(theory, step_limit_hubble=limit, snapshot_redshifts=(9.3,), spectra_redshifts=(9.3,))
    folder.mkdir()
    run = with_cone(run, redshift=9.0, outputs=("Gadget2",), distance_mpch=(0.0, 120.0))
    grow_member(run, folder)
    found = {}
    for path in folder.glob("lightcone_????_cdm"):
        particles = load_cone_particles(path)
        for i, x, v in zip(particles.ids, particles.positions, particles.velocities, strict=True):
            found[int(i)] = (x, v)
    return found


@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_particles_cross_the_cone_where_short_steps_say(theory, tmp_path):
    """The same particles, and an error of second order in the step, a thirtieth of how far they move in one."""
    limits = (0.3, 0.15, 0.03)
    runs = [on_the_cone(theory, tmp_path / str(limit), limit) for limit in limits]
    assert runs[0].keys() == runs[1].keys() == runs[2].keys()
    assert len(runs[0]) > 800
    place, speed = (np.array([[run[i][part] for i in run] for run in map(sorted_by_id, runs)]) for part in (0, 1))
    long, short = (np.std(place[i] - place[2]) for i in (0, 1))
    assert np.log2(long / short) > 1.7
    moved = np.std(speed[2]) / 299792.458 * 51e3  # [kpc/h], between the last two cycles with long steps
    assert long < 0.05 * moved
    assert np.std(speed[0] - speed[2]) < 2e-3 * np.std(speed[2])


def sorted_by_id(run):
    return dict(sorted(run.items()))
