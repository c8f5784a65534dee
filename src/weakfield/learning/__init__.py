"""Networks, training, evaluation and the baselines that every network stands beside."""

from weakfield.learning.fitting import Task, fit, load_model, logits, score
from weakfield.learning.metrics import Estimate, Scores, evaluate

__all__ = ["Estimate", "Scores", "Task", "evaluate", "fit", "load_model", "logits", "score"]
