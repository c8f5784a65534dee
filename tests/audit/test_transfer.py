"""Going to universes of other settings: what is retrained there, and at which outputs they are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from synthetic import tiny_study, write_run
from weakfield.audit import context as context_module
from weakfield.audit import transfer as transfer_module
from weakfield.audit.context import Context
from weakfield.audit.controls import other_redshift
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed, cubes_of
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import Pairs, build
from weakfield.learning import Scores, Task


def guesses(pairs: Pairs) -> Scores:
    """Logits that are no network's."""
    return Scores(pairs.seeds, *np.random.default_rng(1).standard_normal((2, len(pairs))))


class Untrained(Context):
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

    monkeypatch.setattr(context_module, "fit", fit)
    monkeypatch.setattr(context_module, "score", lambda network, pairs: guesses(pairs))
    monkeypatch.setattr(
        transfer_module, "grown", lambda context, control, place, seeds: context.dataset.pairs(list(seeds))
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = tiny_study(pairs=5, simulation={"snapshot_redshifts": outputs}, dataset=settings)
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    context, places = Untrained(study, folder), []
    monkeypatch.setattr(other_redshift, "transfer", lambda context, control, found: places.extend(found))
    other_redshift.run(context)
    (place,) = places
    assert place.redshifts is not None
    instead = dict(zip(context.dataset.redshifts, place.redshifts, strict=True))
    assert tuple(instead[z] for z in context.dataset.recipe.redshifts) == seen
    if place.folder is not None:  # stored: other cubes, not those of the study
        cubes = cubes_of(context, place.study, folder, context.dataset.part("test"), place.redshifts)
        assert not bool((cubes.values == context.cubes["test"].values).all())
