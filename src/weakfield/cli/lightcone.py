"""``weakfield lightcone``: what the light cones of a settings.ini have left, in the shape that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from weakfield.base.errors import BadInput
from weakfield.cli.app import app

lightcone = typer.Typer(help="Put the files of light cones into shapes that other programs read.")
app.add_typer(lightcone, name="lightcone", rich_help_panel=None)


@lightcone.command()
def cat(
    settings: Annotated[Path, typer.Argument(metavar="SETTINGS", help="The settings.ini of the run.")],
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder with the files of the run; default: its 'output path'.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="First part of the new names; default: that of the light cones, there.")
    ] = None,
    files: Annotated[int, typer.Option("--files", help="How many files to write.")] = 1,
    cones: Annotated[
        list[int] | None, typer.Option("--cone", help="Number of a cone, from 0; may be repeated. Default: all.")
    ] = None,
    cycles: Annotated[
        tuple[int, int] | None, typer.Option("--cycles", metavar="FIRST LAST", help="Take these cycles only.")
    ] = None,
    offset: Annotated[
        tuple[float, float, float] | None,
        typer.Option("--offset", metavar="X Y Z", help="Add this to the positions [Mpc/h]."),
    ] = None,
    species: Annotated[str, typer.Option("--species", help="Which particles.")] = "cdm",
) -> None:
    """Put the particles of a light cone, cycle after cycle, into one Gadget-2 file or several.

    The files of a run hold what each of its cycles has met. They are put together by cycle and then by cone, and the
    header states the redshift of the observation. Several cones must share vertex and redshift.

    \b
    weakfield lightcone cat settings.ini
    weakfield lightcone cat settings.ini --cycles 200 232 --files 4 --out sky
    """
    from weakfield.formats.cone_cat import catenate_cones
    from weakfield.formats.settings_ini import read_settings_ini

    if cycles is not None and cycles[0] > cycles[1]:
        raise BadInput(f"--cycles are {cycles[0]} and {cycles[1]}, expected the first one first")
    run = read_settings_ini(settings, need_files=False)
    where = run.output_path if folder is None else folder
    written = catenate_cones(run.settings, where, out, files, cones or None, cycles, offset or (0.0, 0.0, 0.0), species)
    print("\n".join(str(path) for path in written))


@lightcone.command()
def maps(
    paths: Annotated[list[Path], typer.Argument(metavar="MAP...", help="Files that end in .map.")],
    hdf5: Annotated[bool, typer.Option("--hdf5", help="Write HDF5 instead of FITS.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write into; default: that of each map.")] = None,
) -> None:
    """Write metric maps as plain HEALPix, with all pixels of each shell in the order of rings.

    One table a shell in FITS, which healpy reads, or one data set a shell in HDF5. The rings lie around the axis of the
    cone; pixels outside it have the value that HEALPix has for them.

    \b
    weakfield lightcone maps output/lightcone_0231_phi.map
    weakfield lightcone maps output/*.map --hdf5 --out maps
    """
    from weakfield.formats.healpix_files import export_maps

    for path in paths:
        name = f"{path.stem}{'.h5' if hdf5 else '.fits'}"
        print(export_maps(path, (path.parent if out is None else out) / name))
