"""The audit stage: every control of the study, its table as JSON, and a summary in plain words."""

from __future__ import annotations

import shutil
from collections.abc import Container, Sequence
from typing import Any

from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import FEWEST_SEEDS, NotRun, Result, above_chance, not_run
from weakfield.audit.records import AuditTable, ControlRow, KeptControl, Verdict
from weakfield.audit.registry import RESERVED, chosen, find_control, granted, source_of
from weakfield.audit.universes import Refused
from weakfield.base.errors import BadInput
from weakfield.base.progress import bar
from weakfield.config import RunFolder, StudyConfig

WORDS: dict[Verdict, str] = {
    "shortcut": "found a shortcut",
    "inconclusive": "could not decide",
    "clean": "came out clean",
}
#: with fewer test seeds, most intervals are too wide for a verdict
FEW_SEEDS = 30


def check(study: StudyConfig) -> None:
    """Raise ``BadInput`` when the study names a control that does not exist; nothing is read."""
    for name in (*study.audit.controls, *study.audit.full_controls):
        find_control(name)
    chosen(study)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``audit/audit.json``.

    Each finished control keeps its result in ``audit/<name>.json``, with the test scores of the classifier that it is
    about, and is not run twice. Returns the number of controls by verdict.
    """
    check(study)
    audit = open_audit(study, folder)
    _sweep(folder, audit.grants)
    rows = []
    with bar("controls", len(audit.grants)) as progress:
        for name in chosen(study):
            rows.append(finished(audit, name) or complete(audit, name))
            progress.advance(note=f"controls: {rows[-1].name} {rows[-1].verdict}")
    table = AuditTable(summary=sentence(audit, rows), controls=tuple(rows))
    table.save(folder.audit / "audit.json")
    return {"controls": len(rows), **{verdict: len(table.names(verdict)) for verdict in WORDS}}


def open_audit(study: StudyConfig, folder: RunFolder) -> AuditRun:
    """The run under audit, with the retrainings that the budget of the study grants."""
    return AuditRun(study, folder, granted(study))


def finished(audit: AuditRun, name: str) -> ControlRow | None:
    """The row of a control that was run before on the same inputs, with the same grant of retrainings."""
    control = find_control(name)
    kept = KeptControl.load_if_there(audit.folder.audit / f"{control.name}.json")
    return kept.row if kept is not None and kept.hash == _key(audit, name) else None


def complete(audit: AuditRun, name: str) -> ControlRow:
    """Run a control, with the retrainings that the budget grants it, and keep its row.

    A control that cannot be run on this study is inconclusive, and its remark says why. ``BadInput`` for a user's own
    control that does not return a ``Result``, or returns one that cannot be written.
    """
    control, share = find_control(name), _share(audit, name)
    audit.begin(share, control.name)
    if share < control.least:
        result = not_run("The budget of retrainings was spent (audit.retrainings).")
    else:
        try:
            result = control.run(audit)
        except Refused as refused:
            result = not_run(f"Its universes cannot be grown: {refused}.")
        except NotRun as reason:
            result = not_run(str(reason))
    if not isinstance(result, Result):
        raise BadInput(f"control '{name}' returned {result!r:.60}, expected a weakfield.audit.Result")
    row = control.row(result, audit)
    scores = {} if result.scores is None else {"scores": result.scores.as_json()}
    KeptControl(hash=_key(audit, name), row=row, **scores).save(audit.folder.audit / f"{control.name}.json")
    return row


def sentence(audit: AuditRun, rows: Sequence[ControlRow]) -> str:
    """What the network reached and what the controls say about it."""
    scores = audit.scores()
    auc, paired = audit.auc(scores), audit.paired(scores)
    enough = audit.test_seeds >= FEWEST_SEEDS
    if enough and above_chance(audit.unpaired_auc(scores)):
        reached = "above chance"
    elif enough and above_chance(paired):
        reached = "not distinguishable from chance between universes though above it between twins"
    else:
        reached = "not distinguishable from chance"
    verdicts = [
        f"{len(names)} {words} ({', '.join(names)})"
        for verdict, words in WORDS.items()
        if (names := _names(rows, verdict))
    ]
    mean = "kept" if audit.keep_mean else "removed"
    few = (
        f"; with {audit.test_seeds} test seeds most intervals are too wide to decide"
        if audit.test_seeds < FEW_SEEDS
        else ""
    )
    beyond = next((f"; {row.answer}" for row in rows if row.name == "beyond_power" and row.answer), "")
    return (
        f"With the cube mean {mean} the network has a test AUC of {auc} on {audit.test_seeds} seeds, {reached},"
        f" and scores the GR cube above its twin in {paired.value:.0%} of them{beyond};"
        f" of {len(rows)} controls, {', '.join(verdicts)}{few}."
    )


def _share(audit: AuditRun, name: str) -> int:
    """Retrainings granted to a control; a control that is not in the study gets what it needs."""
    control = find_control(name)
    return audit.grants[control.name] if control.name in audit.grants else control.needs(audit.study)


def _key(audit: AuditRun, name: str) -> str:
    return audit.key(find_control(name).name, _share(audit, name), source_of(name))


def _sweep(folder: RunFolder, names: Container[str]) -> None:
    """Remove leftovers of controls that the study no longer asks for; the others recognise their own by its hash."""
    if not folder.audit.is_dir():
        return
    for path in folder.audit.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path)
        elif path.suffix == ".json" and path.stem not in names and path.stem not in RESERVED:
            path.unlink()


def _names(rows: Sequence[ControlRow], verdict: Verdict) -> list[str]:
    return [row.name for row in rows if row.verdict == verdict]
