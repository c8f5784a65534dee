"""Bispectra of pairs on numbers done by hand, and their files."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.base.errors import BadInput
from weakfield.spectra.paired_bispectrum import COLUMNS, PARTS, PairedBispectrum, load_bispectra, save_bispectra

ROWS = [(0, 0, 0), (0, 1, 1), (1, 1, 1), (0, 0, 1)]


def paired(values: object) -> PairedBispectrum:
    values = np.array(values, dtype=float)
    number = values.shape[2]
    return PairedBispectrum(
        quantity="phi", redshift=1.0, k=np.ones((number, 3)), triangles=np.array(ROWS[:number]),
        modes=np.full(number, 6), seeds=tuple(range(values.shape[1])), values=values,
        gaussian_error=np.full(number, 0.5), tree_level=np.full(number, -2.0), relativistic=np.full(number, 0.1),
        suppression=np.full(number, 0.9),
    )  # fmt: skip


def test_paired_difference_and_ratio_by_hand():
    # differences 1 and 3: mean 2, error 1; means 2 and 4
    result = paired([[[1.0], [3.0]], [[2.0], [6.0]]])
    np.testing.assert_allclose(result.differences[:, 0], [1, 3])
    np.testing.assert_allclose(result.difference_error, [1])
    np.testing.assert_allclose(result.difference_error_unpaired, [0.5])  # 0.5 sqrt(2 / 2 pairs)
    ratio, error = result.ratio
    np.testing.assert_allclose(ratio, [2])
    np.testing.assert_allclose(error, [0], atol=1e-15)  # each pair has the ratio 2: leaving one out changes nothing


def test_jackknife_is_the_spread_of_a_mean_where_newton_is_constant():
    gr = np.array([1.0, 2.0, 4.0, 9.0])
    ratio, error = paired(np.stack([np.full((4, 1), 2.0), gr[:, None]])).ratio
    np.testing.assert_allclose(ratio, gr.mean() / 2)
    np.testing.assert_allclose(error, gr.std(ddof=1) / 2 / np.sqrt(4))


def test_selections():
    result = paired(np.zeros((2, 3, 4)))
    np.testing.assert_array_equal(result.equilateral, [True, False, True, False])
    np.testing.assert_array_equal(result.squeezed, [True, True, False, False])


def test_rows_follow_the_columns():
    result = paired([[[1.0], [3.0]], [[2.0], [6.0]]])
    row = dict(zip(COLUMNS, result.rows()[0], strict=True))
    assert (row["quantity"], row["redshift"], row["shell2"], row["modes"]) == ("phi", 1.0, 0, 6)
    assert (row["b_newton"], row["b_gr"], row["b_gr_minus_newton"]) == (2.0, 4.0, 2.0)
    assert row["b_error_cosmic_variance"] == pytest.approx(0.5 / np.sqrt(2))
    assert (row["tree_level"], row["tree_level_mesh"]) == (-2.0, -1.8)
    assert row["relativistic_mesh"] == pytest.approx(0.09)


def test_files_hold_everything(tmp_path):
    result = paired(np.random.default_rng(1).standard_normal((2, 3, 4)))
    save_bispectra(tmp_path / "b.h5", [result, result])
    again = load_bispectra(tmp_path / "b.h5")
    assert len(again) == 2
    for name in (*PARTS, "quantity", "redshift"):
        np.testing.assert_array_equal(getattr(again[1], name), getattr(result, name))
    save_bispectra(tmp_path / "none.h5", [])
    with pytest.raises(BadInput, match="no group 'bispectra'"):
        load_bispectra(tmp_path / "none.h5")
