"""Controls that could explain a result away: what else than the theory might the network have seen?"""

from weakfield.audit.contract import Control, Result, Verdict
from weakfield.audit.registry import CONTROLS, find_control

__all__ = ["CONTROLS", "Control", "Result", "Verdict", "find_control"]
