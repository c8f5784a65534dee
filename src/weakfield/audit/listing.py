"""The page of controls, written from the registry (``weakfield audit --list``)."""

from __future__ import annotations

from textwrap import fill

from weakfield.audit.registry import find_control
from weakfield.config.audit import DEFAULT_CONTROLS, FULL_CONTROLS

HEAD = """# The audit

This page is the output of `weakfield audit --list`.

`weakfield audit RUN` asks of a trained network what else than gravity it might have seen. Every control is one
question; its result has an interval over test seeds and one of three verdicts. *Clean*: the control came out as it must
if the result is honest. *Shortcut*: something simpler than the physics explains the result, or part of it.
*Inconclusive*: it says nothing either way, since the seeds are too few or the network tells nothing apart that could
be explained. With few test seeds most controls are inconclusive; that is what few seeds are worth. A control that was
not run is inconclusive too, without numbers.

How a verdict is decided:

- What must know nothing is tested by the AUC **between universes**: a GR cube against the Newton cubes of other seeds.
  Twins differ by a hair, the same way in every pair, and are no independent draws. Clean needs an interval that holds
  0.5 and ends below 0.6 or below the AUC of the network.
- Where twins are the question, the **paired accuracy** stands beside it, with the exact binomial interval. Its error is
  that of the seeds, not of the training: a network that learned nothing still answers a difference that all twins share
  with one sign, and every other such network has the right one. `other_weights` says whether a result comes back, and a
  retraining that finds nothing counts only if the one on untouched cubes found something.
- Where a suspect is taken out of the cubes, the row gives the **share of the logit difference** of twins that is left,
  bootstrapped over seeds. Half is the line: a network that loses more than half without the suspect lived on it.

- An audit asks many questions, and one in twenty is answered wrongly by chance. Every control that can be a shortcut
  gives the probability `p` with which chance raises its alarm where nothing is wrong; an alarm that needs several
  findings has the largest of theirs. It stands only where the probability that chance raises any such alarm in the
  whole audit, `p_family` (Holm's correction), is at most 0.05; otherwise the control is inconclusive and says so. With
  fewer than ten or so test seeds no alarm can stand ([evaluation.md](evaluation.md#many-questions)).

Some controls train again. The budget `audit.retrainings` is drawn on in the order below, `audit.epochs` shortens each
retraining, and every row says what it cost; a control that comes too late is inconclusive and says why.
`weakfield audit RUN --full` runs those that grow further universes as well, and retrains as often as they ask.
Universes are kept in `audit/<control>/` by the settings that decide their numbers, and are not grown twice.

`audit/audit.json` holds a sentence (`summary`) and the table (`controls`: `name`, `question`, `expectation`, `value`,
`low`, `high`, `verdict`, `p`, `p_family`, and further keys such as curves). `weakfield.audit.audit_table` reads it as a
DataFrame.

## A control of your own

`audit.controls` takes `module:NAME` of a `weakfield.audit.Control` beside the names below; the module lies in the
working directory or anywhere else that Python finds it, and runs with your rights
([code of your own](learning.md#code-of-your-own)). With `controls = ["mirrored:MIRRORED"]` and this `mirrored.py`
its row enters `audit.json` and the page, and it is run again when the file changes. Its `Result` may have a `p` (from
`weakfield.audit.alarms`); without one its verdict stands as it is, whatever the number of questions:

```python
import torch
from weakfield.audit import Control, Result


def mirrored(audit):  # an AuditRun: cubes, networks, scores; audit.retrain trains another
    scores = audit.score(audit.altered(lambda pair: torch.flip(pair, dims=[-1])))
    share = audit.share(scores)
    verdict = "clean" if share.low > 0.5 else "shortcut" if share.high < 0.5 else "inconclusive"
    return Result(share, "share of the logit difference left in the mirror", verdict, scores=scores)


MIRRORED = Control("mirrored", "Does the network know left from right?", "A mirrored universe is as good.", mirrored)
```
"""


def page() -> str:
    """Every control in its own words, as Markdown."""
    parts = [HEAD]
    for title, names in (
        ("Controls of every audit", DEFAULT_CONTROLS),
        ("Further controls of `--full`", FULL_CONTROLS),
    ):
        parts.append(f"\n## {title}\n")
        for name in names:
            control = find_control(name)
            text = (
                f"**`{name}`** {control.question} {control.how} {control.expectation} {control.verdicts}"
                f" What it cannot see: {control.blind[0].lower() + control.blind[1:]}"
            )
            parts.append(f"\n{fill(text, 120, break_long_words=False, break_on_hyphens=False)}\n")
    return "".join(parts)
