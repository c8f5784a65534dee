"""The commands. Heavy modules are imported inside them, so that --help answers at once."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from weakfield._version import __version__
from weakfield.base.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weakfield.config import StudyConfig
    from weakfield.config.campaign import CampaignSettings
    from weakfield.study import Outcome, Stage

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Einstein or Newton? Grow paired universes from one seed under both theories, measure them, train networks to"
    " tell them apart, and see what the networks saw and whether to believe it.",
    epilog="Start with 'weakfield run demo'. Every command has --help.",
)
index = typer.Typer(help="Which universe an image of the data set is of and where in it, and back.")
app.add_typer(index, name="index", rich_help_panel=None)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a stage on standard output, nothing else.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder to write; default: runs/NAME of the study.")]
Grid = Annotated[int | None, typer.Option("--grid", help="Cells a side instead; cells keep their size in Mpc/h.")]
Pairs = Annotated[int | None, typer.Option("--pairs", help="Number of pairs instead.")]
Run = Annotated[Path, typer.Argument(help="Run folder, as 'weakfield run' or 'weakfield simulate' made it.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Pairs grown at once, each by a process or job.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler that runs already: tcp://HOST:PORT.")
]
Cluster = Annotated[
    str | None, typer.Option("--cluster", help="Queue that gives the workers: slurm, pbs, lsf or htcondor.")
]
Profile = Annotated[
    Path | None, typer.Option("--profile", help="TOML file with keys of [campaign], laid over those of the study.")
]
RunOption = Annotated[Path, typer.Option("--run", help="Run folder that holds the data set.")]
Numbered = Annotated[
    Literal["samples", "slices", "cubes"] | None,
    typer.Option(
        "--of",
        help="What is numbered: samples, as networks get them; slices, every one of phi at every redshift; whole cubes."
        " Default: samples, or slices where samples are whole cubes.",
    ),
]


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
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    profile: Profile = None,
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
    weakfield run demo --workers 4               four pairs at once
    """
    from weakfield.cli.campaign import campaign_settings

    config, folder = _resolve(study, out, grid, pairs)
    _stages(config, folder, None, json_lines, campaign_settings(config, profile, workers, scheduler, cluster))
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
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    profile: Profile = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Only these of the study, FIRST:END without END, as in a slice.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what disk and time the missing pairs will take; grow none.")
    ] = False,
    json_lines: Json = False,
) -> None:
    """Grow the pairs of a study, or run a settings.ini.

    A study writes pairs/seed00001/{newton,gr}/ in its run folder; pairs that are whole are not grown again. With
    workers many are grown at once (docs/campaigns.md); any number of these commands may share a run folder. A
    settings.ini runs unchanged: what and where it writes is what the reference program writes ('output path' is
    relative to the working directory and made when missing); unknown keys are warnings.

    \b
    weakfield simulate my.toml
    weakfield simulate my.toml --workers 4
    weakfield simulate my.toml --cluster slurm --workers 20
    weakfield simulate my.toml --seeds 0:100             a part of them, in a job of an array
    weakfield simulate my.toml --workers 4 --dry-run
    weakfield simulate settings.ini
    """
    if _is_settings_ini(source):
        of_studies = (grid, pairs, workers, scheduler, cluster, profile, seeds)
        if any(given is not None for given in of_studies) or dry_run:
            raise BadInput(
                f"--out and --json alone go with a settings.ini, but {source} is one and more was given;"
                " expected a study for the others"
            )
        _simulate_ini(Path(source), out, json_lines)
        return
    from weakfield.cli.campaign import campaign_settings, chosen_seeds, print_estimate
    from weakfield.study import STAGES, PairStage

    config, folder = _resolve(source, out, grid, pairs)
    campaign, chosen = campaign_settings(config, profile, workers, scheduler, cluster), chosen_seeds(config, seeds)
    if dry_run:
        print_estimate(config.model_copy(update={"campaign": campaign}), folder, chosen, json_lines)
        return
    stages = [replace(stage, seeds=chosen) if isinstance(stage, PairStage) else stage for stage in STAGES]
    _stages(config, folder, "simulate", json_lines, campaign, stages)


@app.command()
def status(
    folder: Run, json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """How a campaign stands.

    Read from its run folder alone, from any shell: pairs done, running and failed, pairs an hour, time left, disk.

    \b
    weakfield status runs/mine
    """
    from weakfield.campaign.status import Watcher
    from weakfield.campaign.table import rows
    from weakfield.config import RunFolder
    from weakfield.study import open_run

    now = Watcher(open_run(folder), RunFolder(folder)).look()
    print(json.dumps(now.as_dict()) if json_lines else "\n".join(f"{name:12}{value}" for name, value in rows(now)))


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
def dataset(
    folder: Run,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take the whole pairs there are; sets dataset.partial in study.toml.")
    ] = False,
    json_lines: Json = False,
) -> None:
    """Samples: what they are, their index, split by seed, transforms, normalisation.

    Reads pairs/, writes dataset/dataset.json: nothing is copied, samples are cut from the fields of the pairs when they
    are read. What a sample is, what is done to it and how seeds are split is in [dataset] of study.toml: whole cubes,
    slices or sub-cubes (shape); differences, phi at one redshift or several, gradients (sample, channel_redshifts,
    derivative); bands, noise, a rescaled theory (transforms). Every file is read and checked once.

    With --partial other processes may still be growing pairs. Seeds then fall into parts one by one, and stay there
    when more arrive: the same command again takes those that became whole.

    \b
    weakfield dataset runs/demo
    weakfield dataset runs/demo --partial
    """
    from weakfield.study import open_run

    study = open_run(folder)
    if partial:
        study = study.model_copy(update={"dataset": study.dataset.model_copy(update={"partial": True})})
    _stages(study, folder, "dataset", json_lines)


