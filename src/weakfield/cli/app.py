"""The command-line application, and the options that several of its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from weakfield._version import __version__

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Einstein or Newton? Grow paired universes from one seed under both theories, measure them, train networks to"
    " tell them apart, and see what the networks saw and whether to believe it.",
    epilog="Start with 'weakfield run demo'. Every command has --help.",
)
index = typer.Typer(help="From the number of an image to what it shows, and back.")
app.add_typer(index, name="index", rich_help_panel=None)

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for each stage on standard output, and nothing else.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Run folder to write; default: runs/NAME, with the name of the study.")
]
Grid = Annotated[
    int | None, typer.Option("--grid", help="Cells a side instead of the study's; they keep their size in Mpc/h.")
]
Pairs = Annotated[int | None, typer.Option("--pairs", help="Number of pairs instead of the study's.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of 'weakfield run' or 'weakfield simulate'.")]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="N|auto",
        help="Processes or jobs at once; auto: as many as there are cores; 1: one thing after the other.",
    ),
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a Dask scheduler that is running: tcp://HOST:PORT.")
]
Cluster = Annotated[
    str | None, typer.Option("--cluster", help="Queue that provides the workers: slurm, pbs, lsf or htcondor.")
]
Profile = Annotated[
    Path | None, typer.Option("--profile", help="TOML file whose keys of [campaign] replace those of the study.")
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Run the code that this study names (package.module:NAME) though it lies outside the working directory.",
    ),
]
RunOption = Annotated[Path, typer.Option("--run", help="Run folder that holds the data set.")]
Numbered = Annotated[
    Literal["samples", "slices", "cubes"] | None,
    typer.Option(
        "--of",
        help="What is numbered: samples, as networks get them; slices, all those of phi at every redshift; whole cubes."
        " Default: samples, or slices if samples are whole cubes.",
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
        bool, typer.Option("--debug", help="Show the traceback of a failure; may stand anywhere in the line.")
    ] = False,
) -> None:
    """Options of every command; ``--debug`` is taken out of the line before it is parsed."""
