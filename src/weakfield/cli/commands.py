"""Commands that grow pairs. Heavy modules are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from weakfield.base.errors import BadInput
from weakfield.cli.app import Cluster, Grid, Json, Out, Pairs, Profile, Run, Scheduler, Trust, Workers, app
from weakfield.cli.resolving import resolve, run_stages, simulate_ini


@app.command()
def run(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A preset, a study in TOML, or a run folder to continue.")
    ] = "demo",
    out: Out = None,
    grid: Grid = None,
    pairs: Pairs = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    profile: Profile = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STAGE", help="Stop after this stage; default: report, the last.")
    ] = None,
    trusted: Trust = False,
    json_lines: Json = False,
) -> None:
    """Run every stage of a study, up to the page.

    Takes a preset ('weakfield presets' lists them), a study file, or a run folder, whose study it continues. Writes
    pairs, spectra, the data set, trained networks, audit, attributions and report/index.html into the run folder. It
    may be stopped at any moment: the same command continues and skips what is finished.

    \b
    weakfield run demo
    weakfield run my.toml --out runs/mine
    weakfield run demo --grid 16 --pairs 10      a smaller box of the same cells, fewer seeds
    weakfield run demo --workers 4               four pairs at once
    weakfield run my.toml --until train          no audit, no attribution, no page
    """
    from weakfield.cli.campaign import campaign_settings
    from weakfield.config import RunFolder
    from weakfield.study import stages_until

    stages = stages_until(until)
    config, folder = resolve(study, out, grid, pairs, trusted)
    if config.plugins and not RunFolder(folder).provenance.exists():
        named = ", ".join(f"{key} = '{name}'" for key, name in config.plugins.items())
        print(f"weakfield: this study runs code of its author with your rights: {named}", file=sys.stderr)
    campaign = campaign_settings(config, profile, workers, scheduler, cluster)
    run_stages(config, folder, None, json_lines, campaign, stages)
    if not json_lines and stages[-1].name == "report":
        print(folder / "report" / "index.html")


@app.command()
def simulate(
    source: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study in TOML, a preset, a run folder, or a settings.ini.")
    ] = "demo",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write; default: runs/NAME of a study, 'output path' of a settings.ini."),
    ] = None,
    grid: Grid = None,
    pairs: Pairs = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    profile: Profile = None,
    trusted: Trust = False,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Grow these seeds only, FIRST:END without END, as in a slice.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how much disk and time the missing pairs will take; grow none.")
    ] = False,
    json_lines: Json = False,
) -> None:
    """Grow the pairs of a study, or run a settings.ini.

    A study writes pairs/seed00001/{newton,gr}/ in its run folder; whole pairs are not grown again. With --workers
    several are grown at once ('weakfield docs campaigns'), and any number of these commands may share a run folder. A
    settings.ini of the reference program runs unchanged and writes the files that the reference program would write
    ('output path' is relative to the working directory and is made if it is missing); unknown keys are warnings.

    \b
    weakfield simulate my.toml
    weakfield simulate my.toml --workers 4
    weakfield simulate my.toml --cluster slurm --workers 20
    weakfield simulate my.toml --seeds 0:100             a part of the pairs, in a job of an array
    weakfield simulate my.toml --workers 4 --dry-run
    weakfield simulate settings.ini
    """
    from weakfield.formats.sources import is_settings_ini

    if is_settings_ini(source):
        of_studies = (grid, pairs, workers, scheduler, cluster, profile, seeds)
        if any(given is not None for given in of_studies) or dry_run:
            raise BadInput(
                f"{source} is a settings.ini and options of studies were given, expected --out and --json alone beside"
                " it, or a study"
            )
        simulate_ini(Path(source), out, json_lines)
        return
    from weakfield.cli.campaign import campaign_settings, chosen_seeds, print_estimate
    from weakfield.stages import PairStage
    from weakfield.study import STAGES

    config, folder = resolve(source, out, grid, pairs, trusted)
    campaign, chosen = campaign_settings(config, profile, workers, scheduler, cluster), chosen_seeds(config, seeds)
    if dry_run:
        print_estimate(config.model_copy(update={"campaign": campaign}), folder, chosen, json_lines)
        return
    stages = [replace(stage, seeds=chosen) if isinstance(stage, PairStage) else stage for stage in STAGES]
    run_stages(config, folder, "simulate", json_lines, campaign, stages)


@app.command()
def status(
    folder: Run, json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Say how a campaign stands.

    Pairs done, running and failed, pairs an hour, time left, disk. It reads the run folder and nothing else, so that it
    works from any shell.

    \b
    weakfield status runs/mine
    """
    from weakfield.config import RunFolder
    from weakfield.pairs.runfolder import load_study
    from weakfield.pairs.status import Watcher, rows

    now = Watcher(load_study(folder, runs=False), RunFolder(folder)).look()
    print(json.dumps(now.as_json()) if json_lines else "\n".join(f"{name:12}{value}" for name, value in rows(now)))


