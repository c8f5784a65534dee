"""The notebooks run as they stand, each in a folder of its own, with pictures."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "docs" / "scripts" / "notebooks.py"
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))


@pytest.mark.slow(minutes=1)
def test_all_of_them_run_and_draw(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--out", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for notebook in NOTEBOOKS:
        folder = tmp_path / notebook.stem
        page = (folder / f"{notebook.stem}.md").read_text()
        pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page)
        assert pictures
        assert all((folder / name).stat().st_size > 3000 for name in pictures)
        assert "```text" in page
    assert "Run 'pair'" in (tmp_path / "pair" / "pair.md").read_text()


def test_the_page_of_notebooks_leads_to_all_of_them() -> None:
    page = (ROOT / "docs" / "notebooks" / "index.md").read_text()
    for notebook in NOTEBOOKS:
        title = notebook.read_text().splitlines()[1].removeprefix("# # ")
        assert f"[{title}]({notebook.name})" in page
    assert len(NOTEBOOKS) >= 6


def test_cells_and_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    spec = importlib.util.spec_from_file_location("notebooks", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = "# %% [markdown]\n# # Title\n#\n# Words.\n\n# %%\na = 2\nprint(a)\na + 1\n\n# %%\na\nb = 1\n"
    found = module.cells(text)
    assert found[0] == ("markdown", "# Title\n\nWords.")
    space: dict[str, object] = {}
    assert [module.execute(code, space) for kind, code in found if kind == "code"] == ["2\n3", ""]
