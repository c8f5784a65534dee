"""What is built can be installed and used away from the checkout; recipes and versions agree with pyproject.toml."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import weakfield as wf
from weakfield import __version__

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: what is called otherwise on conda-forge
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def done(*command: object, **options: Any) -> str:
    """The output of a command that must succeed."""
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheel and sdist, built from a copy of the tree without git, as from a tarball."""
    for package in ("build", "twine", "setuptools_scm"):
        pytest.importorskip(package)
    tree, dist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in ("src", "docs", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CITATION.cff"):
        copy(name, tree)
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, tree, env=without_path())
    return dist


def copy(name: str, tree: Path) -> None:
    source = ROOT / name
    if source.is_dir():
        skipped = shutil.ignore_patterns("__pycache__", "*.egg-info", "images")
        shutil.copytree(source, tree / name, symlinks=True, ignore=skipped)
    else:
        shutil.copy(source, tree / name)


def without_path() -> dict[str, str]:
    """The environment, without the source tree and with one thread."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"WEAKFIELD_WORKERS": "1", "WEAKFIELD_DEVICE": "cpu"}


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_folder(built: Path, tmp_path: Path) -> None:
    wheel, sdist = next(built.glob("*.whl")), next(built.glob("*.tar.gz"))
    done(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    assert f"weakfield-{__version__}-" in wheel.name
    assert wheel.stat().st_size < 1.5e6
    assert sdist.stat().st_size < 1.5e6
    names = zipfile.ZipFile(wheel).namelist()
    assert "weakfield/pages/relativity.md" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]

    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    done(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    packages = next((home / "lib").glob("python*")) / "site-packages"
    # the others come from this environment; a .pth in that folder, such as that of an editable install, is not read
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    keep_compiled(packages / "weakfield")
    empty = tmp_path / "empty"
    empty.mkdir()

    def weakfield(*words: str) -> str:
        return done(home / "bin" / "weakfield", *words, cwd=empty, env=without_path())

    where = done(python, "-c", "import weakfield; print(weakfield.__file__)", cwd=empty, env=without_path())
    assert Path(where.strip()).is_relative_to(home)
    assert weakfield("docs", "relativity") == (ROOT / "docs" / "relativity.md").read_text()
    assert "@software{weakfield" in weakfield("cite")
    (empty / "study.toml").write_text(SMALL)
    said = weakfield("run", "study.toml", "--out", "run")
    assert (empty / "run" / "report" / "index.html").stat().st_size > 50_000
    assert said.splitlines()[-1] == "run/report/index.html"


def keep_compiled(package: Path) -> None:
    """Let Numba find what it has compiled in this tree, which would take a minute again: it goes by time and size."""
    source = Path(wf.__file__).parent
    for kept in source.rglob("*.nb[ic]"):
        place = package / kept.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        shutil.copy2(kept, place)
    for path in source.rglob("*.py"):
        shutil.copystat(path, package / path.relative_to(source))


SMALL = """\
name = "small"
[seeds]
count = 6
[cosmology]
t_cmb_kelvin = 0
[simulation]
grid = 8
box_size_mpch = 160
transfer = "eisenstein-hu"
[measure]
nonlinear = "none"
[training]
size = "small"
epochs = 1
mean_kept_too = false
[audit]
controls = ["monopole_only"]
[explain]
trust = false
"""


@pytest.mark.slow
def test_the_version_of_a_clone_without_tags(tmp_path: Path) -> None:
    pytest.importorskip("setuptools_scm")
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no clone")
    done("git", "clone", "--quiet", "--depth", "1", "--sparse", "--no-tags", f"file://{ROOT}", tmp_path / "clone")
    found = done(sys.executable, "-m", "setuptools_scm", cwd=tmp_path / "clone").strip()
    assert re.match(r"\d+\.\d+", found)
    done("git", "-c", "user.name=a", "-c", "user.email=a@b", "tag", "v7.1.0", cwd=tmp_path / "clone")
    assert done(sys.executable, "-m", "setuptools_scm", cwd=tmp_path / "clone").strip().startswith("7.1.0")


def test_versions_agree() -> None:
    found = {
        "pyproject.toml": PROJECT["tool"]["setuptools_scm"]["fallback_version"],
        "CITATION.cff": yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"],
        ".zenodo.json": json.loads((ROOT / ".zenodo.json").read_text())["version"],
        "conda/recipe.yaml": recipe()["context"]["version"],
    }
    assert found == dict.fromkeys(found, __version__)


def recipe() -> Any:
    return yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text())


def test_the_recipe_needs_what_the_package_needs() -> None:
    def split(requirement: str) -> tuple[str, str]:
        name, bound = re.fullmatch(r"([\w-]+) ?(>=[\d.]+)?", requirement).groups()  # type: ignore[union-attr]
        return CONDA.get(name, name), bound

    needs = recipe()["requirements"]
    python = ("python", PROJECT["project"]["requires-python"])
    assert set(map(split, needs["run"])) == {python, *map(split, PROJECT["project"]["dependencies"])}
    assert {python, *map(split, PROJECT["build-system"]["requires"])} <= set(map(split, needs["host"]))
    (script,) = recipe()["build"]["python"]["entry_points"]
    name, _, target = script.partition(" = ")
    assert PROJECT["project"]["scripts"] == {name: target}


def test_the_dockerfile_is_sound() -> None:
    """What hadolint asks first: known words, a pinned base, no cache, no root, JSON for what is run, files there."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    words = [word for word, _ in steps]
    assert set(words) <= {"FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert words[0] == "FROM"
    said = dict(steps)
    assert re.fullmatch(r"python:3\.\d+-slim", said["FROM"])
    assert "--no-cache-dir" in said["RUN"]
    assert said["USER"] != "root"
    assert json.loads(said["ENTRYPOINT"]) == list(PROJECT["project"]["scripts"])
    json.loads(said["CMD"])
    extras = re.search(r"\.\[(\w+)\]", said["RUN"])
    assert extras is not None
    assert extras[1] in PROJECT["project"]["optional-dependencies"]
    assert "-c constraints.txt" in said["RUN"]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {"src", "docs", "constraints.txt", "pyproject.toml", "setup.py", "README.md"} & set(ignored)


def test_messages_name_pages_and_not_paths() -> None:
    """A wheel has no docs folder: what users read says 'weakfield docs PAGE', a page that there is."""
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    wrong, named = [], set()
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text()
        if "docs" not in text:
            continue
        tree = ast.parse(text)
        cases = (ast.Module, ast.ClassDef, ast.FunctionDef)
        bodies = [node.body for node in ast.walk(tree) if isinstance(node, cases) and node.body]
        docstrings = {body[0].value for body in bodies if isinstance(body[0], ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if node in docstrings and "cli" not in path.parts:  # of commands they are the help
                continue
            wrong += [f"{path}:{node.lineno}"] if re.search(r"\bdocs/\w+\.md", node.value) else []
            named |= set(re.findall(r"'weakfield docs (\w+)'", node.value))
    assert wrong == []
    assert named
    assert named <= pages