@app.command("import")
def import_runs(
    directory: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Folder with runs of the reference program, at any depth.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Run folder to make or add to.")] = Path("runs/imported"),
    skip_single: Annotated[
        bool, typer.Option("--skip-single", help="Leave out seeds that were run under one theory only.")
    ] = False,
    arrays: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--arrays",
            metavar="FIRST SECOND",
            help="Import two sets of cubes of any simulators instead: .npy, .npz, HDF5, zarr, or folders of them.",
        ),
    ] = None,
    names: Annotated[
        tuple[str, str] | None, typer.Option("--names", metavar="FIRST SECOND", help="Names of the two classes.")
    ] = None,
    box: Annotated[float | None, typer.Option("--box", help="Side of the box of the cubes [Mpc/h].")] = None,
    redshift: Annotated[float | None, typer.Option("--redshift", help="Redshift of the cubes; default: 0.")] = None,
    quantity: Annotated[str | None, typer.Option("--quantity", help="What the cubes hold; default: field.")] = None,
    units: Annotated[str | None, typer.Option("--units", help="Its units; default: dimensionless.")] = None,
    keys: Annotated[
        tuple[str, str] | None,
        typer.Option("--keys", metavar="FIRST SECOND", help="Names of the arrays, where a file holds several."),
    ] = None,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Cubes of the same index do not share a seed; nothing compares them.")
    ] = False,
) -> None:
    """Import runs of the reference program as pairs, or any two sets of cubes as two classes.

    A run is a settings.ini, or the _settings_used.ini that the program writes, with its output beside it or in its
    'output path'; two runs of one seed, one under each theory, are a pair. Runs with one redshift, or all of one
    theory, are imported too, and the stage that needs more says so. Writes pairs/, with the true redshift of every
    field, and study.toml if there is none; every other command reads them. Links are not followed.

    With --arrays, cubes of other simulators become the two classes of a study ('weakfield docs arrays'): arrays
    (n, N, N, N), or folders with one cube in each file; the same index is the same seed, unless they are --unpaired.

    \b
    weakfield import /data/gevolution --out runs/theirs
    weakfield measure runs/theirs
    weakfield import --arrays cic.npy pcs.npy --names CIC PCS --box 640 --redshift 1 --quantity density --out runs/mass
    weakfield run runs/mass
    """
    from weakfield.config import RunFolder

    of_arrays: dict[str, Any] = {
        "--names": names, "--box": box, "--redshift": redshift, "--quantity": quantity, "--units": units,
        "--keys": keys, "--unpaired": unpaired or None,
    }  # fmt: skip
    if arrays is None:
        if given := [option for option, value in of_arrays.items() if value is not None]:
            raise BadInput(f"{given[0]} is given without --arrays, expected two sets of cubes that it is about")
        if directory is None:
            raise BadInput("FOLDER is not given, expected a folder with runs, or --arrays with two sets of cubes")
        from weakfield.pairs.importing import import_reference

        paths = import_reference(directory, RunFolder(out), skip_single)
    else:
        if directory is not None or skip_single:
            raise BadInput("--arrays is given beside a folder of runs or --skip-single, expected one of the two")
        paths = _import_arrays(arrays, of_arrays, out)
    print("\n".join(str(path.parent) for path in paths))


def _import_arrays(arrays: tuple[Path, Path], options: Mapping[str, Any], out: Path) -> list[Path]:
    """Import two sets of cubes as the ``options`` of the command line, by their names, say."""
    from weakfield.base.progress import bars
    from weakfield.config import RunFolder
    from weakfield.config.classes import ClassSettings

    for option in ("--names", "--box"):
        if options[option] is None:
            raise BadInput(f"{option} is not given, expected it beside --arrays")
    from weakfield.pairs.importing_arrays import Box, import_arrays

    about: dict[str, Any] = {"names": options["--names"], "paired": not options["--unpaired"]}
    about |= {key: value for key in ("quantity", "units") if (value := options[f"--{key}"]) is not None}
    classes = ClassSettings.from_mapping(about, "import --arrays")
    box, keys = Box(options["--box"], options["--redshift"] or 0.0), options["--keys"] or (None, None)
    with bars():
        return import_arrays(arrays, classes, box, RunFolder(out), keys)
