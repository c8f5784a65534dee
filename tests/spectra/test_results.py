"""What results share: tables, files, averages; bins; the estimate of a bispectrum; spectra of many fields."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

from weakfield.base.errors import BadInput
from weakfield.spectra import (
    Bispectrum,
    PowerSpectrum,
    average,
    bispectrum,
    cost,
    cross_spectrum,
    estimate_bispectrum,
    linear_edges,
    load_result,
    log_edges,
    power_spectra,
    power_spectrum,
)

BOX = 50.0


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, n, n))


def test_spectra_of_many_fields_are_those_of_each_pair():
    cubes = {"a": noise(8, 0), "b": noise(8, 1), "c": noise(8, 2)}
    found = power_spectra(cubes, BOX, window={"b": "cic"}, gauge="none")
    assert list(found) == [("a", "a"), ("a", "b"), ("a", "c"), ("b", "b"), ("b", "c"), ("c", "c")]
    np.testing.assert_array_equal(found["a", "c"].power, cross_spectrum(cubes["a"], cubes["c"], BOX).power)
    np.testing.assert_array_equal(found["b", "b"].power, power_spectrum(cubes["b"], BOX, window="cic").power)
    assert (found["a", "b"].quantity, found["a", "b"].gauge, found["b", "b"].quantity) == ("a x b", "none", "b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"field": np.zeros((0, 0, 0))}, r"shape \(0, 0, 0\), expected a real cube"),
        ({"field": noise(8).astype(complex)}, "complex128 .*, expected a real cube"),
        ({"field": noise(8)[:, :, :5]}, "expected a real cube"),
        ({"field": np.full((8, 8, 8), np.nan)}, "NaN or infinity"),
        ({"box_size": 1e300}, "box_size is 1e.300, expected a length"),
        ({"box_size": [50.0, 50.0]}, "expected a number"),
        ({"bin_edges": 3}, "bin_edges is 3, expected increasing numbers"),
        ({"bin_edges": [[1, 2], [3, 4]]}, "expected increasing numbers"),
        ({"bin_edges": [1.0, np.nan]}, "expected at least two increasing numbers"),
        ({"window": 2}, "window is '2', expected one of"),
    ],
)
def test_what_is_no_cube_box_edge_or_window_is_refused(change, message):
    arguments = {"field": noise(8), "box_size": BOX, "bin_edges": [1.0, 2.0, 3.0], "window": "cic"} | change
    for measure in (power_spectrum, bispectrum):
        with pytest.raises(BadInput, match=message):
            measure(**arguments)
    with pytest.raises(BadInput, match="shot_noise is nan, expected finite"):
        power_spectrum(noise(8), BOX, shot_noise=np.nan)


def test_transfer_and_coherence_of_a_scaled_and_noisy_pair():
    a, b = noise(12, 0), noise(12, 1)
    pair = cross_spectrum(a, 2 * a, BOX)
    np.testing.assert_allclose(pair.transfer, 2, rtol=1e-12)
    np.testing.assert_allclose(pair.coherence, 1, rtol=1e-12)
    noisy = cross_spectrum(a, a + b, BOX, [0.5, 6])
    # 900 modes: 1/sqrt(2) to a few per cent
    assert noisy.coherence[0] == pytest.approx(0.5**0.5, rel=0.1)
    assert noisy.transfer[0] == pytest.approx(2**0.5, rel=0.1)


def test_edges():
    assert linear_edges(0.5, 4, 1.0) == [0.5, 1.5, 2.5, 3.5]
    assert linear_edges(0, 0.3, 0.1) == pytest.approx([0, 0.1, 0.2, 0.3])
    edges = log_edges(1, 16, 4)
    np.testing.assert_allclose(edges, [1, 2, 4, 8, 16], rtol=1e-14)
    assert (edges[0], edges[-1]) == (1.0, 16.0)
    for bad in (
        lambda: linear_edges(2, 1),
        lambda: log_edges(0, 1, 3),
        lambda: linear_edges(0, 1, 2),
        lambda: linear_edges(1, 1e300),  # would never end
        lambda: log_edges(1, 2, 10**12),
    ):
        with pytest.raises(BadInput, match="expected"):
            bad()


def test_rebinned_spectrum_equals_one_in_wide_bins():
    field = noise(16)
    narrow = power_spectrum(field, BOX, [0, 1, 2, 2.5, 4, 6, 7])
    for bins, edges in ((2, [0, 2, 4, 7]), ([1, 2.5, 6], [1, 2.5, 6]), (4, [0, 4])):
        wide, direct = narrow.rebin(bins), power_spectrum(field, BOX, edges)
        for name in ("modes", "edges"):
            np.testing.assert_array_equal(getattr(wide, name), getattr(direct, name))
        for name in ("k", "power", "error"):
            np.testing.assert_allclose(getattr(wide, name), getattr(direct, name), rtol=1e-12)
    assert np.isnan((narrow + narrow).rebin(2).scatter_error).all()
    for bad in ([1, 3], 0, 7):
        with pytest.raises(BadInput, match="expected"):
            narrow.rebin(bad)


def test_scatter_over_seeds_by_hand():
    spectra = [power_spectrum(noise(8, seed), BOX) for seed in range(5)]
    total = average(spectra)
    powers = np.array([spectrum.power for spectrum in spectra])
    np.testing.assert_allclose(total.power, powers.mean(axis=0), rtol=1e-13)
    # the variance is a difference of sums of squares: eight digits are lost at most
    np.testing.assert_allclose(total.scatter_error, powers.std(axis=0, ddof=1) / 5**0.5, rtol=1e-8)
    assert np.isnan(spectra[0].scatter_error).all()
    with pytest.raises(BadInput, match="no result"):
        average([])


def test_saved_results_come_back_and_others_are_refused(tmp_path):
    spectrum = power_spectrum(noise(8), BOX, window="tsc", shot_noise=0.1, quantity="delta", gauge="synchronous")
    spectrum.save(tmp_path / "p.h5")
    back = load_result(tmp_path / "p.h5")
    for name in PowerSpectrum.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(spectrum, name))
    assert type(back.edges) is tuple
    assert back + spectrum  # the same edges, window and gauge
    with pytest.raises(BadInput, match="expected a Bispectrum"):
        Bispectrum.load(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "a") as file:
        del file["sums"]
    with pytest.raises(BadInput, match="no 'sums'"):
        load_result(tmp_path / "p.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = 1
    with pytest.raises(BadInput, match="holds no result"):
        load_result(tmp_path / "other.h5")


MAKERS = [power_spectrum, lambda field, box: bispectrum(field, box, [1, 2, 3])]


@pytest.mark.parametrize("make", MAKERS)
def test_tables(make):
    result = make(noise(8), BOX)
    columns = result.columns()
    assert {len(column) for column in columns.values()} == {len(result.modes)}
    frame = result.to_pandas()
    assert list(frame) == list(columns)
    dataset = result.to_xarray()
    assert dataset.attrs["gauge"] == frame.attrs["gauge"] == "unstated"
    assert dataset["modes"].dims == (result.axis,)
    assert set(dataset.coords) == set(result.coordinates)
    assert dataset["error"].attrs["units"] == frame.attrs["units"]["error"] == result.units["error"]


def test_a_spectrum_is_sliced_by_wavenumber():
    spectrum = power_spectrum(noise(8), BOX)
    near = spectrum.to_xarray().sel(k=spectrum.k[1] * 1.05, method="nearest")
    assert float(near["power"]) == spectrum.power[1]


@pytest.mark.parametrize("make", MAKERS)
def test_results_print_in_two_lines_and_plot(make):
    result = make(noise(8), BOX) + make(noise(8, 1), BOX)
    lines = repr(result).splitlines()
    assert len(lines) == 2
    assert "array" not in repr(result)
    assert "8^3 cells" in lines[1]
    assert "mean of 2 cubes" in lines[1]
    axes = Figure().subplots()
    assert result.plot(axes, label="mine") is axes
    assert "Mpc/h" in axes.get_ylabel()
    (container,) = axes.containers
    assert container.get_label() == "mine"
    values = result.power if isinstance(result, PowerSpectrum) else result.value
    np.testing.assert_array_equal(container.lines[0].get_ydata(), values)


def test_estimate_counts_triangles_and_refuses_what_cannot_fit(monkeypatch):
    edges = np.arange(0.5, 82, 3)
    assert estimate_bispectrum(256, edges).triangles == 2276  # the original study's binning
    small = estimate_bispectrum(64, np.arange(1, 22))
    assert small.triangles >= len(bispectrum(noise(64), BOX, np.arange(1, 22)).modes)
    assert estimate_bispectrum(1024, np.arange(0.5, 340, 3)).memory > 8e9  # the field and its modes alone take 17 GB
    assert estimate_bispectrum(16, [20, 21]).triangles == 0
    monkeypatch.setattr(cost, "available_memory", lambda: 10**6)
    with pytest.raises(BadInput, match=r"needs about 0\.1 GB of memory, found 0\.0 GB"):
        bispectrum(noise(8), BOX, [1, 2, 3])
    monkeypatch.undo()
    assert cost.available_memory() > 10**8
