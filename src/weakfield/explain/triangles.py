"""Which triangles (k1, k2, k3) carry the decision: the third-order response of the logit, from its gradient.

A logit that is invariant under translations in the box has a Volterra series whose terms close:

    F(f) = F0 + h1 f_0 + 1/2 sum_k h2(k) |f_k|^2 + 1/6 sum_(k1 + k2 + k3 = 0) h3(k1, k2, k3) f_k1 f_k2 f_k3 + ...

With h2 and h3 constant on shells and on triangles of shells, this is sum_s a_s P_s + sum_T w_T B_T
(``triangle_basis``). Networks of rectifiers have no third derivative; their third order is that of the mean response.
For a Gaussian field, E[gamma_k1 f_k2 f_k3] = P_k2 P_k3 E[d^3 F] (Stein's lemma; Lee & Schetzen 1965 with F for gamma):
the cross-bispectrum of the gradient with the squared field measures it. Here it is measured by least squares, which
gives the same for a Gaussian field, is exact for a logit made of powers and triangles whatever the field, and uses all
modes of all gradients:

    minimise  E sum_k P_k | gamma_k - sum_s a_s dP_s/df_k - sum_T w_T dB_T/df_k |^2,

where gamma is the gradient of the logit with respect to modes. The right-hand side of the normal equations is that
cross-bispectrum, summed over which side is the gradient. The weight P_k makes the minimum a bound on the variance of
the part of the logit that is left (Poincare's inequality for a Gaussian field), and makes ``explained`` a share of
importance. The contributions of a pair are then a_s (P_s' - P_s) and w_T (B_T' - B_T), GR minus Newton; what they miss
of the logit difference is ``remainder``: other orders, dependence on place, and modes outside the shells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.explain.over_seeds import SeedMean, jackknife, seed_sums
from weakfield.explain.response import MEMORY, Response, checked_samples
from weakfield.explain.triangle_basis import TriangleBasis, triangle_basis

Reals = NDArray[np.float64]

#: eigenvalues of the scaled normal matrix below this fraction of the largest one are not inverted
SMALLEST = 1e-12


@dataclass(frozen=True)
class TriangleAttribution:
    """Third-order response of a logit, of B pairs. Columns are the S powers and then the T triangles of ``basis``.

    ``normal`` (G, K, K), ``right`` (G, K) and ``energy`` (G,) are the normal equations and E sum_k P_k |gamma_k|^2,
    with one term for each of G seeds in ascending order. ``statistics`` (B, 2, K) are P_s and B_T of Newton and GR,
    ``change`` (B,) the logit differences, and ``seeds`` (B,) those of the pairs.
    """

    basis: TriangleBasis
    seeds: tuple[int, ...]
    statistics: Reals
    change: Reals
    normal: Reals
    right: Reals
    energy: Reals

    @property
    def triangles(self) -> NDArray[np.int64]:
        """Shells of the three sides, (T, 3)."""
        return self.basis.triangles

    @cached_property
    def scatter(self) -> Reals:
        """Standard deviation of each statistic over all members, (K,), which makes weights comparable."""
        return np.asarray(self.statistics.reshape(-1, self.basis.columns).std(axis=0))

    @cached_property
    def weights(self) -> SeedMean:
        """a_s and w_T with jackknife errors over seeds, (K,)."""
        return self._jackknifed(lambda weights, change, total: weights)

    @cached_property
    def contributions(self) -> SeedMean:
        """Mean over pairs of a_s (P_s' - P_s) and w_T (B_T' - B_T), with weights refitted without each seed, (K,)."""
        return self._jackknifed(lambda weights, change, total: weights * change)

    @cached_property
    def shares(self) -> SeedMean:
        """Shares (3,) of the mean logit difference: in powers, in triangles, and the remainder."""
        return self._jackknifed(self._shares)

    @cached_property
    def explained(self) -> SeedMean:
        """Shares (2,) of E sum_k P_k |gamma_k|^2 that are explained by powers alone, and by powers with triangles."""
        return jackknife(self._explained, self._sums)

    @cached_property
    def pair_contributions(self) -> Reals:
        """The contributions of every pair, (B, K)."""
        return np.asarray(self.weights.value * (self.statistics[:, 1] - self.statistics[:, 0]))

    @cached_property
    def remainder(self) -> Reals:
        """Logit difference of every pair minus all its contributions, (B,)."""
        return np.asarray(self.change - self.pair_contributions.sum(axis=1))

    def resampled(self, draws: Reals) -> Reals:
        """Weights of triangles in units of ``scatter``, (R, T), for resamples with each seed ``draws`` (R, G) times."""
        found = [solved(np.tensordot(draw, self.normal, 1), draw @ self.right)[self.basis.shells :] for draw in draws]
        return np.asarray(np.stack(found) * self.scatter[self.basis.shells :])

    @cached_property
    def _sums(self) -> Reals:
        """The sums that are additive over seeds, flattened: (G, K^2 + K + 1 + K + 2)."""
        difference = self.statistics[:, 1] - self.statistics[:, 0]
        pairs = np.concatenate([difference, self.change[:, None], np.ones((len(self.change), 1))], axis=1)
        flat = self.normal.reshape(len(self.normal), -1)
        return np.concatenate([flat, self.right, self.energy[:, None], seed_sums(pairs, self.seeds)], axis=1)

    def _unpacked(self, total: Reals) -> tuple[Reals, Reals, Reals, Reals]:
        k = self.basis.columns
        normal, right, rest = total[: k * k].reshape(k, k), total[k * k : k * k + k], total[k * k + k :]
        return normal, right, rest[:1], rest[1:-1] / rest[-1]

    def _jackknifed(self, statistic: object) -> SeedMean:
        def evaluate(total: Reals) -> Reals:
            normal, right, _, means = self._unpacked(total)
            return np.asarray(statistic(solved(normal, right), means[:-1], means[-1]))  # type: ignore[operator]

        return jackknife(evaluate, self._sums)

    def _shares(self, weights: Reals, change: Reals, total: Reals) -> Reals:
        if total == 0:  # both members have the same logit, so there is nothing to distribute
            return np.zeros(3)
        parts = weights * change / total
        powers, triangles = parts[: self.basis.shells].sum(), parts[self.basis.shells :].sum()
        return np.array([powers, triangles, 1 - powers - triangles])

    def _explained(self, total: Reals) -> Reals:
        normal, right, energy, _ = self._unpacked(total)
        s = self.basis.shells
        powers, both = right[:s] @ solved(normal[:s, :s], right[:s]), right @ solved(normal, right)
        # a network that gives every cube the same logit leaves nothing to explain
        return np.array([powers, both]) / energy if energy > 0 else np.zeros(2)


def triangle_response(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    edges: Sequence[float],
    seeds: Sequence[int] | None = None,
    *,
    channel: int = 0,
    dtype: torch.dtype = torch.float64,
    memory: int = MEMORY,
) -> TriangleAttribution:
    """The third-order response of the logit at the members of pairs (B, C, N, N[, N]), in one channel.

    ``edges`` of the shells are in units of k_F, the first one above 0; the Nyquist planes are in no shell. Gradients
    are taken at both members of each pair. ``BadInput`` for samples as in ``modes.integrated_modes`` and for edges as
    above.
    """
    members = torch.stack([checked_samples(newton, "newton"), checked_samples(gr, "gr")], dim=1)
    count, channels = members.shape[0], members.shape[2]
    if not 0 <= channel < channels:
        raise BadInput(f"channel is {channel}, expected one from 0 to {channels - 1}")
    names = tuple(range(count)) if seeds is None else tuple(int(seed) for seed in seeds)
    basis = triangle_basis(members.shape[-1], members.ndim - 3, tuple(float(edge) for edge in edges))
    statistics = np.stack([[basis.statistics(field[channel]) for field in pair] for pair in members])
    power = statistics[..., : basis.shells].mean(axis=(0, 1)) / np.maximum([w.sum() for w in basis.weights], 1)
    response, k = Response(network, dtype, memory), basis.columns
    normal, right, energy = np.zeros((count, k, k)), np.zeros((count, k)), np.zeros(count)
    logits = np.zeros((count, 2))
    for place, pair in enumerate(members):
        answers, gradients = response.gradients(pair)
        logits[place] = answers.numpy()
        for field, gradient in zip(pair[:, channel], gradients[:, channel], strict=True):
            _add_equations(basis, field, gradient, power, normal[place], right[place], energy[place : place + 1])
    return TriangleAttribution(
        basis,
        names,
        statistics,
        logits[:, 1] - logits[:, 0],
        seed_sums(normal, names),
        seed_sums(right, names),
        seed_sums(energy[:, None], names)[:, 0],
    )


def gradient_bispectrum(basis: TriangleBasis, gradient: Tensor, field: Tensor) -> Reals:
    """Change of each P_s and B_T if the field (N, N[, N]) changes along a gradient in cells of that shape, (S + T,).

    For a triangle, it is the sum over closed triples of Re (G1 f2 f3 + f1 G2 f3 + f1 f2 G3), where G is the transform
    of the gradient and f that of the field over N^d: the cross-bispectrum of the gradient and the squared field.
    """
    result = np.zeros(basis.columns)
    for own, columns, g, weight in zip(
        basis.by_shell, basis.responses(field), _gradient_modes(basis, gradient), basis.weights, strict=True
    ):
        result[own.columns] += (columns.real * g.real + columns.imag * g.imag) @ weight
    return result


def solved(normal: Reals, right: Reals) -> Reals:
    """Least-squares weights of normal equations; directions that the data do not determine get no weight."""
    size = np.sqrt(np.diagonal(normal))
    scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    values, vectors = np.linalg.eigh(normal * scale[:, None] * scale)
    kept = values > SMALLEST * max(float(values[-1]), np.finfo(float).tiny)
    inside = vectors[:, kept]
    return np.asarray(scale * (inside @ ((inside.T @ (right * scale)) / values[kept])))


def _gradient_modes(basis: TriangleBasis, gradient: Tensor) -> list[NDArray[np.complex128]]:
    return [modes * float(basis.n) ** basis.dimensions for modes in basis.modes(gradient)]


def _add_equations(
    basis: TriangleBasis, field: Tensor, gradient: Tensor, power: Reals, normal: Reals, right: Reals, energy: Reals
) -> None:
    """Add the normal equations of one gradient."""
    for own, columns, g, weight, p in zip(
        basis.by_shell, basis.responses(field), _gradient_modes(basis, gradient), basis.weights, power, strict=True
    ):
        metric = np.sqrt(p * weight)
        design = np.concatenate([columns.real * metric, columns.imag * metric], axis=1)
        target = np.concatenate([g.real * metric, g.imag * metric])
        normal[np.ix_(own.columns, own.columns)] += design @ design.T
        right[own.columns] += design @ target
        energy += target @ target
