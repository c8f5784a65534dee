"""The command line: what it prints where, its exit codes, and one sentence for every bad input."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from weakfield import __version__
from weakfield.cli import invoke
from weakfield.config import StudyConfig

STAGES = ("simulate", "measure", "dataset", "train", "audit", "explain", "report")
COMMANDS = ("run", *STAGES, "export", "import", "index", "lightcone", "presets", "settings", "docs", "doctor", "cite")
ROOT = Path(__file__).parents[2]


def weakfield(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "weakfield", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.fixture
def study_file(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Write a study to a file; its tables are given as TOML text."""

    def write(text: str) -> Path:
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write


class TestHelp:
    def test_answers_at_once(self) -> None:
        begin = time.perf_counter()
        done = weakfield("--help")
        assert time.perf_counter() - begin < 0.5
        assert (done.returncode, done.stderr) == (0, "")
        assert set(COMMANDS) <= set(done.stdout.split())

    @pytest.mark.parametrize("command", [*COMMANDS, "index show", "index find", "lightcone cat", "lightcone maps"])
    def test_every_command_has_one(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert invoke([*command.split(), "--help"]) == 0
        assert len(capsys.readouterr().out.split()) > 15

    def test_no_arguments_show_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert invoke([]) == 0
        assert "Usage" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert invoke(["--version"]) == 0
        assert capsys.readouterr().out == f"weakfield {__version__}\n"


class TestTexts:
    def test_presets_are_listed_and_printed_as_studies(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert invoke(["presets"]) == 0
        assert "demo" in capsys.readouterr().out
        assert invoke(["presets", "demo"]) == 0
        (tmp_path / "copy.toml").write_text(capsys.readouterr().out)
        assert StudyConfig.from_toml(tmp_path / "copy.toml") == StudyConfig.preset("demo")

    @pytest.mark.parametrize(("page", "options"), [("settings.md", []), ("settings_ini.md", ["--ini"])])
    def test_the_pages_of_settings_are_up_to_date(
        self, page: str, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert invoke(["settings", *options]) == 0
        assert (ROOT / "docs" / page).read_text() == capsys.readouterr().out, "run 'make docs'"

    def test_citation_names_this_version_as_the_citation_file_does(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert invoke(["cite"]) == 0
        printed, file = capsys.readouterr().out, (ROOT / "CITATION.cff").read_text()
        assert f"version = {{{__version__}}}" in printed
        released = re.search(r"\ndate-released: (\d{4})-", file)
        assert released is not None
        assert f"  year = {{{released[1]}}},\n  version" in printed
        assert f"\nversion: {__version__}\n" in file
        for title in re.findall('title: "(.*)"', file):
            assert f"title = {{{title}}}" in printed
        assert printed.startswith("@software{weakfield,\n  author = {{The weakfield developers}},\n")
        assert "author = {Eisenstein, Daniel J. and Hu, Wayne}" in printed
        assert "eprint = {astro-ph/9709112},\n  archivePrefix = {arXiv}" in printed

    def test_pages_are_listed_and_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert invoke(["docs"]) == 0
        listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
        files = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
        assert set(listed) == files
        assert listed["theory/fitting"] == "Over- and underfitting"
        for name in ("relativity", "docs/relativity.md"):
            assert invoke(["docs", name]) == 0
            assert capsys.readouterr().out == (ROOT / "docs" / "relativity.md").read_text()
        assert invoke(["docs", "relativty"]) == 2
        assert "did you mean 'relativity'?" in capsys.readouterr().err

    def test_doctor_tries_what_a_study_needs(self) -> None:
        done = weakfield("doctor", "--json")
        found = json.loads(done.stdout)
        assert (done.returncode, found["healthy"]) == (0, True)
        assert {trial["name"] for trial in found["trials"] if trial["works"]} >= {
            "transfer eisenstein-hu",
            "kernels cpu",
        }
        assert found["versions"]["weakfield"] == __version__

    def test_doctor_grows_a_universe_and_sees_a_wrong_kernel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from weakfield.cli.doctor import universe
        from weakfield.mesh.kernels import cpu

        assert "agree" in universe("cpu")
        right = cpu.kick_drift_fields
        monkeypatch.setattr(cpu, "kick_drift_fields", lambda p, phi, chi, b, *rest: right(p, phi, -chi, b, *rest))
        with pytest.raises(ValueError, match="three cycles of a universe differ"):
            universe("cpu")


BAD_STUDIES = {
    "wrong type": ('[simulation]\ngrid = "big"', r"key 'simulation.grid' is 'big', expected a valid integer"),
    "below its bound": ("[simulation]\nbox_size_mpch = -1", "key 'simulation.box_size_mpch' is -1, expected greater"),
    "wrong unit": (
        "[simulation]\nbox_size_mpc = 640",
        "unknown key 'simulation.box_size_mpc'; did you mean 'box_size_mpch'?",
    ),
    "unknown table": ("[simulations]\ngrid = 16", "unknown key 'simulations'; did you mean 'simulation'?"),
    "unknown choice": (
        '[simulation]\nvector_method = "fast"',
        "key 'simulation.vector_method' is 'fast', expected 'parabolic'",
    ),
    "negative dark energy": ("[cosmology]\nomega_cdm = 0.9", "Omega_Lambda = 1 - Omega_m - Omega_r is -1.0"),
    "no matter": ("[cosmology]\nomega_cdm = 0\nomega_b = 0", "omega_b + omega_cdm is 0"),
    "grid against template": (
        "[simulation]\ngrid = 18",
        "grid is 18, expected a multiple of 4 for the particle template sc1",
    ),
    "grid against tiling": (
        "[simulation]\ngrid = 36\ntiling = 8",
        "grid is 36, expected a multiple of simulation.tiling",
    ),
    "template without tiling": ('[simulation]\ntemplate_file = "glass.dat"', "template_file is given without tiling"),
    "future redshift": ("[simulation]\nsnapshot_redshifts = [10, 1, -0.5]", "snapshot_redshifts holds -0.5, expected"),
    "redshift before the start": (
        "[simulation]\nsnapshot_redshifts = [200, 10, 1]",
        "holds 200, expected redshifts from 0 to",
    ),
    "redshift without output": ("[dataset]\nredshifts = [5.0, 1.0]", "redshift 5 is used by a later stage"),
    "redshifts in the wrong order": ("[dataset]\nredshifts = [1.0, 10.0]", "expected the earlier (higher) one first"),
    "shares": ("[dataset]\nfractions = [0.6, 0.2, 0.1]", "expected three positive shares that sum to 1"),
    "missing key": ('[simulation]\ntransfer = "file"', "transfer is 'file' but transfer_file is not given"),
    "not a number": ("[cosmology]\nh = nan", "key 'cosmology.h' is nan, expected a finite number"),
    "not TOML": ("[simulation\ngrid = 16", "is not valid TOML"),
}


class TestBadInput:
    """Exit code 2, one sentence on standard error, nothing on standard output, nothing written."""

    def refused(self, capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
        assert invoke([str(a) for a in arguments]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("weakfield: ")
        assert err.count("\n") == 1
        return err

    @pytest.mark.parametrize("command", ["run", "simulate"])
    @pytest.mark.parametrize(("text", "said"), BAD_STUDIES.values(), ids=BAD_STUDIES)
    def test_study(self, command: str, text: str, said: str, study_file, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
        path = study_file(text)
        message = self.refused(capsys, command, path, "--out", tmp_path / "run")
        assert said in message
        assert str(path) in message
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('[audit]\ncontrols = ["labels_shufled"]', "did you mean 'labels_shuffled'?"),
            ('[training]\nnetwork = "cnn"', "training.network is 'cnn', expected one of"),
            ("[simulation]\ngrid = 36", "expected a grid that divides by 2^blocks = 8"),
            ("[seeds]\ncount = 2", "the study has 2 seeds, expected at least 3"),
            ("[explain]\npair = 50", "explain.pair is 50"),
        ],
    )
    def test_what_a_late_stage_needs_is_known_before_the_first_pair(
        self,
        text: str,
        said: str,
        study_file,  # type: ignore[no-untyped-def]
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert said in self.refused(capsys, "run", study_file(text), "--out", tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_names(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "did you mean 'demo'?" in self.refused(capsys, "run", "dmo")
        assert "no such file" in self.refused(capsys, "run", tmp_path / "nowhere.toml")
        assert "holds no study.toml" in self.refused(capsys, "run", tmp_path)
        assert "is not a folder" in self.refused(capsys, "train", tmp_path / "nowhere")
        assert "'simulate'" in self.refused(capsys, "simulat")
        assert "--pairs" in self.refused(capsys, "run", "--pair", "3")
        assert "seeds.count" in self.refused(capsys, "run", "--pairs", "0")
        assert "multiple of 4" in self.refused(capsys, "run", "--grid", "18")

    def test_a_settings_ini_is_no_study(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("settings.ini", "settings"):
            (tmp_path / name).write_text("# comment\nNgrid = 16\nboxsize = 320\n")
            assert "weakfield simulate" in self.refused(capsys, "run", tmp_path / name)

    def test_a_stage_before_its_inputs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "study.toml").write_text(StudyConfig.preset("demo").to_toml())
        assert "stage simulate is not finished" in self.refused(capsys, "train", tmp_path)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").write_text("in the way")
        assert "cannot write" in self.refused(capsys, "run", "--out", tmp_path / "file" / "run", code=1)


FAILING = """
import sys, signal, os
import weakfield.study
def run_study(*arguments, **options):
    {failure}
weakfield.study.run_study = run_study
from weakfield.cli import main
main()
"""


def heed_interrupts() -> None:
    """A job a shell put in the background ignores SIGINT, and its children inherit that; undo it in a child."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        ("raise KeyError('lost')", 1, "unexpected KeyError: 'lost'; the same command with --debug shows where"),
        ("raise OSError(28, 'No space left on device', 'phi.h5')", 1, "phi.h5: No space left on device"),
        ("raise MemoryError('4 GiB')", 1, "not enough memory: 4 GiB"),
        ("raise RuntimeError('you tried: can\\'t allocate memory')", 1, "not enough memory: you tried"),  # PyTorch
        ("raise KeyboardInterrupt", 130, "interrupted; the same command continues where it stopped"),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, "interrupted"),
    ],
)
def test_failures_end_in_one_sentence(failure: str, code: int, said: str) -> None:
    command = [sys.executable, "-c", FAILING.format(failure=failure), "run", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=heed_interrupts)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("weakfield: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    debugged = subprocess.run([*command, "--debug"], capture_output=True, text=True, preexec_fn=heed_interrupts)
    assert debugged.returncode == code
    assert "Traceback" in debugged.stderr


def test_nothing_is_said_at_the_end_where_triton_was_loaded() -> None:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed: pip install 'weakfield[test]'")
    code = "import sys, triton; sys.argv[1:] = ['--version']; from weakfield.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([sys.executable, "-m", "weakfield", "settings"], stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert done.stderr == b""
