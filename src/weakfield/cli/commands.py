"""The commands. Heavy modules are imported inside them, so that --help answers at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weakfield._version import __version__
from weakfield.base.errors import BadInput

if TYPE_CHECKING:
    from weakfield.config import StudyConfig
    from weakfield.study import Outcome

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Einstein or Newton? Grow paired universes from one seed under both theories, measure them, train networks to"
    " tell them apart, and see what the networks saw and whether to believe it.",
    epilog="Start with 'weakfield run demo'. Every command has --help.",
)
index = typer.Typer(help="Which slice of which universe an image is, and back.")
app.add_typer(index, name="index", rich_help_panel=None)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a stage on standard output, nothing else.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder to write; default: runs/NAME of the study.")]
Grid = Annotated[int | None, typer.Option("--grid", help="Cells a side instead; cells keep their size in Mpc/h.")]
Pairs = Annotated[int | None, typer.Option("--pairs", help="Number of pairs instead.")]
Run = Annotated[Path, typer.Argument(help="Run folder, as 'weakfield run' or 'weakfield simulate' made it.")]
RunOption = Annotated[Path, typer.Option("--run", help="Run folder that holds the data set.")]


def _version(asked: bool) -> None:
    if asked:
        print(f"weakfield {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure (anywhere in a line).")
    ] = False,
) -> None:
    """Options of every command; ``--debug`` is taken out of the line before it is parsed."""


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A preset, a study in TOML, or a run folder to continue.")] = "demo",
    out: Out = None,
    grid: Grid = None,
    pairs: Pairs = None,
    json_lines: Json = False,
) -> None:
    """Every stage of a study, up to the page.

    Reads a preset ('weakfield presets' lists them), a study file, or the study.toml of a run folder. Writes pairs,
    spectra, data set, trained networks, audit, attributions and report/index.html into the run folder. Stopped at any
    moment, the same command continues; finished work is skipped.

    \b
    weakfield run demo
    weakfield run my.toml --out runs/mine
    weakfield run demo --grid 16 --pairs 10      a smaller box of the same cells, fewer seeds
    """
    config, folder = _resolve(study, out, grid, pairs)
    _stages(config, folder, None, json_lines)
    if not json_lines:
        print(folder / "report" / "index.html")


@app.command()
def simulate(
    source: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study in TOML, a preset, a run folder, or a settings.ini.")
    ] = "demo",
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write; default: as the source says.")] = None,
    grid: Grid = None,
    pairs: Pairs = None,
    json_lines: Json = False,
) -> None:
    """Grow the pairs of a study, or run a settings.ini.

    A study writes pairs/seed00001/{newton,gr}/ in its run folder; pairs that are whole are not grown again. A
    settings.ini runs unchanged: what and where it writes is what the reference program writes ('output path' is
    relative to the working directory and made when missing); unknown keys are warnings.

    \b
    weakfield simulate my.toml
    weakfield simulate settings.ini
    """
    if _is_settings_ini(source):
        if grid is not None or pairs is not None:
            raise BadInput(f"--grid and --pairs belong to studies, but {source} is a settings.ini; change it there")
        _simulate_ini(Path(source), out, json_lines)
        return
    config, folder = _resolve(source, out, grid, pairs)
    _stages(config, folder, "simulate", json_lines)


@app.command("import")
def import_runs(
    directory: Annotated[Path, typer.Argument(help="Folder with runs of the reference program, at any depth.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to make or add to.")] = Path("runs/imported"),
    skip_single: Annotated[bool, typer.Option("--skip-single", help="Leave out seeds without their twin.")] = False,
) -> None:
    """Take output of the reference program into a run folder, as pairs that every other command reads.

    A run is a settings.ini with its output beside it or in its 'output path'; two of the same seed, one of each
    theory, are a pair. Writes pairs/ with the true redshift of every field, and study.toml if there is none.

    \b
    weakfield import /data/gevolution --out runs/theirs
    weakfield measure runs/theirs
    """
    from weakfield.config import RunFolder
    from weakfield.simulation.importing import import_reference

    print("\n".join(str(path.parent) for path in import_reference(directory, RunFolder(out), skip_single)))


@app.command()
def measure(folder: Run, json_lines: Json = False) -> None:
    """Slices, power spectra and bispectra of the pairs, both theories and their difference, beside theory.

    Reads pairs/, writes spectra/: figures; means, errors and theory as tables (spectra.csv, bispectra.csv,
    significance.csv); every seed as HDF5.

    \b
    weakfield measure runs/demo
    """
    _one_stage(folder, "measure", json_lines)


@app.command()
def dataset(folder: Run, json_lines: Json = False) -> None:
    """Samples: their index, split by seed, normalisation.

    Reads pairs/, writes dataset/.

    \b
    weakfield dataset runs/demo
    """
    _one_stage(folder, "dataset", json_lines)


@app.command()
def train(folder: Run, json_lines: Json = False) -> None:
    """Train the networks and their baselines.

    Reads dataset/ and pairs/, writes training/MODEL/ with metrics.json and the weights. A snapshot that is not the one
    the data set was built of is refused. Under torchrun all processes train together, each on its share of a batch.

    \b
    weakfield train runs/demo
    torchrun --nproc-per-node 2 -m weakfield train runs/demo
    """
    _one_stage(folder, "train", json_lines)


@app.command()
def search(
    folder: Run,
    trials: Annotated[int | None, typer.Option("--trials", help="Trainings in all; default: search.trials.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Trainings at once.")] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="Print best.json instead of the sentence.")] = False,
) -> None:
    """Look for better settings of the training.

    Trains with settings drawn from the table search.space of the study, judges by the validation part alone, and tests
    the best one once. Reads dataset/ and pairs/, writes search/: every trial, best.json and best.toml. The same
    command continues, also with more trials.

    \b
    weakfield search runs/demo --trials 20 --workers 2
    """
    from weakfield.cli.search import look

    best, said = look(folder, trials, workers)
    print(json.dumps(best) if json_lines else said)


@app.command()
def audit(
    folder: Annotated[Path | None, typer.Argument(metavar="RUN", help="Run folder with trained networks.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also the controls that grow further universes; hours for a large study.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Say what every control asks and does, and exit.")] = False,
    json_lines: Json = False,
) -> None:
    """Controls that could explain the result away.

    Labels shuffled, Newton against Newton, the cube mean, bands of k, amplitudes and phases exchanged, twins of equal
    P(k), bits of floats, and more; a verdict for each (clean, shortcut, inconclusive), and whether the network knows
    more than the power spectrum. What is finished is not done again.

    Reads dataset/, training/ and pairs/, writes audit/audit.json. --full is kept in study.toml as audit.full.

    \b
    weakfield audit runs/demo
    weakfield audit runs/demo --full      step limits, cell size, other seeds, redshift and cosmology too
    weakfield audit --list                what each control asks
    """
    if listed:
        from weakfield.audit.listing import page

        print(page(), end="")
        return
    if folder is None:
        raise BadInput("RUN is not given, expected a run folder; 'weakfield audit --list' needs none")
    from weakfield.study import open_run

    study = open_run(folder)
    if full:
        study = study.model_copy(update={"audit": study.audit.model_copy(update={"full": True})})
    _stages(study, folder, "audit", json_lines)


@app.command()
def explain(folder: Run, json_lines: Json = False) -> None:
    """What the network looked at.

    The gradient of one test pair, in the cube and by Fourier shell.

    Reads dataset/ and training/, writes explain/.

    \b
    weakfield explain runs/demo
    """
    _one_stage(folder, "explain", json_lines)


@app.command()
def report(folder: Run, json_lines: Json = False) -> None:
    """Figures and tables of all stages on one page.

    Reads every other folder of the run, writes report/index.html.

    \b
    weakfield report runs/demo
    """
    _one_stage(folder, "report", json_lines)


@index.command()
def show(
    number: Annotated[int, typer.Argument(metavar="N", help="Index of the image, from 0.")],
    folder: RunOption = Path("runs/demo"),
) -> None:
    """Which seed, theory, redshift, axis and slice image N of the data set is; one JSON object.

    \b
    weakfield index show 1234 --run runs/demo
    """
    from weakfield.cli.index import show_image

    print(json.dumps(show_image(folder, number)))


@index.command()
def find(
    seed: Annotated[int, typer.Option(help="Seed of the pair.")],
    theory: Annotated[str, typer.Option(help="newton or gr.")],
    redshift: Annotated[float | None, typer.Option(help="Output redshift as in the study.")] = None,
    axis: Annotated[str, typer.Option(help="Axis the slice is perpendicular to: x, y or z.")] = "z",
    slice_number: Annotated[int, typer.Option("--slice", help="Slice along that axis, from 0.")] = 0,
    folder: RunOption = Path("runs/demo"),
) -> None:
    """The index of an image in the data set, found by what it shows; one JSON object.

    \b
    weakfield index find --seed 3 --theory gr --axis x --slice 7
    """
    from weakfield.cli.index import find_image

    print(json.dumps(find_image(folder, seed, theory, redshift, axis, slice_number)))


@app.command()
def presets(
    name: Annotated[str | None, typer.Argument(help="Print this preset as a resolved study file.")] = None,
) -> None:
    """The studies that come with the package.

    With a name, that study as TOML to start your own from.

    \b
    weakfield presets
    weakfield presets demo > my.toml
    """
    from weakfield.config import StudyConfig, preset_names

    if name is not None:
        print(StudyConfig.preset(name).to_toml(), end="")
        return
    for known in preset_names():
        study = StudyConfig.preset(known)
        box = study.simulation
        print(f"{known:10} {study.seeds.count} pairs, {box.grid}^3 cells, {box.box_size_mpch:g} Mpc/h")


@app.command()
def settings() -> None:
    """Every key of a study file, with default and meaning.

    Markdown; docs/settings.md is this output.
    """
    from weakfield.cli.reference import settings_page

    print(settings_page(), end="")


@app.command()
def doctor(json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """What works on this machine.

    Versions, threads, GPU, sources of transfer functions, particle-mesh kernels. Sources and kernels are tried, not
    looked up. Exit code 1 if one that every study needs does not work.

    \b
    weakfield doctor
    """
    from weakfield.cli.doctor import examine

    examination = examine()
    print(json.dumps(examination.as_dict()) if json_lines else examination.as_text())
    if not examination.healthy:
        raise typer.Exit(1)


@app.command()
def cite() -> None:
    """How to cite this software, in BibTeX.

    With it the work it rests on.
    """
    from weakfield.cli.reference import citation

    print(citation(), end="")


def _resolve(target: str, out: Path | None, grid: int | None, pairs: int | None) -> tuple[StudyConfig, Path]:
    """The study a command line names, and its run folder."""
    from weakfield.config import StudyConfig, preset_names
    from weakfield.study import open_run

    path = Path(target)
    if target in preset_names():
        study = StudyConfig.preset(target)
    elif path.is_dir():
        study = open_run(path)
        if out is None:  # continuing in place: the name stays, the pairs may be extended
            return study.resized(grid, pairs).model_copy(update={"name": study.name}), path
    elif _is_settings_ini(target):
        raise BadInput(f"{target} is a settings.ini, expected a study in TOML; 'weakfield simulate {target}' runs it")
    elif path.exists() or path.suffix == ".toml":
        study = StudyConfig.from_toml(path)
    else:
        study = StudyConfig.preset(target)  # says what is known
    study = study.resized(grid, pairs)
    return study, out if out is not None else Path("runs") / study.name


def _stages(study: StudyConfig, folder: Path, only: str | None, json_lines: bool) -> None:
    """Run the stages and print a line for each; under torchrun one process does, and the others train with it."""
    from weakfield.cli.together import together
    from weakfield.study import run_study

    stdout = sys.stdout

    def tell(outcome: Outcome) -> None:
        print(json.dumps(outcome.as_dict()) if json_lines else _line(outcome), file=stdout, flush=True)

    with together() as leads:
        if leads:
            run_study(study, folder, only, tell=tell)


def _one_stage(folder: Path, name: str, json_lines: bool) -> None:
    from weakfield.study import open_run

    _stages(open_run(folder), folder, name, json_lines)


def _line(outcome: Outcome) -> str:
    """A stage's outcome for a person."""
    said = ", ".join(
        f"{key} {_short(value)}" for key, value in outcome.summary.items() if not isinstance(value, dict | list)
    )
    time = f"{outcome.seconds:8.1f} s" if outcome.status == "done" else "  finished"
    return f"{outcome.stage:9}{time}  {said}".rstrip()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_settings_ini(source: str) -> bool:
    """Whether a file is a settings.ini of the reference program: by suffix, else by keys TOML could not hold."""
    path = Path(source)
    if path.suffix in (".ini", ".toml") or not path.is_file():
        return path.suffix == ".ini"
    import re

    return (
        re.search(r"^\s*(template file|Ngrid|boxsize)\s*=", path.read_text(errors="replace"), re.MULTILINE) is not None
    )


def _simulate_ini(path: Path, out: Path | None, json_lines: bool) -> None:
    import time
    from contextlib import redirect_stdout

    from weakfield.base.progress import bars
    from weakfield.simulation import simulate

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
