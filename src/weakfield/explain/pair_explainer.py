"""One test pair explained: maps by every method, their sums, bands of modes, and the tests of trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.config.explain import ExplainSettings
from weakfield.explain.amplitude_phase import amplitude_phase
from weakfield.explain.bands import Bands
from weakfield.explain.modes import ModeAttribution, pair_integrated_modes
from weakfield.explain.paths import PathOptions
from weakfield.explain.pixels import method
from weakfield.explain.pixels.contract import asked, checked
from weakfield.explain.pixels.occlusion import occlusion_by_shell
from weakfield.explain.records import (
    Alike,
    AlikeByLayer,
    Logits,
    MapSum,
    PairAttribution,
    PairPath,
    PairRandomisation,
    PairTrust,
    Polar,
    PolarPart,
)
from weakfield.explain.trust.curves import band_curves, cell_curves
from weakfield.explain.trust.perturbations import LOCAL, equivariance_error, infidelity, sensitivity
from weakfield.explain.trust.randomisation import cascade, rank_correlation, rank_correlations

#: methods whose attributions should add up to the logit difference between the GR sample and the Newton member, or the
#: mean field
SUMMING = {"gradient_x_input": True, "integrated": False, "pair_integrated": True, "occlusion": True, "deeplift": True}

#: the most gradients along a path, as a multiple of the first nodes
MOST = 16
#: a logit need not be known better than this, and single precision does not give it better
FINEST = 1e-6


@dataclass
class PairExplainer:
    """Attributions of the answers of a network to one pair at a time, by the methods that the settings name.

    ``others`` are networks that it is compared with. Samples of GR and of the Newtonian members of their pairs are (n,
    channels, N, N[, N]), normalised.
    """

    network: nn.Module
    settings: ExplainSettings
    others: dict[str, nn.Module] = field(default_factory=dict)

    def maps(self, name: str, newton: Tensor, gr: Tensor, network: nn.Module | None = None) -> Tensor:
        """Attributions of GR samples (n, channels, ...) by one method with the settings' options, float64.

        The baseline is the Newtonian member; for ``integrated`` it is the mean field.
        """
        twins = newton if SUMMING.get(name, True) else None
        options = self.options(name, gr.shape[-1])
        return method(name)(network or self.network, gr, twins, memory_mib=self.settings.memory_mib, **options)

    def options(self, name: str, grid: int) -> dict[str, Any]:
        """What the settings say about a method."""
        s = self.settings
        quarter = max(1, grid // 4)
        block = s.block or next(size for size in range(quarter, 0, -1) if grid % size == 0)
        known: dict[str, dict[str, Any]] = {
            "smoothgrad": {"draws": s.draws, "noise": s.noise},
            "integrated": {"steps": s.integrated_steps},
            "pair_integrated": {"steps": s.steps, "tolerance": s.tolerance, "most": MOST * s.steps},
            "occlusion": {"block": block},
        }
        return known.get(name, {})

    def modes(self, newton: Tensor, gr: Tensor) -> ModeAttribution:
        """What every mode contributes on the way from the Newton to the GR members (n, channels, ...)."""
        return pair_integrated_modes(self.network, newton, gr, self.path_options(newton, gr))

    def path_options(self, newton: Tensor, gr: Tensor) -> PathOptions:
        """Options of the integrals in Fourier space: nodes, and a tolerance relative to the difference of the logits.

        The tolerance of the settings, in logits, is kept between 1e-4 and 1e-2 of the difference, but above ``FINEST``.
        """
        s = self.settings
        change = float(self._change(gr, newton).abs().min())
        relative = max(float(np.clip(s.tolerance / change, 1e-4, 1e-2)), FINEST / change) if change > 0 else 1.0
        kind, memory = checked(self.network, gr)[0].dtype, int(s.memory_mib * 2**20)
        return PathOptions(s.steps, relative, MOST * s.steps, kind, memory)

    def attributions(self, newton: Tensor, gr: Tensor) -> tuple[PairAttribution, dict[str, Tensor]]:
        """Sums, completeness and bands of one pair (1, channels, ...); and the maps (1, channels, ...) by method."""
        maps = {name: self.maps(name, newton, gr) for name in self.settings.methods}
        x, b = checked(self.network, gr, newton)
        response = asked(self.network, x, self.settings.memory_mib)
        low, high, middle = (float(response.logits(values)) for values in (b, x, torch.zeros_like(b)))
        sums = {}
        for name, values in maps.items():
            total = float(values.sum())
            sums[name] = MapSum(sum=total)
            if name in SUMMING:
                change = high - (low if SUMMING[name] else middle)
                sums[name] = MapSum(sum=total, change=change, residual=total - change)
        modes = self.modes(newton, gr)
        shells = occlusion_by_shell(self.network, gr, newton, memory_mib=self.settings.memory_mib)
        polar = amplitude_phase(self.network, newton, gr, self.path_options(newton, gr))
        found = PairAttribution(
            logit=Logits(newton=low, gr=high),
            methods=sums,
            path=PairPath(evaluations=int(modes.steps[0]), residual=float(modes.residual[0])),
            bands=attributed_bands(modes).tolist(),
            channels=modes.by_channel()[0].tolist(),
            polar=Polar(amplitude=_polar_part(polar.amplitude), phase=_polar_part(polar.phase)),
            directions=modes.by_shell_and_direction().shells[0].tolist(),
            occluded_bands=shells[0].tolist(),
        )
        return found, maps

    def trust(self, newton: Tensor, gr: Tensor, maps: dict[str, Tensor], attributed: NDArray[np.float64]) -> PairTrust:
        """Every test of trust on one pair (1, channels, ...).

        ``maps`` are those by the settings' methods, ``attributed`` is by band as in ``attributed_bands``.
        """
        settings, memory = self.settings, self.settings.memory_mib
        own = {name: maps[name] if name in maps else self.maps(name, newton, gr) for name in settings.trust_methods}
        pair = newton[0], gr[0]
        return PairTrust(
            agreement=rank_correlations(maps)[0].tolist(),
            parameter_randomisation=self._randomised(newton, gr, own),
            networks={
                who: {name: _alike(values, self.maps(name, newton, gr, network)) for name, values in own.items()}
                for who, network in self.others.items()
            },
            curves={
                name: cell_curves(self.network, *pair, values[0], settings.fractions, memory_mib=memory).record()
                for name, values in own.items()
            },
            band_curves=band_curves(self.network, *pair, attributed, Bands.of(gr), memory_mib=memory).record(),
            infidelity={
                name: infidelity(self.network, *pair, values[0], name in LOCAL, settings.perturbations, memory)
                for name, values in own.items()
            },
            sensitivity={name: self._sensitivity(name, newton, gr) for name in own},
            equivariance={name: self._equivariance(name, *pair) for name in own}
            | {"logit": self._logit_invariance(*pair)},
        )

    def _coarse(self) -> PairExplainer:
        """The same explainer with paths of their first nodes only, for maps that are compared but not added up."""
        return PairExplainer(self.network, self.settings.model_copy(update={"tolerance": float("inf")}))

    def _randomised(self, newton: Tensor, gr: Tensor, own: dict[str, Tensor]) -> PairRandomisation:
        """Similarity to the trained network's map after each layer that is drawn anew."""
        names: list[str] = []
        found: dict[str, list[Alike]] = {name: [] for name in own}
        coarse = self._coarse()
        for layer, network in cascade(self.network, checked(self.network, gr)[0]):
            names.append(layer)
            for name, values in own.items():
                found[name].append(_alike(values, coarse.maps(name, newton, gr, network)))
        by_layer = {
            name: AlikeByLayer(signed=[one.signed for one in alike], absolute=[one.absolute for one in alike])
            for name, alike in found.items()
        }
        return PairRandomisation(layers=names, methods=by_layer)

    def _sensitivity(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse = self._coarse()
        draws = max(1, self.settings.perturbations // 2)
        sample = checked(self.network, gr)[0]
        return sensitivity(lambda x: coarse.maps(name, newton, x), sample[0], draws=draws)

    def _equivariance(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse, draws = self._coarse(), max(1, self.settings.perturbations // 2)
        return equivariance_error(lambda x, twin: coarse.maps(name, twin, x), gr, newton, draws)

    def _logit_invariance(self, newton: Tensor, gr: Tensor) -> float:
        """The equivariance error of the logit difference of a pair, which bounds what a map can achieve."""
        return equivariance_error(self._change, gr, newton, max(1, self.settings.perturbations // 2))

    def _change(self, x: Tensor, twin: Tensor) -> Tensor:
        """Logits of samples minus those of the Newton members of their pairs, (n,)."""
        samples, twins = checked(self.network, x, twin)
        response = asked(self.network, samples, self.settings.memory_mib)
        return response.logits(samples) - response.logits(twins)


def attributed_bands(modes: ModeAttribution) -> NDArray[np.float64]:
    """The attribution of the first sample by ``bands.Bands``: shells, mean, rest."""
    parts = modes.by_shell()
    return np.concatenate([parts.shells[0], parts.mean[:1], parts.rest[:1]])


def _polar_part(modes: ModeAttribution) -> PolarPart:
    return PolarPart(total=float(modes.total[0]), shells=modes.by_shell().shells[0].tolist())


def _alike(first: Tensor, second: Tensor) -> Alike:
    signed, absolute = (float(rank_correlation(first, second, absolute)[0]) for absolute in (False, True))
    return Alike(signed=signed, absolute=absolute)
