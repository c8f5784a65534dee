"""Two networks, one that has learned a local f_NL and one that has learned it among short modes alone: what each way of
attribution must say of them, and must not say of the other.

What must come out is known beforehand. In the best estimator of a weak signal, sum_T w_T B_T with w_T = <Delta B_T> /
Var B_T, a triangle weighs <Delta B_T> / sd(B_T) in units of its scatter and contributes the square of it. For k^-3 a
squeezed triangle, one long mode k1 and two short ones, gains (2 P1 P)^2 / (P1 P^2) = 4 P1 per triple against 9 P for an
equilateral one: squeezed triangles hold six times their share of the triples. Among short modes alone they hold
nothing. A network that measures the skewness of cells weighs all triples alike, and sees little of either.

Contributions are weights times the measured Delta B_T, and that is the template already: they follow it whatever the
weights. So ways are judged by their weights, and contributions against those of other weights. Chance is measured: the
same numbers with the list of triangles in other orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from helpers.planted_fields import local_non_gaussianity, local_sums
from helpers.planted_networks import Trained, trained
from weakfield.explain.amplitude_phase import amplitude_phase
from weakfield.explain.modes import integrated_modes, pair_integrated_modes
from weakfield.explain.over_seeds import share_over_seeds
from weakfield.explain.paths import PathOptions
from weakfield.explain.surrogate import Surrogate, agreement, fit_surrogate, measured, rank_correlation
from weakfield.explain.triangles import TriangleAttribution, triangle_response
from weakfield.learning.scores import bootstrap_weights

pytestmark = pytest.mark.slow

EDGES = (0.5, 2.0, 3.5, 5.0, 6.5)
LONG = EDGES[1]  # modes below are long
#: f and ``above``. Strong enough to be learned: the best estimators stand out by 4 to 5 sigma. And weak: phi + f phi^2
#: has a floor at -1 / (4 f), here beyond 4 sigma; where cells reach it a network can see that instead of triangles
SIGNALS = {"local": (0.06, 0.0), "short": (0.10, LONG)}
WAYS = ("response", "surrogate")
RESAMPLES, ORDERS = 40, 999
CHANCE = 0.01  # how often chance may do what is demanded


@dataclass(frozen=True)
class Found:
    """What both ways say of one network: weights of triangles and of resamples of seeds, in units of ``scatter``."""

    trained: Trained
    response: TriangleAttribution
    surrogate: Surrogate

    @cached_property
    def scatter(self) -> np.ndarray:
        """Standard deviation of each B_T of the first members, which are Gaussian, (T,)."""
        return self.response.statistics[:, 0, self.response.basis.shells :].std(axis=0)

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        return {"response": self._scaled(self.response.resampled(np.ones((1, self._count))))[0],
                "surrogate": self._scaled(self.surrogate.triangles)}  # fmt: skip

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        return {"response": self._scaled(self.response.resampled(bootstrap_weights(self._count, RESAMPLES))),
                "surrogate": self._scaled(self.surrogate.samples[:, self.surrogate.shells :])}  # fmt: skip

    @property
    def _count(self) -> int:
        return len(self.trained.logits)

    def _scaled(self, weights: np.ndarray) -> np.ndarray:
        """From units of the scatter of both members, in which the ways give them."""
        return weights * self.scatter / self.response.scatter[self.response.basis.shells :]

    def best(self, name: str) -> np.ndarray:
        """Weights of the best estimator of a signal, in units of the scatter, of any height."""
        s, gaussian = self.response.basis.shells, self.response.statistics[:, 0]
        return local_sums(self.response.basis, gaussian[:, :s].mean(axis=0), SIGNALS[name][1]) / self.scatter

    @property
    def change(self) -> np.ndarray:
        """Mean Delta B_T."""
        s = self.response.basis.shells
        return (self.response.statistics[:, 1] - self.response.statistics[:, 0]).mean(axis=0)[s:]

    @property
    def squeezed(self) -> np.ndarray:
        """Triangles of a long mode and two that are much shorter, not of the next shell, (T,) bool."""
        first, second, _ = self.response.triangles.T
        return (first == 0) & (second > 1)


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> dict[str, Found]:
    return {name: found(tmp_path_factory.mktemp(name), *signal) for name, signal in SIGNALS.items()}


def found(folder, f: float, above: float) -> Found:
    # smooth units have the third order that kinks have only in the mean; two convolutions deep, the products of cells
    # reach over the box
    network = trained(
        folder, lambda cubes: local_non_gaussianity(cubes, f, above), -3.0, (256, 48, 96),
        network="resnet", channels=6, blocks=1, activation="elu", epochs=24,
    )  # fmt: skip
    response = triangle_response(network.network, network.first, network.second, EDGES)
    s, count = response.basis.shells, len(network.logits)
    surrogate = fit_surrogate(
        measured(network.first, network.second, EDGES), network.logits, range(count), s, RESAMPLES
    )
    return Found(network, response, surrogate)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Of weights in units of scatter with the best ones: the share of the significance that they reach (of B_T that
    are uncorrelated, as those of a Gaussian field)."""
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def preference(network: Found, name: str, weights: np.ndarray) -> float:
    """How much better weights fit the signal of the network than the other signal."""
    (other,) = set(SIGNALS) - {name}
    return cosine(weights, network.best(name)) - cosine(weights, network.best(other))


