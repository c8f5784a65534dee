"""The explain stage: attributions of the main network's answers to test pairs, and whether they can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash, read_json, replacing, write_json
from weakfield.base.progress import bar
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.dataset import Dataset, open_dataset, study_split
from weakfield.explain.bands import Bands, by_band, power_by_band
from weakfield.explain.decision import edges, triangles
from weakfield.explain.examine import Examination
from weakfield.explain.pixels import method
from weakfield.explain.pixels.gradcam import has_activations, has_map
from weakfield.explain.pixels.gradients import gradient
from weakfield.explain.pixels.slicing import gather
from weakfield.explain.saliency import projections
from weakfield.explain.samples import chosen_seed, examined_seeds
from weakfield.explain.trust.others import auc_of, others
from weakfield.explain.trust.summary import over_seeds, summarise
from weakfield.learning import load_model, logits
from weakfield.learning.training import main_model, task

GUIDED = ("guided_grad_cam", "guided_grad_cam_unsigned")
CAMS = ("grad_cam", "grad_cam_unsigned", *GUIDED)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``explain/explain.json``, ``saliency.npz``, ``maps.npz`` and, with ``explain.trust``, ``trust.json``.

    ``saliency.npz``: ``input`` and ``gradient`` (2, N, N, N), Newton then GR, and ``projections`` (3, 3, N, N): of
    Newton, GR and GR - Newton, along z, y and x. ``maps.npz``: the sample of GR, its Newtonian twin and the map of
    every method, (channels, ...) float32; of a network of slices also ``cube_signed`` and ``cube_absolute``, the maps
    of all slices gathered, with ``cube_newton`` and ``cube_gr``. What is done for one seed is kept in ``seeds/``, not
    done twice. Raises ``BadInput`` when the study asks for a test pair or a method that does not exist.
    """
    check_methods(study)
    stage = Stage(study, folder)
    with bar("explanation", len(stage.seeds) + 1) as progress:
        rows = []
        for seed in stage.seeds:
            rows.append(stage.attributed(seed))
            progress.advance(note=f"explanation: seed {seed}")
        written = stage.explanation(rows)
        progress.advance()
    write_json(folder.explain / "explain.json", written)
    summary = {
        "seed": written["seed"],
        "logit_difference": written["logit_difference"],
        "attributed": written["fourier"]["pair"]["total"],
        "pairs": len(stage.seeds),
        "largest_residual": written["path"]["largest_residual"],
    }
    if study.explain.trust:
        write_json(folder.explain / "trust.json", stage.trust())
    return summary


def check(study: StudyConfig) -> None:
    """``BadInput`` when the study asks for a test pair or a method that will not exist; nothing is read."""
    check_methods(study)
    chosen_seed(study, study_split(study).test)


def check_methods(study: StudyConfig) -> None:
    """``BadInput`` for a method that is not known."""
    for name in (*study.explain.methods, *study.explain.trust_methods):
        method(name)


