"""Light cones in a study: both members of a pair have them, and the page shows the sky."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.base.errors import BadInput
from weakfield.base.figures import png_of
from weakfield.config import RunFolder, StudyConfig
from weakfield.formats.cone_info import read_info
from weakfield.formats.cone_particles import load_cone_particles
from weakfield.pairs import simulate
from weakfield.pairs.manifest import Manifest, settings_hash, why_incomplete
from weakfield.report.run import SECTIONS, sections_of
from weakfield.report.run_results import RunResults
from weakfield.report.sky import is_mapped, sky, sky_figure, sky_of

TEXT = """
name = "sky"
[seeds]
first = 3
count = 1
[simulation]
grid = 16
box_size_mpch = 320.0
mesh = "staggered"
start = "linear"
transfer = "eisenstein-hu"
initial_redshift = 20.0
courant_factor = 12.0
snapshot_redshifts = [10.0, 9.0]
spectra_redshifts = []
[dataset]
redshifts = [10.0, 9.0]
[measure]
redshift = 9.0
[lightcone]
clip_distance = true
[[lightcone.cones]]
vertex_mpch = [40.0, 300.0, 160.0]
redshift = 8.0
outputs = ["phi", "B", "Gadget2"]
half_angle_deg = {angle}
direction = [1.0, 1.0, 0.0]
"""


@pytest.fixture(scope="module", params=[180.0, 60.0])
def grown(request, tmp_path_factory) -> tuple[StudyConfig, RunFolder]:
    """A study of one pair with a cone, grown."""
    folder = tmp_path_factory.mktemp("sky")
    (folder / "sky.toml").write_text(TEXT.format(angle=request.param))
    simulate(folder / "sky.toml", folder / "run")
    return StudyConfig.from_toml(folder / "sky.toml"), RunFolder(folder / "run")


def test_both_members_have_the_cone(grown):
    study, folder = grown
    assert why_incomplete(study, 3, folder) is None
    info = [read_info(folder.member(3, theory) / "lightcone_info.bin") for theory in ("newton", "gr")]
    assert np.array_equal(*info)  # one clock
    assert 1 / info[0]["a"][-1] <= 9.0 < 1 / info[0]["a"][-2]  # beyond the last output
    ids = [
        np.concatenate([load_cone_particles(p).ids for p in sorted(folder.member(3, theory).glob("*_cdm"))])
        for theory in ("newton", "gr")
    ]
    assert len(np.intersect1d(*ids)) > 0.99 * len(ids[0]) > 50
    files = Manifest.load(folder.pair(3)).files
    assert {f"gr/{path.name}" for path in folder.member(3, "gr").glob("lightcone*")} <= set(files)


def test_cones_are_part_of_what_a_pair_is(grown):
    study, folder = grown
    bare = study.model_copy(update={"lightcone": type(study.lightcone)()})
    assert settings_hash(bare) != settings_hash(study)
    with pytest.raises(BadInput, match="was grown with other settings"):
        why_incomplete(bare, 3, folder)
    assert StudyConfig.from_toml(folder.study) == study


def test_the_page_shows_the_sky(grown):
    study, folder = grown
    assert is_mapped(study)
    assert [anchor for anchor, *_ in sections_of(study)][1] == "sky"
    found = sky_of(study, folder, 3)
    values = found.values
    # relativity changes phi by little, and its mean not at all after subtraction
    assert 0 < values["difference"].std() < 0.1 * values["newton"].std()
    assert abs(values["difference"].mean()) < 1e-15
    assert 8.0 <= found.redshift < 20.0
    section = str(sky(RunResults(study, folder)))
    assert "data:image/png" in section
    assert "most of it is of first order and the mesh" in section.replace("\n", " ")
    assert ("The axis of the cone points up" in section) == (study.lightcone.cones[0].half_angle_deg < 180)
    assert png_of(sky_figure(found)) == png_of(sky_figure(found))


def test_a_study_without_maps_has_no_such_section():
    study = StudyConfig()
    assert not is_mapped(study)
    assert sections_of(study) == SECTIONS


def test_cones_of_a_study_are_checked():
    values = {"lightcone": {"cones": [{"vertex_mpch": (0.0, 0.0, 0.0)}]}}
    assert len(StudyConfig.from_mapping(values).lightcone.cones) == 1
    for wrong, said in (
        ({"vertex_mpch": (0.0, 0.0, 1e4)}, "vertex_mpch"),
        ({"direction": (0.0, 0.0, 0.0)}, "direction has no length"),
        ({"distance_mpch": (3.0, 1.0)}, "expected the least distance"),
        ({"nside": (3, 8)}, "expected powers of two"),
    ):
        values["lightcone"] = {"cones": [{"vertex_mpch": (0.0, 0.0, 0.0)} | wrong]}
        with pytest.raises(BadInput, match=said):
            StudyConfig.from_mapping(values)