def orders(network: Found) -> list[np.ndarray]:
    """Other orders of the list of triangles."""
    random = np.random.default_rng(7)
    return [random.permutation(len(network.response.triangles)) for _ in range(ORDERS)]


def chance(values: list[float]) -> float:
    """What chance exceeds in one case of a hundred."""
    return float(np.quantile(values, 1 - CHANCE))


@pytest.mark.parametrize("way", WAYS)
def test_weights_are_those_of_the_signal_that_was_learned(networks, way):
    for name, network in networks.items():
        # GR has more of the signal: weights of the other sign would point away from it
        assert cosine(network.weights[way], network.best(name)) > 0
        # not the weights of one who forgets how many triples there are or that sides may lie in one shell, nor of one
        # who weighs all triples alike
        right, best = cosine(network.weights[way], network.best(name)), network.best(name)
        sides = [len(set(triangle)) for triangle in network.response.triangles.tolist()]
        alike = np.array([{3: 1, 2: 2, 1: 6}[different] for different in sides])  # orders that are the same
        wrong = (best / network.response.basis.counts, best * alike, best / alike, network.scatter * (best > 0))
        assert right > max(cosine(network.weights[way], weights) for weights in wrong)

    def together(weights: dict[str, np.ndarray]) -> float:
        """0 for weights that do not depend on what a network has learned: what one signal gains the other loses."""
        return sum(preference(network, name, weights[name]) for name, network in networks.items())

    # in every resample of seeds, 40: chance less than 1 in 40 for a way that sees no difference between the networks
    resamples = [network.samples[way] for network in networks.values()]
    assert min(together(dict(zip(networks, both, strict=True))) for both in zip(*resamples, strict=True)) > 0
    # the list of triangles in other orders, the same for both networks, has no preference
    weights = {name: network.weights[way] for name, network in networks.items()}
    shuffled = [together({name: w[order] for name, w in weights.items()}) for order in orders(networks["local"])]
    assert together(weights) > chance(shuffled)