class Stage:
    """The explain stage of one run at work."""

    def __init__(self, study: StudyConfig, folder: RunFolder) -> None:
        self.study, self.folder = study, folder
        self.dataset: Dataset = open_dataset(folder)
        self.model = main_model(study)
        self.network = load_model(folder.model(self.model))
        self.seeds = examined_seeds(study, self.dataset.part("test"))
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
        self.examination = Examination(self.network, self.settings)

    def pair(self, seed: int) -> tuple[Tensor, Tensor]:
        """Newton and GR (1, channels, N, N[, N]) of a seed, float32: where it has several samples, the middle one."""
        if seed not in self._cache:
            test = self.task.pairs["test"]
            places = [place for place, found in enumerate(test.seeds) if found == seed]
            values = test.load([places[len(places) // 2]])[0]
            self._cache = {seed: (values[:1], values[1:])}
        return self._cache[seed]

    def _usable(self) -> set[str]:
        """The methods that this network admits: Grad-CAM wants a convolution with a map, guided also activations."""
        found = {*self.study.explain.methods, *self.study.explain.trust_methods}
        if not has_map(self.network, self.pair(self.seeds[0])[0]):
            found -= set(CAMS)
        return found if has_activations(self.network) else found - set(GUIDED)

    def _kept(self, name: str, seed: int, compute: Callable[[], Any]) -> Any:
        """A piece of JSON that was computed before for the same things, or is now."""
        path = self.folder.explain / "seeds" / f"{name}{seed:05d}.json"
        key = self._key(name, seed)
        if path.exists() and (kept := read_json(path)).get("key") == key:
            return kept["result"]
        result = compute()
        write_json(path, {"key": key, "result": result})
        return result

    def _key(self, name: str, seed: int) -> str:
        weights = file_hash(self.folder.model(self.model) / "weights.pt")
        networks = [self.study.training.hash(), self.study.audit.bootstrap] if name == "trust" else []
        return content_hash(
            [__version__, name, seed, self.dataset.fingerprint, weights, self.study.explain.hash(), networks]
        )

    def attributed(self, seed: int) -> dict[str, Any]:
        """Sums and bands of one seed; the maps of the chosen one go to ``maps.npz`` at the same time."""
        newton, gr = self.pair(seed)

        def compute() -> dict[str, Any]:
            row, maps = self.examination.attributions(newton, gr)
            if seed == self.seeds[0]:
                self._write_maps(newton, gr, maps)
            return row

        if seed == self.seeds[0] and not (self.folder.explain / "maps.npz").exists():
            self._piece("pair", seed).unlink(missing_ok=True)
        row: dict[str, Any] = self._kept("pair", seed, compute)
        return row

    def _piece(self, name: str, seed: int) -> Path:
        return self.folder.explain / "seeds" / f"{name}{seed:05d}.json"

    def _write_maps(self, newton: Tensor, gr: Tensor, maps: dict[str, Tensor]) -> None:
        arrays = {name: values[0].to(torch.float32).numpy() for name, values in maps.items()}
        if newton.ndim == 4:
            arrays |= self._saliency_cube()
        _write_npz(self.folder.explain / "maps.npz", newton=newton[0].numpy(), gr=gr[0].numpy(), **arrays)

    def _saliency_cube(self) -> dict[str, np.ndarray[Any, Any]]:
        """Maps of all slices of the chosen pair gathered into cubes (channels, N, N, N), and the cubes themselves.

        Nothing where slices are not those of the whole cubes: of another size or with other channels.
        """
        pair = self.dataset.pairs([self.seeds[0]], self.study.dataset.keep_mean).load([0])[0]
        if pair.shape[1:3] != self.task.shape[:2]:
            return {}
        name = "pair_integrated" if "pair_integrated" in self.settings.methods else self.settings.methods[0]
        settings = self.settings.model_copy(update={"tolerance": float("inf")})  # as many paths as there are slices
        maps = Examination(self.network, settings).maps

        def one(network: nn.Module, gr: Tensor, newton: Tensor | None) -> Tensor:
            return maps(name, newton if newton is not None else gr, gr, network)

        found = gather(one, self.network, pair[1:], pair[:1])
        cubes = {"cube_newton": pair[0], "cube_gr": pair[1], "cube_signed": found.signed[0]}
        cubes["cube_absolute"] = found.absolute[0]
        return {key: values.to(torch.float32).numpy() for key, values in cubes.items()}

    def explanation(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """``explain.json``; also writes ``saliency.npz``."""
        seed, first = self.seeds[0], rows[0]
        newton, gr = self.pair(seed)
        cubes = torch.cat([newton, gr])
        gradients = gradient(self.network, cubes, memory_mib=self.settings.memory_mib)
        self._write_saliency(cubes, gradients)
        bands, unit = Bands.of(cubes), 2 * np.pi / self.dataset.box_size_mpch
        return {
            "model": self.model,
            "seed": seed,
            "seeds": self.seeds,
            "grid": self.dataset.grid,
            "box_size_mpch": self.dataset.box_size_mpch,
            "logit": first["logit"],
            "logit_difference": first["logit"]["gr"] - first["logit"]["newton"],
            "fourier": by_shell(cubes, gradients, bands, unit),
            "methods": {name: _sums(rows, name) for name in self.settings.methods},
            "path": {
                "largest_residual": max(abs(row["path"]["residual"]) for row in rows),
                "evaluations": [row["path"]["evaluations"] for row in rows],
            },
            "bands": {
                "k_hmpc": (bands.wavenumbers * unit).tolist(),
                "modes": bands.modes.tolist(),
                "logit_difference": over_seeds([row["logit"]["gr"] - row["logit"]["newton"] for row in rows]),
                "attributed": _bands(rows, "bands"),
                "occluded": _bands(rows, "occluded_bands"),
                "channels": over_seeds([row["channels"] for row in rows]),
                "directions": over_seeds([row["directions"] for row in rows]),
                **{
                    part: {
                        "total": over_seeds([row["polar"][part]["total"] for row in rows]),
                        "shells": over_seeds([row["polar"][part]["shells"] for row in rows]),
                    }
                    for part in ("amplitude", "phase")
                },
            },
            "triangles": self.triangles(unit) if self.settings.triangle_shells else None,
        }

    def triangles(self, unit: float) -> dict[str, Any]:
        """``decision.triangles`` of all pairs of the test part, one sample a seed."""
        seeds = self.dataset.part("test")

        def compute() -> dict[str, Any]:
            members = [self.pair(seed) for seed in seeds]
            newton, gr = (torch.cat([pair[member] for pair in members]) for member in (0, 1))
            answers = np.stack([logits(self.network, newton), logits(self.network, gr)], axis=1)
            bounds = edges(newton.shape[-1], self.settings.triangle_shells)
            return triangles(self.network, newton, gr, seeds, bounds, unit, answers, self.settings.memory_mib)

        found: dict[str, Any] = self._kept("triangles", self.seeds[0], compute)
        return found

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

    def trust(self) -> dict[str, Any]:
        """``trust.json``: trains what the network is compared with, then tests every seed."""
        found = others(self.study, self.task, self.folder.explain)
        self.examination.others = {name: other.network for name, other in found.items()}
        rows = []
        with bar("tests of trust", len(self.seeds)) as progress:
            for seed in self.seeds:
                rows.append(self._kept("trust", seed, partial(self._tested, seed)))
                progress.advance(note=f"tests of trust: seed {seed}")
        resamples = self.study.audit.bootstrap
        return {
            "seeds": self.seeds,
            "auc": {name: auc_of(other.scores, resamples) for name, other in found.items()},
            "epochs": min(self.study.explain.trust_epochs, self.study.training.epochs),
            **summarise(rows, self.settings.methods, self.settings.trust_methods),
        }

    def _tested(self, seed: int) -> dict[str, Any]:
        newton, gr = self.pair(seed)
        maps = {name: self.examination.maps(name, newton, gr) for name in self.settings.methods}
        return self.examination.trust(newton, gr, maps, np.array(self.attributed(seed)["bands"]))


def by_shell(cubes: Tensor, gradients: Tensor, bands: Bands, unit: float) -> dict[str, Any]:
    """Gradient x input of each twin and of the pair by shell one k_F wide, and the power of the gradients.

    Samples and gradients (2, channels, ...), Newton and GR; ``unit`` is k_F in h/Mpc. ``pair`` is the mean of the two
    gradients times (GR - Newton): the trapezoidal rule for the integral of the gradient from one twin to the other, so
    that its total is close to the difference of their logits.
    """
    difference = (cubes[1:] - cubes[:1]).to(torch.float64)
    products: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    products.update(zip(THEORIES, by_band(gradients, cubes, bands), strict=True))
    products["pair"] = by_band(gradients.mean(dim=0, keepdim=True), difference, bands)[0]
    power = power_by_band(torch.cat([gradients, gradients[1:] - gradients[:1]]), bands)
    return {
        "k_hmpc": (bands.wavenumbers * unit).tolist(),
        "modes": bands.modes.tolist(),
        **{
            name: {
                "mean": float(parts[bands.shells]),
                "shells": parts[: bands.shells].tolist(),
                "rest": float(parts[bands.shells + 1]),
                "total": float(parts.sum()),
            }
            for name, parts in products.items()
        },
        "gradient_power": dict(zip((*THEORIES, "difference"), power.tolist(), strict=True)),
    }


def _sums(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Sum of a method's attributions over seeds, and how far the sums are from what they should be."""
    values = [row["methods"][name] for row in rows]
    found: dict[str, Any] = {"sum": over_seeds([value["sum"] for value in values])}
    if "change" in values[0]:
        found["change"] = over_seeds([value["change"] for value in values])
        found["largest_residual"] = max(abs(value["residual"]) for value in values)
    return found


def _bands(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Shells, mean and rest over seeds."""
    values = np.array([row[key] for row in rows])
    return {
        "shells": over_seeds(values[:, :-2]),
        "mean": over_seeds(values[:, -2]),
        "rest": over_seeds(values[:, -1]),
    }


def _write_npz(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]
