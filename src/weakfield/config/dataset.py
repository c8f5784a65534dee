"""Settings of the data set: what a sample is, what is done to it, and how seeds are split."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from weakfield.base.plugins import is_plugin
from weakfield.config.settings import Settings

Axis = Literal["z", "y", "x"]
Shape = Literal["cube", "slice", "subcube"]


class ScaleSettings(Settings):
    """Multiply the fields of one theory."""

    kind: Literal["scale"] = "scale"
    theory: Literal["newton", "gr"] = Field(description="the theory whose cubes are multiplied")
    factor: float = Field(description="what they are multiplied by")


class BandSettings(Settings):
    """Keep the Fourier modes with k_min <= k < k_max; wavenumbers in h/Mpc or in k_F = 2 pi / box, not both."""

    kind: Literal["band"] = "band"
    k_min_hmpc: float | None = Field(None, ge=0, description="lower edge, closed [h/Mpc]")
    k_max_hmpc: float | None = Field(None, gt=0, description="upper edge, open [h/Mpc]")
    k_min_kf: float | None = Field(None, ge=0, description="lower edge, closed [k_F]")
    k_max_kf: float | None = Field(None, gt=0, description="upper edge, open [k_F]")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        hmpc, kf = (self.k_min_hmpc, self.k_max_hmpc), (self.k_min_kf, self.k_max_kf)
        if (hmpc == (None, None)) == (kf == (None, None)):
            raise ValueError("a band has edges in both units or in none, expected k_min or k_max, in h/Mpc or in k_F")
        low, high = hmpc if kf == (None, None) else kf
        if low is not None and high is not None and low >= high:
            raise ValueError(f"a band from {low:g} to {high:g} holds nothing, expected k_min below k_max")
        return self


class NoiseSettings(Settings):
    """Add white Gaussian noise, drawn for each seed and theory."""

    kind: Literal["noise"] = "noise"
    sigma: float = Field(gt=0, description="standard deviation, in units of what it is added to")
    noise_seed: int = Field(0, ge=0, description="seed of the noise; seed and theory of the cube enter as well")


class RemoveMeanSettings(Settings):
    """Where in the order the mean of each cube is removed, for networks that do not see it."""

    kind: Literal["remove_mean"] = "remove_mean"


class StandardiseSettings(Settings):
    """Where in the order cubes are brought to mean 0 and standard deviation 1 over the training part."""

    kind: Literal["standardise"] = "standardise"


class OwnTransformSettings(Settings):
    """A transform of the user's own; what stands beside its kind is handed to it."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="package.module:NAME of a function")

    @property
    def options(self) -> dict[str, Any]:
        """What it is handed beside the cube."""
        return dict(self.model_extra or {})


def _kind(value: Any) -> str:
    kind = str(value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None))
    return "own" if is_plugin(kind) else kind


TransformSettings = Annotated[
    Annotated[ScaleSettings, Tag("scale")]
    | Annotated[BandSettings, Tag("band")]
    | Annotated[NoiseSettings, Tag("noise")]
    | Annotated[RemoveMeanSettings, Tag("remove_mean")]
    | Annotated[StandardiseSettings, Tag("standardise")]
    | Annotated[OwnTransformSettings, Tag("own")],
    Discriminator(_kind),
]


