"""The examples run as they stand, from another folder, without a warning."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_a_pair_in_python(tmp_path: Path) -> None:
    script = EXAMPLES / "pair_in_python.py"
    for _ in range(2):  # again: the pair is there
        done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "pair" / "ratio.png").stat().st_size > 5000
    assert (tmp_path / "pair" / "study.toml").exists()
    assert [line.split(":")[0] for line in done.stdout.splitlines()[:2]] == ["z = 10", "z = 1"]


def test_a_settings_ini_and_its_twin(tmp_path: Path) -> None:
    text = (EXAMPLES / "settings.ini").read_text()
    (tmp_path / "twin.ini").write_text(text.replace("= GR ", "= Newton "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gr = wf.simulate(EXAMPLES / "settings.ini", tmp_path / "gr")
        newton = wf.simulate(tmp_path / "twin.ini", tmp_path / "newton")
    assert [path.name for path in gr] == [path.name for path in newton]
    fields = [wf.load_field(folder / "lcdm_snap001_phi.h5") for folder in (tmp_path / "gr", tmp_path / "newton")]
    assert [attributes["theory"] for _, attributes in fields] == ["gr", "newton"]
    (relativistic, _), (newtonian, _) = fields
    assert 1e-5 < float((relativistic - newtonian).std() / newtonian.std()) < 0.03
    assert np.corrcoef(relativistic.flatten(), newtonian.flatten())[0, 1] > 0.999
