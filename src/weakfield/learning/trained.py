"""A trained network for users: what it is, what it is worth, and what it says about their own cubes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash
from weakfield.base.plugins import trust
from weakfield.base.wording import speak, speaking, spoken
from weakfield.config import RunFolder, Theory
from weakfield.dataset import Dataset, open_dataset
from weakfield.dataset.channels import Geometry, Snapshot
from weakfield.dataset.normalise import Moments
from weakfield.dataset.store import add_moments
from weakfield.dataset.wording import samples_in_words
from weakfield.learning.cubes import Facts, OwnCubes
from weakfield.learning.fitting import load_model
from weakfield.learning.results import METRICS, Metrics
from weakfield.learning.scores import Array, Scores, load_scores
from weakfield.learning.scoring import SCORING_BATCH, logits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: cubes whose scatter is larger or smaller by more than this factor than that of the training part have other units
UNITS = 10.0


class TrainedNetwork:
    """A network of a run with the data set it was trained on.

    ``network`` is the ``torch.nn.Module``, in eval mode; ``metrics`` says what it is worth beside its baselines;
    ``scores`` has the logits of the training, validation and test part.

    >>> network = TrainedNetwork.load("runs/demo/training/cnn")
    >>> network.logits([pair.phi("gr", z=10), pair.phi("gr", z=1)])
    """

    def __init__(self, folder: Path, network: nn.Module, dataset: Dataset, metrics: Metrics) -> None:
        self.folder, self.network, self.dataset, self.metrics = folder, network, dataset, metrics

    @classmethod
    def load(cls, folder: str | Path, trusted: bool = False) -> TrainedNetwork:
        """Load the network from ``training/<model>`` of a run folder.

        Raises ``BadInput`` when nothing was trained there, or when the weights or the data set are not those to which
        the metrics belong. A network of somebody's own code in a run outside the working directory is refused unless it
        is ``trusted``: that code runs with your rights.
        """
        folder = Path(folder)
        if trusted:
            trust(folder.resolve().parents[1])
        network, metrics = load_model(folder), Metrics.load(folder / METRICS)
        dataset = open_dataset(RunFolder(folder.resolve().parents[1]))
        for what, found, expected in (
            ("weights", file_hash(folder / "weights.pt"), metrics.weights),
            ("data set", dataset.fingerprint, metrics.dataset),
        ):
            if found != expected:
                raise BadInput(
                    f"{folder}: the {what} of this run has hash {found} but its metrics are of {expected}, expected the"
                    " same; 'weakfield train' trains it again"
                )
        return cls(folder, network, dataset, metrics)

    @property
    def name(self) -> str:
        """The name of its folder: ``cnn``, or ``cnn_meankept`` if it sees the mean of each cube."""
        return self.folder.name

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """Logits of the cubes of every part."""
        return load_scores(self.folder / "scores.json")["network"]

    def __repr__(self) -> str:
        metrics, data = self.metrics, self.dataset
        mean = "kept" if metrics.mean_kept else "removed"
        text: str = spoken(
            f"trained on {len(metrics.seeds.train)} pairs, boxes of {data.box_size_mpch:g} Mpc/h, mean {mean};"
            f" a sample is {samples_in_words(data.description)}\n"
            f"test AUC {metrics.test['auc']} on {len(metrics.seeds.test)} seeds",
            data.wording,
        )
        return f"TrainedNetwork '{self.name}': {metrics.network} with {metrics.parameters:,} parameters\n{text}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw its test AUC beside those of the baselines."""
        with speaking(self.dataset.wording):
            drawn = self.metrics.plot(ax)
            if figure := drawn.get_figure(root=True):
                speak(figure)
        return drawn

    @property
    def geometry(self) -> Geometry:
        """What cubes must match: grid, box, and the redshifts in the order of the channels."""
        own = self.dataset.geometry
        return Geometry(own.grid, own.box_size_mpch, self.dataset.channels.redshifts, own.late)

    def logits(
        self,
        cubes: Any,
        box_size_mpch: float | None = None,
        redshifts: float | Sequence[float] | None = None,
        *,
        theory: Theory | None = None,
        seeds: int | Sequence[int] | None = None,
    ) -> Array:
        """Logits (universes,), positive for GR, of phi (dimensionless) as a simulation stores it, neither scaled nor
        normalised: everything that the data set does to its own fields is done here.

        ``cubes`` is an array or tensor (universes, redshifts, N, N, N), axes z, y, x, of which the first or the first
        two may be left out, given with ``box_size_mpch`` and ``redshifts``, in the order of ``geometry.redshifts``; or
        it is an xarray DataArray with dimensions z, y, x and perhaps redshift and seed, or a list of those, one per
        redshift, whose coordinates and attributes state both. ``theory`` and ``seeds`` are needed only where the data
        set has transforms that depend on them (scale, noise). Where the network sees parts of cubes, the logit of a
        cube is the mean over its parts.

        Raises ``BadInput`` when grid, box or redshifts are not those of the data set, or when the scatter of the cubes
        is ten times larger or smaller than that of the training cubes, a sign that they are in other units or were
        normalised.
        """
        said = Facts(
            None if box_size_mpch is None else float(box_size_mpch),
            None if redshifts is None else tuple(float(z) for z in np.atleast_1d(np.asarray(redshifts))),
            theory,
            None if seeds is None else tuple(int(seed) for seed in np.atleast_1d(np.asarray(seeds))),
        )
        own = OwnCubes.of(cubes, said)
        self._check(own)
        parts, count = self._parts(own), self.dataset.sample_shape.count
        batches = iter(lambda: list(islice(parts, SCORING_BATCH)), [])
        found = np.concatenate([logits(self.network, torch.stack(batch)) for batch in batches])
        owner = np.repeat(np.arange(len(own.phi)), count)
        return np.bincount(owner, found).astype(np.float64) / count

    def _check(self, own: OwnCubes) -> None:
        """``BadInput`` unless everything required is stated about the cubes, and is right."""
        expected, facts = self.geometry, own.facts
        for name, wanted in (("box_size_mpch", expected.box_size_mpch), ("redshifts", expected.redshifts)):
            if getattr(facts, name) is None:
                raise BadInput(f"{name} of the cubes is not given, expected it beside them: {wanted} in the data set")
        box, redshifts = facts.box_size_mpch or 0.0, facts.redshifts or ()
        expected.check("the cubes are", own.phi.shape[-1], box, redshifts)
        needs = self.dataset.chain(self.metrics.mean_kept).needs
        if "theory" in needs and facts.theory is None:
            raise BadInput("theory is not given, expected it: transforms of the data set go by the theory of a cube")
        if "seed" in needs and (facts.seeds is None or len(facts.seeds) != len(own.phi)):
            raise BadInput(
                f"seeds are {facts.seeds or 'not given'}, expected {len(own.phi)}: transforms of the data set go by the"
                " seed of a cube"
            )

    def _parts(self, own: OwnCubes) -> Iterator[Tensor]:
        """Every sample of every universe as the network gets it, ``dataset.shape`` float32."""
        data, facts = self.dataset, own.facts
        chain, removed = data.chain(self.metrics.mean_kept), data.chain(False)
        theory: Theory = facts.theory or "newton"  # if not given, no step depends on it
        for number, phi in enumerate(own.phi):
            seed = facts.seeds[number] if facts.seeds else 0
            snapshots = {
                z: Snapshot(Path("cubes"), field, found, float(facts.box_size_mpch or 0))
                for z, field, found in zip(data.channels.redshifts, phi, facts.redshifts or (), strict=True)
            }
            fields = data.channels.fields(snapshots, data.cosmology)
            moments, expected = Moments(), removed.normalisation.std
            add_moments(moments, data.sample_shape, removed.unfitted.apply(fields, seed, theory))
            if not expected / UNITS < moments.std < expected * UNITS:
                raise BadInput(
                    f"the samples made of cube {number} have standard deviation {moments.std:.3g}, expected about"
                    f" {expected:.3g} as in the training part: phi, dimensionless, not normalised"
                )
            yield from data.sample_shape.parts(chain.apply(fields, seed, theory).to(torch.float32))