class DatasetSettings(Settings):
    """What a sample is, what is done to it, and how seeds are split."""

    sample: Literal["difference", "raw"] = Field(
        "difference",
        description="difference: phi(z1)/D_phi(z1) - phi(z2)/D_phi(z2) of the two redshifts, with D_phi = (1+z) D at"
        " the redshifts of the files; raw: phi itself",
    )
    redshifts: tuple[float, float] = Field((10.0, 1.0), description="earlier and later output redshift")
    channel_redshifts: tuple[float, ...] = Field(
        (),
        max_length=32,
        description="output redshifts whose phi are the channels of a raw sample; default: the later of redshifts",
    )
    derivative: Literal["none", "gradient", "laplacian"] = Field(
        "none",
        description="gradient: three channels d/dx, d/dy, d/dz [h/Mpc] of each field; laplacian [(h/Mpc)^2]; spectral,"
        " so exact for every mode of the box",
    )
    shape: Shape = Field(
        "cube",
        description="what a network gets of a cube: all of it; slice: planes of it, two-dimensional; subcube: smaller"
        " cubes. The parts of a cube are not independent: the sample size remains the number of seeds",
    )
    axes: tuple[Axis, ...] = Field(
        ("z", "y", "x"), min_length=1, max_length=3, description="axes the slices are perpendicular to"
    )
    slice_stride: int = Field(1, ge=1, description="cells from one slice to the next; a divisor of the cells a side")
    slice_thickness: int = Field(
        1, ge=1, description="cells that are averaged into a slice: its own and the next ones along the axis, periodic"
    )
    subcube_size: int | None = Field(None, ge=2, description="cells a side of a subcube; default: half of the cube")
    subcube_stride: int | None = Field(
        None,
        ge=1,
        description="cells from one subcube to the next along each axis, periodic; a divisor of the cells a side;"
        " default: subcube_size",
    )
    transforms: tuple[TransformSettings, ...] = Field(
        (),
        description="what is done to each cube, in this order: tables with kind = scale (theory, factor), band"
        " (k_min_hmpc, k_max_hmpc or k_min_kf, k_max_kf), noise (sigma, noise_seed) or package.module:NAME, a function"
        " (its options). remove_mean and standardise come last, unless tables of these kinds stand elsewhere: noise"
        " after standardise is in units of the training part",
    )
    keep_mean: bool = Field(
        False, description="the main network sees cubes with their mean; it is cnn_meankept, and cnn stands beside it"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation, test shares of the seeds"
    )
    split_seed: int = Field(0, ge=0, description="which seeds fall into which part")
    folds: int | None = Field(
        None,
        ge=3,
        description="k-fold instead of fractions: seeds in this many blocks, one for test, the next for validation",
    )
    fold: int = Field(0, ge=0, description="the block that is the test part, from 0; the next one is for validation")
    partial: bool = Field(
        False,
        description="use the pairs that are whole while others are still being grown. A seed then falls into its part"
        " by split_seed and its own number alone, so that it stays there whatever arrives later",
    )
    train: tuple[int, int] | None = Field(
        None, description="first and last seed of the part, instead of fractions and split_seed; all three or none"
    )
    validation: tuple[int, int] | None = Field(None, description="first and last seed of the part")
    test: tuple[int, int] | None = Field(None, description="first and last seed of the part")

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """First and last seed of each part that is given by them."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: ends for name, ends in parts.items() if ends is not None}

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        missing = {"train", "validation", "test"} - set(self.ranges)
        if self.ranges and missing:
            raise ValueError(f"{min(missing)} is not given, expected first and last seed of all three parts or of none")
        for name, (first, last) in self.ranges.items():
            if first > last:
                raise ValueError(f"{name} is [{first}, {last}], expected the first seed and then the last")
        for (name, one), (other, two) in combinations(self.ranges.items(), 2):
            if one[0] <= two[1] and two[0] <= one[1]:
                raise ValueError(f"{name} is {list(one)} and {other} is {list(two)}, expected parts that share no seed")
        return self

    @model_validator(mode="after")
    def _samples(self) -> Self:
        if self.channel_redshifts and self.sample != "raw":
            raise ValueError(f"channel_redshifts is given but sample is '{self.sample}', expected sample = \"raw\"")
        for name in ("channel_redshifts", "axes"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds {values}, expected each once")
        return self

    @model_validator(mode="after")
    def _folds(self) -> Self:
        if self.folds is None:
            if self.fold:
                raise ValueError(f"fold is {self.fold} but folds is not given, expected the number of blocks")
            return self
        if self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}, expected a number from 0 to {self.folds - 1}")
        if self.ranges:
            raise ValueError("folds is given and so are first and last seeds of the parts, expected one of the two")
        return self

    @property
    def plugins(self) -> tuple[str, ...]:
        """The transforms that are code of the user's own."""
        return tuple(step.kind for step in self.transforms if is_plugin(step.kind))

    @property
    def gathered_redshifts(self) -> tuple[float, ...]:
        """Output redshifts whose phi the data set is built of, descending."""
        return tuple(sorted({*self.redshifts, *self.channel_redshifts}, reverse=True))

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"fractions are {self.fractions}, expected three positive shares that sum to 1")
        if self.redshifts[0] < self.redshifts[1]:  # equal ones are for runs with one output, as StudyConfig checks
            raise ValueError(f"redshifts are {self.redshifts}, expected the earlier (higher) one first")
        return self
