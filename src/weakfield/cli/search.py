"""The search for settings of the training, on the command line."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from weakfield.base.progress import bars
from weakfield.config import RunFolder
from weakfield.config.search import SearchSettings
from weakfield.learning.search import search
from weakfield.pairs.runfolder import load_study
from weakfield.study import require


def look(folder: Path, trials: int | None, workers: int | None, trusted: bool = False) -> tuple[dict[str, Any], str]:
    """Search in a run folder; returns what ``best.json`` says, and the same as readable text."""
    study = load_study(folder, trusted)
    asked = {name: value for name, value in (("trials", trials), ("workers", workers)) if value is not None}
    table = SearchSettings.from_mapping(study.search.model_dump() | asked, "search")
    require(study, folder, "dataset", "search")
    with redirect_stdout(sys.stderr), bars():
        best = search(study.model_copy(update={"search": table}), RunFolder(folder))
    value = best.validation_loss if table.judge == "loss" else best.validation_auc
    lines = [
        f"trials: {', '.join(f'{count} {outcome}' for outcome, count in best.trials.items())};"
        f" the best is {best.trial}, validation {table.judge} {value:.4g}",
        "settings: " + ", ".join(f"{key} = {_short(found)}" for key, found in best.settings.items()),
        f"test AUC {best.test['auc']}, read {best.test_reads} time(s)",
        str(folder / "search" / "best.toml"),
    ]
    return best.as_json(), "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
