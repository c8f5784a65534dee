"""Turning the words of a command line into a study and its stages."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weakfield.base.errors import BadInput
from weakfield.base.loading import loading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weakfield.config import StudyConfig
    from weakfield.config.campaign import CampaignSettings
    from weakfield.stages import Outcome, Stage


def resolve(
    target: str, out: Path | None, grid: int | None, pairs: int | None, trusted: bool = False
) -> tuple[StudyConfig, Path]:
    """The study that a command line names, and its run folder; ``trusted`` as in ``load_study``."""
    from weakfield.config import StudyConfig, preset_names
    from weakfield.formats.sources import is_settings_ini
    from weakfield.pairs.runfolder import load_study, require_trusted

    path = Path(target)
    if target in preset_names():
        study = StudyConfig.preset(target)
    elif path.is_dir():
        study = load_study(path, trusted)
        if out is None:  # continuing in place: the name stays, and pairs may be added
            return study.resized(grid, pairs).model_copy(update={"name": study.name}), path
    elif is_settings_ini(target):
        raise BadInput(f"{target} is a settings.ini, expected a study in TOML; 'weakfield simulate {target}' runs it")
    elif path.exists() or path.suffix == ".toml":
        study = StudyConfig.from_toml(path)
        require_trusted(study, path, trusted)
    else:
        study = StudyConfig.preset(target)  # an error lists the known presets
    study = study.resized(grid, pairs)
    return study, out if out is not None else Path("runs") / study.name


def run_stages(
    study: StudyConfig,
    folder: Path,
    only: str | None,
    json_lines: bool,
    campaign: CampaignSettings | None = None,
    stages: Sequence[Stage] | None = None,
) -> None:
    """Run the stages and print a line for each; under torchrun, one process does this and the others train with it."""
    with loading(for_good=True):
        from weakfield.base.plugins import trust
        from weakfield.study import STAGES, run_study

    stdout = sys.stdout
    if study.plugins:
        trust(folder)  # the processes that follow under torchrun read what it keeps

    def tell(outcome: Outcome) -> None:
        print(json.dumps(outcome.as_json()) if json_lines else _line(outcome), file=stdout, flush=True)

    with under_torchrun() as leads:
        if leads:
            run_study(study, folder, only, STAGES if stages is None else stages, tell, campaign)


@contextmanager
def under_torchrun() -> Iterator[bool]:
    """Whether this process runs the command: it does, unless torchrun started it to follow another process.

    A follower has done its share of all trainings by the time the block begins.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:  # known without PyTorch, which takes a second to load
        yield True
        return
    from weakfield.learning.distributed import session
    from weakfield.learning.fitting import follow

    with session(follow) as leads:
        yield leads
    if not leads:
        # nothing is left to do or to write, and PyTorch threads that end with the interpreter abort it now and then
        os._exit(0)


def one_stage(folder: Path, name: str, json_lines: bool, trusted: bool = False) -> None:
    from weakfield.pairs.runfolder import load_study

    run_stages(load_study(folder, trusted), folder, name, json_lines)


def with_learning_curve(study: StudyConfig, sizes: str) -> StudyConfig:
    """The study with other sizes of its learning curve, given as numbers separated by commas."""
    try:
        numbers = [int(size) for size in sizes.split(",") if size.strip()]
    except ValueError as error:
        raise BadInput(
            f"--learning-curve is '{sizes}', expected whole numbers separated by commas, such as 8,16,32"
        ) from error
    values = study.model_dump()
    return study.from_mapping({**values, "evaluation": {**values["evaluation"], "learning_curve": numbers}}, study.name)


def _line(outcome: Outcome) -> str:
    """The outcome of a stage as a line of text."""
    said = ", ".join(
        f"{key} {_short(value)}" for key, value in outcome.summary.items() if not isinstance(value, dict | list)
    )
    time = f"{outcome.seconds:8.1f} s" if outcome.status == "done" else "  finished"
    return f"{outcome.stage:9}{time}  {said}".rstrip()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def simulate_ini(path: Path, out: Path | None, json_lines: bool) -> None:
    """Run one settings.ini and print what it wrote, as a line of JSON if ``json_lines``."""
    import time
    from contextlib import redirect_stdout

    from weakfield.base.progress import bars

    with loading(for_good=True):
        from weakfield.pairs import simulate
        from weakfield.simulation import evolution  # noqa: F401 (what the run imports next)

    begin = time.perf_counter()
    with redirect_stdout(sys.stderr), bars():
        written = simulate(path, out)
    if json_lines:
        seconds = round(time.perf_counter() - begin, 3)
        print(
            json.dumps({"stage": "simulate", "status": "done", "seconds": seconds, "files": [str(p) for p in written]})
        )
    else:
        print("\n".join(str(p) for p in written))
