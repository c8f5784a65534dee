"""The learning curve: the main network and its baselines trained again with fewer seeds, tested on the same ones.

The sets of seeds are nested, each being the beginning of one random order, so that points differ only by the seeds
added. Every size is trained for as many steps as the whole part; with as many epochs instead, small sets would be
trained less and would look worse than their seeds deserve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PARTS, Dataset, Pairs, Part, study_split
from weakfield.learning.baselines import baselines_of, score_baselines
from weakfield.learning.calibration import temperature
from weakfield.learning.fitting import Task, fit, score
from weakfield.learning.metrics import measures
from weakfield.learning.results import CURVE, Curve, CurvePoint, Measures
from weakfield.learning.scores import Scores, cube_scores
from weakfield.learning.summaries import Summaries

ORDER_SEED = 6_007
FOLDER = "learning_curve"


def check_sizes(study: StudyConfig) -> None:
    """``BadInput`` when a size of the curve is not below the number of training seeds, whose point is made anyway."""
    whole = len(study_split(study).train)
    for size in study.evaluation.learning_curve:
        if size >= whole:
            raise BadInput(
                f"evaluation.learning_curve holds {size}, expected numbers below the {whole} training seeds of the"
                " study; the point of all of them is there without asking"
            )


def subset(seeds: Sequence[int], size: int) -> list[int]:
    """``size`` of the seeds, ascending; a larger subset holds every smaller one."""
    order = np.random.default_rng(ORDER_SEED).permutation(len(seeds))
    ordered = sorted(seeds)
    return sorted(ordered[place] for place in order[:size])


def as_many_steps(settings: TrainingSettings, size: int, whole: int) -> TrainingSettings:
    """The same training with its epochs multiplied, for a part of ``size`` of ``whole`` seeds."""
    return settings.model_copy(update={"epochs": max(1, round(settings.epochs * whole / size))})


def trace_curve(
    study: StudyConfig,
    folder: RunFolder,
    dataset: Dataset,
    summaries: Summaries,
    keep_mean: bool,
    whole: dict[str, dict[Part, Scores]],
) -> Curve | None:
    """Train at every size of the study; ``whole`` has the scores of the network and the baselines with all seeds.

    Writes ``training/learning_curve/curve.json``: ``points`` by rising number of ``seeds``, each with ``epochs``, the
    measures of the test part for ``network`` and every baseline and, as ``train``, those of the seeds it was trained
    on. Errors are over test seeds and do not include that other training seeds would give another network. An
    interrupted training is continued. ``None``, and nothing is written, when the study asks for no curve.
    """
    sizes = study.evaluation.learning_curve
    if not sizes:
        return None
    seeds, where = dataset.part("train"), folder.training / FOLDER
    points = []
    for size in sizes:
        chosen = subset(seeds, size)
        parts: dict[Part, list[int]] = {part: dataset.part(part) for part in PARTS} | {"train": chosen}
        settings = as_many_steps(study.training, size, len(seeds))
        pairs: dict[Part, Pairs] = {part: dataset.samples(parts[part], keep_mean) for part in PARTS}
        mean = "mean kept" if keep_mean else "mean removed"
        job = Task(settings, pairs, f"{dataset.fingerprint} {mean} first {size} seeds")
        network = fit(job, where / f"seeds{size:05d}", f"learning curve, {size} seeds")
        scores = {"network": {part: cube_scores(score(network, pairs[part])) for part in PARTS}}
        scores |= score_baselines(summaries, parts, baselines_of(study), workers=study.campaign.here)
        points.append(_point(scores, settings.epochs, study))
    points.append(_point(whole, study.training.epochs, study))
    curve = Curve(points=points, test_seeds=len(dataset.part("test")), mean_kept=keep_mean)
    curve.save(where / CURVE)
    return curve


def _point(scores: dict[str, dict[Part, Scores]], epochs: int, study: StudyConfig) -> CurvePoint:
    def worth(parts: dict[Part, Scores], part: Part = "test") -> Measures:
        return measures(parts[part], temperature(parts["validation"]), study.audit.bootstrap, study.paired)

    return CurvePoint(
        seeds=len(scores["network"]["train"].distinct),
        epochs=epochs,
        network=worth(scores["network"]),
        train=worth(scores["network"], "train"),
        baselines={who: worth(parts) for who, parts in scores.items() if who != "network"},
    )
