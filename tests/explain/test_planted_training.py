"""Networks of the registry trained on planted differences, and where attributions point; judged at AUC above 0.9.

Bispectra that are planted in all triangles at once are in ``test_planted_bispectra``, a region of the box in
``test_planted_region``.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from helpers import planted_fields as planted
from helpers.planted_networks import N, trained
from weakfield.explain.amplitude_phase import amplitude_phase
from weakfield.explain.modes import integrated_modes, pair_integrated_modes
from weakfield.explain.over_seeds import share_over_seeds
from weakfield.explain.paths import PathOptions
from weakfield.explain.surrogate import agreement, fit_surrogate, measured
from weakfield.explain.triangles import triangle_response
from weakfield.fourier.shells import shells

COUNTS = (128, 40, 48)
#: smooth, so that integrals over paths converge fast
SETTINGS = {"channels": 4, "blocks": 2, "activation": "elu"}

pytestmark = pytest.mark.slow


def test_one_shell_rescaled(tmp_path):
    eps, place = 0.35, 4
    edges = tuple(0.5 + i for i in range(8))
    assert eps * np.sqrt(2 * shells(N, edges).modes[place]) >= 8  # strong enough to be learned
    found = trained(tmp_path, lambda c: planted.rescaled_shell(c, 4.5, 5.5, eps), -1.0, COUNTS, epochs=20, **SETTINGS)
    network, first, second = found.network, found.first, found.second
    twins = pair_integrated_modes(network, first[:8], second[:8])
    assert (np.abs(twins.residual) <= 1e-4 * np.abs(twins.change)).all()
    parts = twins.by_shell(edges)
    np.testing.assert_allclose(parts.shells[:, place] / parts.total, 1, rtol=1e-4)  # twins differ nowhere else
    # GR of one seed against Newton of another: differences everywhere, and the answer has to be found
    strangers = integrated_modes(network, second[:16], first[16:32], options=PathOptions(tolerance=1e-3))
    share = share_over_seeds(strangers.by_shell(edges).shells, strangers.total)
    assert int(np.argmax(share.value)) == place
    assert share.value[place] > 0.5  # more than all else together
    split = amplitude_phase(network, first[:8], second[:8], PathOptions(tolerance=1e-3))
    # fields are stored in single precision, whose rounding turns phases
    np.testing.assert_allclose(split.phase.total / split.change, 0, atol=1e-5)
    # of powers and triangles, the power of that shell, in both ways
    edges, place = (0.5, 2.5, 4.5, 5.5, 7.5), 2
    response = triangle_response(network, first, second, edges)
    surrogate = fit_surrogate(measured(first, second, edges), found.logits, range(len(first)), len(edges) - 1)
    for weights in (response.weights.value * response.scatter, surrogate.weights):
        assert int(np.argmax(np.abs(weights))) == place
        assert weights[place] > 0
    for contributions in (response.contributions.value, surrogate.contributions):
        assert contributions[place] > 0.5 * contributions.sum()  # more than all else together


def test_one_triangle_coupled(tmp_path):
    triangle, edges = (1, 1, 2), (0.5, 2.0, 3.5, 5.0, 6.5)
    found = trained(
        tmp_path, lambda c: planted.coupled_triangle(c, edges, triangle, 0.6), -1.0, COUNTS, epochs=30, **SETTINGS
    )
    network, first, second = found.network, found.first, found.second
    response = triangle_response(network, first, second, edges)
    row = response.triangles.tolist().index(list(triangle))
    s, triangles = response.basis.shells, len(response.triangles)
    assert int(np.argmax(np.abs(response.contributions.value[s:]))) == row
    assert int(np.argmax(np.abs(response.resampled(np.ones((1, len(first))))[0]))) == row
    # the largest of so many triangles exceeds this by chance once in a thousand times
    sigmas = norm.isf(1e-3 / triangles)
    assert response.weights.value[s + row] > sigmas * response.weights.error[s + row]
    surrogate = fit_surrogate(measured(first, second, edges), found.logits, range(len(first)), s)
    assert int(np.argmax(np.abs(surrogate.triangles))) == row
    assert surrogate.weights[s + row] > sigmas * surrogate.error[s + row]
    assert agreement(response, surrogate).low > 0
    # between strangers each side of a triangle has a third of it: shell 1 two thirds, shell 2 one, the others nothing
    strangers = integrated_modes(network, second[:32], first[:32].roll(1, 0), options=PathOptions(tolerance=2e-2))
    share = share_over_seeds(strangers.by_shell(edges).shells, strangers.total)
    assert np.argsort(-share.value)[:2].tolist() == [1, 2]
    # modes that follow another complex number a little do so alike in amplitude and phase; wholly, F of the new phases
    # on old amplitudes is pi / 4 of F of both (Rayleigh: <|f|>^2 / <|f|^2>), and phases have (1 + pi / 4) / 2
    split = amplitude_phase(network, first[:16], second[:16], PathOptions(tolerance=1e-2))
    phases = share_over_seeds(split.phase.total, split.change)
    assert 0.5 - 2 * phases.error < phases.value < (1 + np.pi / 4) / 2 + 2 * phases.error
