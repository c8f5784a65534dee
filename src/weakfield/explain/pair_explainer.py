"""One test pair explained: maps by every method, their sums, bands of modes, and the tests of trust."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.base.trials import Trial
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

T = TypeVar("T")

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
    channels, N, N[, N]), normalised. What cannot be done for this network or pair is left out, as ``trial`` says.
    Samples that are not ``paired`` are not compared with each other: there are no contributions of modes.
    """

    network: nn.Module
    settings: ExplainSettings
    others: dict[str, nn.Module] = field(default_factory=dict)
    trial: Trial = field(default_factory=Trial)
    paired: bool = True

    def maps(self, name: str, newton: Tensor, gr: Tensor, network: nn.Module | None = None) -> Tensor:
        """Attributions of GR samples (n, channels, ...) by one method with the settings' options, float64.

        The baseline is the Newtonian member; for ``integrated`` it is the mean field.
        """
        twins = newton if self.paired and SUMMING.get(name, True) else None
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
        self.trial.said.clear()
        maps = self._each("{}", self.settings.methods, lambda name: self.maps(name, newton, gr))
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
        bands = (self.trial.attempt("bands", partial(self._bands, newton, gr)) if self.paired else None) or {}
        left_out = {"left_out": dict(self.trial.said)} if self.trial.said else {}
        return PairAttribution(logit=Logits(newton=low, gr=high), methods=sums, **bands, **left_out), maps

    def _bands(self, newton: Tensor, gr: Tensor) -> dict[str, Any]:
        """The fields of ``PairAttribution`` that are contributions of modes."""
        modes = self.modes(newton, gr)
        shells = occlusion_by_shell(self.network, gr, newton, memory_mib=self.settings.memory_mib)
        polar = amplitude_phase(self.network, newton, gr, self.path_options(newton, gr))
        return {
            "path": PairPath(evaluations=int(modes.steps[0]), residual=float(modes.residual[0])),
            "bands": attributed_bands(modes).tolist(),
            "channels": modes.by_channel()[0].tolist(),
            "polar": Polar(amplitude=_polar_part(polar.amplitude), phase=_polar_part(polar.phase)),
            "directions": modes.by_shell_and_direction().shells[0].tolist(),
            "occluded_bands": shells[0].tolist(),
        }

    def _each(self, what: str, names: Iterable[str], compute: Callable[[str], T]) -> dict[str, T]:
        """What ``compute`` returns for those names for which it can be done; ``what`` is said of a name, as "{}"."""
        found = {name: self.trial.attempt(what.format(name), partial(compute, name)) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def trust(self, newton: Tensor, gr: Tensor, attributed: list[float] | None) -> PairTrust:
        """Every test of trust on one pair (1, channels, ...); ``attributed`` is by band as in ``attributed_bands``."""
        settings, memory, pair = self.settings, self.settings.memory_mib, (newton[0], gr[0])
        self.trial.said.clear()
        names = dict.fromkeys((*settings.methods, *settings.trust_methods))
        maps = self._each("{}", names, lambda name: self.maps(name, newton, gr))
        own = {name: maps[name] for name in settings.trust_methods if name in maps}
        alike = {name: maps[name] for name in settings.methods if name in maps}
        bands = None
        if attributed is not None:
            ranked = np.array(attributed)
            bands = self.trial.attempt(
                "curves of bands", lambda: band_curves(self.network, *pair, ranked, Bands.of(gr), memory_mib=memory)
            )
        found: dict[str, Any] = {
            "agreement": rank_correlations(alike)[0].tolist() if len(alike) == len(settings.methods) else None,
            "parameter_randomisation": self.trial.attempt(
                "parameter randomisation", partial(self._randomised, newton, gr, own)
            ),
            "networks": {
                who: self._each(f"{{}} of {who}", own, partial(self._compared, own, newton, gr, network))
                for who, network in self.others.items()
            },
            "curves": self._each(
                "curves of {}",
                own,
                lambda name: cell_curves(
                    self.network, *pair, own[name][0], settings.fractions, memory_mib=memory
                ).record(),
            ),
            "band_curves": None if bands is None else bands.record(),
            "infidelity": self._each(
                "infidelity of {}",
                own,
                lambda name: infidelity(
                    self.network, *pair, own[name][0], name in LOCAL, settings.perturbations, memory
                ),
            ),
            "sensitivity": self._each("sensitivity of {}", own, lambda name: self._sensitivity(name, newton, gr)),
            "equivariance": self._each("equivariance of {}", own, lambda name: self._equivariance(name, *pair))
            | self._each("equivariance of the {}", ["logit"], lambda _: self._logit_invariance(*pair)),
            "left_out": dict(self.trial.said) or None,
        }
        return PairTrust(**{name: value for name, value in found.items() if value is not None})

    def coarse(self) -> PairExplainer:
        """The same explainer with paths of their first nodes only, for maps that are compared but not added up."""
        settings = self.settings.model_copy(update={"tolerance": float("inf")})
        return PairExplainer(self.network, settings, trial=self.trial)

    def _randomised(self, newton: Tensor, gr: Tensor, own: dict[str, Tensor]) -> PairRandomisation:
        """Similarity to the trained network's map after each layer that is drawn anew."""
        names: list[str] = []
        found: dict[str, list[Alike]] = {name: [] for name in own}
        coarse = self.coarse()
        for layer, network in cascade(self.network, checked(self.network, gr)[0]):
            names.append(layer)
            compared = partial(coarse._compared, own, newton, gr, network)
            alike = self._each(f"{{}} with {layer} drawn anew", found, compared)
            found = {name: [*found[name], one] for name, one in alike.items()}
        by_layer = {
            name: AlikeByLayer(signed=[one.signed for one in alike], absolute=[one.absolute for one in alike])
            for name, alike in found.items()
        }
        return PairRandomisation(layers=names, methods=by_layer)

    def _compared(self, own: dict[str, Tensor], newton: Tensor, gr: Tensor, network: nn.Module, name: str) -> Alike:
        """How much the map of another network is like the own one of the same method."""
        return _alike(own[name], self.maps(name, newton, gr, network))

    def _sensitivity(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse = self.coarse()
        draws = max(1, self.settings.perturbations // 2)
        sample = checked(self.network, gr)[0]
        return sensitivity(lambda x: coarse.maps(name, newton, x), sample[0], draws=draws)

    def _equivariance(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse, draws = self.coarse(), max(1, self.settings.perturbations // 2)
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
