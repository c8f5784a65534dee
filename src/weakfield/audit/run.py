"""The audit stage: every control of the study, its table as JSON and a sentence in plain words."""

from __future__ import annotations

from typing import Any

from weakfield.audit.context import Context
from weakfield.audit.contract import FEWEST_SEEDS, Verdict, above_chance
from weakfield.audit.registry import find_control
from weakfield.base.files import read_json, write_json
from weakfield.base.progress import bar
from weakfield.config import RunFolder, StudyConfig
from weakfield.learning.metrics import paired_accuracy

WORDS: dict[Verdict, str] = {
    "shortcut": "found a shortcut",
    "inconclusive": "could not decide",
    "clean": "came out clean",
}


def check(study: StudyConfig) -> None:
    """``BadInput`` when the study names a control that does not exist; nothing is read."""
    for name in study.audit.controls:
        find_control(name)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``audit/audit.json``; each finished control keeps its result in ``audit/<name>.json`` and is not run twice.

    Returns the number of controls by verdict.
    """
    check(study)
    context = Context(study, folder)
    rows = []
    with bar("controls", len(study.audit.controls)) as progress:
        for name in study.audit.controls:
            rows.append(finished(context, name) or complete(context, name))
            progress.advance()
    write_json(folder.audit / "audit.json", {"summary": sentence(context, rows), "controls": rows})
    return {"controls": len(rows), **{verdict: len(_names(rows, verdict)) for verdict in WORDS}}


def finished(context: Context, name: str) -> dict[str, Any] | None:
    """The row of a control that was run before on the same things."""
    path = context.folder.audit / f"{name}.json"
    if not path.exists():
        return None
    kept = read_json(path)
    row: dict[str, Any] | None = kept["row"] if kept["hash"] == context.key(name) else None
    return row


def complete(context: Context, name: str) -> dict[str, Any]:
    """Run a control and keep its row."""
    control = find_control(name)
    row = control.row(control.run(context))
    write_json(context.folder.audit / f"{name}.json", {"hash": context.key(name), "row": row})
    return row


def sentence(context: Context, rows: list[dict[str, Any]]) -> str:
    """What the network reached and what the controls say about it."""
    scores = context.scores()
    auc = context.auc(scores)
    enough = context.test_seeds >= FEWEST_SEEDS
    reached = (
        "above chance" if enough and above_chance(context.unpaired_auc(scores)) else "not distinguishable from chance"
    )
    verdicts = [
        f"{len(names)} {words} ({', '.join(names)})"
        for verdict, words in WORDS.items()
        if (names := _names(rows, verdict))
    ]
    mean = "kept" if context.keep_mean else "removed"
    return (
        f"With the cube mean {mean} the network has a test AUC of {auc} on {context.test_seeds} seeds, {reached},"
        f" and scores the GR cube above its twin in {paired_accuracy(scores):.0%} of them;"
        f" of {len(rows)} controls, {', '.join(verdicts)}."
    )


def _names(rows: list[dict[str, Any]], verdict: Verdict) -> list[str]:
    return [row["name"] for row in rows if row["verdict"] == verdict]
