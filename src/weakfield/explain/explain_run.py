"""A run whose network is explained: its pairs, the methods that suit it, and what is kept of each seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from weakfield._version import __version__
from weakfield.base.arrays import save_arrays
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash
from weakfield.base.plugins import is_plugin
from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.records import Record
from weakfield.base.trials import LOG, Trial, Unsuited, reason, stops
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import Dataset, open_dataset
from weakfield.explain.bands import Bands, pair_spectrum
from weakfield.explain.decision import edges, triangles
from weakfield.explain.pair_explainer import SUMMING, PairExplainer
from weakfield.explain.pixels import source_of
from weakfield.explain.pixels.contract import asked, checked
from weakfield.explain.pixels.cubes import gather, projections
from weakfield.explain.pixels.gradcam import has_activations, has_map
from weakfield.explain.pixels.gradients import gradient
from weakfield.explain.records import (
    Explanation,
    Kept,
    PairAttribution,
    PairSpectrum,
    PairTrust,
    QuantusTests,
    Triangles,
    Trust,
)
from weakfield.explain.sums import paths, spectrum, sums
from weakfield.explain.trust import quantus_measures
from weakfield.explain.trust.others import auc_of, others
from weakfield.explain.trust.summary import summarise
from weakfield.explain.truth.records import Truth
from weakfield.explain.truth.study import KnownStudy
from weakfield.learning import load_model, logits
from weakfield.learning.concurrency import jobs_at_once, threads_of_a_job
from weakfield.learning.results import METRICS, Metrics
from weakfield.learning.training import main_model, task

Piece = TypeVar("Piece", bound=Record)

GUIDED = ("guided_grad_cam", "guided_grad_cam_unsigned")
CAMS = ("grad_cam", "grad_cam_unsigned", *GUIDED)
#: the method about all seeds at once
TRIANGLES = "triangles"


def own_sources(study: StudyConfig) -> dict[str, str]:
    """Hashes of the files of the user's own methods that the study names."""
    return {
        name: source_of(name)
        for name in dict.fromkeys((*study.explain.methods, *study.explain.trust_methods))
        if is_plugin(name)
    }


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
        self.trial = Trial(folder.explain / LOG)  # what is about the whole network
        self.no_truth: str | None = None
        self._answers()
        self.settings = study.explain
        self._leave_out(self._unsuited() | self._unpaired())

    def _answers(self) -> None:
        """``BadInput`` for a network that cannot be copied and asked for the logits of the pair that is shown."""
        newton, gr = self.pair(self.seeds[0])
        try:
            asked(self.network, *checked(self.network, gr)[:1], self.study.explain.memory_mib).logits(newton)
        except Exception as error:
            if stops(error):
                raise
            named = f"network {self.study.training.network} cannot be asked for its logits"
            raise BadInput(
                f"{named}: {reason(error)}; expected one that can be copied and used as it was trained"
            ) from error

    def _leave_out(self, said: Mapping[str, str]) -> None:
        """Go on without these methods; ``BadInput`` when none is left of those that the study asks for."""
        self.trial.said |= said
        kept = {
            key: tuple(name for name in getattr(self.settings, key) if name not in said)
            for key in ("methods", "trust_methods")
        }
        if not kept["methods"]:
            asked_for = ", ".join(self.study.explain.methods)
            raise BadInput(
                f"explain.methods is {asked_for}, expected one that network {self.study.training.network} admits:"
                f" {'; '.join(self.trial.said.values())}"
            )
        self.settings = self.settings.model_copy(update=kept)
        self.explainer = PairExplainer(
            self.network, self.settings, trial=Trial(self.trial.log), paired=self.study.paired
        )

    @property
    def at_chance(self) -> str | None:
        """What the train stage found of a network that tells nothing apart; ``None`` of one that does."""
        found = Metrics.load_if_sound(self.folder.model(self.model) / METRICS)
        return None if found is None else found.at_chance

    @cached_property
    def workers(self) -> int:
        """How many seeds may be worked on at once."""
        return jobs_at_once(self.study, self.task.shape, len(self.dataset.seeds))

    def each(
        self,
        what: str,
        done: Callable[[int | str], object],
        others: Sequence[str] = (),
        beside: Sequence[str] = (),
    ) -> list[Any]:
        """What the method ``what`` finds for every seed, many at once; it knows ``others``, networks by name.

        ``beside`` names methods about all seeds that are worked on at the same time and keep what they find.
        """
        arguments = (self.study, self.folder, what, dict(self.trial.said), tuple(others))
        jobs: list[int | str] = [*beside, *self.seeds]
        found = mapped(seed_work, arguments, jobs, self.workers, done)[len(beside) :]
        for _, said in found:
            self.trial.said |= said
        return [result for result, _ in found]

    def pair(self, seed: int) -> tuple[Tensor, Tensor]:
        """Newton and GR (1, channels, N, N[, N]) of a seed, float32; if it has several samples, the middle one."""
        if seed not in self._cache:
            test = self.task.pairs["test"]
            places = [place for place, found in enumerate(test.seeds) if found == seed]
            values = test.load([places[len(places) // 2]])[0]
            self._cache = {seed: (values[:1], values[1:])}
        return self._cache[seed]

    def _unsuited(self) -> dict[str, str]:
        """Methods of the study that do not suit this network, by name: Grad-CAM needs a convolution, guided Grad-CAM
        also activations.
        """
        asked_for = {*self.study.explain.methods, *self.study.explain.trust_methods}
        sample, said = self.pair(self.seeds[0])[0], dict[str, str]()
        if not has_map(self.network, sample):
            said = dict.fromkeys(CAMS, "the network has no convolution with more than one cell a side")
        if not has_activations(self.network, sample):
            said = dict.fromkeys(GUIDED, "the network has no activation that is a module") | said
        return {name: f"{name}: left out, since {why}" for name, why in said.items() if name in asked_for}

    def _unpaired(self) -> dict[str, str]:
        """What compares the two members of a pair, by name, where the cubes are not paired."""
        if self.study.paired:
            return {}
        asked_for = {*self.study.explain.methods, *self.study.explain.trust_methods}
        names = [name for name, to_twin in SUMMING.items() if to_twin and name in asked_for]
        parts = ("bands", "gradients", *(["triangles"] if self.study.explain.triangle_shells else []))
        trust = ("tests of trust",) if self.study.explain.trust else ()
        why = "it compares cubes two by two, and the classes are not paired"
        return {name: f"{name}: left out, since {why}" for name in (*names, *parts, *trust)}

    def _kept(self, kind: type[Piece], name: str, seed: int, compute: Callable[[], Piece]) -> Piece:
        """What was computed before from the same inputs, or else what is computed now."""
        path, key = self._piece(name, seed), self._key(name, seed)
        kept = Kept.load_if_sound(path)
        if kept is not None and kept.key == key:
            with suppress(BadInput):  # what is damaged is computed again
                return kind.read(kept.result, str(path))
        result = compute()
        Kept(key=key, result=result.as_json()).save(path)
        return result

    def _key(self, name: str, seed: int) -> str:
        weights = file_hash(self.folder.model(self.model) / "weights.pt")
        networks = [self.study.training.hash(), self.study.audit.bootstrap] if name == "trust" else []
        own = own_sources(self.study)
        networks += [self.study.simulation.hash()] if name in ("pair", "truth") else []  # C1 depends on it
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
            if self.known is None:
                return found
            truth = self.trial.attempt("truth", partial(self.known.judged, seed, (newton, gr), found, maps))
            return found if truth is None else found.model_copy(update={"truth": truth})

        if seed == self.seeds[0] and not (self.folder.explain / "maps.npz").exists():
            self._piece("pair", seed).unlink(missing_ok=True)
        return self._kept(PairAttribution, "pair", seed, compute)

    @cached_property
    def known(self) -> KnownStudy | None:
        """The truth about these pairs, or ``None`` where it is not known, for the reason in ``no_truth``."""
        metrics = Metrics.load_if_sound(self.folder.model(self.model) / METRICS)
        accuracy = None if metrics is None else metrics.test

        def find() -> KnownStudy | None:
            try:
                return KnownStudy(self.study, self.dataset, self.settings, self.seeds[0], accuracy)
            except Unsuited as error:
                self.no_truth = str(error)
                return None

        return self.trial.attempt("truth", find)

    def _truth(self, rows: Sequence[PairAttribution], found: Triangles | None) -> dict[str, Any]:
        """``truth`` of ``explain.json``, or why it is missing."""
        if self.known is None:
            return {} if self.no_truth is None else {"no_truth": self.no_truth}
        if not self.settings.triangle_shells:
            return {"no_truth": "explain.triangle_shells is 0"}
        truths = [row.truth for row in rows if row.truth is not None]
        if len(truths) < len(rows):
            return {}
        score = partial(self.known.scored, truths, self.seeds, found)
        truth = self.trial.attempt("truth", lambda: self._kept(Truth, "truth", self.seeds[0], score))
        return {} if truth is None else {"truth": truth}

    def _piece(self, name: str, seed: int) -> Path:
        return self.folder.explain / "seeds" / f"{name}{seed:05d}.json"

    def _write_maps(self, newton: Tensor, gr: Tensor, maps: dict[str, Tensor]) -> None:
        arrays = {name: values[0].to(torch.float32).numpy() for name, values in maps.items()}
        if newton.ndim == 4:
            arrays |= self.trial.attempt("cube of slices", partial(self._saliency_cube, list(maps))) or {}
        save_arrays(self.folder.explain / "maps.npz", newton=newton[0].numpy(), gr=gr[0].numpy(), **arrays)

    def _saliency_cube(self, methods: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        """Maps of all slices of the chosen pair gathered into cubes (channels, N, N, N), and the cubes themselves.

        Empty where the slices are not those of whole cubes but have another size or other channels.
        """
        pair = self.dataset.pairs([self.seeds[0]], self.study.dataset.keep_mean).load([0])[0]
        if pair.shape[1:3] != self.task.shape[:2]:
            return {}
        name = next((name for name in ("pair_integrated", *methods) if name in methods), "gradient")
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
        self._leave_out({name: said for row in rows for name, said in row.left_out.items()})
        cubes = torch.cat([newton, gr])
        bands, unit = Bands.of(cubes), self.unit
        parts: dict[str, Any] = {}
        if self.study.paired:
            parts["fourier"] = self.trial.attempt("gradients", partial(self._gradients, cubes, bands, unit))
        if all(row.bands is not None for row in rows):
            parts |= {"path": paths(rows), "bands": spectrum(rows, bands, unit)}
        triangles = None
        if self.asks_for_triangles:
            triangles = self.trial.attempt(TRIANGLES, self.triangles)
        parts |= self._truth(rows, triangles)
        return Explanation(
            model=self.model,
            seed=self.seeds[0],
            seeds=self.seeds,
            grid=self.dataset.grid,
            box_size_mpch=self.dataset.box_size_mpch,
            logit=rows[0].logit,
            logit_difference=rows[0].logit.difference,
            methods={name: sums(rows, name) for name in self.settings.methods},
            triangles=triangles,
            **{name: part for name, part in parts.items() if part is not None},
            **({"at_chance": said} if (said := self.at_chance) else {}),
            **({"left_out": dict(self.trial.said)} if self.trial.said else {}),
        )

    def _gradients(self, cubes: Tensor, bands: Bands, unit: float) -> PairSpectrum:
        """Gradient times input of the pair that is shown, by band; also writes ``saliency.npz``."""
        gradients = gradient(self.network, cubes, memory_mib=self.settings.memory_mib)
        self._write_saliency(cubes, gradients)
        return pair_spectrum(cubes, gradients, bands, unit)

    @property
    def asks_for_triangles(self) -> bool:
        """Whether contributions of triangles are asked for, and there are pairs to have them."""
        return self.settings.triangle_shells > 0 and self.study.paired

    @property
    def unit(self) -> float:
        """k_F [h/Mpc]."""
        return 2 * np.pi / self.dataset.box_size_mpch

    def triangles(self) -> Triangles:
        """``decision.triangles`` of all pairs of the test part, one sample per seed."""
        seeds = self.dataset.part("test")

        def compute() -> Triangles:
            members = [self.pair(seed) for seed in seeds]
            newton, gr = (torch.cat([pair[member] for pair in members]) for member in (0, 1))
            answers = np.stack([logits(self.network, newton), logits(self.network, gr)], axis=1)
            bounds = edges(newton.shape[-1], self.settings.triangle_shells)
            return triangles(self.network, newton, gr, seeds, bounds, self.unit, answers, self.settings.memory_mib)

        return self._kept(Triangles, TRIANGLES, self.seeds[0], compute)

    def _write_saliency(self, cubes: Tensor, gradients: Tensor) -> None:
        maps = gradients.sum(1)
        sides = (maps[0], maps[1], maps[1] - maps[0])
        arrays = {}
        if maps.ndim == 4:
            arrays["projections"] = np.stack([projections(side).numpy() for side in sides])
        save_arrays(
            self.folder.explain / "saliency.npz",
            input=cubes[:, 0].numpy(),
            gradient=maps.to(torch.float32).numpy(),
            **arrays,
        )

    def trust(self) -> Trust | None:
        """``trust.json``: trains the networks of comparison, then tests every seed; ``None`` without a method."""
        if not self.settings.trust_methods:
            return None
        trial = Trial(self.trial.log)
        found = others(self.study, self.folder, trial, self.workers)
        with bar("tests of trust", len(self.seeds)) as progress:
            rows = self.each("trusted", lambda _: progress.advance(), list(found))
        auc = {name: auc_of(scores, self.study.audit.bootstrap) for name, scores in found.items()}
        epochs = min(self.study.explain.trust_epochs, self.study.training.epochs)
        said = {name: sentence for row in rows for name, sentence in row.left_out.items()}
        quantus = self.by_quantus(trial) if quantus_measures.installed() else None
        tests = summarise(rows, self.seeds, self.settings.methods, auc, epochs, trial.said | said)
        return tests if quantus is None else tests.model_copy(update={"quantus": quantus})

    def by_quantus(self, trial: Trial) -> dict[str, QuantusTests]:
        """Measures of Quantus on the maps of every method that is tested, of all pairs together."""
        pairs, explainer = [self.pair(seed) for seed in self.seeds], self.explainer.coarse()
        newton, gr = (torch.cat([pair[member] for pair in pairs]) for member in (0, 1))
        draws, memory = max(1, self.settings.perturbations // 2), self.settings.memory_mib
        found = {}
        for name in self.settings.trust_methods:
            maps = partial(explainer.maps, name, newton)
            measure = partial(quantus_measures.measured, self.network, newton, gr, maps, draws, memory)
            found[name] = trial.attempt(f"Quantus on {name}", measure)
        return {name: tests for name, tests in found.items() if tests is not None}

    def trusted(self, seed: int) -> PairTrust:
        """Tests of trust on one seed."""
        return self._kept(PairTrust, "trust", seed, partial(self._tested, seed))

    def _tested(self, seed: int) -> PairTrust:
        return self.explainer.trust(*self.pair(seed), self.attributed(seed).bands)


def seed_work(
    study: StudyConfig, folder: RunFolder, what: str, said: Mapping[str, str], others: Sequence[str]
) -> Callable[[int | str], tuple[Any, dict[str, str]]]:
    """The work of ``ExplainRun.each`` where what was ``said`` to be left out is left out; also what is said now.

    A job is a seed, or the name of a method about all of them.
    """
    stage = ExplainRun(study, folder)
    stage._leave_out(said)
    stage.explainer.others = {name: load_model(folder.explain / name) for name in others}

    def work(job: int | str) -> tuple[Any, dict[str, str]]:
        with threads_of_a_job(study, stage.task.shape):
            if isinstance(job, str):
                return stage.trial.attempt(job, getattr(stage, job)), {}
            return getattr(stage, what)(job), dict(stage.trial.said)

    return work
