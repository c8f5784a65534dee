"""The keys of light cones in a settings.ini."""

from __future__ import annotations

from pathlib import Path

import pytest

from weakfield.base.errors import BadInput
from weakfield.formats.settings_ini import IniRun, read_settings_ini

TEXT = """\
template file = sc1_crystal.dat
tiling factor = 4
transfer = eisenstein-hu
h = 0.67556
omega_b = 0.022032
omega_cdm = 0.12038
T_cmb = 2.7255
N_ur = 3.046
initial redshift = 100
boxsize = 320
Ngrid = 24
Courant factor = 40
snapshot redshifts = 60
snapshot outputs = phi
"""


def read(folder: Path, *lines: str, **options: bool) -> IniRun:
    path = folder / "settings.ini"
    path.write_text(TEXT + "".join(f"lightcone {line}\n" for line in lines))
    return read_settings_ini(path, **options)


def test_defaults_of_one_cone(tmp_path: Path) -> None:
    run = read(tmp_path, "vertex = 0, 319.5, 20")
    (cone,) = run.settings.lightcone.cones
    assert (cone.vertex_mpch, cone.redshift, cone.distance_mpch) == ((0, 319.5, 20), 0, (0, 160))
    assert (cone.half_angle_deg, cone.direction, cone.outputs) == (180, (0, 0, 1), ())
    assert (cone.shell_factor, cone.pixel_factor, cone.covering, cone.nside) == (1, 0.5, 2 + 4 / 40, (2, 32))
    assert run.settings.lightcone.base == "lightcone"
    assert run.warnings == ()


def test_numbered_cones_and_what_they_share(tmp_path: Path) -> None:
    run = read(
        tmp_path, "outputs = phi, B", "shell factor = 2", "Nside = 3", "redshift = 9", "file base = lc",
        "0 vertex = 1, 2, 3", "0 distance = 300, 20", "0 direction = 90, 180", "0 opening half-angle = -4",
        "1 vertex = 4, 5, 6", "1 outputs = Gadget, hij, chi", "1 Nside = 4, 5", "1 covering = 3", "1 redshift = 2",
        "1 direction = 0, 3, 4", "1 opening half-angle = 30", "1 pixel factor = 1",
    )  # fmt: skip
    first, second = run.settings.lightcone.cones
    assert first.outputs == ("phi", "B")
    assert second.outputs == ("Gadget2", "hij", "chi")
    assert (first.shell_factor, second.shell_factor) == (2, 2)
    assert (first.covering, second.covering) == (2 + 4 / 80, 3)
    assert (first.nside, second.nside) == ((4, 32), (4, 8))
    assert (first.redshift, second.redshift) == (0, 2)  # geometry has no default of its own
    assert (first.distance_mpch, second.distance_mpch) == ((20, 300), (0, 160))
    assert first.direction == pytest.approx((-1, 0, 0))
    assert second.direction == pytest.approx((0, 0.6, 0.8))
    assert (first.half_angle_deg, second.half_angle_deg) == (180, 30)
    assert run.settings.lightcone.base == "lc"
    assert "lightcone 1 covering = 3\n" in run.used
    assert run.warnings == ()


def test_what_has_no_effect_is_said(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, "vertex = 1, 1, 1", "3 vertex = 1, 1, 1").warnings
    assert "'lightcone 3 vertex' has no effect beside 'lightcone vertex'" in warning
    run = read(tmp_path, "0 vertex = 1, 1, 1", "2 vertex = 1, 1, 1")
    assert len(run.settings.lightcone.cones) == 1
    assert "'lightcone 2 vertex' has no effect, since there is no 'lightcone 1 vertex'" in run.warnings[0]
    run = read(tmp_path, "0 vertex = 1, 1, 320", "1 vertex = 1, 1, 1")
    assert run.settings.lightcone.cones == ()
    assert "outside the box of 320 Mpc/h" in run.warnings[0]
    (warning,) = read(tmp_path, "vertex = 1, 1, 1", "outputs = phi, T00").warnings
    assert "asks for 'T00', which a light cone does not have" in warning
    (warning,) = read(tmp_path, "0 verteks = 1, 1, 1").warnings
    assert "unknown key 'lightcone 0 verteks'" in warning


def test_a_finished_run_is_read_without_its_cones(tmp_path: Path) -> None:
    run = read(tmp_path, "vertex = 1, 1", "outputs = phi", finished=True)
    assert run.settings.lightcone.cones == ()
    assert any("light cones are not imported" in text for text in run.warnings)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vertex = 1, 2", "'lightcone vertex' is '1, 2', expected 3 numbers"),
        ("distance = 1, 2, 3", "expected 1 or 2 numbers"),
        ("distance = -1", "expected distances of 0 or more"),
        ("direction = 0, 0, 0", "expected a vector that is not 0"),
        ("direction = 1", "expected 2 or 3 numbers"),
        ("shell factor = 0", "'lightcone shell factor' is '0', expected a number above 0"),
        ("covering = -1", "expected a number above 0"),
        ("Nside = 1e9", "expected one or two whole numbers up to 16384"),
        ("redshift = -1", "expected a redshift above -1"),
        ("process grid = 2", "expected two whole numbers"),
        ("process grid = 2, 99", "process_grid is"),
        ("file base = a/b", "lightcone file base"),
        ("every image = perhaps", "expected yes or no"),
    ],
)
def test_values_that_are_no_cone_are_refused(tmp_path: Path, line: str, expected: str) -> None:
    vertex = () if line.startswith("vertex") else ("vertex = 1, 1, 1",)
    with pytest.raises(BadInput, match=r"settings\.ini") as caught:
        read(tmp_path, *vertex, line)
    assert expected in str(caught.value)
