"""An opened data set: samples by seed and theory, by number and by part; files are read when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash
from weakfield.base.progress import bar
from weakfield.base.wording import Said, spoken
from weakfield.config import THEORIES, RunFolder, Theory
from weakfield.dataset.cache import ROOM, cached_cubes
from weakfield.dataset.chain import Chain, ordered
from weakfield.dataset.channels import Geometry, Snapshot, load_snapshot
from weakfield.dataset.checks import Checked
from weakfield.dataset.description import DatasetDescription
from weakfield.dataset.normalise import Moments
from weakfield.dataset.pairs import PairTensor, SamplePairs
from weakfield.dataset.sample_shapes import AXES, SampleShape
from weakfield.dataset.splits import PARTS, Part
from weakfield.dataset.transforms import PLUGINS, Transform
from weakfield.dataset.wording import samples_in_words
from weakfield.pairs.reading import Origin, read_field
from weakfield.pairs.runfolder import load_study

#: what a data set keeps beside its description: how its files looked, and cubes ready to be read
CACHE = "cache"
DESCRIPTION = "dataset.json"
ADVICE = "build the data set again if the pair was replaced on purpose"


class Dataset:
    """The samples of one run folder; ``description`` is the content of ``dataset.json``."""

    def __init__(self, folder: RunFolder, description: DatasetDescription) -> None:
        self.folder = folder
        self.description = description
        self.redshifts = description.redshifts
        self.grid = description.grid
        self.box_size_mpch = description.box_size_mpch
        self.fingerprint = description.fingerprint
        self.keep_mean = description.keep_mean
        self.cosmology = description.cosmology
        self.split = description.seeds
        self.channels = description.channels
        self.sample_shape = description.sample_shape
        self.index = description.index.slices  #: number <-> (seed, theory, redshift, axis, slice) of a slice of phi
        self.cube_index = description.index.cubes  #: number <-> (seed, theory) of a whole cube
        #: number <-> seed, theory and the labels of the part that a sample is (axis and slice, or corner)
        self.sample_index = description.index.samples
        self._chains = {
            True: Chain.from_json(description.transforms.mean_kept, folder.dataset / PLUGINS),
            False: Chain.from_json(description.transforms.mean_removed, folder.dataset / PLUGINS),
        }
        self._checked = Checked(folder.dataset / CACHE / "seen.json")

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(self.part(part))} {part}" for part in PARTS)
        text = (
            f"Dataset of {len(self.seeds)} pairs ({parts}), boxes of {self.box_size_mpch:g} Mpc/h\n"
            f"  a sample is {samples_in_words(self.description)}, shape {self.shape}"
        )
        return f"{spoken(text, self.wording)}\n  {self.folder.dataset}"

    @cached_property
    def wording(self) -> Said | None:
        """What puts a text about Newton and GR into the words of the classes of this run, if it has its own."""
        return load_study(self.folder.root, runs=False).wording if self.folder.study.exists() else None

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted(seed for part in PARTS for seed in self.split.part(part)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (channels, N, N, N) or (channels, N, N)."""
        return (len(self.channels.names), *self.sample_shape.sides)

    def part(self, name: Part) -> list[int]:
        """The seeds of one part, ascending."""
        return list(self.split.part(name))

    # -----------------------------------------------------------------------------------------------------------
    # Numbers

    def phi_slice(self, number: int) -> Tensor:
        """Slice ``number`` of ``index``: phi (N, N) float64, dimensionless, remaining axes in the order z, y, x."""
        labels = self.index.show(number)
        path = self.files(labels["seed"], labels["theory"])[self.redshifts.index(labels["redshift"])]
        return (
            self._snapshot(labels["seed"], labels["theory"], path)
            .phi.select(AXES.index(labels["axis"]), labels["slice"])
            .clone()
        )

    def sample_of(self, number: int, keep_mean: bool | None = None) -> Tensor:
        """Sample ``number`` of ``sample_index`` as a network gets it: ``shape``, float32."""
        labels = self.sample_index.show(number)
        seed, theory = labels.pop("seed"), labels.pop("theory")
        chain = self.chain(self.keep_mean if keep_mean is None else keep_mean)
        return self.sample_shape.take(self._finished(self.fields(seed, theory), chain, seed, theory), **labels).clone()

    # -----------------------------------------------------------------------------------------------------------
    # Whole cubes

    def files(self, seed: int, theory: Theory) -> list[Path]:
        """The snapshots of one universe, one for each of ``redshifts``, descending."""
        try:
            names = self.description.files[seed][theory]
        except KeyError as error:
            raise BadInput(f"seed {seed}, theory '{theory}' is not in the data set") from error
        return [self.folder.pair(seed) / name for name in names]

    def fields(self, seed: int, theory: Theory) -> Tensor:
        """The channels of one universe before any transform: (channels, N, N, N) float64.

        Raises ``BadInput`` when a snapshot is no longer the one from which the data set was built.
        """
        paths = dict(zip(self.redshifts, self.files(seed, theory), strict=True))
        snapshots = {z: self._snapshot(seed, theory, paths[z]) for z in self.channels.redshifts}
        return self.channels.fields(snapshots, self.cosmology)

    def stored(self, seed: int, theory: Theory) -> list[Tensor]:
        """phi of one universe in the precision it is stored in, for each of ``redshifts``; ``BadInput`` as above."""
        return [self._read(seed, theory, path)[0] for path in self.files(seed, theory)]

    def raw(self, seed: int, theory: Theory) -> Tensor:
        """The sample in the units of the field, with its mean: float64, (N, N, N), or (channels, N, N, N) for several.

        The transforms of the study that come before mean removal and standardisation have been applied.
        """
        return _single(self.chain(True).before.apply(self.fields(seed, theory), seed, theory))

    @cached_property
    def geometry(self) -> Geometry:
        """Grid, box and redshifts of the files, one redshift for each of ``files``."""
        late = [
            (asked - found) / (1 + asked)
            for redshifts in self.description.redshifts_of_files.values()
            for asked, found in zip(self.redshifts, redshifts, strict=True)
        ]
        return Geometry(self.grid, self.box_size_mpch, self.redshifts, 2 * max(0.0, *late))

    def raw_of(
        self, snapshots: Sequence[Path | Snapshot], seed: int, theory: Theory, geometry: Geometry | None = None
    ) -> Tensor:
        """``raw`` from other files instead of ``files``: what another run of the same seed would have given.

        Snapshots are given as they were read, or as files of which nothing is known. ``geometry`` says which cubes they
        should hold, by default cubes like those of the data set; ``BadInput`` for another grid, box or redshift.
        """
        expected = geometry or self.geometry
        loaded = [one if isinstance(one, Snapshot) else load_snapshot(one) for one in snapshots]
        for snapshot, redshift in zip(loaded, expected.redshifts, strict=True):
            one = replace(expected, redshifts=(redshift,))
            one.check(f"{snapshot.path} is", snapshot.phi.shape[0], snapshot.box_size_mpch, [snapshot.redshift])
        fields = self.channels.fields(dict(zip(self.redshifts, loaded, strict=True)), self.cosmology)
        return _single(self.chain(True).before.apply(fields, seed, theory))

    def normalise(
        self, raw: Tensor, keep_mean: bool = False, seed: int | None = None, theory: Theory | None = None
    ) -> Tensor:
        """A raw sample standardised by the training part, its mean removed unless ``keep_mean``: float32.

        Noise that the study adds after standardisation is drawn for ``seed`` and ``theory``; without them none is
        added. ``BadInput`` for cubes of another grid.
        """
        if tuple(raw.shape[-3:]) != (self.grid,) * 3:
            raise BadInput(f"a raw sample has shape {tuple(raw.shape)}, expected cubes of {self.grid} cells a side")
        steps = self.chain(keep_mean).rest.steps
        if seed is None or theory is None:
            steps = tuple(step for step in steps if step.kind != "noise")
            seed, theory = 0, "newton"
        return Chain(steps).apply(raw, seed, theory).to(torch.float32)

    @property
    def noise_after_standardisation(self) -> bool:
        """Whether the study adds noise to standardised cubes, so that ``raw`` lacks something that a network sees."""
        return any(step.kind == "noise" for step in self.chain(True).rest.steps)

    def cube(self, seed: int, theory: Theory, keep_mean: bool = False) -> Tensor:
        """The normalised sample before it is cut: float32, (N, N, N), or (channels, N, N, N) for several channels."""
        return self.normalise(self.raw(seed, theory), keep_mean, seed, theory)

    def pairs(self, seeds: Sequence[int], keep_mean: bool = False) -> PairTensor:
        """The normalised whole cubes of both theories of ``seeds``, in that order, in memory."""
        chain = self.chain(keep_mean)
        pairs = PairTensor(seeds, torch.stack([self._cubes(chain, seed) for seed in seeds]))
        pairs.scalar = self.channels.derivative != "gradient"
        return pairs

    # -----------------------------------------------------------------------------------------------------------
    # Samples

    def samples(
        self,
        part_or_seeds: Part | Sequence[int],
        keep_mean: bool | None = None,
        transforms: Sequence[Transform] | None = None,
        on_disk: bool = False,
        room: int = ROOM,
    ) -> SamplePairs:
        """The samples of a part or of ``seeds`` as ``study.dataset`` says, read when they are loaded.

        ``keep_mean`` defaults to what the study says. ``transforms`` replace those of the study; the samples are then
        standardised anew by the training part. Whole cubes stay in memory up to ``room`` bytes; ``on_disk`` also keeps
        them, normalised, in ``dataset/cache`` and reads them memory-mapped from there, in every later process too.
        """
        seeds = self.part(part_or_seeds) if isinstance(part_or_seeds, str) else [int(seed) for seed in part_or_seeds]
        for seed in seeds:
            self.files(seed, "newton")
        chain = self.chain(self.keep_mean if keep_mean is None else keep_mean)
        if transforms is not None:
            chain = self.fit(transforms, self.keep_mean if keep_mean is None else keep_mean)
        read = partial(self._cubes_on_disk if on_disk else self._cubes, chain)
        pairs = SamplePairs(seeds, len(self.channels.names), self.sample_shape, read, room)
        pairs.periodic, pairs.scalar = self.sample_shape.kind != "subcube", self.channels.derivative != "gradient"
        return pairs

    def fit(self, transforms: Sequence[Transform], keep_mean: bool = False) -> Chain:
        """The whole chain of ``transforms``, standardised by the training part of this data set; reads all of it."""
        chain = ordered(transforms)
        chain.check(self.grid)
        chain = chain.keeping_mean if keep_mean else chain
        moments = Moments()
        with bar("standardisation", len(self.split.train)) as progress:
            for seed in self.split.train:
                for theory in THEORIES:
                    add_moments(
                        moments, self.sample_shape, chain.unfitted.apply(self.fields(seed, theory), seed, theory)
                    )
                progress.advance()
        return chain.fitted(moments)

    def verify(self) -> None:
        """Hash every file of the data set anew; ``BadInput`` names the first that has changed since it was built."""
        files = {
            f"{seed}/{name}": (self.folder.pair(seed) / name, digest)
            for seed, hashes in self.description.hashes.items()
            for name, digest in hashes.items()
        }
        self._checked.verify(files, ADVICE)

    def chain(self, keep_mean: bool) -> Chain:
        """All steps from fields to samples, with the mean of each cube kept or removed."""
        return self._chains[keep_mean]

    def _finished(self, fields: Tensor, chain: Chain, seed: int, theory: Theory) -> Tensor:
        return chain.apply(fields, seed, theory).to(torch.float32)

    def _cubes(self, chain: Chain, seed: int) -> Tensor:
        """Both members of a seed, normalised: (2, channels, N, N, N) float32."""
        return torch.stack([self._finished(self.fields(seed, theory), chain, seed, theory) for theory in THEORIES])

    def _cubes_on_disk(self, chain: Chain, seed: int) -> Tensor:
        """As ``_cubes``, memory-mapped and made on first use. The file name says what they are made from and how."""
        names = self.description.files[seed]
        used = [names[theory][self.redshifts.index(z)] for theory in THEORIES for z in self.channels.redshifts]
        for name in used:
            self._check_unchanged(seed, self.folder.pair(seed) / name)
        key = content_hash(
            [
                self.channels.as_json(),
                chain.as_json(),
                self.cosmology.model_dump(mode="json"),
                self.description.provenance.software_version,
                [self.description.hashes[seed][name] for name in used],
            ]
        )
        path = self.folder.dataset / CACHE / f"seed{seed:05d}_{key}.npy"
        return cached_cubes(
            path, (len(THEORIES), len(self.channels.names), *(self.grid,) * 3), partial(self._cubes, chain, seed)
        )

    def _snapshot(self, seed: int, theory: Theory, path: Path) -> Snapshot:
        return load_snapshot(path, partial(self._read, seed, theory))

    def _read(self, seed: int, theory: Theory, path: Path) -> tuple[Tensor, dict[str, Any]]:
        """The field of a file and its attributes; ``BadInput`` if it is not the file the data set was built of."""
        return read_field(path, Origin(theory, seed), partial(self._check_unchanged, seed))

    def _check_unchanged(self, seed: int, path: Path) -> None:
        name = path.relative_to(self.folder.pair(seed)).as_posix()
        self._checked.require(path, f"{seed}/{name}", self.description.hashes[seed][name], ADVICE)


def add_moments(moments: Moments, shape: SampleShape, fields: Tensor) -> None:
    """Include what is cut from float64 ``fields`` (channels, N, N, N).

    Thick slices vary less than their cubes, so they count as they are. For sub-cubes the whole cubes count, because a
    cell may lie in several overlapping sub-cubes.
    """
    if shape.kind == "slice":
        for part in shape.parts(fields):
            moments.add(part)
    else:
        moments.add(fields)


def open_dataset(folder: RunFolder) -> Dataset:
    """Open the data set of a run folder; ``BadInput`` when it has not been built or is damaged."""
    return Dataset(folder, DatasetDescription.load(folder.dataset / DESCRIPTION))


def _single(fields: Tensor) -> Tensor:
    """The fields without the axis of channels if there is one channel."""
    return fields[0] if fields.shape[0] == 1 else fields
