"""Where Fourier attribution points on signals that were planted: trains four small networks and asks.

    python docs/scripts/fourier_attribution.py      writes docs/images/fourier_attribution.png and a table

The table goes between the marks in docs/explanation_fourier.md. Some four minutes on one core.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, new_figure, save_png
from weakfield.base.files import write_text
from weakfield.config.training import TrainingSettings
from weakfield.dataset.pairs import PairTensor
from weakfield.explain.amplitude_phase import amplitude_phase
from weakfield.explain.modes import ModeAttribution, integrated_modes, pair_integrated_modes
from weakfield.explain.over_seeds import SeedMean, share_over_seeds
from weakfield.explain.paths import PathOptions
from weakfield.explain.surrogate import Surrogate, agreement, fit_surrogate, measured
from weakfield.explain.triangles import TriangleAttribution, triangle_response
from weakfield.learning import Scores, Task, evaluate, fit, score
from weakfield.learning.metrics import Estimate

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from helpers import planted_fields as planted  # noqa: E402

BEGIN, END = "<!-- planted: written by docs/scripts/fourier_attribution.py -->", "<!-- /planted -->"
N, EDGES = 16, (0.5, 2.0, 3.5, 5.0, 6.5)
PARTS = {"train": 128, "validation": 40, "test": 64}
#: of the bispectra, that are weak so that there is little but the third order
WEAK_PARTS = {"train": 256, "validation": 48, "test": 96}
#: pairs whose modes are integrated over
INTEGRATED = 16
#: completeness asked of amplitudes, phases and strangers, far below the scatter over seeds; of twins it is the default
QUICK = 1e-2
LOW, HIGH, RISE = 4.5, 5.5, 0.35
TRIANGLE, SHARE = (1, 1, 2), 0.6
#: modes below are long
LONG = EDGES[1]
#: the lowest wavenumber that takes part in a planted bispectrum
ABOVE = {"local f_NL": 0.0, "short modes alone": LONG}
SMALL: dict[str, Any] = {"channels": 4, "blocks": 2, "activation": "elu"}
DEEP: dict[str, Any] = {"network": "resnet", "channels": 6, "blocks": 1, "activation": "elu", "epochs": 24}


@dataclass(frozen=True)
class Signal:
    """Slope of the power, what makes a twin of a cube, and the network that has to see it."""

    slope: float
    alter: Callable[[torch.Tensor], torch.Tensor]
    settings: dict[str, Any]
    parts: dict[str, int]


SIGNALS = {
    "one shell rescaled": Signal(
        -1.0, lambda cubes: planted.rescaled_shell(cubes, LOW, HIGH, RISE), {**SMALL, "epochs": 20}, PARTS
    ),
    "one triangle coupled": Signal(
        -1.0, lambda cubes: planted.coupled_triangle(cubes, EDGES, TRIANGLE, SHARE), {**SMALL, "epochs": 30}, PARTS
    ),
    "local f_NL": Signal(-3.0, lambda cubes: planted.local_non_gaussianity(cubes, 0.06), DEEP, WEAK_PARTS),
    "short modes alone": Signal(-3.0, lambda cubes: planted.local_non_gaussianity(cubes, 0.10, LONG), DEEP, WEAK_PARTS),
}


@dataclass(frozen=True)
class Explained:
    """A network trained on one planted signal, and what the methods say of it."""

    auc: Estimate
    twins: ModeAttribution
    strangers: ModeAttribution
    phase: SeedMean
    response: TriangleAttribution
    surrogate: Surrogate
    agreement: Estimate


def explained(name: str, folder: Path) -> Explained:
    """Train on one signal and explain the network by its test pairs."""
    signal = SIGNALS[name]
    pairs: dict[Any, PairTensor] = {}
    for number, (part, count) in enumerate(signal.parts.items()):
        cubes = planted.gaussian_cubes(count, N, signal.slope, seed=number)
        values = torch.stack([cubes, signal.alter(cubes)], dim=1).float()
        pairs[part] = PairTensor(range(1000 * number, 1000 * number + count), values)
    settings = TrainingSettings(batch_pairs=8, learning_rate=4e-3, weight_decay=1e-3, **signal.settings)
    network = fit(Task(settings, pairs, name), folder, name)
    scores: Scores = score(network, pairs["test"])
    first, second = pairs["test"].values.unbind(dim=1)
    some, others = first[:INTEGRATED], second[:INTEGRATED]
    split = amplitude_phase(network, some, others, PathOptions(tolerance=QUICK))
    response = triangle_response(network, first, second, EDGES)
    surrogate = fit_surrogate(
        measured(first, second, EDGES), np.stack([scores.newton, scores.gr], axis=1), scores.seeds, len(EDGES) - 1
    )
    return Explained(
        evaluate(scores, 1000)["auc"],
        pair_integrated_modes(network, some, others),
        integrated_modes(network, others, some.roll(1, 0), PathOptions(tolerance=QUICK)),
        share_over_seeds(split.phase.total, split.change),
        response, surrogate, agreement(response, surrogate),
    )  # fmt: skip


def scatter(response: TriangleAttribution) -> np.ndarray:
    """Standard deviation of B_T of the first members, which are Gaussian."""
    return np.asarray(response.statistics[:, 0, response.basis.shells :].std(axis=0))


def best(response: TriangleAttribution, above: float) -> np.ndarray:
    """Weights of the best estimator of a planted bispectrum, in units of the scatter of each B_T, of any height."""
    powers = response.statistics[:, 0, : response.basis.shells].mean(axis=0)
    return planted.local_sums(response.basis, powers, above) / scatter(response)


def both_ways(e: Explained) -> dict[str, np.ndarray]:
    """Weights by the response and by the surrogate, in the same units."""
    units = scatter(e.response) / e.response.scatter[e.response.basis.shells :]
    whole = e.response.resampled(np.ones((1, len(e.response.normal))))[0]
    return {"response": whole * units, "surrogate": e.surrogate.triangles * units}


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """The share of the significance of the best weights that others reach, both in units of the scatter."""
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def table(found: dict[str, Explained]) -> str:
    """Markdown of the figures."""
    rows = [
        "| planted | test AUC | residual | share of phases | share in powers | in triangles | explained | agreement |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, e in found.items():
        residual = np.abs(e.twins.residual / e.twins.change).max()
        powers, triangles = (number(e.response.shares, i) for i in (0, 1))
        both = f"{e.response.explained.value[0]:.2f} / {e.response.explained.value[1]:.2f}"
        rows.append(
            f"| {name} | {e.auc} | {residual:.0e} | {number(e.phase, ())} | {powers} | {triangles} | {both}"
            f" | {e.agreement} |"
        )
    return "\n".join([*rows, "", *sentences(found)])


def sentences(found: dict[str, Explained]) -> list[str]:
    """Where each method points, in words."""
    shell, triangle, *_ = found.values()
    strangers = shares(shell.strangers)
    place = int(np.argmax(strangers.value))
    edges = shell.strangers.by_shell().edges
    standard = triangle.response.resampled(np.ones((1, len(triangle.response.normal))))[0]
    weight_rank, contribution_rank, surrogate_rank = (
        rank_of(TRIANGLE, triangle.response, values)
        for values in (standard, contributions(triangle.response).value, triangle.surrogate.triangles)
    )
    predicted = ", ".join(f"{e.surrogate.explained:.2f}" for e in found.values())
    return [
        f"- One shell: paths between twins find {number(shares(shell.twins), place)} of the logit difference in the"
        f" shell from {edges[place]:g} to {edges[place + 1]:g} (twins differ in no other); paths between strangers, GR"
        f" of one seed and Newton of another, which differ everywhere, find {number(strangers, place)} there.",
        f"- One triangle, shells {TRIANGLE} of {len(triangle.response.triangles)} triangles: rank {contribution_rank}"
        f" by contribution, {weight_rank} by weight of the response, {surrogate_rank} by weight of the surrogate.",
        *(bispectrum_sentence(name, found[name]) for name in ABOVE),
        squeezed_sentence(found["local f_NL"]),
        "- Explained: of the gradient, by powers alone / with triangles. Variance of logits that the surrogate"
        f" predicts: {predicted}.",
    ]


def bispectrum_sentence(name: str, e: Explained) -> str:
    """How weights fit the planted signal and the other one."""
    (other,) = set(ABOVE) - {name}
    own, wrong = (best(e.response, ABOVE[which]) for which in (name, other))
    ways = both_ways(e).items()
    fits = "; ".join(f"{way} {cosine(weights, own):.2f} and {cosine(weights, wrong):.2f}" for way, weights in ways)
    return (
        f"- {name[0].upper()}{name[1:]}: cosine of the weights with those of the best estimator, and with the other's:"
        f" {fits}."
    )


def squeezed_sentence(e: Explained) -> str:
    """What squeezed triangles contribute under a local f_NL."""
    response, s = e.response, e.response.basis.shells
    change = (response.statistics[:, 1] - response.statistics[:, 0]).mean(axis=0)[s:] / scatter(response)
    inside = (response.triangles[:, 0] == 0) & (response.triangles[:, 1] > 1)

    def share(weights: np.ndarray) -> str:
        parts = weights * change
        return f"{parts[inside].sum() / parts.sum():.2f}"

    ways, counts = both_ways(e), response.basis.counts
    return (
        "- Squeezed triangles (a side in shell 0, two in shells 2 and 3) under local f_NL:"
        f" {share(ways['response'])} of the contributions of triangles by the response,"
        f" {share(ways['surrogate'])} by the surrogate,"
        f" {share(best(response, 0.0))} with the best weights, {share(scatter(response))} with the same weight for each"
        f" triple (skewness), {counts[inside].sum() / counts.sum():.2f} of the triples."
    )


def shares(attribution: ModeAttribution) -> SeedMean:
    return share_over_seeds(attribution.by_shell().shells, attribution.total)


def contributions(response: TriangleAttribution) -> SeedMean:
    """Mean contributions of the triangles alone."""
    whole, s = response.contributions, response.basis.shells
    return SeedMean(whole.value[s:], whole.error[s:], whole.seeds)


def rank_of(triangle: tuple[int, int, int], response: TriangleAttribution, values: np.ndarray) -> int:
    """1 for the triangle of the largest absolute value."""
    row = int(np.flatnonzero((response.triangles == triangle).all(axis=1))[0])
    return 1 + int((np.abs(values) > np.abs(values[row])).sum())


def number(mean: SeedMean, place: Any) -> str:
    return f"{mean.value[place]:.2f} ± {mean.error[place]:.2f}"


def draw(found: dict[str, Explained], path: Path) -> None:
    """Shells of the first signal, triangles of the second and third, responses against surrogates."""
    shell, triangle, local, _ = found.values()
    figure, axes = new_figure(2, 2)
    panel = axes[0, 0]
    k = shell.twins.by_shell().wavenumbers
    panel.axvspan(LOW, HIGH, color=LIGHT_GREY)
    for attribution, label, colour in (
        (shell.twins, "twins", COLOURS["difference"]), (shell.strangers, "strangers", COLOURS["gr"])
    ):  # fmt: skip
        mean = shares(attribution)
        panel.errorbar(k, mean.value, mean.error, fmt="o-", ms=4, lw=1, color=colour, label=label)
    panel.set(xlabel="k  [units of the fundamental mode]", ylabel="share of the logit difference")
    panel.set_title("one shell rescaled (grey)", fontsize=10)
    panel.legend(frameon=False, fontsize=9)
    _bars(axes[0, 1], triangle.response, f"one triangle coupled: {_name(TRIANGLE)}")
    _bars(axes[1, 0], local.response, "local f_NL")
    panel = axes[1, 1]
    for name, colour in zip(SIGNALS, (GREY, COLOURS["gr"], COLOURS["newton"], COLOURS["difference"]), strict=True):
        e = found[name]
        standard = e.response.resampled(np.ones((1, len(e.response.normal))))[0]
        panel.errorbar(
            standard, e.surrogate.triangles, e.surrogate.error[e.surrogate.shells :], fmt="o", ms=4, lw=1,
            color=colour, label=f"{name}: {e.agreement.value:.2f}",
        )  # fmt: skip
    panel.set(
        xlabel="weight by the response of the logit  [logits per sd(B)]", ylabel="by the surrogate  [logits per sd(B)]"
    )
    panel.set_title("triangles two ways, rank correlation", fontsize=10)
    panel.legend(frameon=False, fontsize=8)
    save_png(path, figure)


def _bars(panel: Any, response: TriangleAttribution, title: str, most: int = 10) -> None:
    mean = contributions(response)
    order = np.argsort(-np.abs(mean.value))[:most][::-1]
    panel.barh(range(len(order)), mean.value[order], xerr=mean.error[order], color=COLOURS["newton"], height=0.6)
    panel.set_yticks(range(len(order)), [_name(response.triangles[row]) for row in order], fontsize=8)
    panel.set(xlabel="contribution to the logit difference", ylabel="shells of the sides")
    panel.set_title(title, fontsize=10)


def _name(sides: Any) -> str:
    return " ".join(str(int(side)) for side in sides)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: explained(name, Path(scratch) / str(i)) for i, name in enumerate(SIGNALS)}
    draw(found, ROOT / "docs" / "images" / "fourier_attribution.png")
    page = ROOT / "docs" / "explanation_fourier.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    write_text(page, f"{before}{BEGIN}\n{table(found)}\n{END}{rest.split(END)[1]}")
    print(table(found))


if __name__ == "__main__":
    main()
