"""The site: what its hook makes of links and formulas, and that it builds without a broken link."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import weakfield

ROOT = Path(__file__).parents[1]
INTERNAL = {"simulation"}  # its surface is weakfield.Simulation


def script(name: str) -> ModuleType:
    """A module of docs/scripts."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    return script("site_pages")


def test_the_page_of_commands_and_the_picture_are_up_to_date() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == script("commands").page(), "run 'make docs'"
    picture = script("architecture")
    assert picture.PICTURE.read_text() == picture.picture(), "run 'make docs'"
    assert {name for floor in picture.floors() for name in floor} == set(picture.WORDS)


def test_the_api_has_a_page_for_every_public_package(hook: ModuleType) -> None:
    pages = hook.reference()
    for name in dir(weakfield):
        assert name.startswith("_") or f"::: weakfield.{name}\n" in pages["api/weakfield.md"]
    packages = {
        path.parent.name for path in (ROOT / "src" / "weakfield").glob("*/__init__.py") if "__all__" in path.read_text()
    }
    assert {f"api/{name}.md" for name in packages - INTERNAL} | {"api/weakfield.md"} == set(pages)
    navigation = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in pages if f"- {page}\n" not in navigation] == []


def test_links_to_files_lead_to_pages_that_show_them(hook: ModuleType) -> None:
    def turned(uri: str, text: str) -> str:
        return hook.on_page_markdown(text, SimpleNamespace(file=SimpleNamespace(src_uri=uri)), None, None)

    assert turned("index.md", "[a](../README.md#using-it)") == "[a](files/README.md#using-it)"
    assert turned("theory/index.md", "[a](../../setup.py) [b](../physics.md)") == (
        "[a](../files/setup.py.md) [b](../physics.md)"
    )
    assert turned("files/README.md", "![a](docs/images/demo.png)") == "![a](../images/demo.png)"
    assert turned("files/examples.md", "[a](settings.ini)") == "[a](examples/settings.ini.md)"
    for kept in ("[a](https://arxiv.org/abs/1)", "[a](#here)", "`[a](../setup.py)`", "```\n[a](../setup.py)\n```"):
        assert turned("index.md", kept) == kept
    assert hook.targets("docs/index.md", "[a](../examples) `[b](x.md)`") == ["examples"]


def test_files_and_folders_are_shown(hook: ModuleType) -> None:
    assert "- [settings.ini](settings.ini)\n" in hook.shown("examples")
    assert hook.shown("setup.py").startswith("# setup.py\n\n````python\n")
    assert hook.shown("README.md") == (ROOT / "README.md").read_text()


def test_formulas_are_typeset(hook: ModuleType) -> None:
    pytest.importorskip("latex2mathml")
    found = hook.on_page_content(r'<span class="arithmatex">\(k &lt; 2\)</span>', None, None, None)
    assert re.match(r"<math .*<mi>k</mi><mo>&lt;</mo>|<math .*<mi>k</mi><mo>&#x0003C;</mo>", found)


@pytest.mark.slow
def test_it_builds_without_a_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for page in (ROOT / "docs").rglob("*.md"):
        built = (tmp_path / "site" / page.relative_to(ROOT / "docs")).with_suffix(".html")
        assert built.exists(), page
        assert "arithmatex" not in built.read_text(), f"a formula of {page} is not typeset"
