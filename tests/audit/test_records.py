"""The audit as records: written and read to the same, as a table and as a figure; damage is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from weakfield.audit import audit_table
from weakfield.audit.records import AuditTable, ControlRow, Cost, KeptControl
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.config import RunFolder
from weakfield.learning import Estimate


def row(name: str, **more: object) -> ControlRow:
    """A row with what every control has."""
    common = {"question": "q?", "expectation": "e.", "quantity": "AUC", "value": 0.5, "low": 0.25, "high": 0.75}
    cost = Cost(retrainings=1, epochs=20, simulations=4)
    return ControlRow(name=name, verdict="clean", remark="r.", cost=cost, **common, **more)


TABLE = AuditTable(
    summary="All is well.",
    controls=(
        row("first", unpaired_auc=Estimate(0.5, 0.4, 0.6), paired_accuracy=Estimate(0.5, 0.3, 0.7), beyond="yes"),
        row("second").model_copy(update={"verdict": "shortcut"}),
    ),
)


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "audit.json")
    assert AuditTable.load(tmp_path / "audit.json") == TABLE
    written = read_json(tmp_path / "audit.json")["controls"]
    assert "unpaired_auc" not in written[1]  # what a control has not is left out
    assert written[0]["beyond"] == TABLE["first"].more["beyond"] == "yes"


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "audit.json", {"summary": "s", "controls": [{"name": "first"}]})
    with pytest.raises(BadInput, match=r"audit.json (is no|lacks) .*controls.0.question"):
        AuditTable.load(tmp_path / "audit.json")
    write_json(tmp_path / "first.json", {"hash": 3})
    with pytest.raises(BadInput, match=r"first.json (is no KeptControl|lacks)"):
        KeptControl.load(tmp_path / "first.json")
    with pytest.raises(BadInput, match=r"audit/audit.json is missing"):
        audit_table(RunFolder(tmp_path))


def test_what_was_not_run_has_no_numbers(tmp_path: Path) -> None:
    silent = row("third", p=0.5).model_copy(
        update={"value": None, "low": None, "high": None, "verdict": "inconclusive"}
    )
    older = row("fourth").model_copy(update={"quantity": "not run", "verdict": "inconclusive"})
    table = AuditTable(summary="s", controls=(row("first"), silent, older))
    table.save(tmp_path / "audit.json")
    written = read_json(tmp_path / "audit.json")["controls"][1]
    assert [written[key] for key in ("value", "low", "high", "p")] == [None, None, None, 0.5]
    again = AuditTable.load(tmp_path / "audit.json")
    assert again == table
    assert [one.estimate for one in again.controls] == [Estimate(0.5, 0.25, 0.75), None, None]
    frame = again.to_pandas()
    assert frame["value"].isna().tolist() == [False, True, True]
    assert frame["p"].isna().tolist() == [True, False, True]


def test_the_table_for_a_person(tmp_path: Path) -> None:
    TABLE.save(RunFolder(tmp_path).audit / "audit.json")
    frame = audit_table(RunFolder(tmp_path))
    assert list(frame.index) == ["first", "second"]
    assert frame.loc["first", ["verdict", "unpaired_auc_low", "simulations"]].tolist() == ["clean", 0.4, 4]
    assert math.isnan(frame.loc["second", "unpaired_auc"])
    assert frame.attrs["summary"] == "All is well."
    assert repr(TABLE) == "<AuditTable of 2 controls: 1 shortcut, 1 clean>\nshortcuts: second"
    assert [label.get_text() for label in TABLE.plot().get_yticklabels()] == ["first"]
    with pytest.raises(KeyError, match="expected one of first, second"):
        TABLE["third"]
