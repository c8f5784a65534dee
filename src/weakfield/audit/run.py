"""The audit stage: every control of the study, its table as JSON, and a summary in plain words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Sequence
from functools import partial

from weakfield.audit.alarms import corrected
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, NotRun, Result, above_chance, not_run
from weakfield.audit.records import AuditTable, ControlRow, KeptControl, Verdict
from weakfield.audit.registry import RESERVED, chosen, find_control, granted, left_out, source_of
from weakfield.audit.universes import Refused
from weakfield.base.errors import BadInput
from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.records import Summary
from weakfield.base.trials import LOG, note, reason, stops, tell
from weakfield.base.wording import spoken
from weakfield.config import RunFolder, StudyConfig
from weakfield.learning.concurrency import jobs_at_once, threads_of_a_job
from weakfield.learning.scores import FEWEST_SEEDS

WORDS: dict[Verdict, str] = {
    "shortcut": "found a shortcut",
    "clean": "came out clean",
    "inconclusive": "say nothing either way",
}
#: controls whose answer is part of the sentence
ANSWERING = ("beyond_power", "information")
#: with fewer test seeds, most intervals are too wide for a verdict
FEW_SEEDS = 30


def check(study: StudyConfig) -> None:
    """Raise ``BadInput`` when the study names a control that does not exist; nothing is read."""
    for name in (*study.audit.controls, *study.audit.full_controls):
        find_control(name)
    chosen(study)


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Write ``audit/audit.json``.

    Each finished control keeps its result in ``audit/<name>.json``, with the test scores of the classifier that it is
    about, and is not run twice. Returns the number of controls by verdict.
    """
    check(study)
    audit = open_audit(study, folder)
    _sweep(folder, audit.grants)
    names = list(chosen(study))
    rows = {name: row for name in names if (row := finished(audit, name)) is not None}
    with bar("controls", len(audit.grants)) as progress:
        progress.advance(len(rows))
        missing = [name for name in names if name not in rows]
        audit.workers = jobs_at_once(study, audit.network_shape, len(audit.dataset.seeds)) if missing else 1
        for several in in_turn(audit, missing):
            if audit.workers > 1:
                grow_ahead(audit, several)
            found = mapped(control_work, (study, folder), several, audit.workers, lambda _: progress.advance())
            rows |= dict(zip(several, found, strict=True))
    in_order, said = corrected([rows[name] for name in names]), left_out(study)
    table = AuditTable(summary=sentence(audit, in_order), controls=in_order, **({"left_out": said} if said else {}))
    table.save(folder.audit / "audit.json")
    return {"controls": len(in_order), **{verdict: len(table.names(verdict)) for verdict in WORDS}}


def open_audit(study: StudyConfig, folder: RunFolder) -> AuditRun:
    """The run under audit, with the retrainings that the budget of the study grants."""
    return AuditRun(study, folder, granted(study))


def control_work(study: StudyConfig, folder: RunFolder) -> Callable[[str], ControlRow]:
    """The work of running a control by its name."""
    return partial(complete, open_audit(study, folder))


def in_turn(audit: AuditRun, names: Sequence[str]) -> list[list[str]]:
    """The controls in lists that may each be run at once: those whose networks they use are in earlier lists."""
    turns: dict[str, int] = {}
    order = {find_control(name).name: name for name in names}
    for name in names:
        control = find_control(name)
        used = [order[other] for other in audit.before(control.name) if other in control.uses and other in order]
        turns[name] = max((turns[other] + 1 for other in used), default=0)
    return [[name for name in names if turns[name] == turn] for turn in sorted(set(turns.values()))]


def grow_ahead(audit: AuditRun, names: Sequence[str]) -> None:
    """Grow the universes that these controls will look for, many at once; what cannot be grown the control will say."""
    for name in names:
        control, share = find_control(name), _share(audit, name)
        if control.grow is None or share < control.least:
            continue
        audit.begin(share, control.name, control.uses)
        try:
            control.grow(audit)
        except Exception as error:
            if stops(error):
                raise