@app.command()
def train(
    folder: Run,
    learning_curve: Annotated[
        str | None,
        typer.Option("--learning-curve", help="Train with so many seeds too, as 8,16,32; kept in study.toml."),
    ] = None,
    json_lines: Json = False,
) -> None:
    """Train the networks and their baselines.

    Reads dataset/ and pairs/, writes training/MODEL/ with metrics.json and the weights. A snapshot that is not the one
    the data set was built of is refused. Under torchrun all processes train together, each on its share of a batch. A
    learning curve trains the main network again with fewer seeds and writes training/learning_curve/; it is the key
    evaluation.learning_curve, and a change of it does the whole stage again.

    \b
    weakfield train runs/demo
    weakfield train runs/demo --learning-curve 7,14
    torchrun --nproc-per-node 2 -m weakfield train runs/demo
    """
    from weakfield.study import open_run

    study = open_run(folder)
    if learning_curve is not None:
        study = _with_learning_curve(study, learning_curve)
    _stages(study, folder, "train", json_lines)


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
    """What the network looked at, and whether that can be trusted.

    Attributions of test pairs in cells, by Fourier shell and by triangle; then tests that a map which does not depend
    on the network would fail. Settings under [explain]: methods, pairs, memory_mib, trust = false for a quick look.

    Reads dataset/ and training/, writes explain/: explain.json, trust.json, maps.npz. Each seed is kept when done.

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
    of: Numbered = None,
    folder: RunOption = Path("runs/demo"),
) -> None:
    """What image N of the data set is: seed, theory, and where in the cube; one JSON object.

    Numbers run over all seeds of the study, whether their pairs are there yet or not, then over the theories, then over
    the parts of a cube: axis and slice, or the corner z, y, x of a sub-cube.

    \b
    weakfield index show 1234 --run runs/demo
    weakfield index show 5 --of cubes
    """
    from weakfield.cli.index import show_image

    print(json.dumps(show_image(folder, number, of)))


@index.command()
def find(
    seed: Annotated[int, typer.Option(help="Seed of the pair.")],
    theory: Annotated[str, typer.Option(help="newton or gr.")],
    redshift: Annotated[
        float | None, typer.Option(help="Output redshift as in the study; default: the last of the data set.")
    ] = None,
    axis: Annotated[str | None, typer.Option(help="Axis the slice is perpendicular to: x, y or z.")] = None,
    slice_number: Annotated[int | None, typer.Option("--slice", help="Slice along that axis, from 0.")] = None,
    corner: Annotated[
        tuple[int, int, int] | None, typer.Option(metavar="Z Y X", help="First cell of a sub-cube along each axis.")
    ] = None,
    of: Numbered = None,
    folder: RunOption = Path("runs/demo"),
) -> None:
    """The index of an image in the data set, found by what it shows; one JSON object.

    What is left out is the first there is: the axis, the slice, the corner.

    \b
    weakfield index find --seed 3 --theory gr --axis x --slice 7
    weakfield index find --seed 3 --theory gr --corner 0 16 16     of sub-cubes
    """
    from weakfield.cli.index import find_image

    corners = dict(zip("zyx", corner, strict=True)) if corner else {}
    labels = {"seed": seed, "theory": theory, "redshift": redshift, "axis": axis, "slice": slice_number, **corners}
    print(json.dumps(find_image(folder, labels, of)))


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


def _stages(
    study: StudyConfig, folder: Path, only: str | None, json_lines: bool, campaign: CampaignSettings | None = None,
    stages: Sequence[Stage] | None = None,
) -> None:  # fmt: skip
    """Run the stages and print a line for each; under torchrun one process does, and the others train with it."""
    from weakfield.cli.together import together
    from weakfield.study import STAGES, run_study

    stdout = sys.stdout

    def tell(outcome: Outcome) -> None:
        print(json.dumps(outcome.as_dict()) if json_lines else _line(outcome), file=stdout, flush=True)

    with together() as leads:
        if leads:
            run_study(study, folder, only, STAGES if stages is None else stages, tell, campaign)


def _one_stage(folder: Path, name: str, json_lines: bool) -> None:
    from weakfield.study import open_run

    _stages(open_run(folder), folder, name, json_lines)


def _with_learning_curve(study: StudyConfig, sizes: str) -> StudyConfig:
    """The study with other sizes of its learning curve, given as numbers with commas between."""
    try:
        numbers = [int(size) for size in sizes.split(",") if size.strip()]
    except ValueError as error:
        raise BadInput(
            f"--learning-curve is '{sizes}', expected whole numbers with commas between, as 8,16,32"
        ) from error
    values = study.model_dump()
    return study.from_mapping({**values, "evaluation": {**values["evaluation"], "learning_curve": numbers}}, study.name)


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
