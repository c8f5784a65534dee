"""The test of two samples: cells by hand, chance where there is nothing, a planted difference, members alike."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.learning.two_sample import EXCHANGES, _contrast, two_sample


def pairs(count: int, gap: float, common: float = 0.0, features: int = 3, seed: int = 0) -> np.ndarray:
    """Members of variance 1, ``common`` of which is that of the pair; GR lies ``gap`` higher in each feature."""
    random = np.random.default_rng(seed)
    own, shared = random.standard_normal((count, 2, features)), random.standard_normal((count, 1, features))
    made = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    made[:, 1] += gap
    return made


def test_cells_by_hand() -> None:
    """Pairs 0 and 1 hold the references, at 0 and at 10; of the others one is divided, one lies in one cell."""
    points = np.array([[0.0, 0.0], [10.0, 10.0], [1.0, 9.0], [2.0, 3.0]])[..., None]

    class Chosen:
        def choice(self, count: int, cells: int, replace: bool) -> np.ndarray:
            return np.array([0, 1])

        def integers(self, high: int, size: int) -> np.ndarray:
            return np.zeros(size, dtype=int)

    found = _contrast(points, 2, Chosen())  # type: ignore[arg-type]
    # three members lie in the first cell, one in the second
    np.testing.assert_allclose(found, [[0, 0], [0, 0], [1 / np.sqrt(3), -1], [0, 0]], atol=1e-15)


def test_where_theories_do_not_differ_p_is_uniform() -> None:
    found = [two_sample(pairs(30, 0.0, common, seed=seed)) for common in (0.0, 0.8) for seed in range(20)]
    values = np.array([one.p_value.value for one in found])
    assert abs(values.mean() - 0.5) < 3 * np.sqrt(1 / 12 / 40)
    assert (values < 0.05).sum() <= 6  # of 40, two expected; more in one case of two hundred
    inside = [one.chance.low <= one.chi2.value <= one.chance.high for one in found]
    assert sum(inside) >= 34  # 95 % of 40, likewise


def test_pearsons_statistic_of_independent_samples_is_its_degrees_of_freedom() -> None:
    found = [two_sample(pairs(60, 0.0, seed=seed)) for seed in range(10)]
    values = np.array([one.chi2.value for one in found])
    assert found[0].cells == 12
    assert values.mean() == pytest.approx(1.0, abs=4 * values.std(ddof=1) / np.sqrt(10))


def test_a_planted_difference_is_found() -> None:
    found = two_sample(pairs(60, 1.0))
    assert found.p_value.value == pytest.approx(1 / (EXCHANGES + 1))
    assert found.p_value.high < 0.01
    assert found.chi2.value > found.chance.high


def test_members_that_share_their_universe_cancel() -> None:
    found = two_sample(pairs(60, 0.0, common=0.999))
    assert found.chi2.value < 0.2
    same = two_sample(pairs(10, 0.0, common=1.0))
    assert (same.chi2.value, same.p_value.value) == (0.0, 1.0)


def test_it_does_not_matter_which_is_called_gr_nor_the_units() -> None:
    made = pairs(20, 0.7)
    plain, turned = two_sample(made), two_sample(1e-9 * made + 3e-9)
    assert plain.p_value == turned.p_value
    assert plain.chi2.value == pytest.approx(turned.chi2.value, rel=1e-9)
    constant = np.concatenate([made, np.ones((20, 2, 1))], axis=-1)
    assert two_sample(constant).p_value == plain.p_value


def test_three_pairs_are_too_few() -> None:
    assert two_sample(pairs(3, 5.0)) is None
