"""Which methods of attribution can be believed where the answer is known: docs/explanation.md, explanation_truth.json.

    python docs/scripts/explanation_truth.py --out runs/truth32   # grows 48 pairs of 32^3 and scores methods on them
    python docs/scripts/explanation_truth.py --study runs/mine    # a study of one's own, and its network if explained
    python docs/scripts/explanation_truth.py --write              # the page again, from explanation_truth.json

What is done for one pair is kept below --out and not done twice. One core, a quarter of an hour.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from marks import DOCS, fill, table

import weakfield as wf
from weakfield._version import __version__
from weakfield.base.files import content_hash, read_json, write_json
from weakfield.base.progress import bar, bars
from weakfield.config import THEORIES, StudyConfig
from weakfield.config.explain import ExplainSettings
from weakfield.explain.pixels import METHODS
from weakfield.explain.records import Explanation
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.explain.truth.prediction import Prediction
from weakfield.explain.truth.records import QUANTITIES, PairTruth, Truth
from weakfield.explain.truth.scoring import (
    KnownPair,
    judged,
    known_triangles,
    scored,
    triangle_scores,
    unit_of,
)
from weakfield.fourier.shells import shells as shells_of
from weakfield.report.explanation import TITLES
from weakfield.report.truth import SHAPES, ranks, shares
from weakfield.report.truth import TITLES as MORE
from weakfield.spectra.theory.realised import linear_potential

SCRIPT = "docs/scripts/explanation_truth.py"
RESULTS = DOCS / "explanation_truth.json"
#: 32^3 cells of 20 Mpc/h, of dust and Lambda
OWN: dict[str, Any] = {
    "name": "truth32",
    "seeds": {"first": 1, "count": 48},
    "cosmology": {"t_cmb_kelvin": 0.0},
    "simulation": {
        "grid": 32, "box_size_mpch": 640.0, "transfer": "eisenstein-hu", "step_limit_hubble": 0.2,
        "snapshot_redshifts": [10.0, 1.0], "spectra_redshifts": [10.0, 1.0],
    },
    "output": {"dtype": "float64"},
}  # fmt: skip
SMALL = {"grid": 16, "box_size_mpch": 320.0}
#: numbers of seeds and of shells of triangles
CONVERGED = [(seeds, 4) for seeds in (12, 24, 48, 100, 200, 400)] + [(100, 2), (100, 3), (100, 5)]


def scores(run: wf.Run, z: float, settings: ExplainSettings, kept: Path) -> Truth:
    """Scores on the pairs of a run at a redshift; maps of the first ``settings.pairs``, triangles of all."""
    prediction, seeds = Prediction(run.study), list(run.pairs.seeds)
    known = prediction.filter(z)
    everyone = [pair_of(run, prediction, seed, z) for seed in seeds]
    known.unit = unit_of(known, everyone[0])
    universes = [one.hash() for one in (run.study.simulation, run.study.cosmology, settings)]
    shown, rows = everyone[: settings.pairs], []
    with bar("pairs", len(shown)) as progress:
        for pair in shown:
            key = content_hash([__version__, *universes, seeds[0], z, pair.seed])
            rows.append(row_of(known, pair, settings, kept / f"{key}.json"))
            progress.advance()
    unit = 2 * np.pi / run.study.simulation.box_size_mpch
    by_triangle = known_triangles(known, everyone, settings.triangle_shells, unit)
    return scored(z, [pair.seed for pair in shown], shells_of(known.n).mean_wavenumbers * unit, rows, by_triangle)


def row_of(known: MatchedFilter, pair: KnownPair, settings: ExplainSettings, path: Path) -> PairTruth:
    """What was found for a pair before, or else what is found now."""
    row = PairTruth.load_if_sound(path)
    if row is None:
        row = judged(known, pair, settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        row.save(path)
    return row


def pair_of(run: wf.Run, prediction: Prediction, seed: int, z: float) -> KnownPair:
    """A pair of a run with its C1."""
    newton, gr = (torch.from_numpy(run.pairs[seed].phi(theory, z).values) for theory in THEORIES)
    return KnownPair.of(seed, newton, gr, prediction.c1(seed, z))


def explained(run: wf.Run) -> Truth | None:
    """What the explain stage of a study found, if it did."""
    found = Explanation.load_if_there(run.path / "explain" / "explain.json")
    return None if found is None else found.truth


def tables(truth: Truth) -> str:
    """Scores of methods, the best first, and shares of triangles by shape."""
    names = {**TITLES, **MORE}
    network = truth.network or {}
    blank = [""] * len(QUANTITIES) if network else []
    head = ("method", *QUANTITIES, *(f"network: {name}" for name in QUANTITIES if network))
    rows = [
        (names.get(name, name), *ranks(truth.methods[name]), *(ranks(network[name]) if name in network else blank))
        for name in truth.ordered
    ]
    rows.append(("*the pair's own difference*", *ranks(truth.measured), *blank))
    parts = [("C₁", *shares(truth.shares)), ("*the pair's own difference*", *shares(truth.measured.shares))]
    parts += [(names.get(name, name), *shares(one.shares)) for name, one in truth.methods.items() if one.shares]
    parts += [
        (f"{names.get(name, name)}, of the network", *shares(one.shares)) for name, one in network.items() if one.shares
    ]
    reasons: dict[str, list[str]] = {}
    for sentence in truth.left_out.values():
        name, _, reason = sentence.partition(": ")
        reasons.setdefault(reason, []).append(names.get(name, name))
    said = "".join(f"\n- {', '.join(left)}: {reason}." for reason, left in reasons.items())
    return "\n".join(
        [
            f"z = {truth.z:g}, means over {len(truth.seeds)} pairs, of triangles over {truth.triangle_seeds}:\n",
            table(head, rows),
            f"{said}\n" if said else "",
            "Shares of shapes in the contributions of all triangles:\n",
            table(("triangles of", *SHAPES), parts),
        ]
    )


def converged(seeds: int, triangle_shells: int) -> dict[str, float]:
    """What the two methods by triangle reach with so many seeds and shells, in 16^3 cells at z = 1.

    Pairs are those of theory, linear phi and C1 more, since these need no simulation.
    """
    study = StudyConfig.from_mapping({**OWN, "simulation": {**OWN["simulation"], **SMALL}}, SCRIPT)
    prediction, pairs = Prediction(study), []
    for seed in range(1, seeds + 1):
        newton, c1 = linear_potential(prediction.theory, study.simulation, seed, 1.0), prediction.c1(seed, 1.0)
        pairs.append(KnownPair.of(seed, newton, newton + c1, c1))
    known = prediction.filter(1.0)
    known.unit = unit_of(known, pairs[0])
    truth, _, found = known_triangles(known, pairs, triangle_shells, 1.0)
    numbers = {name: score.rank["triangles"].value for name, score in triangle_scores(truth, found).items()}
    numbers |= {"remainder": found.response.shares["remainder"].value, "triangles": len(found.shells)}
    return numbers if found.surrogate is None else numbers | {"explained": found.surrogate.explained}


def converged_table(rows: dict[str, dict[str, float]]) -> str:
    """By seeds and shells."""
    head = ("pairs", "shells", "triangles", "third-order response", "its remainder", "sparse surrogate", "it predicts")
    names = ("triangles", "response", "remainder", "surrogate", "explained")
    lines = []
    for key, row in rows.items():
        cells = [f"{row[name]:.3f}" if name != "triangles" else f"{row[name]:.0f}" for name in names]
        lines.append((*key.split(), *cells))
    text = (
        "The two methods by triangle against the number of pairs and of shells: rank correlation over triangles, share"
        " of the logit difference that the response leaves over, and share of the variance of logits of other seeds"
        " that the surrogate predicts. Pairs of theory in 16^3 cells of 20 Mpc/h at z = 1:"
    )
    return f"{text}\n\n{table(head, lines)}"


def main() -> None:
    """Score what is missing; write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/truth32"), help="where the script's own pairs are")
    parser.add_argument("--study", type=Path, help="a run folder whose pairs are taken instead")
    parser.add_argument("--z", type=float, nargs="+", default=[10.0, 1.0], help="output redshifts")
    parser.add_argument("--pairs", type=int, default=8, help="pairs of which maps are made")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    options = parser.parse_args()
    results: dict[str, Any] = read_json(RESULTS) if RESULTS.exists() else {}
    found = results.setdefault("triangles", {})
    for seeds, count in [] if options.write else CONVERGED:
        if (key := f"{seeds} {count}") not in found:
            found[key] = converged(seeds, count)
            write_json(RESULTS, results)
    if not options.write:
        if options.study is None:
            wf.simulate(StudyConfig.from_mapping(OWN, SCRIPT), options.out)
        run = wf.open(options.study or options.out)
        settings = ExplainSettings(pairs=options.pairs, methods=tuple(METHODS))
        with bars():
            known = explained(run)
            truths = [known] if known else [scores(run, z, settings, options.out / "truth") for z in options.z]
        results[run.study.name] = {f"{truth.z:g}": truth.as_json() for truth in truths}
        write_json(RESULTS, results)
    parts = [
        f"#### Pairs of the study {name}\n\n" + "\n\n".join(tables(Truth.read(one, name)) for one in by_z.values())
        for name, by_z in results.items()
        if name != "triangles"
    ]
    parts.append(f"#### More pairs, other shells\n\n{converged_table(found)}")
    fill(DOCS / "explanation.md", "truth", SCRIPT, "\n\n".join(parts))


if __name__ == "__main__":
    main()
