"""A network that is a sum of N-point functions up to order 3 by construction, in the manner of C3NN (arXiv:2402.09526).

Learned filters F_i that depend on |k| alone make fields f_i of a sample, and the logit is

    c + sum_i w_i <f_i> + sum_(i <= j) w_ij <f_i f_j> + sum_(i <= j <= l) w_ijl <f_i f_j f_l>,

with means over the box. Filters are constant in shells one k_F wide around 1, 2, ... k_F and are 0 from N/3 on, where
three wavenumbers could close modulo the grid; only the term of first order sees the mean of the sample. So the logit is
a sum over the powers and the triangles of these shells,

    c + w <delta> + sum_s a_s P_s + sum_T w_T B_T,    P_s = sum |delta_k|^2,    B_T = sum Re delta_k1 delta_k2 delta_k3,

delta_k being F / N^d, with weights that are known exactly: ``power_weights`` and ``triangle_weights``. The best
estimator of a local f_NL (Komatsu, Spergel & Wandelt 2005, astro-ph/0305189) is of this form, with two filters.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement, permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.fourier.half_axis import half_axis_weights
from weakfield.fourier.shells import shells
from weakfield.learning.networks.layers import Style, as_logits, check_box

#: number of filters
SIZES: dict[str, tuple[int, int | None]] = {"small": (2, None), "base": (4, None), "large": (8, None)}

#: samples that units are taken from
ENOUGH = 256
#: a mean of samples of variance 1 that scatters less is rounding; power of a shell over that of all, likewise
ROUNDING, EMPTY = 1e-6, 1e-14


class Correlator(nn.Module):
    """``channels`` filters and all their correlators; each channel of a sample has its own part of a filter.

    ``edges`` [k_F] are those of the shells. ``prepare`` is called with the training samples before training: modes are
    measured in units of their rms in each shell, and correlators in units of their scatter at the initial filters.
    Activations and normalisations of the settings have no place here. Raises ``BadInput`` below 4 cells a side.
    """

    power: Tensor
    offset: Tensor
    spread: Tensor
    index: Tensor
    second: Tensor
    third: Tensor

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box("correlator", shape)
        style = Style.of(shape, settings, SIZES)
        last = (style.grid - 1) // 3
        if last < 1:
            raise BadInput(f"network correlator was given {style.grid} cells a side, expected at least 4: one shell")
        self.edges = tuple(0.5 + s for s in range(last + 1))
        self.sides = (style.grid,) * style.dims
        found = shells(style.grid, self.edges, style.dims)
        self.modes = torch.tensor(found.modes)
        self.register_buffer("index", torch.from_numpy(np.array(found.index, dtype=np.int64)), persistent=False)
        filters, inputs = style.channels, shape[0]
        self.filters = nn.Parameter(torch.randn(filters, inputs, last))
        pairs = list(combinations_with_replacement(range(filters), 2))
        number = {pair: place for place, pair in enumerate(pairs)}
        triples = [(i, number[j, k]) for i, j, k in combinations_with_replacement(range(filters), 3)]
        for name, rows in (("second", pairs), ("third", triples)):
            self.register_buffer(name, torch.tensor(rows), persistent=False)
        count = inputs + len(pairs) + len(triples)
        self.register_buffer("power", torch.full((inputs, last), float(style.grid) ** -style.dims))
        self.register_buffer("offset", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.head = nn.Sequential(style.drop(), nn.Linear(count, style.outputs))

    def prepare(self, batches: Iterable[Tensor]) -> None:
        """Take units from these samples (batches of (B, *shape)), of which the first some hundred are enough.

        A shell that holds nothing but rounding is left out; a correlator that never changes keeps its scale.
        """
        kept: list[Tensor] = []
        for batch in batches:
            kept.append(batch)
            if sum(map(len, kept)) >= ENOUGH:
                break
        with torch.no_grad():
            power = torch.cat([self._powers(batch) for batch in kept]).mean(dim=0)
            modes = self.modes.to(power)
            mean = (power @ modes)[:, None] / modes.sum()
            self.power.copy_(torch.where(power > EMPTY * mean, power, 0.0))
            rows = torch.cat([self.correlators(batch) for batch in kept]).double()
        spread = rows.std(dim=0, correction=0)
        least = torch.zeros_like(spread)
        least[: self.filters.shape[1]] = ROUNDING
        self.offset.copy_(rows.mean(dim=0))
        self.spread.copy_(torch.where(spread > least, spread, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # sums over the box need more than bfloat16
            return as_logits(self.head((self.correlators(x) - self.offset) / self.spread))

    def correlators(self, x: Tensor) -> Tensor:
        """(B, C, *N) to (B, correlators): means of the channels, of all products of two fields, of three."""
        x = x.to(self.filters.dtype)
        axes = tuple(range(2, x.ndim))
        gains = functional.pad(self.gains(), (0, 1))  # 0 for what is in no shell
        tables = gains.index_select(2, self.index.flatten()).view(*gains.shape[:2], *self.index.shape)
        modes = torch.fft.rfftn(x, dim=axes, norm="forward")
        filtered = (modes[:, None] * tables).sum(dim=2)
        fields = torch.fft.irfftn(filtered, s=self.sides, dim=axes, norm="forward").flatten(2)
        products = fields.index_select(1, self.second[:, 0]) * fields.index_select(1, self.second[:, 1])
        triple = torch.einsum("bix,bpx->bip", fields, products) / fields.shape[-1]
        return torch.cat([x.mean(dim=axes), products.mean(dim=2), triple[:, self.third[:, 0], self.third[:, 1]]], dim=1)

    def gains(self) -> Tensor:
        """F_i in each shell for samples as they come, (filters, C, shells): white fields of variance about 1."""
        total = self.modes.sum().to(self.power)
        return self.filters * torch.where(self.power > 0, (self.power * total) ** -0.5, 0.0)

    def power_weights(self, channel: int = 0) -> NDArray[np.float64]:
        """a_s of every shell, (shells,), of the powers of one channel by itself."""
        gains, weights, _ = self._by_order(channel)
        first, second = self.second.cpu().numpy().T
        return np.asarray(weights @ (gains[first] * gains[second]))

    def triangle_weights(self, triangles: NDArray[np.integer], channel: int = 0) -> NDArray[np.float64]:
        """w_T of triangles (T, 3), the shells of their sides in ascending order, (T,), of one channel by itself."""
        gains, _, weights = self._by_order(channel)
        first, rest = self.third.cpu().numpy().T
        second, last = self.second.cpu().numpy()[rest].T
        sides = np.asarray(triangles)
        found = np.zeros(len(sides))
        for s, t, u in permutations(sides.T):
            found += weights @ (gains[first][:, s] * gains[second][:, t] * gains[last][:, u])
        # an order of sides that are alike is counted once
        different = np.array([len(set(triangle)) for triangle in sides.tolist()])
        return np.asarray(found / np.array([0, 6, 2, 1])[different])

    def _by_order(self, channel: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Gains (filters, shells) of a channel, and the weights of correlators of second and of third order."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        if last.out_features != 1:
            raise BadInput(f"the network has {last.out_features} logits, expected 1 for weights of triangles")
        if not 0 <= channel < self.filters.shape[1]:
            raise BadInput(f"channel is {channel}, expected one from 0 to {self.filters.shape[1] - 1}")
        weights = (last.weight[0].detach().double() / self.spread.double()).cpu().numpy()
        gains = self.gains()[:, channel].detach().double().cpu().numpy()
        _, second, third = np.split(weights, np.cumsum([self.filters.shape[1], len(self.second)]))
        return gains, second, third

    def _powers(self, x: Tensor) -> Tensor:
        """Mean |delta_k|^2 of each shell, (B, C, shells)."""
        x = x.to(self.filters.dtype)
        axes = tuple(range(2, x.ndim))
        weights = torch.from_numpy(half_axis_weights(self.sides[0])).to(x)
        square = torch.fft.rfftn(x, dim=axes, norm="forward").abs().square() * weights
        sums = torch.zeros(*square.shape[:2], len(self.modes) + 1, dtype=x.dtype, device=x.device)
        sums = sums.index_add(2, self.index.flatten().to(x.device), square.flatten(2))
        return sums[..., :-1] / self.modes.to(x)
