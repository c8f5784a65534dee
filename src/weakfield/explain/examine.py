"""One test pair examined: maps by every method, their sums, bands of modes, and the tests of trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.config.explain import ExplainSettings
from weakfield.explain.bands import Bands
from weakfield.explain.decision import polar_parts
from weakfield.explain.modes import ModeAttribution, pair_integrated_modes
from weakfield.explain.pixels import method
from weakfield.explain.pixels.contract import asked, batch_size, checked, scores
from weakfield.explain.pixels.occlusion import occlusion_by_shell
from weakfield.explain.trust.curves import band_curves, cell_curves
from weakfield.explain.trust.faithfulness import LOCAL, infidelity, sensitivity
from weakfield.explain.trust.randomisation import cascade
from weakfield.explain.trust.similarity import rank_correlation, rank_correlations
from weakfield.explain.trust.symmetry import equivariance_error

#: methods whose attributions should add up to the difference of the logits of the twins, or of the mean field
SUMMING = {"gradient_x_input": True, "integrated": False, "pair_integrated": True, "occlusion": True, "deeplift": True}

#: gradients along a path, at most so many times the first nodes
MOST = 16
#: a logit that nobody needs to know better, and single precision does not
FINEST = 1e-6


@dataclass
class Examination:
    """A network and what it is asked with; ``others`` are the networks it is compared with."""

    network: nn.Module
    settings: ExplainSettings
    others: dict[str, nn.Module] = field(default_factory=dict)

    def maps(self, name: str, newton: Tensor, gr: Tensor, network: nn.Module | None = None) -> Tensor:
        """Attributions of GR samples (n, channels, ...) by one method with the settings' options, float64.

        The baseline is the Newtonian twin, for ``integrated`` the mean field.
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
        """What every mode contributes on the way from the twins to the samples (n, channels, ...)."""
        return pair_integrated_modes(self.network, newton, gr, **self.path_options(newton, gr))

    def path_options(self, newton: Tensor, gr: Tensor) -> dict[str, Any]:
        """Options of the integrals in Fourier space: nodes, and a tolerance relative to the difference of the logits.

        That is the setting's, in logits, but no less than 1e-4 of the difference and, where it is not below ``FINEST``,
        no more than a hundredth of it.
        """
        s = self.settings
        change = float(self._change(gr, newton).abs().min())
        relative = max(float(np.clip(s.tolerance / change, 1e-4, 1e-2)), FINEST / change) if change > 0 else 1.0
        return {
            "steps": s.steps,
            "tolerance": relative,
            "most_steps": MOST * s.steps,
            "dtype": checked(self.network, gr)[0].dtype,
            "memory": int(s.memory_mib * 2**20),
        }

    def attributions(self, newton: Tensor, gr: Tensor) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Sums, completeness and bands of one pair (1, channels, ...) as JSON; and the maps (1, channels, ...)."""
        maps = {name: self.maps(name, newton, gr) for name in self.settings.methods}
        with asked(self.network) as decision:
            x, b = checked(self.network, gr, newton)
            zero = torch.zeros_like(b)
            size = batch_size(decision, x, self.settings.memory_mib)
            low, high, middle = (float(scores(decision, values, size)) for values in (b, x, zero))
        sums = {}
        for name, values in maps.items():
            sums[name] = {"sum": float(values.sum())}
            if name in SUMMING:
                change = high - (low if SUMMING[name] else middle)
                sums[name] |= {"change": change, "residual": float(values.sum()) - change}
        modes = self.modes(newton, gr)
        shells = occlusion_by_shell(self.network, gr, newton, memory_mib=self.settings.memory_mib)
        return {
            "logit": {"newton": low, "gr": high},
            "methods": sums,
            "path": {"evaluations": int(modes.steps[0]), "residual": float(modes.residual[0])},
            "bands": attributed_bands(modes).tolist(),
            "channels": modes.by_channel()[0].tolist(),
            "polar": polar_parts(self.network, newton, gr, self.path_options(newton, gr)),
            "directions": modes.by_shell_and_direction().shells[0].tolist(),
            "occluded_bands": shells[0].tolist(),
        }, maps

    def trust(
        self, newton: Tensor, gr: Tensor, maps: dict[str, Tensor], attributed: NDArray[np.float64]
    ) -> dict[str, Any]:
        """Every test of trust on one pair (1, channels, ...), as JSON.

        ``maps`` by the settings' methods, ``attributed`` by band as in ``attributed_bands``.
        """
        chosen = self.settings.trust_methods
        own = {name: maps[name] if name in maps else self.maps(name, newton, gr) for name in chosen}
        bands = Bands.of(gr)
        memory, one = self.settings.memory_mib, self.settings
        return {
            "agreement": rank_correlations(maps)[0].tolist(),
            "parameter_randomisation": self._randomised(newton, gr, own),
            "networks": {
                who: {name: _alike(own[name], self.maps(name, newton, gr, network)) for name in chosen}
                for who, network in self.others.items()
            },
            "curves": {
                name: cell_curves(
                    self.network, newton[0], gr[0], own[name][0], one.fractions, memory_mib=memory
                ).as_json()
                for name in chosen
            },
            "band_curves": band_curves(self.network, newton[0], gr[0], attributed, bands, memory_mib=memory).as_json(),
            "infidelity": {
                name: infidelity(
                    self.network, newton[0], gr[0], own[name][0], name in LOCAL, one.perturbations, memory
                )
                for name in chosen
            },
            "sensitivity": {name: self._sensitivity(name, newton, gr) for name in chosen},
            "equivariance": {name: self._equivariance(name, newton[0], gr[0]) for name in chosen}
            | {"logit": self._logit_invariance(newton[0], gr[0])},
        }  # fmt: skip

    def _coarse(self) -> Examination:
        """The same with a path of its first nodes only, for maps that are compared and not added up."""
        return Examination(self.network, self.settings.model_copy(update={"tolerance": float("inf")}))

    def _randomised(self, newton: Tensor, gr: Tensor, own: dict[str, Tensor]) -> dict[str, Any]:
        """Similarity to the trained network's map after each layer: names, and per method signed and absolute."""
        names: list[str] = []
        found: dict[str, dict[str, list[float]]] = {name: {"signed": [], "absolute": []} for name in own}
        coarse = self._coarse()
        for layer, network in cascade(self.network, checked(self.network, gr)[0]):
            names.append(layer)
            for name, values in own.items():
                for kind, rho in _alike(values, coarse.maps(name, newton, gr, network)).items():
                    found[name][kind].append(rho)
        return {"layers": names, "methods": found}

    def _sensitivity(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse = self._coarse()
        draws = max(1, self.settings.perturbations // 2)
        sample = checked(self.network, gr)[0]
        return sensitivity(lambda x: coarse.maps(name, newton, x), sample[0], draws=draws)

    def _equivariance(self, name: str, newton: Tensor, gr: Tensor) -> float:
        coarse, draws = self._coarse(), max(1, self.settings.perturbations // 2)
        return equivariance_error(lambda x, twin: coarse.maps(name, twin, x), gr, newton, draws)

    def _logit_invariance(self, newton: Tensor, gr: Tensor) -> float:
        """The same of the difference of the logits of a pair, which bounds what a map can do."""
        return equivariance_error(self._change, gr, newton, max(1, self.settings.perturbations // 2))

    def _change(self, x: Tensor, twin: Tensor) -> Tensor:
        """Logits of samples minus those of their twins (n,)."""
        with asked(self.network) as decision:
            samples, twins = checked(self.network, x, twin)
            return scores(decision, samples, 1) - scores(decision, twins, 1)


def attributed_bands(modes: ModeAttribution) -> NDArray[np.float64]:
    """The attribution of the first sample by ``bands.Bands``: shells, mean, rest."""
    parts = modes.by_shell()
    return np.concatenate([parts.shells[0], parts.mean[:1], parts.rest[:1]])


def _alike(first: Tensor, second: Tensor) -> dict[str, float]:
    return {
        kind: float(rank_correlation(first, second, absolute=kind == "absolute")[0]) for kind in ("signed", "absolute")
    }
