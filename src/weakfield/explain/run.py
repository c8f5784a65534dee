"""The explain stage: attributions of the main network's answers to test pairs, and whether they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash, read_json, replacing
from weakfield.base.optional import require
from weakfield.base.plugins import is_plugin
from weakfield.base.progress import bar
from weakfield.base.records import Record
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import Dataset, open_dataset, study_split
from weakfield.explain.bands import Bands, pair_spectrum
from weakfield.explain.decision import edges, triangles
from weakfield.explain.over_seeds import over_seeds
from weakfield.explain.pair_explainer import PairExplainer
from weakfield.explain.pixels import method, source_of
from weakfield.explain.pixels.cubes import gather, projections
from weakfield.explain.pixels.gradcam import has_activations, has_map
from weakfield.explain.pixels.gradients import gradient
from weakfield.explain.records import (
    Contributions,
    Explanation,
    Kept,
    MethodSums,
    PairAttribution,
    PairTrust,
    PathSums,
    PolarPart,
    PolarSums,
    Spectrum,
    Triangles,
    Trust,
)
from weakfield.explain.trust.others import auc_of, others
from weakfield.explain.trust.summary import summarise
from weakfield.learning import load_model, logits
from weakfield.learning.training import main_model, task

Piece = TypeVar("Piece", bound=Record)

GUIDED = ("guided_grad_cam", "guided_grad_cam_unsigned")
CAMS = ("grad_cam", "grad_cam_unsigned", *GUIDED)
#: methods that use captum
BY_CAPTUM = ("integrated", *CAMS, "occlusion", "deeplift")


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``explain/explain.json``, ``saliency.npz``, ``maps.npz`` and, with ``explain.trust``, ``trust.json``.

    ``saliency.npz`` holds ``input`` and ``gradient`` (2, N, N, N), Newton then GR, and ``projections`` (3, 3, N, N):
    those of Newton, GR and GR - Newton, along z, y and x. ``maps.npz`` holds the GR sample, the Newtonian member of its
    pair and the map of every method, (channels, ...) float32; for a network of slices also ``cube_signed`` and
    ``cube_absolute``, the maps of all slices gathered, with ``cube_newton`` and ``cube_gr``. What is done for one seed
    is kept in ``seeds/`` and not done twice. Raises ``BadInput`` when the study asks for a test pair or a method that
    does not exist.
    """
    check_methods(study)
    stage = ExplainRun(study, folder)
    with bar("explanation", len(stage.seeds) + 1) as progress:
        rows = []
        for seed in stage.seeds:
            rows.append(stage.attributed(seed))
            progress.advance(note=f"explanation: seed {seed}")
        written = stage.explanation(rows)
        progress.advance()
    written.save(folder.explain / "explain.json")
    if study.explain.trust:
        stage.trust().save(folder.explain / "trust.json")
    return {
        "seed": written.seed,
        "logit_difference": written.logit_difference,
        "attributed": written.fourier.pair.total,
        "pairs": len(stage.seeds),
        "largest_residual": written.path.largest_residual,
    }


def check(study: StudyConfig) -> None:
    """Raise ``BadInput`` for a test pair or a method that will not exist, or for missing packages; nothing is read."""
    check_methods(study)
    chosen_seed(study, study_split(study).test)
    if study.explain.trust or set(study.explain.methods) & set(BY_CAPTUM):
        require("captum", "learn", "explain.methods")
    if study.explain.triangle_shells:
        require("sklearn", "learn", "explain.triangle_shells")


def own_sources(study: StudyConfig) -> dict[str, str]:
    """Hashes of the files of the user's own methods that the study names."""
    return {
        name: source_of(name)
        for name in dict.fromkeys((*study.explain.methods, *study.explain.trust_methods))
        if is_plugin(name)
    }


def check_methods(study: StudyConfig) -> None:
    """Raise ``BadInput`` for a method that is not known."""
    for name in (*study.explain.methods, *study.explain.trust_methods):
        method(name)


def chosen_seed(study: StudyConfig, seeds: Sequence[int]) -> int:
    """The seed of test pair ``explain.pair``, in the order of the data set."""
    if study.explain.pair >= len(seeds):
        raise BadInput(
            f"explain.pair is {study.explain.pair} but the data set has {len(seeds)} test pairs,"
            f" expected a number from 0 to {len(seeds) - 1}"
        )
    return seeds[study.explain.pair]