@pytest.mark.parametrize("way", WAYS)
def test_squeezed_triangles_carry_a_local_signal_and_not_the_other(networks, way):
    local, short = networks["local"], networks["short"]
    squeezed, counts = local.squeezed, local.response.basis.counts
    assert local.response.triangles[squeezed].tolist() == [[0, 2, 2], [0, 2, 3], [0, 3, 3]]

    def share(weights: np.ndarray) -> float:
        contributions = weights / local.scatter * local.change
        return float(contributions[squeezed].sum() / contributions.sum())

    by_count = counts[squeezed].sum() / counts.sum()
    by_skewness = share(local.scatter)
    assert share(local.best("local")) > 5 * by_count  # why they must come out at all
    least = min(share(weights) for weights in local.samples[way])
    assert least > max(by_count, by_skewness)
    # and more than from what the network of the other signal would make of the same cubes
    assert least > max(share(weights) for weights in short.samples[way])


def test_both_ways_say_the_same(networks):
    for name, network in networks.items():
        both = agreement(network.response, network.surrogate)
        response, surrogate = (network.weights[way] for way in WAYS)
        assert both.low > 0
        assert both.value > chance([rank_correlation(response[order], surrogate) for order in orders(network)])
        (other,) = set(SIGNALS) - {name}
        assert both.value > rank_correlation(response, networks[other].weights["surrogate"])


def test_modes_between_twins_are_the_short_ones(networks):
    """f phi^2 changes a short mode by a long one times a short one; a long mode by two short ones, which is little."""
    network = networks["local"]
    basis, s = network.response.basis, network.response.basis.shells
    twins = pair_integrated_modes(
        network.trained.network,
        network.trained.first[:16],
        network.trained.second[:16],
        options=PathOptions(tolerance=1e-2),
    )
    share = share_over_seeds(twins.by_shell(EDGES).shells, twins.total)
    inside, error = share.value / share.value.sum(), share.error / share.value.sum()
    modes = np.array([weight.sum() for weight in basis.weights])
    p1, p2, p3 = (network.response.statistics[:, 0, :s].mean(axis=0) / modes)[basis.triangles].T

    def expected(weights: np.ndarray) -> np.ndarray:
        """Shares of shells when a side changes by the product of the other two."""
        parts = np.zeros(s)
        for side, product in enumerate((p2 * p3, p1 * p3, p1 * p2)):
            np.add.at(parts, basis.triangles[:, side], weights * basis.counts * product)
        return parts / parts.sum()

    best, own, skewness = (
        expected(weights)
        for weights in (
            network.best("local") / network.scatter,
            network.weights["response"] / network.scatter,
            np.ones(len(basis.triangles)),
        )
    )
    assert int(np.argmin(best)) == int(np.argmin(inside)) == 0  # though the long modes are sides of most triangles
    assert inside[0] + 3 * error[0] < skewness[0]
    # how the short shells share is up to the network, no best estimator: its triangles foretell its modes
    assert np.abs(inside - own).sum() < np.abs(inside - skewness).sum()


def test_modes_between_strangers_tell_long_from_short(networks):
    """Between strangers every side of a triangle takes a third, so that long modes have theirs of the squeezed ones."""
    shares = []
    for network in networks.values():
        first, second = network.trained.first[:24], network.trained.second[:24]
        strangers = integrated_modes(
            network.trained.network, second, first.roll(1, 0), options=PathOptions(tolerance=2e-2)
        )
        shares.append(share_over_seeds(strangers.by_shell(EDGES).shells, strangers.total))
    local, short = shares
    assert local.value[0] - short.value[0] > 3 * np.hypot(local.error[0], short.error[0])
    assert int(np.argmin(np.abs(short.value))) == 0


def test_amplitudes_and_phases_share_alike(networks):
    """A weak change of modes has no direction of its own: as much along a mode as across it."""
    for network in networks.values():
        first, second = network.trained.first[:8], network.trained.second[:8]
        split = amplitude_phase(network.trained.network, first, second, PathOptions(tolerance=2e-2))
        share = share_over_seeds(split.phase.total, split.change)
        # the next order is smaller by the change of modes over the modes, where it is largest
        size = [float((fields**2).mean()) for fields in (second - first, first)]
        assert abs(share.value - 0.5) < 3 * share.error + np.sqrt(size[0] / size[1])
