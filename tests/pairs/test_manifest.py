"""pair.json: the bytes it has always had, and what is looked up in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.synthetic import tiny_study, write_pair
from weakfield.base.errors import BadInput
from weakfield.config import Inverse, RunFolder, SimulationSettings
from weakfield.pairs.entries import FileEntry
from weakfield.pairs.manifest import Manifest, _since, manifests, settings_hash, why_incomplete

GROWN = """{
 "seed": 7,
 "mesh": "spectral",
 "start": "growing-mode",
 "f_nl": 0.0,
 "inverted": true,
 "fixed_amplitude": false,
 "settings": "0123456789abcdef",
 "software_version": "0.1.0",
 "device": "cpu",
 "files": {
  "gr/lcdm_background.dat": {
   "hash": "aaaa",
   "bytes": 12,
   "theory": "gr"
  },
  "gr/snap000_phi.h5": {
   "hash": "bbbb",
   "bytes": 34,
   "theory": "gr",
   "field": "phi",
   "index": 0,
   "redshift": 10.0,
   "scale_factor": 0.09090909090909091
  }
 },
 "seconds": {
  "newton": 1.5,
  "gr": 2.25
 }
}
"""


def written(folder: Path, text: str) -> Manifest:
    folder.mkdir(parents=True)
    (folder / "pair.json").write_text(text)
    return Manifest.load(folder)


def test_what_is_read_is_written_again_byte_by_byte(tmp_path: Path) -> None:
    manifest = written(tmp_path / "seed00007i", GROWN)
    assert (manifest.seed, manifest.inverted, manifest.bytes) == (7, True, 46)
    assert manifest.content == [json.loads(GROWN)["settings"], json.loads(GROWN)["files"]]
    (tmp_path / "copy").mkdir()
    replace(manifest, folder=tmp_path / "copy").save()
    assert (tmp_path / "copy" / "pair.json").read_text() == GROWN


def test_a_manifest_from_before_mesh_and_sizes_were_in_it(tmp_path: Path) -> None:
    """Nor does one of an imported pair have a size or a device; the seed is in the name of the folder."""
    files = {"gr/snap000_phi.h5": {"hash": "bbbb", "theory": "gr"}}
    manifest = written(tmp_path / "seed00042", json.dumps({"settings": "x", "files": files}))
    assert (manifest.seed, manifest.inverted, manifest.mesh, manifest.device) == (42, False, None, None)
    assert (dict(manifest.seconds), manifest.bytes) == ({}, 0)
    assert manifest.content == ["x", files]


@pytest.mark.parametrize("text", ["{}", "[]", '{"settings": "x"}', '{"settings": "x", "files": []}'])
def test_json_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"seed00001/pair.json lacks 'settings' or 'files', expected"):
        written(tmp_path / "seed00001", text)


def entry(index: int, redshift: float, theory: str = "gr", field: str = "phi") -> FileEntry:
    return FileEntry("h", theory, field=field, index=index, redshift=redshift)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Outputs asked for at 10, 1 and 0.98, the last two written in the first cycle past them."""
    written_at = (10.0, 0.98, 0.93)
    files = {f"{t}/{i}": entry(i, z, t) for i, z in enumerate(written_at) for t in ("newton", "gr")}
    return Manifest(tmp_path, 3, "x", files | {"gr/chi": entry(0, 10.0, field="chi")}, {})


def test_an_output_is_found_by_the_redshift_asked_for_and_else_by_its_own(manifest: Manifest) -> None:
    asked = (10.0, 1.0, 0.98)
    assert manifest.path_of("gr", "phi", 0.98).name == "1"
    assert manifest.path_of("gr", "phi", 0.98, asked).name == "2"
    assert manifest.path_of("gr", "phi", 1.0, asked).name == "1"
    assert manifest.path_of("gr", "phi", 0.93, asked).name == "2"
    assert manifest.path_of("newton", "phi", 10.005).name == "0"  # nearest, within a thousandth of 1 + z
    assert manifest.redshifts() == (10.0, 0.98, 0.93)
    assert manifest.redshifts("phi", asked) == asked
    assert manifest.redshifts("chi") == ()  # of one theory alone


def test_what_is_not_there_is_named_with_what_is(manifest: Manifest) -> None:
    with pytest.raises(BadInput, match=r"lists no phi of 'gr' at redshift 2, expected one of 10, 0\.98, 0\.93"):
        manifest.path_of("gr", "phi", 2.0)
    with pytest.raises(BadInput, match=r"lists no B of 'gr' at redshift 10, expected one of chi, phi"):
        manifest.path_of("gr", "B", 10.0)


def test_why_a_pair_is_incomplete(tmp_path: Path) -> None:
    study, folder = tiny_study(pairs=1), RunFolder(tmp_path)
    assert why_incomplete(study, 3, folder) == f"{folder.pair(3)}/pair.json is missing"
    write_pair(study, 3, folder)
    assert why_incomplete(study, 3, folder) is None
    assert [draw for draw, _ in manifests(folder, (3, Inverse(3)))] == [3]
    assert Manifest.load(folder.pair(3)).settings == settings_hash(study)
    with pytest.raises(BadInput, match="was grown with other settings"):
        why_incomplete(tiny_study(cosmology={"h": 0.7}), 3, folder)
    field = folder.member(3, "gr") / "snap001_phi.h5"
    field.write_bytes(field.read_bytes()[:-1])
    assert str(why_incomplete(study, 3, folder)).startswith(f"{field} has ")
    field.unlink()
    assert why_incomplete(study, 3, folder) == f"{field} is missing"
    folder.member(3, "newton").rename(tmp_path / "elsewhere")
    assert why_incomplete(study, 3, folder) == f"{folder.pair(3)} has no 'newton' run, expected both theories"
    (folder.pair(3) / "pair.json").write_text('{"seed": 3, "fil')
    assert "pair.json is not readable JSON" in str(why_incomplete(study, 3, folder))


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({}, {}),
        ({"transfer_nodes": "class"}, {"class_times": 1}),
        ({"transfer_nodes": "class", "transfer": "class"}, {}),
        ({"mesh": "staggered", "start": "linear", "spectra_fields": ("phi", "T00")}, {"linear_spectra": 1}),
        ({"mesh": "staggered", "start": "linear", "spectra_fields": ("phi", "delta")}, {}),
        ({"spectra_fields": ("phi", "T00")}, {}),
    ],
)
def test_pairs_of_settings_that_gave_other_numbers_once_do_not_mix(changes, since):
    assert _since(SimulationSettings(**changes)) == since
