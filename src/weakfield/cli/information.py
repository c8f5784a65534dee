"""Commands that give information: which image is which, presets, settings, what works here, how to cite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from weakfield.cli.app import Numbered, RunOption, app, index


@index.command()
def show(
    number: Annotated[int, typer.Argument(metavar="N", help="Number of the image, from 0.")],
    of: Numbered = None,
    folder: RunOption = Path("runs/demo"),
) -> None:
    """Say what image N of the data set shows.

    One JSON object: seed, theory, and where in the cube. Numbers run over all seeds of the study, whether or not their
    pairs are there yet, then over the theories, then over the parts of a cube: axis and slice, or the corner z, y, x of
    a sub-cube.

    \b
    weakfield index show 1234 --run runs/demo
    weakfield index show 5 --of cubes
    """
    from weakfield.cli.index import show_image

    print(json.dumps(show_image(folder, number, of)))


@index.command()
def find(
    seed: Annotated[int, typer.Option(help="Seed of the pair.")],
    theory: Annotated[str, typer.Option(help="Theory of the universe: newton or gr.")],
    redshift: Annotated[
        float | None, typer.Option(help="Output redshift, as the study has it; default: the last of the data set.")
    ] = None,
    axis: Annotated[str | None, typer.Option(help="Axis the slice is perpendicular to: x, y or z.")] = None,
    slice_number: Annotated[int | None, typer.Option("--slice", help="Slice along that axis, from 0.")] = None,
    corner: Annotated[
        tuple[int, int, int] | None, typer.Option(metavar="Z Y X", help="First cell of a sub-cube along each axis.")
    ] = None,
    of: Numbered = None,
    folder: RunOption = Path("runs/demo"),
) -> None:
    """Find the number of an image by what it shows.

    One JSON object. An axis, slice or corner that is not given is the first there is.

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
    name: Annotated[str | None, typer.Argument(metavar="PRESET", help="Print this one as a study file.")] = None,
) -> None:
    """List the studies that come with the package.

    With a name, print that study as TOML, with every key, to start your own from.

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
def settings(
    ini: Annotated[
        bool, typer.Option("--ini", help="List the keys of a settings.ini of the reference program instead.")
    ] = False,
) -> None:
    """List every key of a study file, with default and meaning.

    The output is Markdown: the page settings of 'weakfield docs', or settings_ini with --ini.

    \b
    weakfield settings
    weakfield settings --ini
    """
    from weakfield.cli.ini_page import settings_ini_page
    from weakfield.cli.reference import settings_page

    print(settings_ini_page() if ini else settings_page(), end="")


@app.command()
def doctor(json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Check what works on this machine.

    Versions, threads, GPU, sources of transfer functions, particle-mesh kernels. Sources and kernels are tried on
    something small. The exit code is 1 if one that every study needs does not work.

    \b
    weakfield doctor
    """
    from weakfield.cli.doctor import examine

    examination = examine()
    print(json.dumps(examination.as_json()) if json_lines else examination.as_text())
    if not examination.healthy:
        raise typer.Exit(1)


@app.command()
def docs(
    page: Annotated[str | None, typer.Argument(metavar="PAGE", help="Print this page; default: list them.")] = None,
) -> None:
    """List the pages of the documentation, or print one.

    They are Markdown, and come with the package.

    \b
    weakfield docs
    weakfield docs relativity | less
    """
    from weakfield.cli import pages

    print(pages.listing() if page is None else pages.page(page).rstrip("\n"))


@app.command()
def cite() -> None:
    """Print how to cite this software and the work it rests on.

    BibTeX, made from CITATION.cff.

    \b
    weakfield cite >> references.bib
    """
    from weakfield.base.citation import citation

    print(citation(), end="")
