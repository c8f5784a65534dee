"""The output of the explain stage: ``explain.json`` and ``trust.json``, and what is kept of every pair.

Wavenumbers are in h/Mpc. Contributions are in logits, positive where they speak for GR. Samples are those of GR,
compared with the Newtonian members of their pairs. Bands are shells one k_F wide, then the mean of the sample, then all
other modes.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from weakfield.base.records import Record
from weakfield.explain.over_seeds import Number, Numbers, Table
from weakfield.explain.truth.records import PairTruth, Truth
from weakfield.learning.scores import Estimate

# ---------------------------------------------------------------------------------------------------------------
# One pair


class Logits(Record):
    """The logits that the network gives to the two members of a pair."""

    newton: float
    gr: float

    @property
    def difference(self) -> float:
        """GR - Newton."""
        return self.gr - self.newton


class MapSum(Record):
    """The ``sum`` of a method's map.

    Where the map should add up to the difference ``change`` of two logits, also how far it misses that.
    """

    sum: float
    change: float | None = None
    residual: float | None = None


class PairPath(Record):
    """The integral of the gradient over modes: gradients taken, and how far its sum misses the difference of logits."""

    evaluations: int
    residual: float


class PolarPart(Record):
    """What the amplitudes, or the phases, of all modes contribute, in total and by shell."""

    total: float
    shells: list[float]


class Polar(Record):
    """Amplitudes and phases."""

    amplitude: PolarPart
    phase: PolarPart


class PairAttribution(Record):
    """The attributions of one pair.

    These are sums by method, and contributions by band (from the path integral, and as the loss of logit when only that
    band is exchanged), by channel, and by shell and direction; the latter all together, or none of them where the
    network cannot be asked. ``left_out`` says why something is missing, by its name.
    """

    logit: Logits
    methods: dict[str, MapSum]
    path: PairPath | None = None
    bands: list[float] | None = None
    channels: list[float] | None = None
    polar: Polar | None = None
    directions: list[list[float]] | None = None
    occluded_bands: list[float] | None = None
    truth: PairTruth | None = None
    left_out: dict[str, str] = Field(default_factory=dict)


class PairCurves(Record):
    """Logits after each step, from nothing exchanged to everything; ``random_*`` are means over random orders."""

    deletion: list[float]
    insertion: list[float]
    random_deletion: list[float]
    random_insertion: list[float]


class Alike(Record):
    """Rank correlation of two maps, and of their absolute values."""

    signed: float
    absolute: float


class AlikeByLayer(Record):
    """The same after each layer that was drawn anew."""

    signed: list[float]
    absolute: list[float]


class PairRandomisation(Record):
    """Similarity to the map of the trained network as layers are drawn anew, starting from the output, by method."""

    layers: list[str]
    methods: dict[str, AlikeByLayer]


class PairTrust(Record):
    """The tests of trust on one pair, by method; ``agreement`` is that of all methods with each other.

    What could not be done is missing, and ``left_out`` says why.
    """

    agreement: list[list[float]] | None = None
    parameter_randomisation: PairRandomisation | None = None
    networks: dict[str, dict[str, Alike]]
    curves: dict[str, PairCurves]
    band_curves: PairCurves | None = None
    infidelity: dict[str, float]
    sensitivity: dict[str, float]
    equivariance: dict[str, float]
    left_out: dict[str, str] = Field(default_factory=dict)


class Kept(Record):
    """What was computed for one seed, with the hash of what it depends on."""

    key: str
    result: dict[str, Any]


# ---------------------------------------------------------------------------------------------------------------
# explain.json


class BandParts(Record):
    """Gradient times input of one pair by band, and their sum."""

    mean: float
    shells: list[float]
    rest: float
    total: float


class PairSpectrum(Record):
    """Gradient times input of both members of a pair and of their difference by shell; mean power of the gradients."""

    k_hmpc: list[float]
    modes: list[int]
    newton: BandParts
    gr: BandParts
    pair: BandParts
    gradient_power: dict[str, list[float]]


class MethodSums(Record):
    """``MapSum`` over seeds."""

    sum: Number
    change: Number | None = None
    largest_residual: float | None = None


class PathSums(Record):
    """``PairPath`` of all pairs."""

    largest_residual: float
    evaluations: list[int]


class Contributions(Record):
    """Contributions by band over seeds."""

    shells: Numbers
    mean: Number
    rest: Number


class PolarSums(Record):
    """``PolarPart`` over seeds."""

    total: Number
    shells: Numbers


class Spectrum(Record):
    """Contributions by shell over seeds.

    They come from the path integral (``attributed``) and from the exchange of the band (``occluded``); further ones are
    by channel, by direction (shells, bins of |mu|), and of amplitudes and phases.
    """

    k_hmpc: list[float]
    modes: list[int]
    logit_difference: Number
    attributed: Contributions
    occluded: Contributions
    channels: Numbers
    directions: Table
    amplitude: PolarSums
    phase: PolarSums


class TriangleResponse(Record):
    """The third-order response of the logit.

    It holds contributions and weights of triangles, the shares of the logit difference in ``power``, ``triangles`` and
    ``remainder``, and the shares of the gradient that powers alone, or both together, explain.
    """

    contribution: Numbers
    weight: Numbers
    shares: dict[str, Number]
    explained: dict[str, Number]
    pairs: list[list[float]] = Field(default_factory=list)  #: contributions of every pair of the test part


class TriangleSurrogate(Record):
    """The sparse regression of logits on measured spectra.

    ``explained`` is the share of the variance of the logits of other seeds.
    """

    weight: Numbers
    contribution: Numbers
    explained: float
    pairs: list[list[float]] = Field(default_factory=list)  #: contributions of every pair of the test part


class Triangles(Record):
    """Contributions of triangles, in two ways, and the rank correlation of their weights.

    The triangles have sides ``k_hmpc`` (T, 3), the longest first, in the ``shells`` (T, 3).
    """

    k_hmpc: list[list[float]]
    shells: list[list[int]]
    seeds: int
    response: TriangleResponse
    surrogate: TriangleSurrogate | None
    agreement: Estimate | None


class Explanation(Record):
    """``explain.json``: ``seed`` is that of the pair shown; means are over ``seeds``.

    ``at_chance`` says so of a network that does not tell the theories apart on the test seeds: its answers are noise,
    and so are attributions of them. What could not be done for every seed is missing; ``left_out`` has a sentence for
    each such method or part, and ``no_truth`` says why these pairs have no known truth.
    """

    model: str
    seed: int
    seeds: list[int]
    grid: int
    box_size_mpch: float
    logit: Logits
    logit_difference: float
    fourier: PairSpectrum | None = None
    methods: dict[str, MethodSums]
    path: PathSums | None = None
    bands: Spectrum | None = None
    triangles: Triangles | None
    at_chance: str | None = None
    truth: Truth | None = None
    no_truth: str | None = None
    left_out: dict[str, str] = Field(default_factory=dict)


# ---------------------------------------------------------------------------------------------------------------
# trust.json


class Similarity(Record):
    """``Alike`` over seeds."""

    signed: Number
    absolute: Number


class SimilarityByLayer(Record):
    """``AlikeByLayer`` over seeds."""

    signed: Numbers
    absolute: Numbers


class Randomisation(Record):
    """``PairRandomisation`` over seeds."""

    layers: list[str]
    methods: dict[str, SimilarityByLayer]


class Agreement(Record):
    """Rank correlation of every pair of ``methods``, over seeds."""

    methods: list[str]
    value: list[list[float]]
    error: list[list[float]] | None


class TrustCurves(Record):
    """Curves of all seeds together over the ``share`` exchanged: 1 at the GR logit, 0 at the Newtonian one.

    ``*_area`` is the area under a curve; ``*_advantage`` is the area between it and the curve of random orders,
    positive where the attribution is better.
    """

    share: list[float]
    deletion: Numbers
    random_deletion: Numbers
    deletion_area: Number
    deletion_advantage: Number
    insertion: Numbers
    random_insertion: Numbers
    insertion_area: Number
    insertion_advantage: Number


class QuantusTests(Record):
    """Measures of Quantus on one method (``trust.quantus_measures``); ``sensitivity_n`` is of all pairs together."""

    complexity: Number
    sparseness: Number
    relative_stability: Number
    sensitivity_n: float | None = None


class Trust(Record):
    """``trust.json``: the tests of whether attributions can be trusted, over seeds and by method.

    ``auc`` and ``epochs`` are those of the networks of comparison; ``quantus`` is there where Quantus is installed.
    What could not be done for every seed is missing; ``left_out`` has a sentence for each such test.
    """

    seeds: list[int]
    auc: dict[str, Estimate]
    epochs: int
    agreement: Agreement | None = None
    parameter_randomisation: Randomisation | None = None
    networks: dict[str, dict[str, Similarity]]
    curves: dict[str, TrustCurves]
    band_curves: TrustCurves | None = None
    infidelity: dict[str, Number]
    sensitivity: dict[str, Number]
    equivariance: dict[str, Number]
    quantus: dict[str, QuantusTests] | None = None
    left_out: dict[str, str] = Field(default_factory=dict)

    @property
    def tested(self) -> tuple[str, ...]:
        """Methods with the result of some test, in the order in which they were tested."""
        found = (self.curves, self.infidelity, self.sensitivity, self.equivariance)
        return tuple(dict.fromkeys(name for names in found for name in names if name != "logit"))

    def tests(self, name: str) -> dict[str, Number | None]:
        """The tests of one method that end in a number, as ``Attributions.trusted`` names them."""
        curves, shuffled = self.curves.get(name), self.networks.get("shuffled", {}).get(name)
        return {
            "deletion": None if curves is None else curves.deletion_advantage,
            "insertion": None if curves is None else curves.insertion_advantage,
            "infidelity": self.infidelity.get(name),
            "sensitivity": self.sensitivity.get(name),
            "equivariance": self.equivariance.get(name),
            "shuffled": None if shuffled is None else shuffled.signed,
        }
