"""The JSON files of a run as the page reads them: the keys that it shows, typed; it passes over all others.

A key with a default is one that runs of an earlier version, or of some settings, do not have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json
from weakfield.dataset.wording import samples_in_words
from weakfield.learning.metrics import Estimate, Scores

Value = TypeVar("Value")
#: how well a classifier does, by the name of the measure: auc, unpaired_auc, accuracy, paired_accuracy and others
Measures = dict[str, Estimate]


class Record(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def load(cls, path: Path) -> Self:
        """The content of a file; ``BadInput`` names a file that is missing, damaged or of another kind."""
        values = read_json(path)
        try:
            return cls.model_validate(values)
        except (ValidationError, KeyError, TypeError) as error:
            first = " ".join(str(error).split("\n")[:3])
            raise BadInput(f"{path} is not what its stage writes: {first}; run that stage again") from error

    @classmethod
    def load_if_there(cls, path: Path) -> Self | None:
        return cls.load(path) if path.exists() else None


class OverSeeds(Record, Generic[Value]):
    """A mean over seeds and its standard error: numbers, or lists of them; no error where there is one seed."""

    value: Value
    error: Value | None


# pairs, data set, provenance


class PairRecord(Record):
    """``pair.json``: the wall time [s] that each theory took."""

    seconds: dict[str, float] = {}


class StageRecord(Record):
    """``stage.json`` of a finished stage."""

    seconds: float


class Start(Record):
    time: str = "unknown"


class Machine(Record):
    type: str
    system: str
    cores: int


class Provenance(Record):
    """``provenance.json``."""

    versions: dict[str, str | None]
    git_commit: str | None
    starts: list[Start]
    machine: Machine


class Scale(Record):
    """What cubes are centred and scaled by."""

    mean: float
    std: float


class DatasetDescription(Record):
    """``dataset.json``; ``sample`` says in words what one sample is."""

    sample: str
    grid: int
    redshifts: list[float]
    seeds: dict[str, list[int]]
    keep_mean: bool
    normalisation: dict[str, Scale]
    partial: bool
    pairs_of_study: int
    files: dict[str, Any]
    fingerprint: str

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, values: Any) -> Any:
        return {**values, "sample": samples_in_words(values)}

    def images(self, part: str) -> int:
        """Slices of phi of the seeds of a part: two theories, every redshift, three axes."""
        return 2 * len(self.seeds[part]) * len(self.redshifts) * 3 * self.grid


# training


class Share(Record):
    """A share with its interval, and the number of cubes it is made of."""

    value: float
    low: float
    high: float
    count: float

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, self.low, self.high)


class Bound(Record):
    """The AUC between universes that Gaussian fields of the measured spectra would allow."""

    auc: Estimate
    auc_shells: Estimate
    modes: int
    modes_shells: int
    null: float


class Diagnosis(Record):
    """What the loss curves show, in words."""

    words: str


class Bin(Record):
    """Mean probability given to the cubes of a bin, and the share of them that is GR."""

    predicted: float
    observed: Estimate


class Reliability(Record):
    """Bins as scored, and with logits divided by the temperature."""

    raw: list[Bin] = []
    calibrated: list[Bin] = []


class Parts(Record):
    """Scores of the parts of cubes: how many a cube has at least and at most, and what a single one is worth."""

    per_cube: tuple[int, int]
    test: Measures


class Metrics(Record):
    """``metrics.json`` of a model."""

    test: Measures
    baselines: dict[str, Measures] = {}
    seeds: dict[str, list[int]] = {}
    parameters: int = 0
    mean_kept: bool = False
    temperature: float = 1.0
    confusion: dict[str, dict[str, Share]] = {}
    reliability: Reliability = Reliability()
    bound: Bound | None = None
    fit: Diagnosis | None = None
    slices: Parts | None = None


class Epoch(Record):
    epoch: int
    train_loss: float
    validation_loss: float
    validation_auc: float


class History(Record):
    """``history.json`` of a model."""

    epochs: list[Epoch]
    best_epoch: int


class CurvePoint(Record):
    """Results of the main network and of baselines trained with ``seeds`` seeds."""

    seeds: int
    epochs: int = 0
    network: Measures
    train: Measures
    baselines: dict[str, Measures]


class Curve(Record):
    """``curve.json``."""

    points: list[CurvePoint]
    test_seeds: int = 0


# audit


class Cost(Record):
    """What a control took: networks trained, epochs of each, universes grown."""

    retrainings: int = 0
    epochs: int = 0
    simulations: int = 0


class Reached(Record):
    """How well a classifier tells universes apart, and the members of a pair."""

    unpaired_auc: Estimate
    paired_accuracy: Estimate


class BandPoint(Record):
    """What is left of the decision when only the modes on one side of a wavenumber are shown."""

    cut_hmpc: float
    share: Estimate
    network: Reached | None = None
    log_pk: Reached | None = None
    retrained: Reached | None = None


class BandCurve(Record):
    """Cuts in k of which the modes below (``low``) or above (``high``) are shown."""

    side: Literal["low", "high"]
    points: list[BandPoint]


class ControlRow(Record):
    """A row of ``audit.json``."""

    name: str
    question: str
    expectation: str
    quantity: str = ""
    value: float
    low: float
    high: float
    verdict: Literal["shortcut", "inconclusive", "clean"]
    remark: str = ""
    cost: Cost = Cost()
    unpaired_auc: Estimate | None = None
    paired_accuracy: Estimate | None = None
    curve: BandCurve | None = None
    answer: str | None = None

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, self.low, self.high)


class AuditTable(Record):
    """``audit.json``."""

    summary: str = ""
    controls: list[ControlRow] = []


class KeptControl(Record):
    """The file of one control."""

    scores: dict[str, Any] | None = None

    def test_scores(self) -> Scores | None:
        """Logits of the test cubes, where the control is about a classifier."""
        return None if self.scores is None else Scores.from_json(self.scores)


# explanation


class Logits(Record):
    newton: float
    gr: float


class BandParts(Record):
    """What shells, the mean and the modes in no shell contribute to a logit, for one pair."""

    mean: float
    shells: list[float]
    rest: float
    total: float


class PairSpectrum(Record):
    """Gradients of one pair by Fourier shell; ``gradient_power`` by theory."""

    k_hmpc: list[float]
    pair: BandParts
    gradient_power: dict[str, list[float]]


class Contributions(Record):
    """The same over seeds."""

    shells: OverSeeds[list[float]]
    mean: OverSeeds[float]
    rest: OverSeeds[float]


class PolarSums(Record):
    total: OverSeeds[float]


class Spectrum(Record):
    """Contributions of Fourier shells to the logit of GR - Newton, and of amplitudes and phases."""

    k_hmpc: list[float]
    logit_difference: OverSeeds[float]
    attributed: Contributions
    occluded: Contributions
    amplitude: PolarSums
    phase: PolarSums


class PathSums(Record):
    largest_residual: float


class MethodSums(Record):
    """What the map of a method adds up to, and the difference of logits that it shares out, if it does."""

    sum: OverSeeds[float]
    change: OverSeeds[float] | None = None
    largest_residual: float | None = None


class TriangleResponse(Record):
    """Third-order response of the logit: what each triangle contributes, and the shares of the whole."""

    contribution: OverSeeds[list[float]]
    shares: dict[str, OverSeeds[float]]


class TriangleSurrogate(Record):
    """Sparse regression of the logit on measured spectra."""

    contribution: OverSeeds[list[float]]
    explained: float


class Triangles(Record):
    """Contributions of triangles of shells with sides ``k_hmpc`` (T, 3)."""

    k_hmpc: list[list[float]]
    seeds: int
    response: TriangleResponse
    surrogate: TriangleSurrogate | None
    agreement: Estimate | None


class Explanation(Record):
    """``explain.json``."""

    model: str
    seed: int
    seeds: list[int]
    box_size_mpch: float
    logit: Logits
    logit_difference: float
    fourier: PairSpectrum
    methods: dict[str, MethodSums]
    path: PathSums
    bands: Spectrum
    triangles: Triangles | None = None


class Similarity(Record):
    """Rank correlation of two maps as they are, and of their moduli."""

    signed: OverSeeds[float]
    absolute: OverSeeds[float]


class SimilarityByLayer(Record):
    """The same, layer by layer."""

    signed: OverSeeds[list[float]]
    absolute: OverSeeds[list[float]]


class TrustCurves(Record):
    """Logits as a growing ``share`` of a pair passes from one member to the other, strongest attribution first."""

    share: list[float]
    deletion: OverSeeds[list[float]]
    insertion: OverSeeds[list[float]]
    random_deletion: OverSeeds[list[float]]
    random_insertion: OverSeeds[list[float]]
    deletion_advantage: OverSeeds[float] | None = None
    insertion_advantage: OverSeeds[float] | None = None


class Agreement(OverSeeds[list[list[float]]]):
    """Rank correlation of every pair of methods."""

    methods: list[str]


class Randomisation(Record):
    """Rank correlation with the map of the trained network as ``layers`` are drawn anew, the output's first."""

    layers: list[str]
    methods: dict[str, SimilarityByLayer]


class Trust(Record):
    """``trust.json``."""

    seeds: list[int]
    auc: dict[str, Estimate]
    epochs: int
    agreement: Agreement
    parameter_randomisation: Randomisation
    networks: dict[str, dict[str, Similarity]]
    curves: dict[str, TrustCurves]
    band_curves: TrustCurves
    infidelity: dict[str, OverSeeds[float]]
    sensitivity: dict[str, OverSeeds[float]]
    equivariance: dict[str, OverSeeds[float]]
