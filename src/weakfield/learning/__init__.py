"""Networks, training, evaluation and the baselines that every network stands beside."""

from weakfield.learning.fitting import Task, fit, load_model, logits, score
from weakfield.learning.metrics import evaluate
from weakfield.learning.results import Metrics, scores_table, trained_models
from weakfield.learning.scores import Estimate, Scores, cube_scores
from weakfield.learning.trained import TrainedNetwork

__all__ = [
    "Estimate",
    "Metrics",
    "Scores",
    "Task",
    "TrainedNetwork",
    "cube_scores",
    "evaluate",
    "fit",
    "load_model",
    "logits",
    "score",
    "scores_table",
    "trained_models",
]