class ExplainRun:
    """A run whose network is explained: the pairs to look at, and what was found for them."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self.study, self.folder = study, folder
        self.dataset: Dataset = open_dataset(folder)
        self.model = main_model(study)
        self.network = load_model(folder.model(self.model))
        test = self.dataset.part("test")
        shown = chosen_seed(study, test)
        self.seeds = [shown, *(seed for seed in test if seed != shown)][: study.explain.pairs]
        self.task = task(study, self.dataset, study.dataset.keep_mean)
        self._cache: dict[int, tuple[Tensor, Tensor]] = {}
        usable = self._usable()
        self.settings = study.explain.model_copy(
            update={
                "methods": tuple(name for name in study.explain.methods if name in usable),
                "trust_methods": tuple(name for name in study.explain.trust_methods if name in usable),
            }
        )
        for key in ("methods", "trust_methods") if study.explain.trust else ("methods",):
            if not getattr(self.settings, key):
                asked = ", ".join(getattr(study.explain, key))
                raise BadInput(f"explain.{key} is {asked}, expected one that network {study.training.network} admits")
        self.explainer = PairExplainer(self.network, self.settings)

    def pair(self, seed: int) -> tuple[Tensor, Tensor]:
        """Newton and GR (1, channels, N, N[, N]) of a seed, float32; if it has several samples, the middle one."""
        if seed not in self._cache:
            test = self.task.pairs["test"]
            places = [place for place, found in enumerate(test.seeds) if found == seed]
            values = test.load([places[len(places) // 2]])[0]
            self._cache = {seed: (values[:1], values[1:])}
        return self._cache[seed]

    def _usable(self) -> set[str]:
        """Methods that suit this network: Grad-CAM needs a convolution with a map, guided Grad-CAM also activations."""
        found = {*self.study.explain.methods, *self.study.explain.trust_methods}
        if not has_map(self.network, self.pair(self.seeds[0])[0]):
            found -= set(CAMS)
        return found if has_activations(self.network) else found - set(GUIDED)

    def _kept(self, kind: type[Piece], name: str, seed: int, compute: Callable[[], Piece]) -> Piece:
        """What was computed before from the same inputs, or else what is computed now."""
        path, key = self._piece(name, seed), self._key(name, seed)
        if path.exists() and (kept := read_json(path)).get("key") == key:
            return kind.read(Kept.read(kept, str(path)).result, str(path))
        result = compute()
        Kept(key=key, result=result.as_json()).save(path)
        return result

    def _key(self, name: str, seed: int) -> str:
        weights = file_hash(self.folder.model(self.model) / "weights.pt")
        networks = [self.study.training.hash(), self.study.audit.bootstrap] if name == "trust" else []
        own = own_sources(self.study)
        return content_hash(
            [__version__, name, seed, self.dataset.fingerprint, weights, self.study.explain.hash(), networks]
            + ([own] if own else [])
        )

    def attributed(self, seed: int) -> PairAttribution:
        """Sums and bands of one seed; the maps of the chosen seed are also written to ``maps.npz``."""
        newton, gr = self.pair(seed)

        def compute() -> PairAttribution:
            found, maps = self.explainer.attributions(newton, gr)
            if seed == self.seeds[0]:
                self._write_maps(newton, gr, maps)
            return found

        if seed == self.seeds[0] and not (self.folder.explain / "maps.npz").exists():
            self._piece("pair", seed).unlink(missing_ok=True)
        return self._kept(PairAttribution, "pair", seed, compute)

    def _piece(self, name: str, seed: int) -> Path:
        return self.folder.explain / "seeds" / f"{name}{seed:05d}.json"

    def _write_maps(self, newton: Tensor, gr: Tensor, maps: dict[str, Tensor]) -> None:
        arrays = {name: values[0].to(torch.float32).numpy() for name, values in maps.items()}
        if newton.ndim == 4:
            arrays |= self._saliency_cube()
        _write_npz(self.folder.explain / "maps.npz", newton=newton[0].numpy(), gr=gr[0].numpy(), **arrays)

    def _saliency_cube(self) -> dict[str, np.ndarray[Any, Any]]:
        """Maps of all slices of the chosen pair gathered into cubes (channels, N, N, N), and the cubes themselves.

        Empty where the slices are not those of whole cubes but have another size or other channels.
        """
        pair = self.dataset.pairs([self.seeds[0]], self.study.dataset.keep_mean).load([0])[0]
        if pair.shape[1:3] != self.task.shape[:2]:
            return {}
        name = "pair_integrated" if "pair_integrated" in self.settings.methods else self.settings.methods[0]
        settings = self.settings.model_copy(update={"tolerance": float("inf")})  # there are as many paths as slices
        maps = PairExplainer(self.network, settings).maps

        def one(network: nn.Module, gr: Tensor, newton: Tensor | None) -> Tensor:
            return maps(name, newton if newton is not None else gr, gr, network)

        found = gather(one, self.network, pair[1:], pair[:1])
        cubes = {"cube_newton": pair[0], "cube_gr": pair[1], "cube_signed": found.signed[0]}
        cubes["cube_absolute"] = found.absolute[0]
        return {key: values.to(torch.float32).numpy() for key, values in cubes.items()}

    def explanation(self, rows: Sequence[PairAttribution]) -> Explanation:
        """``explain.json``, from the attributions of all ``seeds``; also writes ``saliency.npz``."""
        newton, gr = self.pair(self.seeds[0])
        cubes = torch.cat([newton, gr])
        gradients = gradient(self.network, cubes, memory_mib=self.settings.memory_mib)
        self._write_saliency(cubes, gradients)
        bands, unit = Bands.of(cubes), 2 * np.pi / self.dataset.box_size_mpch
        return Explanation(
            model=self.model,
            seed=self.seeds[0],
            seeds=self.seeds,
            grid=self.dataset.grid,
            box_size_mpch=self.dataset.box_size_mpch,
            logit=rows[0].logit,
            logit_difference=rows[0].logit.difference,
            fourier=pair_spectrum(cubes, gradients, bands, unit),
            methods={name: _sums(rows, name) for name in self.settings.methods},
            path=PathSums(
                largest_residual=max(abs(row.path.residual) for row in rows),
                evaluations=[row.path.evaluations for row in rows],
            ),
            bands=Spectrum(
                k_hmpc=(bands.wavenumbers * unit).tolist(),
                modes=bands.modes.tolist(),
                logit_difference=over_seeds([row.logit.difference for row in rows]),
                attributed=_contributions([row.bands for row in rows]),
                occluded=_contributions([row.occluded_bands for row in rows]),
                channels=over_seeds([row.channels for row in rows]),
                directions=over_seeds([row.directions for row in rows]),
                amplitude=_polar_sums([row.polar.amplitude for row in rows]),
                phase=_polar_sums([row.polar.phase for row in rows]),
            ),
            triangles=self.triangles(unit) if self.settings.triangle_shells else None,
        )

    def triangles(self, unit: float) -> Triangles:
        """``decision.triangles`` of all pairs of the test part, one sample per seed; ``unit`` is k_F in h/Mpc."""
        seeds = self.dataset.part("test")

        def compute() -> Triangles:
            members = [self.pair(seed) for seed in seeds]
            newton, gr = (torch.cat([pair[member] for pair in members]) for member in (0, 1))
            answers = np.stack([logits(self.network, newton), logits(self.network, gr)], axis=1)
            bounds = edges(newton.shape[-1], self.settings.triangle_shells)
            return triangles(self.network, newton, gr, seeds, bounds, unit, answers, self.settings.memory_mib)

        return self._kept(Triangles, "triangles", self.seeds[0], compute)

    def _write_saliency(self, cubes: Tensor, gradients: Tensor) -> None:
        maps = gradients.sum(1)
        sides = (maps[0], maps[1], maps[1] - maps[0])
        arrays = {}
        if maps.ndim == 4:
            arrays["projections"] = np.stack([projections(side).numpy() for side in sides])
        _write_npz(
            self.folder.explain / "saliency.npz",
            input=cubes[:, 0].numpy(),
            gradient=maps.to(torch.float32).numpy(),
            **arrays,
        )

    def trust(self) -> Trust:
        """``trust.json``: trains the networks of comparison, then tests every seed."""
        found = others(self.study, self.task, self.folder.explain)
        self.explainer.others = {name: other.network for name, other in found.items()}
        rows = []
        with bar("tests of trust", len(self.seeds)) as progress:
            for seed in self.seeds:
                rows.append(self._kept(PairTrust, "trust", seed, partial(self._tested, seed)))
                progress.advance(note=f"tests of trust: seed {seed}")
        auc = {name: auc_of(other.scores, self.study.audit.bootstrap) for name, other in found.items()}
        epochs = min(self.study.explain.trust_epochs, self.study.training.epochs)
        return summarise(rows, self.seeds, self.settings.methods, auc, epochs)

    def _tested(self, seed: int) -> PairTrust:
        newton, gr = self.pair(seed)
        maps = {name: self.explainer.maps(name, newton, gr) for name in self.settings.methods}
        return self.explainer.trust(newton, gr, maps, np.array(self.attributed(seed).bands))


def _sums(rows: Sequence[PairAttribution], name: str) -> MethodSums:
    """Sum of a method's attributions over seeds, and how far the sums are from what they should be."""
    values = [row.methods[name] for row in rows]
    total = over_seeds([value.sum for value in values])
    if any(value.change is None for value in values):
        return MethodSums(sum=total)
    return MethodSums(
        sum=total,
        change=over_seeds([value.change for value in values]),
        largest_residual=max(abs(value.residual or 0.0) for value in values),
    )


def _contributions(rows: Sequence[list[float]]) -> Contributions:
    """Contributions of the bands over seeds: shells, mean and rest."""
    values = np.array(rows)
    return Contributions(
        shells=over_seeds(values[:, :-2]), mean=over_seeds(values[:, -2]), rest=over_seeds(values[:, -1])
    )


def _polar_sums(rows: Sequence[PolarPart]) -> PolarSums:
    return PolarSums(total=over_seeds([row.total for row in rows]), shells=over_seeds([row.shells for row in rows]))


def _write_npz(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]
