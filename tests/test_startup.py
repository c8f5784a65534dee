"""What a command imports: no more than its work needs, because every import is waited for before the work begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weakfield.config import RunFolder, StudyConfig
from weakfield.study import STAGES, run_study

ROOT = Path(__file__).parents[1]
#: packages of tables, figures, learning, attribution, campaigns, displays and compilers of networks
NOT_FOR_SIMULATIONS = {
    "IPython", "asttokens", "bokeh", "camb", "captum", "classy", "dask", "distributed", "ducc0", "jinja2", "matplotlib",
    "networkx", "optuna", "pandas", "rich", "scipy.signal", "scipy.stats", "sklearn", "sympy", "tensorboard",
    "torch._dynamo", "torch._inductor", "triton", "xarray", "zarr",
}  # fmt: skip
#: what computes
HEAVY = NOT_FOR_SIMULATIONS | {"h5py", "numba", "numpy", "scipy", "torch"}


def imported(code: str, folder: Path) -> set[str]:
    """The modules that a process has imported at the end of ``code``."""
    code += "\nimport sys; print('\\nmodules', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def command(*line: str) -> str:
    return f"from weakfield.cli import invoke; assert invoke({list(line)!r}) == 0"


def test_a_run_of_a_settings_ini_imports_a_simulation_and_nothing_else(tmp_path: Path) -> None:
    settings = (ROOT / "examples" / "settings.ini").read_text()
    (tmp_path / "settings.ini").write_text(settings.replace("10, 1", "99"))
    modules = imported(command("simulate", "settings.ini"), tmp_path)
    assert {"torch", "numba", "h5py"} <= modules
    assert not NOT_FOR_SIMULATIONS & modules
    later = ("spectra", "dataset", "learning", "audit", "explain", "report", "pairs.grower", "pairs.workers", "study")
    assert not {name for name in modules if name.startswith(tuple(f"weakfield.{floor}" for floor in later))}


@pytest.mark.parametrize("line", [("--help",), ("--version",), ("run", "--help"), ("presets",), ("cite",)])
def test_what_computes_nothing_imports_nothing_that_computes(tmp_path: Path, line: tuple[str, ...]) -> None:
    assert not HEAVY & imported(command(*line), tmp_path)


def test_a_finished_study_is_recognised_without_what_it_worked_with(
    synthetic_run: tuple[StudyConfig, RunFolder], tmp_path: Path
) -> None:
    study, folder = synthetic_run
    short = [stage for stage in STAGES if stage.name in ("simulate", "dataset")]
    run_study(study, folder.root, None, short)
    again = (
        "from weakfield.pairs.runfolder import load_study; from weakfield.study import STAGES, run_study\n"
        f"root, names = {str(folder.root)!r}, ('simulate', 'dataset')\n"
        "found = run_study(load_study(root), root, None, [stage for stage in STAGES if stage.name in names])\n"
        "assert [outcome.status for outcome in found] == ['skipped', 'skipped']"
    )
    assert not HEAVY - {"h5py", "numpy"} & imported(again, tmp_path)
    assert not HEAVY & imported(command("status", str(folder.root)), tmp_path)
