"""Controls that could explain a result away: what might the network have seen other than the theory?"""

from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, NotRun, Result
from weakfield.audit.records import AuditTable, ControlRow, Verdict, audit_table
from weakfield.audit.registry import CONTROLS, find_control

__all__ = [
    "CONTROLS",
    "AuditRun",
    "AuditTable",
    "Control",
    "ControlRow",
    "NotRun",
    "Result",
    "Verdict",
    "audit_table",
    "find_control",
]
