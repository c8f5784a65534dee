"""What a network responds to: attribution in cells and in Fourier space."""

from weakfield.explain.pair_explainer import PairExplainer
from weakfield.explain.records import Explanation, Trust
from weakfield.explain.tables import Attributions, attributions

__all__ = ["Attributions", "Explanation", "PairExplainer", "Trust", "attributions"]
