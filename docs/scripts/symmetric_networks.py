"""How many seeds networks with a symmetry need where a plain one needs many: a planted local f_NL.

    python docs/scripts/symmetric_networks.py [--work runs/symmetric] [--pairs 4 8 16 64] [--repeats 1]

Cubes of 16^3 cells are Gaussian with P ~ k^-3, their twins phi + f (phi^2 - <phi^2>) with a small f. Each network is
trained with rising numbers of pairs, as many steps each time, as often with other initial weights as --repeats says,
and tested on the same pairs. Writes docs/symmetric_networks.json, docs/images/symmetric_networks.png and the table in
docs/learning.md. Trainings that are finished are found again in the folder --work. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from marks import DOCS, IMAGES, ROOT, fill, table

from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.base.files import write_json
from weakfield.config.training import TrainingSettings
from weakfield.dataset.pairs import PairTensor
from weakfield.explain.surrogate import rank_correlation
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.triangles import triangle_response
from weakfield.learning import Scores, Task, fit, score
from weakfield.learning.metrics import Estimate, auc, interval
from weakfield.learning.networks.correlator import Correlator
from weakfield.learning.scores import bootstrap_weights, resampled_auc
from weakfield.mesh.threads import threads

sys.path.insert(0, str(ROOT / "tests"))

from helpers import planted_fields as planted

SCRIPT = "docs/scripts/symmetric_networks.py"
RESULTS = DOCS / "symmetric_networks.json"
N, SLOPE, F = 16, -3.0, 0.06
VALIDATION, TEST = 16, 256
STEPS, BATCH = 768, 4
RESAMPLES = 1000
#: shells that are not those of the correlator
WIDE = (0.5, 2.0, 3.5, 5.5)
PLAIN = "cnn3d"
NETWORKS: dict[str, dict[str, Any]] = {
    "cnn3d": {"channels": 8, "blocks": 1, "activation": "elu"},
    "symmetric": {"channels": 4, "blocks": 1, "activation": "elu"},
    "correlator": {"channels": 4},
}


def pairs_of(first: int, count: int) -> PairTensor:
    """Pairs of a Gaussian cube and its twin, from the seed ``first`` on; nested for rising ``count``."""
    cubes = torch.cat([planted.gaussian_cubes(1, N, SLOPE, seed=seed) for seed in range(first, first + count)])
    twins = planted.local_non_gaussianity(cubes, F)
    return PairTensor(range(first, first + count), torch.stack([cubes, twins], dim=1).float())


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/symmetric"))
    parser.add_argument("--pairs", type=int, nargs="+", default=[4, 8, 16, 64])
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    counts = sorted(arguments.pairs)
    training, others = pairs_of(0, counts[-1]), {"validation": pairs_of(5000, VALIDATION), "test": pairs_of(9000, TEST)}
    results: dict[str, Any] = {
        "cells": N, "f": F, "slope": SLOPE, "validation": VALIDATION, "test": TEST, "steps": STEPS,
        "repeats": arguments.repeats, "pairs": counts, "settings": NETWORKS, "networks": {},
    }  # fmt: skip
    for name in NETWORKS:
        rows = []
        for count in counts:
            pairs = {"train": PairTensor(range(count), training.values[:count]), **others}
            made = [trained(name, pairs, repeat, arguments.work) for repeat in range(arguments.repeats)]
            reached = mean_auc([score(network, pairs["test"]) for network in made])
            rows.append({"pairs": count, "auc": reached.as_json()})
            print(f"{name}, {count} pairs: AUC {reached}", flush=True)
        results["networks"][name] = {"parameters": sum(p.numel() for p in made[0].parameters()), "rows": rows}
        if isinstance(made[0], Correlator):
            results["triangles"] = [agreement(network, others["test"]) for network in made]
    results["best"] = best(others["test"]).as_json()
    write_json(RESULTS, results)
    save_png(IMAGES / "symmetric_networks.png", picture(results))
    fill(DOCS / "learning.md", "symmetric", SCRIPT, section(results))


def trained(name: str, pairs: dict[Any, PairTensor], repeat: int, work: Path) -> torch.nn.Module:
    """A network trained with as many steps as any other, or found finished."""
    count = len(pairs["train"])
    settings = TrainingSettings(
        network=name, batch_pairs=BATCH, learning_rate=4e-3, weight_decay=1e-3, seed=repeat, precision="single",
        layout="channels_last", epochs=max(1, round(STEPS / ceil(count / BATCH))), **NETWORKS[name],
    )  # fmt: skip
    data = f"local f_NL {F} of {N} cells, slope {SLOPE}, {count}, {VALIDATION} pairs"
    with threads(1):  # the last bits of a training depend on their number
        return fit(Task(settings, pairs, data), work / f"{name}-{count}-{repeat}", f"{name}, {count} pairs, {repeat}")


def mean_auc(scores: list[Scores]) -> Estimate:
    """The mean AUC of networks that differ in their initial weights, with its interval over test seeds."""
    weights = bootstrap_weights(len(scores[0].distinct), RESAMPLES)
    drawn = np.mean([resampled_auc(found, weights) for found in scores], axis=0)
    return interval(float(np.mean([auc(found) for found in scores])), drawn)


def best(test: PairTensor) -> Estimate:
    """The AUC of the best weights of a weak local signal, in the shells of the correlator, known beforehand."""
    basis = triangle_basis(N, 3, tuple(0.5 + s for s in range((N - 1) // 3 + 1)))
    found = np.array([[basis.statistics(member[0].double()) for member in pair] for pair in test.values])
    powers, triangles = np.split(found, [basis.shells], axis=-1)
    weights = planted.local_sums(basis, powers[:, 0].mean(axis=0)) / triangles[:, 0].var(axis=0)
    answers = triangles @ weights
    return mean_auc([Scores(tuple(test.seeds), answers[:, 0], answers[:, 1])])


def agreement(network: Correlator, test: PairTensor) -> dict[str, float]:
    """Rank correlation of the exact weights of triangles with the response, in the network's shells and in wider ones.

    In wider shells the exact weight is the mean over the triples of each triangle.
    """
    first, second = test.values[:64].unbind(dim=1)
    own, wide = (triangle_response(network, first, second, edges) for edges in (network.edges, WIDE))
    exact = network.triangle_weights(own.triangles)
    once, s = np.ones((1, len(first))), own.basis.shells
    coarse = planted.coarser(exact, own.basis, wide.basis) * wide.scatter[wide.basis.shells :]
    return {
        "own": rank_correlation(exact * own.scatter[s:], own.resampled(once)[0]),
        "wide": rank_correlation(coarse, wide.resampled(once)[0]),
    }


def needed(results: dict[str, Any], name: str) -> str:
    """The smallest number of training pairs with which a network reaches what the plain one does with the most."""
    rows = results["networks"]
    goal = rows[PLAIN]["rows"][-1]["auc"]["value"]
    enough = [row["pairs"] for row in rows[name]["rows"] if row["auc"]["value"] >= goal]
    return str(enough[0]) if enough else f"more than {results['pairs'][-1]}"


def section(results: dict[str, Any]) -> str:
    """The table and what it says."""
    head = ("network", "parameters", *(f"AUC, {count} pairs" for count in results["pairs"]), "pairs needed")
    rows = [
        (
            f"`{name}`", f"{found['parameters']:,}", *(str(Estimate(**row["auc"])) for row in found["rows"]),
            needed(results, name),
        )
        for name, found in results["networks"].items()
    ]  # fmt: skip
    own, wide = ([found[which] for found in results["triangles"]] for which in ("own", "wide"))
    best_auc, most = Estimate(**results["best"]), results["pairs"][-1]
    said = [
        f"Pairs needed: to reach what `{PLAIN}` reaches with {most}. AUC on {results['test']} test pairs with 95 %",
        "intervals over these; the scatter over initial weights is not in them. Trainings of each number of pairs:",
        f"{results['repeats']}, of {results['steps']} steps; {results['validation']} more pairs choose the epoch.",
        f"The best weights of triangles, known beforehand, reach {best_auc}. Rank correlation of the exact weights of",
        "the correlator with `triangle_response` of the same network:",
        f"{ends(own)} in its own shells, {ends(wide)} in wider ones.",
    ]
    image = "![AUC by number of training pairs](images/symmetric_networks.png)"
    return "\n\n".join([table(head, rows), "\n".join(said), image])


def ends(values: list[float]) -> str:
    """One number, or the smallest and the largest."""
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def picture(results: dict[str, Any]) -> Any:
    """AUC against training pairs."""
    figure, axes = new_figure()
    panel = axes[0, 0]
    for (name, found), colour in zip(results["networks"].items(), OTHERS, strict=False):
        auc_of = [row["auc"] for row in found["rows"]]
        value = np.array([one["value"] for one in auc_of])
        error = [value - [one["low"] for one in auc_of], [one["high"] for one in auc_of] - value]
        panel.errorbar(results["pairs"], value, error, fmt="o-", ms=4, lw=1.2, capsize=2, color=colour, label=name)
    panel.axhline(results["best"]["value"], color=GREY, lw=1, ls="--", label="best weights of triangles")
    panel.axhline(0.5, color=GREY, lw=1, ls=":")
    panel.set_xscale("log", base=2)
    panel.set_xticks(results["pairs"], [str(count) for count in results["pairs"]])
    panel.set(xlabel="pairs in the training part", ylabel="AUC on the test part", ylim=(0.38, 1.02))
    panel.set_title(f"local f_NL planted in {results['cells']}³ cells", fontsize=10)
    panel.legend(frameon=False, fontsize=9)
    return figure


def recorded() -> str:
    """The section of what was measured last, for docs/scripts/learning.py."""
    return section(json.loads(RESULTS.read_text()))


if __name__ == "__main__":
    main()
