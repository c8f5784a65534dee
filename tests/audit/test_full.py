"""The controls of --full on universes that are really grown, small ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from helpers.synthetic import tiny_study
from weakfield.audit import run as audit
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.controls.other_universes import Elsewhere, transfer
from weakfield.audit.records import NOT_RUN
from weakfield.audit.registry import CONTROLS
from weakfield.config import RunFolder
from weakfield.config.audit import FULL_CONTROLS
from weakfield.dataset import build
from weakfield.learning import training
from weakfield.pairs import grow_pair

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    study = tiny_study(
        pairs=6,
        simulation={
            "transfer": "eisenstein-hu",
            "step_limit_hubble": 0.08,
            "mesh": "staggered",
            "start": "linear",
        },
        training={"epochs": 2},
        audit={"full": True, "step_limits": [0.08, 0.04], "bootstrap": 100},
    )
    folder = RunFolder(tmp_path_factory.mktemp("full") / "run")
    for seed in study.seeds.all:
        grow_pair(study, seed, folder)
    build.run(study, folder)
    training.run(study, folder)
    return audit.open_audit(study, folder)


def check_numbers(row: dict[str, Any]) -> None:
    """A value inside its interval, or nothing of a control that was not run."""
    low, value, high = (row[key] for key in ("low", "value", "high"))
    if row["quantity"] == NOT_RUN:
        assert (low, value, high) == (None, None, None)
        return
    assert all(math.isfinite(number) for number in (low, value, high))
    assert low <= value <= high


def test_every_control_there_is_gives_a_row(context: AuditRun) -> None:
    audit.run(context.study, context.folder)
    written = json.loads((context.folder.audit / "audit.json").read_text())
    assert [row["name"] for row in written["controls"]] == list(CONTROLS)
    for row in written["controls"]:
        check_numbers(row)
        assert row["verdict"] in ("clean", "inconclusive", "shortcut")
    grown = {row["name"]: row["cost"]["simulations"] for row in written["controls"]}
    assert all(grown[name] > 0 for name in FULL_CONTROLS if name not in ("rescaling_found",))
    assert not any((context.folder.audit / "step_limit").rglob("*.partial"))

    before = {path: path.stat().st_mtime_ns for path in context.folder.audit.rglob("pair.json")}
    assert len(before) > 10
    for name in FULL_CONTROLS:  # rows forgotten: universes and networks are not
        (context.folder.audit / f"{name}.json").unlink()
    audit.run(context.study, context.folder)
    assert {path: path.stat().st_mtime_ns for path in context.folder.audit.rglob("pair.json")} == before
    assert json.loads((context.folder.audit / "audit.json").read_text()) == written


def test_a_place_that_is_the_study_itself_changes_nothing(context: AuditRun) -> None:
    context.begin(0)
    result = transfer(context, "itself", [Elsewhere(context.study, "the same")])
    assert (result.estimate.value, result.estimate.low, result.estimate.high) == pytest.approx((1, 1, 1))


def test_controls_that_are_no_longer_asked_for_leave_nothing(context: AuditRun, tmp_path: Path) -> None:
    few = context.study.audit.model_copy(update={"full": False, "controls": ("monopole_only",)})
    audit.run(context.study.model_copy(update={"audit": few}), context.folder)
    assert {path.name for path in context.folder.audit.iterdir()} == {"audit.json", "monopole_only.json"}


def test_controls_of_a_study_on_the_spectral_mesh(tmp_path: Path) -> None:
    box = {"transfer": "eisenstein-hu", "step_limit_hubble": 0.08, "mesh": "spectral", "start": "growing-mode"}
    names = ("first_order", "mesh", "phi_integrator", "step_limit", "cell_size", "newton_newton")
    study = tiny_study(
        pairs=6,
        seeds={"inverted": True},
        simulation=box,
        training={"epochs": 2},
        audit={"controls": names, "step_limits": [0.1], "bootstrap": 100},
    )
    folder = RunFolder(tmp_path)
    for draw in study.seeds.draws:
        grow_pair(study, draw, folder)
    build.run(study, folder)
    training.run(study, folder)
    audit.run(study, folder)
    rows = {row["name"]: row for row in json.loads((folder.audit / "audit.json").read_text())["controls"]}
    assert list(rows) == list(names)
    for row in rows.values():
        check_numbers(row)
    # two theories of one test seed: inverses are there; a place each; two step limits, and the finer one for all seeds
    grown = {name: row["cost"]["simulations"] for name, row in rows.items()}
    assert grown == {
        "first_order": 0, "mesh": 2, "phi_integrator": 0, "step_limit": 2 + 2 + 12, "cell_size": 2, "newton_newton": 6,
    }  # fmt: skip
    assert "one clock" in rows["phi_integrator"]["remark"]
    assert rows["mesh"]["transfer"][0]["label"].startswith("pairs on the staggered mesh, linear start, steps of 0.04")
