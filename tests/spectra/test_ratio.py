"""The ratio of paired spectra: errors by hand, what must agree, tables and figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.spectra import PowerSpectrum, power_spectrum

BOX, EDGES = 50.0, [0.5, 1.5, 2.5, 30, 40]


def spectra(scale: float = 1.0) -> list[PowerSpectrum]:
    """Of three seeds; the last shell is empty."""
    draws = [np.random.default_rng(seed).normal(size=(8, 8, 8)) for seed in range(3)]
    return [power_spectrum((scale + 0.1 * i) * draw, BOX, EDGES, quantity="phi") for i, draw in enumerate(draws)]


def test_the_ratio_and_its_error_by_hand() -> None:
    found = wf.paired_ratio(spectra(1.0), spectra(2.0))
    ratios = np.array([4.0, (2.1 / 1.1) ** 2, (2.2 / 1.2) ** 2])
    np.testing.assert_allclose(found.ratio, ratios.mean(), rtol=1e-12)  # in every shell: cosmic variance cancels
    np.testing.assert_allclose(found.ratio_error, ratios.std(ddof=1) / np.sqrt(3), rtol=1e-12)
    np.testing.assert_allclose(found.ratio_error_unpaired, found.ratio * np.sqrt(4 / found.modes / 3), rtol=1e-12)
    assert len(found.k) == 3  # without the empty shell
    assert np.isnan(wf.paired_ratio(spectra()[:1], spectra()[:1]).ratio_error).all()


def test_it_prints_plots_and_becomes_tables() -> None:
    found = wf.paired_ratio(spectra(1.0), spectra(2.0))
    assert "3 pairs, 3 shells" in repr(found)
    assert len(repr(found).splitlines()) == 2
    axes = Figure().subplots()
    assert found.plot(axes) is axes
    assert len(axes.containers) == 1
    assert list(found.to_pandas()) == ["k", "modes", "ratio", "error", "error_unpaired"]
    dataset = found.to_xarray()
    np.testing.assert_array_equal(dataset["k"], found.k)
    assert (dataset.attrs["seeds"], dataset["k"].attrs["units"]) == (3, "h/Mpc")


def test_what_does_not_belong_together_is_refused() -> None:
    plain = spectra()
    total = plain[0] + plain[1]
    other = [replace(one, quantity="delta") for one in plain]
    for newton, gr, message in (
        (plain, plain[:2], "3 spectra of Newton and 2 of GR"),
        ([], [], "expected one of each a seed"),
        (plain, other, "differ in quantity: phi and delta"),
        ([total], [total], "mean of 2 cubes"),
    ):
        with pytest.raises(BadInput, match=message):
            wf.paired_ratio(newton, gr)
