"""Files of light cones: written, read, put together, and brought into other formats."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.cli import invoke
from weakfield.config import RunSettings
from weakfield.formats.cone_cat import catenate_cones
from weakfield.formats.cone_info import read_info
from weakfield.formats.cone_maps import MapShell, load_maps, map_file, write_shell
from weakfield.formats.cone_particles import (
    ConeHeader,
    ConeParticles,
    cone_particles,
    load_cone_particles,
    save_cone_particles,
)
from weakfield.formats.healpix_files import UNSEEN, export_maps
from weakfield.formats.settings_ini import read_settings_ini

DATA = Path(__file__).parents[1] / "data"


def particles(count: int, first: int = 0, a: float = 0.9) -> ConeParticles:
    draw = np.random.default_rng(first)
    header = ConeHeader(2e-5, a, 320.0, 0.3, 0.6999, 0.67)
    ids = np.arange(first, first + count, dtype=np.int64)
    return cone_particles(header, draw.normal(size=(count, 3)), 1e-3 * draw.normal(size=(count, 3)), ids)


def test_particles_come_back(tmp_path: Path) -> None:
    save_cone_particles(tmp_path / "lc_0007_cdm", particles(5))
    found = load_cone_particles(tmp_path / "lc_0007_cdm")
    for name in ("positions", "velocities", "ids"):
        assert np.array_equal(getattr(found, name), getattr(particles(5), name))
    assert (float(found.header["BoxSize"]), found.redshift) == (320000.0, pytest.approx(1 / 0.9 - 1))
    with pytest.raises(WeakfieldError, match="are not finite"):
        save_cone_particles(
            tmp_path / "x", ConeParticles(found.header, found.positions * np.nan, found.velocities, found.ids)
        )


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_damaged_files_are_named(damage: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "lc_0007_cdm"
    save_cone_particles(path, particles(5))
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(BadInput, match="lc_0007_cdm"):
        load_cone_particles(path)
    with pytest.raises(BadInput, match="lc_0007_cdm"):
        catenate_cones(cones_of(tmp_path), tmp_path)
    if damage != b"":
        with pytest.raises(BadInput, match="lc_0007_cdm"):
            load_maps(path)
        with pytest.raises(BadInput, match="lc_0007_cdm"):
            read_info(path)


def cones_of(folder: Path, *lines: str) -> RunSettings:
    """Settings of a run with a light cone named lc."""
    text = (DATA / "lc_full_gr" / "settings.ini").read_text()
    for line in lines:
        text = line + "\n" + text
    (folder / "settings.ini").write_text(text)
    return read_settings_ini(folder / "settings.ini", need_files=False).settings


def test_cycles_are_put_together(tmp_path: Path) -> None:
    run = cones_of(tmp_path, "lightcone redshift = 0.25")
    parts = [particles(5, 100, 0.7), particles(3, 50, 0.75), particles(9, 0, 0.8)]
    for cycle, part in zip((98, 99, 100), parts, strict=True):
        save_cone_particles(tmp_path / f"lc_{cycle:04d}_cdm", part)
    (path,) = catenate_cones(run, tmp_path)
    assert path == tmp_path / "lc_cdm"
    whole = load_cone_particles(path)
    for name in ("positions", "velocities", "ids"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    header = whole.header
    assert (float(header["time"]), float(header["redshift"])) == (0.8, 0.25)
    assert float(header["OmegaLambda"]) == pytest.approx(0.7)
    assert float(header["BoxSize"]) == max(whole.positions.max(), 320000.0) > 320000.0
    assert header["mass"].tolist() == parts[0].header["mass"].tolist()


def test_several_files_a_range_of_cycles_and_an_offset(tmp_path: Path) -> None:
    run = cones_of(tmp_path)
    for cycle, count in ((9, 4), (10, 5), (10000, 3)):
        save_cone_particles(tmp_path / f"lc_{cycle:04d}_cdm", particles(count, 10 * count))
    paths = catenate_cones(run, tmp_path, tmp_path / "sky", 3, None, (10, 10000), (1.0, 0.0, -2.0))
    assert [path.name for path in paths] == ["sky_cdm.0", "sky_cdm.1", "sky_cdm.2"]
    found = [load_cone_particles(path) for path in paths]
    assert [part.ids.tolist() for part in found] == [[50, 51], [52, 53], [54, 30, 31, 32]]
    assert {int(part.header["npartTotal"][1]) for part in found} == {8}
    assert {int(part.header["num_files"]) for part in found} == {3}
    moved = found[0].positions - particles(5, 50).positions[:2]
    assert moved == pytest.approx(np.broadcast_to([1000.0, 0.0, -2000.0], (2, 3)), abs=0.05)


def test_what_cannot_be_put_together_is_said(tmp_path: Path) -> None:
    run = cones_of(tmp_path)
    with pytest.raises(BadInput, match="holds no particles 'cdm' of these light cones"):
        catenate_cones(run, tmp_path)
    save_cone_particles(tmp_path / "lc_0010_cdm", particles(2))
    with pytest.raises(BadInput, match="in cycles 3 to 4"):
        catenate_cones(run, tmp_path, cycles=(3, 4))
    with pytest.raises(BadInput, match="3 files were asked for and there are 2 particles"):
        catenate_cones(run, tmp_path, files=3)
    with pytest.raises(BadInput, match="light cone 1 was asked for"):
        catenate_cones(run, tmp_path, cones=[1])
    with pytest.raises(BadInput, match="is one of the files that are put together"):
        catenate_cones(run, tmp_path, tmp_path / "lc_0010")
    several = (DATA / "lc_multi_gr" / "settings.ini").read_text()
    (tmp_path / "multi.ini").write_text(several)
    settings = read_settings_ini(tmp_path / "multi.ini", need_files=False).settings
    with pytest.raises(BadInput, match="have 2 vertices or redshifts"):
        catenate_cones(settings, tmp_path)
    save_cone_particles(tmp_path / "lightcone1_0010_cdm", particles(2))
    assert [path.name for path in catenate_cones(settings, tmp_path, cones=[1])] == ["lightcone_cdm"]


def shell(k: int, nside: int = 4, count: int = 100) -> MapShell:
    values = np.random.default_rng(k).normal(size=count)
    return MapShell(nside, 2, 16, (0.6, 0.0, 0.8), k / 16, 320.0, values)


def a_map(path: Path) -> Path:
    with map_file(path) as handle:
        write_shell(handle, shell(0, 2, 24))
        write_shell(handle, shell(1, 4, 104))
    return path


def test_maps_come_back(tmp_path: Path) -> None:
    first, second = load_maps(a_map(tmp_path / "lc_0010_phi.map"))
    assert (first.nside, second.nside, second.nside_ring, second.grid) == (2, 4, 2, 16)
    assert second.distance_mpch == 20.0
    assert second.direction == (0.6, 0.0, 0.8)
    assert np.array_equal(second.values, shell(1, 4, 104).values)


def test_maps_in_hdf5(tmp_path: Path) -> None:
    out = export_maps(a_map(tmp_path / "lc_0010_phi.map"), tmp_path / "phi.h5")
    with h5py.File(out) as file:
        assert (sorted(file), file.attrs["quantity"]) == (["shell000", "shell001"], "phi")
        full = file["shell001"]
        assert (full.attrs["nside"], full.attrs["ordering"], full.attrs["distance_mpch"]) == (4, "RING", 20.0)
        values = full[...]
    assert (values[104:] == UNSEEN).all()
    assert np.array_equal(np.sort(values[:104]), np.sort(shell(1, 4, 104).values))


def test_maps_in_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tables of big-endian numbers, with the keys by which programs know HEALPix."""
    export_maps(a_map(tmp_path / "lc_0010_phi.map"), tmp_path / "phi.h5")
    assert invoke(["lightcone", "maps", str(tmp_path / "lc_0010_phi.map")]) == 0
    path = Path(capsys.readouterr().out.strip())
    content = path.read_bytes()
    assert path.name == "lc_0010_phi.fits"
    assert len(content) % 2880 == 0
    assert content.startswith(b"SIMPLE  =                    T")
    at = content.rindex(b"XTENSION= 'BINTABLE'")
    assert at % 2880 == 0
    cards = [content[i : i + 80].decode() for i in range(at, at + 2880, 80)]
    keys = {card[:8].strip(): card[10:].split("/")[0].strip().strip("'").strip() for card in cards}
    assert (keys["NSIDE"], keys["ORDERING"], keys["LASTPIX"], keys["TTYPE1"]) == ("4", "RING", "191", "phi")
    assert float(keys["DISTANCE"]) == 20.0
    values = np.frombuffer(content[at + 2880 :], ">f8")[:192]
    with h5py.File(tmp_path / "phi.h5") as file:
        assert np.array_equal(values, file["shell001"][...])


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ends in '\.png', expected \.fits or \.h5"):
        export_maps(a_map(tmp_path / "lc_0010_phi.map"), tmp_path / "phi.png")
    (tmp_path / "empty.map").write_bytes(b"")
    with pytest.raises(BadInput, match=r"empty\.map is empty"):
        export_maps(tmp_path / "empty.map", tmp_path / "phi.fits")


def test_the_command_finds_the_output_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cones_of(tmp_path)
    (tmp_path / "output").mkdir()
    save_cone_particles(tmp_path / "output" / "lc_0010_cdm", particles(2))
    monkeypatch.chdir(tmp_path)
    assert invoke(["lightcone", "cat", "settings.ini", "--cycles", "1", "20", "--offset", "1", "2", "3"]) == 0
    assert capsys.readouterr().out == "output/lc_cdm\n"
    assert load_cone_particles(tmp_path / "output" / "lc_cdm").ids.tolist() == [0, 1]
    assert invoke(["lightcone", "cat", "settings.ini", "--cycles", "20", "1"]) == 2
