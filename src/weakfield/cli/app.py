"""The application, and the options that several of its commands share."""

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
