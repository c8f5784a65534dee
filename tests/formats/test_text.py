"""Spectra and background files: byte for byte the reference program's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from weakfield.base.errors import BadInput
from weakfield.formats import SpectrumTable, read_spectrum_text, write_spectrum_text
from weakfield.formats.background_text import (
    COLUMNS,
    HEADER,
    append_background,
    format_background_line,
    read_background_text,
)

DATA = Path(__file__).parents[1] / "data"
RUNS = ("stock16_gr", "stock16_newton", "stock16_gr_elliptic")


@pytest.mark.parametrize("run", RUNS)
def test_spectra_reprint_to_the_same_bytes(run: str, tmp_path: Path) -> None:
    files = sorted((DATA / run).glob("pk*.dat"))
    assert len(files) == 6
    for file in files:
        table = read_spectrum_text(file)
        write_spectrum_text(tmp_path / file.name, table)
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_a_spectrum_is_read() -> None:
    table = read_spectrum_text(DATA / "stock16_gr" / "pk000_phi.dat")
    assert (table.name, table.redshift, table.count[0]) == ("phi", 50.0, 6)
    assert table.k[0] == 1.963495e-02
    assert table.dimensionless[1] == 2.139584e-10


def test_a_table_prints_plots_and_says_what_is_dimensionless() -> None:
    table = read_spectrum_text(DATA / "stock16_gr" / "pk000_phi.dat")
    assert repr(table).startswith("SpectrumTable of phi at z = 50: dimensionless Delta^2 in ")
    assert len(repr(table).splitlines()) == 1
    axes = Figure().subplots()
    assert table.plot(axes) is axes
    assert "Delta" in axes.get_ylabel()
    dataset = table.to_xarray()
    np.testing.assert_array_equal(dataset["k"], table.k)
    assert list(table.to_pandas()) == ["k", "k_scatter", "dimensionless", "error", "count"]
    assert dataset.attrs == {"name": "phi", "redshift": 50.0}


def test_names_of_several_words_survive(tmp_path: Path) -> None:
    column = np.array([1.0])
    table = SpectrumTable("delta for cdm", 1.0, column, column, column, column, np.array([6]))
    write_spectrum_text(tmp_path / "pk.dat", table)
    assert read_spectrum_text(tmp_path / "pk.dat").name == "delta for cdm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "not a spectrum file"),
        ("# power spectrum of phi\n# redshift z=1.0\n  1 2 3\n", "without 5 numbers"),
        ("# power spectrum of phi\n# redshift z=1.0\n  1 2 3 4 x\n", "no number"),
        ("# power spectrum of phi\n# redshift z=1.0\n  1 nan 3 4 5\n", "not finite"),
    ],
)
def test_other_spectra_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pk.dat").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_spectrum_text(tmp_path / "pk.dat")
    with pytest.raises(BadInput, match="no such"):
        read_spectrum_text(tmp_path / "none.dat")


@pytest.mark.parametrize("run", RUNS)
def test_background_reprints_to_the_same_bytes(run: str, tmp_path: Path) -> None:
    file = DATA / run / "lcdm_background.dat"
    columns = read_background_text(file)
    for i, cycle in enumerate(columns["cycle"]):
        line = format_background_line(int(cycle), *(float(columns[name][i]) for name in COLUMNS[1:]))
        append_background(tmp_path / "out" / "bg.dat", line)
    assert (tmp_path / "out" / "bg.dat").read_bytes() == file.read_bytes()


def test_background_is_appended_to(tmp_path: Path) -> None:
    line = format_background_line(0, 1.4059122711, 1 / 101, 5.69665, -1e-10, 0.312046)
    for _ in range(2):
        append_background(tmp_path / "bg.dat", line)
    assert (tmp_path / "bg.dat").read_text() == HEADER + 2 * line
    (tmp_path / "bad.dat").write_text("1 2 3\n")
    with pytest.raises(BadInput, match="rows of 6 numbers"):
        read_background_text(tmp_path / "bad.dat")
