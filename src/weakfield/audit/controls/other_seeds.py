"""The network on seeds that no part of the study has."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed

#: beyond the last seed of the study
GAP = 1_000_000


def run(context: Context) -> Result:
    study = context.study
    seeds = tuple(study.seeds.all[-1] + GAP + i for i in range(context.test_seeds))
    other = changed(
        changed(study, "dataset", train=None, validation=None, test=None), "seeds", first=seeds[0], count=len(seeds)
    )
    return transfer(context, "other_seeds", [Elsewhere(other, f"seeds from {seeds[0]}", seeds)])


CONTROL = Control(
    name="other_seeds",
    question="Does the result hold for seeds that nobody has looked at?",
    expectation="The same as on the test seeds.",
    how="As many seeds as the test part has are grown far from the study's and scored by the network as trained.",
    verdicts="Clean: at least half of the logit difference is there too. Shortcut: more than half is not.",
    blind="Anything that all seeds share.",
    run=run,
)
