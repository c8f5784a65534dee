"""What training leaves in a run folder: histories, measures, bounds and curves, each a record stored as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.base.records import Record
from weakfield.config import RunFolder, Theory
from weakfield.dataset import Split
from weakfield.learning.scores import Estimate, tells_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

METRICS, HISTORY, CURVE = "metrics.json", "history.json", "curve.json"

#: the measures of ``metrics.evaluate`` and those after calibration, by name
Measures = dict[str, Estimate]


class Share(Record):
    """How many samples of a theory were given one label, and which share of them that is, with its interval."""

    count: float
    value: float
    low: float
    high: float


class Bin(Record):
    """A bin of the reliability curve: its edges, mean probability of GR ``predicted``, share of GR ``observed``."""

    lower: float
    upper: float
    count: int
    predicted: float
    observed: Estimate


class Reliability(Record):
    """The reliability curve as scored, and after the logits are divided by the temperature."""

    raw: tuple[Bin, ...]
    calibrated: tuple[Bin, ...]


class Evaluation(Record):
    """What one classifier is worth; ``confusion`` (by theory, then by label given) is of the test part."""

    validation: Measures
    test: Measures
    temperature: float  #: fitted on the validation part
    confusion: dict[Theory, dict[Theory, Share]]
    reliability: Reliability


class Bound(Record):
    """The largest AUC for Gaussian fields with the measured spectra, as described in ``bound.measured_bound``."""

    auc: Estimate
    auc_shells: Estimate
    d_prime: float
    modes: int
    modes_shells: int
    null: float


class TwoSample(Record):
    """The test of ``two_sample.two_sample`` on the test seeds.

    ``chi2`` is over the degrees of freedom, its interval that of single tessellations; ``chance`` the same of exchanges
    within pairs; ``p_value`` their share that gives as much, with the interval of their number.
    """

    pairs: int
    cells: int
    chi2: Estimate
    chance: Estimate
    p_value: Estimate


class Diagnosis(Record):
    """``gap`` [unit of the loss]: validation minus training, with its interval; ``words`` says what they show."""

    verdict: Literal["underfitting", "chance", "overfitting", "unfinished", "neither"]
    gap: Estimate
    words: str


class Parts(Record):
    """For a network that sees parts of cubes: the fewest and most parts a cube has, and what a single part is worth."""

    per_cube: tuple[int, int]
    test: Measures


class Metrics(Evaluation):
    """The content of ``metrics.json``: a network beside its baselines and its bound, and what it was trained on."""

    seeds: Split
    baselines: dict[str, Measures]  #: of the test part
    baseline_temperatures: dict[str, float]
    bound: Bound | None
    fit: Diagnosis
    slices: Parts | None = None
    two_sample: TwoSample | None = None
    mean_kept: bool
    network: str
    parameters: int
    dataset: str  #: fingerprint of the data set
    weights: str  #: hash of ``weights.pt``
    left_out: dict[str, str] = Field(default_factory=dict)  #: a sentence for each baseline that could not be fitted

    @property
    def told_apart(self) -> bool:
        """Whether the network is above chance on the test seeds, between universes or within pairs."""
        return tells_apart(self.test["unpaired_auc"], self.test.get("paired_accuracy"), len(self.seeds.test))

    @property
    def at_chance(self) -> str | None:
        """A sentence that says so of a network that is not, with its numbers; ``None`` of one that is."""
        if self.told_apart:
            return None
        ordered = self.test.get("paired_accuracy")
        return (
            f"on {len(self.seeds.test)} test seeds the network does not tell the theories apart: AUC between universes"
            f" {self.test['unpaired_auc']}" + ("" if ordered is None else f", pairs in the right order {ordered}")
        )

    def __repr__(self) -> str:
        test = self.test
        said = f"Metrics of {self.network}, mean {'kept' if self.mean_kept else 'removed'}: test AUC {test['auc']}" + (
            f", paired accuracy {test['paired_accuracy']}\n" if "paired_accuracy" in test else "\n"
        )
        if not self.baselines:
            return said + "no baseline"
        best = max(self.baselines, key=lambda name: self.baselines[name]["auc"].value)
        return said + f"best of {len(self.baselines)} baselines: {best}, test AUC {self.baselines[best]['auc']}"

    def plot(self, ax: Axes | None = None, measure: str = "auc") -> Axes:
        """One measure of the test part with its interval: the network, then its baselines; chance is dotted."""
        axes = new_figure()[1][0, 0] if ax is None else ax
        rows = {self.network: self.test[measure]} | {who: found[measure] for who, found in self.baselines.items()}
        for place, (who, found) in enumerate(rows.items()):
            error = [[found.value - found.low], [found.high - found.value]]
            colour = OTHERS[1] if who == self.network else OTHERS[0]
            axes.errorbar(found.value, place, xerr=error, fmt="o", color=colour, capsize=2)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.invert_yaxis()
        axes.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
        axes.set_xlabel(f"{measure} on the test seeds")
        return axes


class Epoch(Record):
    """One pass over the training part; ``gradient_norm`` is the mean before clipping."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_auc: float
    learning_rate: float
    gradient_norm: float


class History(Record):
    """The content of ``history.json``: every epoch, which one was kept, and on what the training ran."""

    epochs: tuple[Epoch, ...]
    best_epoch: int
    stopped_early: bool
    warnings: tuple[str, ...]
    precision: str
    layout: str
    chosen_by: str
    device: str
    processes: int
    threads: int

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.epochs[self.best_epoch]


class CurvePoint(Record):
    """A network and baselines trained with ``seeds`` seeds; ``train`` judges the network on those seeds themselves."""

    seeds: int
    epochs: int
    network: Measures
    train: Measures
    baselines: dict[str, Measures]


class Curve(Record):
    """The learning curve, with points in order of rising number of training seeds."""

    points: tuple[CurvePoint, ...]
    test_seeds: int
    mean_kept: bool


def trained_models(folder: RunFolder) -> dict[str, Path]:
    """The folders of the trained networks of a run, by name; those still being trained are not among them."""
    return {path.parent.name: path.parent for path in sorted(folder.training.glob(f"*/{METRICS}"))}


def scores_table(folder: RunFolder) -> DataFrame:
    """All scores of a run, one row each.

    Columns: ``model``, a network (``cnn``, ``cnn_meankept``) or a baseline (``log_pk``, ...); ``split``,
    ``validation`` or ``test`` (baselines: ``test``); ``score``, a name of ``metrics.evaluate`` or one of
    ``calibrated_ece``, ``calibrated_brier``, ``calibrated_log_loss``; ``value``, with the ends ``low`` and ``high`` of
    its 95 % interval over seeds. Baselines belong to the run and appear once, whichever network they stand beside.
    """
    from pandas import DataFrame

    tables: dict[tuple[str, str], Measures] = {}
    for name, path in trained_models(folder).items():
        metrics = Metrics.load(path / METRICS)
        tables |= {(name, "validation"): metrics.validation, (name, "test"): metrics.test}
        tables |= {(who, "test"): found for who, found in metrics.baselines.items()}
    rows = [
        {"model": model, "split": split, "score": score, **found.as_json()}
        for (model, split), measures in tables.items()
        for score, found in measures.items()
    ]
    return DataFrame(rows, columns=["model", "split", "score", "value", "low", "high"])
