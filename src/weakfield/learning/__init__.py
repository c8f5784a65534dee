"""Networks, training, evaluation and the baselines that every network stands beside."""

from weakfield.learning.fitting import Task, fit, load_model, logits, score
from weakfield.learning.metrics import evaluate
from weakfield.learning.scores import Estimate, Scores, cube_scores

__all__ = ["Estimate", "Scores", "Task", "cube_scores", "evaluate", "fit", "load_model", "logits", "score"]
