"""Significance of paired differences: what is expected without a signal, and by hand."""

from __future__ import annotations

import numpy as np

from weakfield.spectra.significance import bin_significance, matched_significance


def test_no_signal_gives_no_significance_however_bins_are_correlated():
    random = np.random.default_rng(3)
    mixing = random.standard_normal((30, 8))  # 30 bins made of 8 numbers
    found = np.array([matched_significance(random.standard_normal((60, 8)) @ mixing.T).ensemble for _ in range(1000)])
    # Student's t of 29 degrees of freedom: rms 1.037; of 1000 draws the mean is known to 0.033, the rms to 0.024
    assert abs(found.mean()) < 0.12
    assert 0.95 < found.std() < 1.13


def test_a_signal_of_known_size():
    # one bin of mean 1 and scatter 2 among empty ones: half a sigma a pair, sqrt(judges) / 2 together
    random = np.random.default_rng(4)
    differences = 1e-3 * random.standard_normal((4000, 3))
    differences[:, 0] = 1 + 2 * random.standard_normal(4000)
    found = matched_significance(differences)
    assert found.judges == 2000
    assert abs(found.one_pair - 0.5) < 4 / np.sqrt(2000)
    assert found.ensemble == found.one_pair * np.sqrt(2000)


def test_limits():
    assert matched_significance(np.zeros((10, 4))).ensemble == 0
    assert matched_significance(np.ones((10, 4))).ensemble == np.inf
    assert np.isnan(matched_significance(np.ones((5, 4))).ensemble)
    assert np.isnan(bin_significance(np.ones((1, 2)))[0]).all()


def test_bins_by_hand():
    # 1, 3: mean 2, scatter sqrt 2; two pairs: 2; the other sign; a bin that never differs
    one, together = bin_significance(np.array([[1.0, -1.0, 0.0], [3.0, -3.0, 0.0]]))
    np.testing.assert_allclose(one, [np.sqrt(2), -np.sqrt(2), 0])
    np.testing.assert_allclose(together, [2, -2, 0])
