"""Explanations of a study against truth: C1 of its pairs, its matched filter, and its network beside both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from torch import Tensor

from weakfield.base.trials import Unsuited
from weakfield.config import THEORIES, StudyConfig
from weakfield.config.explain import ExplainSettings
from weakfield.dataset import Dataset
from weakfield.explain.records import PairAttribution, Triangles
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.explain.truth.prediction import Prediction
from weakfield.explain.truth.quantities import Parts, filter_parts, template_parts
from weakfield.explain.truth.records import PairTruth, Score, Truth
from weakfield.explain.truth.scoring import (
    KnownPair,
    judged,
    known_triangles,
    merged,
    over_rows,
    ranks_of,
    scored,
    triangle_scores,
    unit_of,
)
from weakfield.fourier.shells import shells
from weakfield.learning.results import Measures


class KnownStudy:
    """C1 of the pairs of a data set; ``Unsuited`` where GR - Newton of a pair is something else.

    The matched filter is that of phi at the last redshift of the samples, whatever the samples are made of; its answer
    to C1 in the pair ``seed`` is 1. ``accuracy`` are the test scores of the network that is explained, if there are
    any.
    """

    def __init__(
        self,
        study: StudyConfig,
        dataset: Dataset,
        settings: ExplainSettings,
        seed: int,
        accuracy: Measures | None = None,
    ) -> None:
        if dataset.description.provenance.imported:
            raise Unsuited("pairs were grown by another program, whose meshes and starts are not ours")
        self.prediction = Prediction(study)
        self.study, self.dataset, self.settings, self.accuracy = study, dataset, settings, accuracy
        self.z = dataset.channels.redshifts[-1]
        self.filter: MatchedFilter = self.prediction.filter(self.z)
        self.filter.unit = unit_of(self.filter, self.pair(seed))

    def pair(self, seed: int) -> KnownPair:
        """phi of a seed at the redshift of the filter, with its C1."""
        place = self.dataset.redshifts.index(self.z)
        newton, gr = (self.dataset.stored(seed, theory)[place] for theory in THEORIES)
        return KnownPair.of(seed, newton, gr, self.prediction.c1(seed, self.z))

    @cached_property
    def of_phi(self) -> bool:
        """Whether the samples are phi of one redshift and nothing else, so that the filter is a functional of them."""
        channels = self.dataset.channels
        plain = channels.sample == "raw" and channels.derivative == "none" and not self.study.dataset.transforms
        return plain and len(channels.redshifts) == 1

    @cached_property
    def no_network(self) -> str:
        """Why the network's attributions are not compared with C1; empty if they are."""
        if self.study.dataset.shape != "cube" or self.dataset.shape[0] != 1:
            return "network: left out, since its samples are not cubes of one channel, of which C1's share is known"
        accuracy = None if self.accuracy is None else self.accuracy.get("paired_accuracy")
        if accuracy is None or accuracy.low <= 0.5 <= accuracy.high or accuracy.value < 0.5:
            found = "is not known" if accuracy is None else f"is {accuracy}"
            return (
                f"network: left out, since its paired accuracy {found}: a network that does not tell the members of a"
                " pair apart has nothing to be right about"
            )
        return ""

    def judged(
        self, seed: int, members: tuple[Tensor, Tensor], found: PairAttribution, maps: Mapping[str, Tensor]
    ) -> PairTruth:
        """How methods fare on the filter in a pair, and the network's attributions beside C1's.

        ``found`` and ``maps`` are the network's attributions of ``members``, the samples of Newton and GR (1, channels,
        N, N[, N]).
        """
        truth = judged(self.filter, self.pair(seed), self.settings)
        if self.no_network:
            return truth
        newton, gr = (member.double() for member in members)
        change = self.prediction.change(self.dataset, seed, self.study.dataset.keep_mean)[0]
        parts = self._parts(newton[0, 0], change)
        return truth.model_copy(update={"network": ranks_of(parts, found, maps, gr - newton)})

    def scored(self, rows: Sequence[PairTruth], seeds: Sequence[int], triangles: Triangles | None) -> Truth:
        """The record over ``seeds``, one of ``rows`` each; ``triangles`` are those of the network's attribution."""
        unit = 2 * np.pi / self.dataset.box_size_mpch
        test = self.dataset.part("test")
        count = self.settings.triangle_shells
        known = known_triangles(self.filter, [self.pair(s) for s in test], count, unit, self.settings.memory_mib)
        network: dict[str, Score] | None = None
        if not self.no_network:
            network = over_rows([row.network for row in rows])
            if self.of_phi and triangles is not None:
                for name, score in triangle_scores(known[0], triangles).items():
                    network[name] = merged(network.get(name), score)
        said = {"network": self.no_network} if self.no_network else {}
        wavenumbers = shells(self.dataset.grid).mean_wavenumbers * unit
        return scored(self.z, seeds, wavenumbers, rows, known, network, said)

    def _parts(self, field: Tensor, change: Tensor) -> Parts:
        return filter_parts(self.filter, field, change) if self.of_phi else template_parts(field, change)
