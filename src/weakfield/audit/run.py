"""The audit stage: every control of the study, its table as JSON and a sentence in plain words."""

from __future__ import annotations

import shutil
from typing import Any

from weakfield.audit.context import Context
from weakfield.audit.contract import FEWEST_SEEDS, Verdict, above_chance
from weakfield.audit.registry import find_control, granted
from weakfield.audit.universes import Refused
from weakfield.base.files import read_json, write_json
from weakfield.base.progress import bar
from weakfield.config import RunFolder, StudyConfig

WORDS: dict[Verdict, str] = {
    "shortcut": "found a shortcut",
    "inconclusive": "could not decide",
    "clean": "came out clean",
}
#: with fewer test seeds most intervals are too wide for a verdict
FEW_SEEDS = 30


def check(study: StudyConfig) -> None:
    """``BadInput`` when the study names a control that does not exist; nothing is read."""
    for name in (*study.audit.controls, *study.audit.full_controls):
        find_control(name)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``audit/audit.json``; each finished control keeps its result in ``audit/<name>.json``, with the test
    scores of the classifier that it is about, and is not run twice.

    Returns the number of controls by verdict.
    """
    check(study)
    context = Context(study, folder)
    shares = granted(study)
    _sweep(folder, shares)
    rows = []
    with bar("controls", len(shares)) as progress:
        for name in shares:
            rows.append(finished(context, name) or complete(context, name))
            progress.advance(note=f"controls: {name} {rows[-1]['verdict']}")
    write_json(folder.audit / "audit.json", {"summary": sentence(context, rows), "controls": rows})
    return {"controls": len(rows), **{verdict: len(_names(rows, verdict)) for verdict in WORDS}}


def finished(context: Context, name: str) -> dict[str, Any] | None:
    """The row of a control that was run before on the same things, with the same grant of retrainings."""
    share = _share(context, name)
    path = context.folder.audit / f"{name}.json"
    if not path.exists():
        return None
    kept = read_json(path)
    row: dict[str, Any] | None = kept["row"] if kept["hash"] == context.key(name, share) else None
    return row


def complete(context: Context, name: str) -> dict[str, Any]:
    """Run a control, with the retrainings that the budget grants it, and keep its row.

    One whose universes the settings of the study do not allow is inconclusive, and says why.
    """
    control, share = find_control(name), _share(context, name)
    context.begin(share, name)
    if share < control.least:
        result = control.not_run("The budget of retrainings was spent (audit.retrainings).")
    else:
        try:
            result = control.run(context)
        except Refused as refused:
            result = control.not_run(f"Its universes cannot be grown: {refused}.")
    row = control.row(result, context)
    kept = {"hash": context.key(name, share), "row": row}
    if result.scores is not None:
        kept["scores"] = result.scores.as_json()
    write_json(context.folder.audit / f"{name}.json", kept)
    return row


def sentence(context: Context, rows: list[dict[str, Any]]) -> str:
    """What the network reached and what the controls say about it."""
    scores = context.scores()
    auc, paired = context.auc(scores), context.paired(scores)
    enough = context.test_seeds >= FEWEST_SEEDS
    if enough and above_chance(context.unpaired_auc(scores)):
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
    mean = "kept" if context.keep_mean else "removed"
    few = (
        f"; with {context.test_seeds} test seeds most intervals are too wide to decide"
        if context.test_seeds < FEW_SEEDS
        else ""
    )
    beyond = next((f"; {row['answer']}" for row in rows if row["name"] == "beyond_power" and "answer" in row), "")
    return (
        f"With the cube mean {mean} the network has a test AUC of {auc} on {context.test_seeds} seeds, {reached},"
        f" and scores the GR cube above its twin in {paired.value:.0%} of them{beyond};"
        f" of {len(rows)} controls, {', '.join(verdicts)}{few}."
    )


def _share(context: Context, name: str) -> int:
    """Retrainings granted to a control; one that the study does not ask for gets what it needs."""
    shares = granted(context.study)
    return shares[name] if name in shares else find_control(name).needs(context.study)


def _sweep(folder: RunFolder, shares: dict[str, int]) -> None:
    """Remove what controls left that the study no longer asks for; the others recognise their own by its hash."""
    if not folder.audit.is_dir():
        return
    for path in folder.audit.iterdir():
        if path.is_dir() and path.name not in shares:
            shutil.rmtree(path)
        elif path.suffix == ".json" and path.stem not in (*shares, "audit", "stage", "started"):
            path.unlink()


def _names(rows: list[dict[str, Any]], verdict: Verdict) -> list[str]:
    return [row["name"] for row in rows if row["verdict"] == verdict]