def finished(audit: AuditRun, name: str) -> ControlRow | None:
    """The row of a control that was run before on the same inputs, with the same grant of retrainings."""
    control = find_control(name)
    kept = KeptControl.load_if_sound(audit.folder.audit / f"{control.name}.json")
    return kept.row if kept is not None and kept.hash == _key(audit, name) else None


def complete(audit: AuditRun, name: str) -> ControlRow:
    """Run a control, with the retrainings that the budget grants it, and keep its row.

    A control that cannot be run on this study is inconclusive, and its remark says why. One that fails is too, but its
    row is not kept, so that an audit that is done again tries again; a warning says so, and ``left_out.log`` has the
    traceback. ``BadInput`` for a user's own control that does not return a ``Result``, or returns one that cannot be
    written.
    """
    control, share = find_control(name), _share(audit, name)
    audit.begin(share, control.name, control.uses)
    if share < control.least:
        result = not_run("The budget of retrainings was spent (audit.retrainings).")
    else:
        try:
            with threads_of_a_job(audit.study, audit.network_shape):
                result = control.run(audit)
        except Refused as refused:
            result = not_run(f"Its universes cannot be grown: {refused}.")
        except NotRun as why:
            result = not_run(str(why))
        except Exception as error:
            if stops(error):
                raise
            return _failed(audit, control, error)
    if not isinstance(result, Result):
        raise BadInput(f"control '{name}' returned {result!r:.60}, expected a weakfield.audit.Result")
    row = control.row(result, audit)
    scores = {} if result.scores is None else {"scores": result.scores.as_json()}
    KeptControl(hash=_key(audit, name), row=row, **scores).save(audit.folder.audit / f"{control.name}.json")
    return row


def _failed(audit: AuditRun, control: Control, error: Exception) -> ControlRow:
    """The row of a control that could not be finished for this network or these data."""
    log = audit.folder.audit / LOG
    note(log, control.name, error)
    why = reason(error)
    tell({control.name: f"{control.name}: left out, since {why}"}, log)
    return control.row(not_run(f"It was left out, since {why}."), audit)


def sentence(audit: AuditRun, rows: Sequence[ControlRow]) -> str:
    """What the network reached and what the controls say about it."""
    scores = audit.scores()
    auc = audit.auc(scores)
    paired = audit.paired(scores) if audit.study.paired else None
    enough = audit.test_seeds >= FEWEST_SEEDS
    if enough and above_chance(audit.unpaired_auc(scores)):
        reached = "above chance"
    elif enough and paired is not None and above_chance(paired):
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
    beyond = "".join(f"; {row.answer}" for row in rows if row.name in ANSWERING and _told(row))
    ordered = "" if paired is None else f", and scores the GR cube above its twin in {paired.value:.0%} of them"
    said = (
        f"With the cube mean {mean} the network has a test AUC of {auc} on {audit.test_seeds} seeds, {reached}"
        f"{ordered}{beyond}; of {len(rows)} controls, {', '.join(verdicts)}{few}."
    )
    return str(spoken(said, audit.study.wording))


def _share(audit: AuditRun, name: str) -> int:
    """Retrainings granted to a control; a control that is not in the study gets what it needs."""
    control = find_control(name)
    return audit.grants[control.name] if control.name in audit.grants else control.needs(audit.study)


def _key(audit: AuditRun, name: str) -> str:
    control = find_control(name)
    return audit.key(control.name, _share(audit, name), source_of(name), control.reads_inverses)


def _sweep(folder: RunFolder, names: Container[str]) -> None:
    """Remove leftovers of controls that the study no longer asks for; the others recognise their own by its hash."""
    if not folder.audit.is_dir():
        return
    for path in folder.audit.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path)
        elif path.suffix == ".json" and path.stem not in names and path.stem not in RESERVED:
            path.unlink()


def _told(row: ControlRow) -> bool:
    """Whether the answer of a control is told: an open question is not, but bits have a limit where none are found."""
    return row.answer is not None and (row.verdict != "inconclusive" or bool(row.information))


def _names(rows: Sequence[ControlRow], verdict: Verdict) -> list[str]:
    return [row.name for row in rows if row.verdict == verdict]
