"""Going to universes of other settings: what is retrained there, and at which outputs they are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from helpers.synthetic import tiny_study, write_run
from weakfield.audit import audit_run
from weakfield.audit import run as audit
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import NotRun, Result
from weakfield.audit.controls import other_universes
from weakfield.audit.controls.other_universes import (
    Elsewhere,
    mesh,
    on_the_other_mesh,
    other_output,
    other_steps,
    transfer,
)
from weakfield.audit.registry import find_control
from weakfield.audit.universes import Refused, changed, cubes_of
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import Pairs, build
from weakfield.learning import Estimate, Scores, Task


def guesses(pairs: Pairs) -> Scores:
    """Logits that are no network's."""
    return Scores(pairs.seeds, *np.random.default_rng(1).standard_normal((2, len(pairs))))


class Untrained(AuditRun):
    """A context without a network."""

    network_shape = (1, 8, 8, 8)

    def score(self, pairs: Pairs) -> Scores:
        return guesses(pairs)

    def scores(self, who: str = "network", part: str = "test", model: str | None = None) -> Scores:
        return guesses(self.cubes[part])


def test_a_network_trained_in_one_place_is_not_taken_for_that_of_another(
    synthetic_run: tuple[StudyConfig, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    context, done = Untrained(study, folder), []

    def fit(task: Task, folder: Path, label: str) -> nn.Module:
        done.append((task.hash, folder))
        return nn.Identity()

    monkeypatch.setattr(audit_run, "fit", fit)
    monkeypatch.setattr(audit_run, "score", lambda network, pairs: guesses(pairs))
    monkeypatch.setattr(
        other_universes, "grown", lambda context, control, place, seeds: context.dataset.pairs(list(seeds))
    )
    for limits in ((0.04, 0.01), (0.04, 0.005), (0.02, 0.01)):
        places = [Elsewhere(changed(study, "simulation", step_limit_hubble=limit), f"{limit}") for limit in limits]
        context.begin(1)
        transfer(context, "step_limit", places, reverse=True)
    (first, at), (finer, elsewhere), (again, back) = done
    assert first != finer  # the last place decides what is learned
    assert at != elsewhere
    assert (again, back) == (first, at)  # and nothing else does


@pytest.mark.parametrize(
    ("outputs", "settings", "seen"),
    [
        ((10.0, 1.0), {"sample": "difference"}, (10.0, 5.5)),
        ((10.0, 3.0, 2.0, 1.0), {"sample": "difference"}, (10.0, 2.0)),
        ((10.0, 1.0), {"sample": "raw"}, (5.5,)),
        ((10.0, 1.0), {"sample": "raw", "channel_redshifts": [10.0]}, (1.0,)),
        ((10.0, 4.0, 1.0), {"sample": "raw", "channel_redshifts": [4.0, 10.0]}, (1.0, 10.0)),
        ((10.0, 4.0, 1.0), {"sample": "raw", "channel_redshifts": [10.0, 4.0, 1.0]}, (10.0, 4.0, 2.5)),
    ],
)
def test_another_redshift_is_one_that_the_sample_did_not_hold(
    outputs: tuple[float, ...],
    settings: dict[str, Any],
    seen: tuple[float, ...],
    tmp_path: Path,
) -> None:
    study = tiny_study(pairs=5, simulation={"snapshot_redshifts": outputs}, dataset=settings)
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    context = Untrained(study, folder)
    (place,) = other_output(context)
    assert place.redshifts is not None
    instead = dict(zip(context.dataset.redshifts, place.redshifts, strict=True))
    assert tuple(instead[z] for z in context.dataset.channels.redshifts) == seen
    if place.folder is not None:  # stored: other cubes, not those of the study
        cubes = cubes_of(context, place.study, folder, context.dataset.part("test"), place.redshifts)
        assert not bool((cubes.values == context.cubes["test"].values).all())


def test_a_study_that_names_no_other_step_limit_has_nowhere_to_go() -> None:
    study = tiny_study(simulation={"step_limit_hubble": 0.06}, audit={"step_limits": (0.06,)})
    with pytest.raises(NotRun, match="names no step limit but that of the study"):
        other_steps(AuditRun(study, RunFolder("nowhere")))


STAGGERED = {"mesh": "staggered", "start": "linear"}
SPECTRAL = {"mesh": "spectral", "start": "growing-mode", "phi_integrator": "second-order"}


@pytest.mark.parametrize(
    ("box", "there"),
    [
        (SPECTRAL | {"step_limit_hubble": 0.06}, ("staggered", "linear", "second-order", 0.04)),
        (SPECTRAL | {"step_limit_hubble": 0.02}, ("staggered", "linear", "second-order", 0.02)),
        (SPECTRAL | {"start": "linear", "step_limit_hubble": 0.1}, ("staggered", "linear", "second-order", 0.04)),
        (STAGGERED | {"step_limit_hubble": 0.06}, ("spectral", "growing-mode", "second-order", 0.06)),
        (
            STAGGERED | {"step_limit_hubble": 0.04, "phi_integrator": "euler", "second_order_terms": False},
            ("spectral", "growing-mode", "second-order", 0.04),
        ),
    ],
)
def test_the_other_mesh_comes_with_its_start_and_its_clock(box: dict[str, Any], there: tuple[object, ...]) -> None:
    study = tiny_study(simulation=box)
    other = on_the_other_mesh(study)
    found = other.simulation
    assert (found.mesh, found.start, found.phi_integrator, found.step_limit_hubble) == there
    changes = dict.fromkeys(("mesh", "start", "phi_integrator", "step_limit_hubble"))
    assert other.model_dump() | {"simulation": found.model_dump() | changes} == study.model_dump() | {
        "simulation": study.simulation.model_dump() | changes
    }


FROM_SPECTRUM = STAGGERED | {
    "transfer": "spectrum", "transfer_file": "p.txt", "newton_velocities": "poisson", "phi_integrator": "euler",
}  # fmt: skip
FROM_FILES = STAGGERED | {"initial_conditions": "snapshot", "particle_file": "p.h5", "phi_integrator": "euler"}


@pytest.mark.parametrize(
    ("control", "box", "reason"),
    [
        ("mesh", SPECTRAL | {"f_nl": 5.0}, "f_nl is 5, which only a growing-mode start"),
        ("mesh", STAGGERED | {"transfer": "camb", "radiation": False}, "expected radiation = true"),
        ("mesh", FROM_SPECTRUM, "expected 'euler' for a start from a power spectrum"),
        ("mesh", FROM_FILES, "expected 'euler' for a start from a snapshot"),
        ("phi_integrator", FROM_SPECTRUM, "expected 'euler' for a start from a power spectrum"),
        ("phi_integrator", SPECTRAL, "one clock"),
        ("first_order", FROM_FILES, "which have no inverse"),
    ],
)
def test_a_control_whose_universes_the_settings_do_not_allow_says_so(
    control: str, box: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    study = tiny_study(pairs=5, simulation=box)
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    row = audit.complete(Untrained(study, folder), control)
    assert (row.verdict, row.value, row.low, row.high) == ("inconclusive", None, None, None)
    assert reason in row.remark
    assert row.remark.endswith(".")
    assert not row.remark.endswith("..")


def test_the_mesh_with_one_clock_is_granted_no_retraining_for_the_other() -> None:
    assert find_control("phi_integrator").needs(tiny_study(simulation=SPECTRAL)) == 0
    assert find_control("phi_integrator").needs(tiny_study(simulation=STAGGERED)) == 1


@pytest.mark.parametrize("box", [SPECTRAL, STAGGERED])
def test_every_other_setting_that_controls_ask_for_is_one_that_both_meshes_take(box: dict[str, Any]) -> None:
    study = tiny_study(simulation=box)
    single = changed(study, "simulation", precision="single")
    finer = changed(study, "simulation", grid=16, downgrade_factor=2)
    late = changed(study, "simulation", snapshot_redshifts=(10.0, 5.0, 1.0))
    assert {single.simulation.mesh, finer.simulation.mesh, late.simulation.mesh} == {box["mesh"]}
    with pytest.raises(Refused, match="the study with other grid"):
        changed(study, "simulation", grid=15)


@pytest.mark.parametrize(
    ("own", "limits", "visited"),
    [
        (0.06, (0.1, 0.06, 0.03), [0.1, 0.03]),
        (0.04, (0.03, 0.1, 0.1), [0.1, 0.03]),
        (0.03, (0.1, 0.06, 0.03), [0.1, 0.06, 0.015]),  # longer steps say nothing of the study's
    ],
)
def test_the_last_step_limit_is_finer_than_that_of_the_study(
    own: float, limits: tuple[float, ...], visited: list[float]
) -> None:
    study = tiny_study(simulation={"step_limit_hubble": own}, audit={"step_limits": limits})
    places = other_steps(AuditRun(study, RunFolder("nowhere")))
    assert [place.study.simulation.step_limit_hubble for place in places] == visited


@pytest.mark.parametrize(
    ("box", "share", "verdict"),
    [
        (STAGGERED, (0.1, 0.0, 0.2), "shortcut"),
        (SPECTRAL, (0.1, 0.0, 0.2), "inconclusive"),  # the staggered mesh does not hold second order
        (SPECTRAL, (0.9, 0.8, 1.0), "clean"),
        (STAGGERED, (0.9, 0.8, 1.0), "clean"),
    ],
)
def test_what_the_staggered_mesh_loses_convicts_nobody(
    box: dict[str, Any], share: tuple[float, float, float], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Result(Estimate(*share), "share", "shortcut" if share[2] < 0.5 else "clean", remark="Numbers.")
    monkeypatch.setattr(other_universes, "transfer", lambda context, control, places: found)
    result = mesh(AuditRun(tiny_study(simulation=box), RunFolder("nowhere")))
    assert result.verdict == verdict
    assert ("says little" in result.remark) == (verdict == "inconclusive")
