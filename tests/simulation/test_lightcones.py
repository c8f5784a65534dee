"""Light cones: what they take and how particles reach them, against sums by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.config.lightcone import LightCone, LightConeSettings
from weakfield.cosmology import Background
from weakfield.formats.cone_info import read_info
from weakfield.formats.cone_maps import load_maps
from weakfield.formats.cone_particles import load_cone_particles
from weakfield.mesh.threads import fixed_threads, threads
from weakfield.simulation import evolution, grow_member
from weakfield.simulation.lightcone import LightCones
from weakfield.simulation.lightcone.geometry import Cone, Shells
from weakfield.simulation.lightcone.maps import shell_numbers
from weakfield.simulation.lightcone.propagation import crossing
from weakfield.simulation.lightcone.selection import image_keys, on_the_cone


def cone_of(run, **settings) -> Cone:
    cone = LightCone(**({"vertex_mpch": (40.0, 60.0, 200.0)} | settings))
    run = run.model_copy(update={"lightcone": LightConeSettings(cones=(cone,))})
    return Cone.of(run, 0, Background(run.cosmology, run.simulation.box_size_mpch))


def with_cones(run, *cones: dict, **settings):
    made = tuple(LightCone(**cone) for cone in cones)
    return run.model_copy(update={"lightcone": LightConeSettings(cones=made, **settings)})


SHELLS = Shells(1.2, 0.3, 0.32, 0.9, 1.5)


@pytest.mark.parametrize("angle", [180.0, 140.0, 25.0])
@pytest.mark.parametrize("every", [False, True])
def test_selection_is_that_of_a_plain_loop(small_run, angle, every):
    cone = cone_of(small_run(), half_angle_deg=angle, direction=(1.0, -2.0, 0.5))
    draw = np.random.default_rng(3)
    positions, ids = draw.random((3, 300)), draw.permutation(300)
    expected = []
    for p in range(300):
        if ids[p] % 2:
            continue
        for shift in itertools.product(range(-4, 5), repeat=3):
            r = positions[:, p] - np.array(cone.vertex) - shift
            d = math.sqrt(r @ r)
            seen = angle == 180.0 or r @ np.array(cone.axis) / d > math.cos(math.radians(angle))
            if SHELLS.inner <= d < SHELLS.late_outer and seen:
                expected.append((p, *shift))
                if not every:
                    break
    found = on_the_cone(positions, ids, 2, cone, SHELLS, every)
    assert [(int(p), *map(int, image)) for p, image in zip(found.index, found.image, strict=True)] == expected
    with threads(2):
        again = on_the_cone(positions, ids, 2, cone, SHELLS, every)
    assert np.array_equal(again.index, found.index)
    assert np.array_equal(again.image, found.image)


def test_an_image_keeps_its_key_when_its_particle_leaves_the_box():
    ids = np.array([7, 7, 8])
    before = image_keys(ids, np.array([[-3, 0, 511], [0, 0, 0], [0, 0, 0]]), np.zeros((3, 3), dtype=np.int64))
    # from 0.99 to 0.01 above: the image in the same place has the vertex one box lower
    after = image_keys(
        ids, np.array([[-4, 0, 511], [-1, 1, 0], [0, 0, 0]]), np.array([[1, 0, 0], [1, -1, 0], [0, 0, 0]])
    )
    assert np.array_equal(before, after)
    assert len(set(before.tolist())) == 3
    with pytest.raises(WeakfieldError, match="images 512 boxes away"):
        image_keys(ids[:1], np.array([[0, -512, 512]]), np.zeros((1, 3), dtype=np.int64))


def test_particles_cross_where_light_leaves_for_the_observer():
    """|x(tau + delay)| = R - delay, to the second order in velocities at which a particle does not move radially."""
    draw = np.random.default_rng(4)
    separation = draw.normal(size=(50, 3))
    separation *= (draw.uniform(SHELLS.inner, SHELLS.outer, 50) / np.linalg.norm(separation, axis=1))[:, None]
    distance = np.linalg.norm(separation, axis=1)
    a, q = 0.8, 1e-3 * draw.normal(size=(50, 3))
    found = crossing(separation, distance, q, np.zeros((50, 3)), SHELLS, a, 0.5)
    reached = np.linalg.norm(found.separation, axis=1)
    shift = np.linalg.norm(found.separation - separation, axis=1)
    assert shift.max() > 1e-5
    # |q|/E is the speed: light needs R - reached - delay more, delay = shift / speed
    speed = np.linalg.norm(q, axis=1) / np.sqrt(
        (q**2).sum(1) + a * (a + np.where(distance >= SHELLS.distance, -SHELLS.before, SHELLS.step) * 0.5)
    )
    delay = np.sign(SHELLS.distance - distance) * shift / speed
    assert np.abs(reached + delay - SHELLS.distance).max() < 1e-6
    # without a force the momentum stays, and the velocity is that at the crossing
    assert found.velocity == pytest.approx(q / (a + delay * 0.5)[:, None], rel=1e-12)


def test_shells_of_the_maps(small_run):
    cone = cone_of(small_run(), distance_mpch=(0.0, 320.0))
    assert shell_numbers(cone, Shells(0.5, 0.1, 0.1, 0.31, 0.72), 16) == range(5, 12)
    assert shell_numbers(cone, Shells(0.9, 0.1, 0.1, 0.8, 1.2), 16) == range(13, 16)  # far = 1 is left out
    assert shell_numbers(cone, Shells(0.5, 0.1, 0.1, 0.51, 0.52), 16) == range(9, 10)  # at least one
    assert shell_numbers(cone, Shells(-0.1, 0.1, 0.1, -0.3, 0.1), 16) == range(2)


CONE = {"vertex_mpch": (10.0, 150.0, 300.0), "redshift": 7.0, "outputs": ("Gadget2", "phi"), "distance_mpch": (0, 900)}
OTHER = {
    "vertex_mpch": (0.0, 0.0, 0.0), "redshift": 6.0, "half_angle_deg": 80.0, "direction": (1, 1, 0),
    "outputs": ("Gadget2", "B", "hij"), "distance_mpch": (50, 400),
}  # fmt: skip
EULER = {"phi_integrator": "euler", "exact_redshifts": False, "spectra_redshifts": (), "snapshot_redshifts": (9.0,)}


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Killed(Exception):
    """Stands for the death of the process."""


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("theory", ["newton", "gr"])
def test_a_run_that_was_killed_ends_with_the_same_bytes(theory, every, small_run, tmp_path, monkeypatch):
    run = small_run(theory, courant_factor=20.0, initial_redshift=15.0, **EULER)
    run = with_cones(run, CONE, OTHER, every_image=every, process_grid=(2, 4))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    grow_member(run, whole)
    cycles = read_info(whole / "lightcone1_info.bin")["cycle"]
    assert len(list(whole.glob("*_cdm"))) > 6
    run = run.model_copy(update={"output": run.output.model_copy(update={"checkpoint_every": 2})})
    keep = evolution.Checkpoints.keep
    for death in (cycles[0] + 3, cycles[-1]):

        def dying(self, universe, clock, outputs, death=death):
            keep(self, universe, clock, outputs)
            if clock.cycle == death:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(evolution.Checkpoints, "keep", dying)
            with pytest.raises(Killed):
                grow_member(run, broken)
    grow_member(run, broken)
    assert written(broken) == written(whole)


def test_going_on_after_a_cycle_of_an_earlier_run(small_run, tmp_path):
    """As at a restart of the reference program: info files are cut, and the backlog is read from the last files."""
    run = small_run("newton", courant_factor=20.0, initial_redshift=12.0, **EULER)
    run = with_cones(run, CONE, OTHER)
    grow_member(run, tmp_path)
    whole = written(tmp_path)
    cycle = int(next(name for name in sorted(whole) if name.startswith("lightcone1_") and name.endswith("_cdm"))[11:15])
    cones = LightCones(run, tmp_path, after=cycle)
    for base in ("lightcone0_info", "lightcone1_info"):
        lines = whole[f"{base}.dat"].decode().splitlines(keepends=True)
        kept = [line for line in lines if line.startswith("#") or int(line.split()[0]) <= cycle]
        assert (tmp_path / f"{base}.dat").read_text() == "".join(kept)
        assert (tmp_path / f"{base}.bin").read_bytes() == whole[f"{base}.bin"][: 52 * (len(kept) - 8)]
    paths = [tmp_path / f"lightcone{i}_{cycle:04d}_cdm" for i in (0, 1)]
    ids = [load_cone_particles(path).ids for path in paths if path.exists()]
    assert np.array_equal(cones.state()["cone_backlog_cdm"], np.unique(np.concatenate(ids)))
    with pytest.raises(BadInput, match="files do not say of which image"):
        LightCones(with_cones(run, CONE, every_image=True), tmp_path, after=cycle)


def test_bytes_do_not_depend_on_threads(small_run, tmp_path):
    run = with_cones(small_run("gr", courant_factor=20.0, initial_redshift=12.0, **EULER), CONE, OTHER)
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        with fixed_threads(count):
            grow_member(run, tmp_path / str(count))
    assert written(tmp_path / "1") == written(tmp_path / "2")


def homogeneous(small_run, **cones):
    """A lattice of particles at rest, on a cone as far as 1.6 boxes."""
    run = small_run("newton", grid=8, courant_factor=3.0, initial_redshift=9.0, **EULER)
    run = run.model_copy(update={"cosmology": run.cosmology.model_copy(update={"a_s": 0.0})})
    cone = {
        "vertex_mpch": (37.0, 151.0, 263.0), "redshift": 6.5, "outputs": ("Gadget2",), "distance_mpch": (130.0, 500.0),
        "half_angle_deg": 50.0, "direction": (1.0, 0.3, -0.5),
    }  # fmt: skip
    return with_cones(run, cone, **cones)


def lattice_in_the_cone(run) -> np.ndarray:
    """Every site of the periodic lattice inside the cone of a homogeneous run [Mpc/h]."""
    (cone,) = run.lightcone.cones
    sites = 40.0 * (np.arange(-24, 32) + 0.5)
    points = np.stack(np.meshgrid(sites, sites, sites, indexing="ij"), axis=-1).reshape(-1, 3)
    away = points - np.array(cone.vertex_mpch)
    d, axis = np.linalg.norm(away, axis=1), np.array(cone.direction) / np.linalg.norm(cone.direction)
    near, far = cone.distance_mpch
    return points[(d >= near) & (d < far) & (away @ axis > d * np.cos(np.radians(cone.half_angle_deg)))]


def sites_written(folder: Path) -> np.ndarray:
    found = [load_cone_particles(path).positions / 1000.0 for path in sorted(folder.glob("*_cdm"))]
    return np.concatenate(found)


def test_every_image_and_exact_distances(small_run, tmp_path):
    """Beyond the reference program: each point of a lattice at rest that lies in the cone is there, once."""
    run = homogeneous(small_run, every_image=True, clip_distance=True)
    grow_member(run, tmp_path)
    found = {tuple(site) for site in np.round(sites_written(tmp_path), 2).tolist()}
    expected = {tuple(site) for site in np.round(lattice_in_the_cone(run), 2).tolist()}
    assert found == expected
    assert len(expected) == len(sites_written(tmp_path)) > 500


def test_one_image_a_cycle_and_whole_cycles(small_run, tmp_path):
    """As the reference program has it: of several images on a shell one is written; distances are those of cycles."""
    run = homogeneous(small_run)
    grow_member(run, tmp_path)
    info = read_info(tmp_path / "lightcone_info.bin")
    seen = sites_written(tmp_path)
    assert len(np.unique(np.round(seen, 2), axis=0)) == len(seen)
    away = np.linalg.norm(seen - np.array([37.0, 151.0, 263.0]), axis=1) / 320.0
    outer = info["outer"][info["outer"] < 500 / 320].max()
    # a twentieth of a step beyond the edge too, where particles that fall inwards would be lost
    assert outer - 0.02 < away.max() < outer + 0.05 * 3.0 / 8.0
    for path in tmp_path.glob("*_cdm"):
        ids = load_cone_particles(path).ids
        assert len(np.unique(ids)) == len(ids)
    assert len(seen) < len(lattice_in_the_cone(run))


def test_maps_of_newton_are_its_fields(small_run, tmp_path):
    """The constant field of a homogeneous universe, and a map of B though the motion does not need it."""
    run = small_run("newton", courant_factor=20.0, initial_redshift=12.0, **EULER)
    run = with_cones(run, {"vertex_mpch": (0, 0, 0), "redshift": 9.5, "outputs": ("B", "chi", "phi")})
    grow_member(run, tmp_path)
    last = f"lightcone_{read_info(tmp_path / 'lightcone_info.bin')['cycle'][-1]:04d}"
    for name in ("B1", "B2", "B3", "chi", "phi"):
        shells = load_maps(tmp_path / f"{last}_{name}.map")
        assert shells[0].distance == 0.0
        assert np.ptp(shells[0].values) == 0.0  # every direction sees the vertex itself
        assert np.isfinite(shells[-1].values).all()
        assert shells[-1].values.std() > 0.0
