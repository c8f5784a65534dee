"""The description of a data set, as stored in ``dataset.json``."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, PlainValidator

from weakfield.base.files import content_hash
from weakfield.base.records import Record
from weakfield.config import CosmologySettings, Theory
from weakfield.dataset.channels import Channels
from weakfield.dataset.index import Index
from weakfield.dataset.normalise import Normalisation
from weakfield.dataset.sample_shapes import SampleShape, sample_shape_from_json
from weakfield.dataset.splits import Split

Numbered = Annotated[Index, PlainValidator(Index.from_description), PlainSerializer(Index.describe)]
Shape = Annotated[SampleShape, PlainValidator(sample_shape_from_json), PlainSerializer(SampleShape.as_json)]
#: the steps of a chain of transforms, each with its kind and numbers
Steps = tuple[dict[str, Any], ...]


class SplitRule(Record):
    """How seeds were assigned to parts; which fields there are depends on the rule."""

    rule: str
    folds: int | None = None
    fold: int | None = None
    fractions: tuple[float, float, float] | None = None
    split_seed: int | None = None


class Numbering(Record):
    """The numbering of whole cubes, of all slices of phi and of samples, over all seeds of the study."""

    cubes: Numbered
    slices: Numbered
    samples: Numbered


class BothWays(Record):
    """Mean and standard deviation of the training part, with the mean of each cube removed and with it kept."""

    mean_removed: Normalisation
    mean_kept: Normalisation


class Chains(Record):
    """All steps from fields to samples, with the mean of each cube removed and with it kept."""

    mean_removed: Steps
    mean_kept: Steps


class Provenance(Record):
    """What the pairs and the data set were made with.

    ``pairs``: for ``software_version``, ``device`` and ``settings`` the values found, each with its number of pairs;
    ``imported``: the seeds whose pairs the reference program grew.
    """

    software_version: str
    pairs: dict[str, dict[str, int]]
    imported: tuple[int, ...]


class DatasetDescription(Record):
    """The content of ``dataset.json``: what samples are made of, from which files, and in which part each seed is."""

    sample: str
    redshifts: tuple[float, ...]  #: outputs from whose phi it is built, descending
    fields: tuple[str, ...]
    theories: tuple[Theory, ...]
    channels: Channels = Field(alias="recipe")
    channel_names: tuple[str, ...] = Field(alias="channels")
    sample_shape: Shape = Field(alias="cut")
    shape: tuple[int, ...]  #: of one sample
    keep_mean: bool
    grid: int
    box_size_mpch: float
    cosmology: CosmologySettings
    partial: bool
    pairs_of_study: int
    split: SplitRule
    seeds: Split
    index: Numbering
    transforms: Chains
    normalisation: BothWays
    files: dict[int, dict[Theory, tuple[str, ...]]]  #: of seed and theory, one per redshift
    redshifts_of_files: dict[int, tuple[float, ...]]  #: at which the files were written
    hashes: dict[int, dict[str, str]]
    provenance: Provenance
    fingerprint: str = ""

    def fingerprinted(self) -> Self:
        """The same description with the hash of everything else in it."""
        return self.model_copy(update={"fingerprint": content_hash(self.as_json())})
