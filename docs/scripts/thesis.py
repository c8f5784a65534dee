"""What separated the cubes of the original study: the preset ``thesis`` with one cause changed at a time.

    python docs/scripts/thesis.py RUNS                         every variant, 40 pairs of 128^3 cells each
    python docs/scripts/thesis.py RUNS --only thesis all       these alone
    python docs/scripts/thesis.py                              the page from what docs/thesis.json holds already

Every variant is a run folder below RUNS, grown from the same seeds in a box of 5120 Mpc/h until z = 1 and measured on
growth-scaled difference cubes and on Phi(z = 1) itself; done again, what is finished is skipped, so a run that was
stopped goes on. The numbers of a variant enter docs/thesis.json when it is finished, beside those of others; the table
and the figure of docs/thesis.md are made of that file. A variant takes half an hour to an hour on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from marks import DOCS, IMAGES, fill, table

import weakfield as wf
from weakfield.base.figures import GREY, OTHERS, new_figure, save_png
from weakfield.base.files import read_json, write_json
from weakfield.base.progress import bars
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.learning import training
from weakfield.learning.results import Metrics
from weakfield.learning.scores import Estimate
from weakfield.spectra.difference import growth_scaled_difference

SCRIPT = "docs/scripts/thesis.py"
RESULTS, PAGE = DOCS / "thesis.json", DOCS / "thesis.md"
BOX_MPCH, EARLY, LATE = 5120.0, 10.0, 1.0
#: keys of the preset that mean something on the staggered mesh only, or belong to its clock
STAGGERED = (
    "mesh", "template", "courant_factor", "step_limit_hubble", "phi_integrator", "second_order_terms",
    "correct_displacement", "vector_method",
)  # fmt: skip
#: its clock lands on the outputs
SPECTRAL = {"mesh": "spectral", "exact_redshifts": True}
#: what a variant changes of the preset; the spectral mesh has one clock, and the growing-mode start needs that mesh
VARIANTS: dict[str, dict[str, Any]] = {
    "thesis": {},
    "exact redshifts": {"exact_redshifts": True},
    "fine nodes": {"transfer_nodes": "fine"},
    "hermitian noise": {"noise": "hermitian"},
    "second-order clock": {"phi_integrator": "second-order"},
    "spectral mesh": SPECTRAL,
    "growing start": SPECTRAL | {"start": "growing-mode"},
    "all": SPECTRAL | {"start": "growing-mode", "transfer_nodes": "fine", "noise": "hermitian"},
}
SAMPLES = {"difference": "difference cubes", "raw": "Phi(z = 1)"}
#: classifiers that the table names, as ``metrics.json`` calls them; the network stands first
CLASSIFIERS = {"network": "network", "log_pk": "log P(k)", "mean": "mean"}
MEASURES = ("unpaired_auc", "paired_accuracy")
#: upper ends of the bands in which the power of the class difference is compared [h/Mpc]
BANDS = (0.01, 0.03, 0.0785)


def main() -> None:
    """Grow, train, measure, keep and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runs", nargs="?", type=Path, help="where the run folders are; without it only the page is made"
    )
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--grid", type=int, default=128)
    options = parser.parse_args()
    if options.runs is not None:
        with bars():
            for name in options.only:
                found = variant(name, options.runs / name.replace(" ", "_"), options.pairs, options.grid)
                kept = read_json(RESULTS) if RESULTS.exists() else {}
                write_json(RESULTS, kept | {name: found})
    kept = read_json(RESULTS)
    kept = {name: kept[name] for name in VARIANTS if name in kept}
    fill(PAGE, "classifiers", SCRIPT, classifiers(kept))
    picture = "![Power of GR - Newton over that of Newton for every variant](images/thesis.png)"
    fill(PAGE, "shares", SCRIPT, f"{shares(kept)}\n\n{picture}")
    save_png(IMAGES / "thesis.png", figure(kept), 110)


def variant(name: str, folder: Path, pairs: int, grid: int) -> dict[str, Any]:
    """The numbers of one variant, from its run folder, which is completed first."""
    found: dict[str, Any] = {"pairs": pairs, "grid": grid, "changes": VARIANTS[name]}
    for sample in SAMPLES:
        study, run = study_of(name, sample, pairs, grid), RunFolder(folder / sample)
        if sample == "raw":  # the same pairs
            run.root.mkdir(parents=True, exist_ok=True)
            if not run.pairs.exists():
                run.pairs.symlink_to(Path("..") / "difference" / "pairs")
        wf.simulate(study, run.root)
        build.run(study, run)
        training.run(study, run)
        metrics = Metrics.load(run.model(training.main_model(study)) / "metrics.json")
        tests = {"network": metrics.test} | metrics.baselines
        found[sample] = {
            "seeds": {part: len(metrics.seeds.part(part)) for part in ("train", "validation", "test")},
            "classifiers": {
                who: {measure: tests[who][measure].as_json() for measure in MEASURES} for who in CLASSIFIERS
            },
            "bound": None if metrics.bound is None else metrics.bound.auc.as_json(),
            "spectra": spectra(study, run, sample),
        }
    return found


def study_of(name: str, sample: str, pairs: int, grid: int) -> StudyConfig:
    """The preset with what the variant changes."""
    values = StudyConfig.preset("thesis").model_dump(exclude_unset=True)
    changes = VARIANTS[name]
    simulation = values["simulation"]
    if changes.get("mesh") == "spectral":
        simulation = {key: value for key, value in simulation.items() if key not in STAGGERED}
    simulation |= {
        "grid": grid,
        "box_size_mpch": BOX_MPCH,
        "snapshot_redshifts": (EARLY, LATE),
        "spectra_redshifts": (),
    }
    redshifts = (EARLY, LATE) if sample == "difference" else (LATE,)
    return StudyConfig.from_mapping(
        {
            "name": "thesis",
            "seeds": {"first": 0, "count": pairs},
            "cosmology": values["cosmology"],
            "simulation": simulation | changes,
            "dataset": {"sample": sample, "redshifts": redshifts, "fractions": (0.5, 0.2, 0.3)},
            "training": {"epochs": 10, "precision": "single", "layout": "channels_last", "mean_kept_too": False},
        },
        name,
    )


def spectra(study: StudyConfig, folder: RunFolder, sample: str) -> dict[str, Any]:
    """Mean power of GR - Newton and of Newton by shell, with the standard error over seeds of the first."""
    shells = np.arange(0.5, study.simulation.grid / 2, 1.0)
    difference, newton, k = [], [], np.empty(0)
    for seed in study.seeds.all:
        cubes = {theory: cube(folder, study, seed, theory, sample) for theory in ("gr", "newton")}
        measured = wf.power_spectrum(cubes["gr"] - cubes["newton"], BOX_MPCH, shells)
        difference.append(np.asarray(measured.power))
        newton.append(np.asarray(wf.power_spectrum(cubes["newton"], BOX_MPCH, shells).power))
        k = np.asarray(measured.k)
    error = np.std(difference, axis=0, ddof=1) / np.sqrt(len(difference))
    columns = {"k": k, "difference": np.mean(difference, axis=0), "error": error, "newton": np.mean(newton, axis=0)}
    return {name: [float(f"{value:.4g}") for value in column] for name, column in columns.items()}


def cube(folder: RunFolder, study: StudyConfig, seed: int, theory: Any, sample: str) -> Any:
    """What a network sees of one universe, before it is normalised."""
    pair = wf.open(folder.root).pairs[seed]
    late = pair.phi(theory, LATE)
    if sample == "raw":
        return late
    early = pair.phi(theory, EARLY)
    z_early, z_late = (float(field.attrs["redshift"]) for field in (early, late))
    tensors = (early.values, late.values)
    import torch

    first, second = (torch.from_numpy(np.ascontiguousarray(values)) for values in tensors)
    return growth_scaled_difference(first, z_early, second, z_late, study.cosmology)


def d_prime(auc: float) -> str:
    """sqrt 2 times the normal quantile of an AUC."""
    if not 0.0 < auc < 1.0:
        return "over 5" if auc >= 1.0 else "below -5"
    return f"{np.sqrt(2.0) * NormalDist().inv_cdf(auc):.2f}"


def shown(stored: dict[str, float]) -> str:
    """A stored estimate with its interval."""
    return str(Estimate(**stored))


def classifiers(kept: dict[str, Any]) -> str:
    """A row a variant, sample and classifier."""
    rows = []
    for name, found in kept.items():
        for sample, words in SAMPLES.items():
            for who, called in CLASSIFIERS.items():
                one = found[sample]["classifiers"][who]
                auc = one["unpaired_auc"]
                separation = f"{d_prime(auc['value'])} ({d_prime(auc['low'])} to {d_prime(auc['high'])})"
                rows.append((name, words, called, shown(auc), separation, shown(one["paired_accuracy"])))
            bound = found[sample]["bound"]
            if bound is not None:
                rows.append((name, words, "*bound*", shown(bound), d_prime(bound["value"]), ""))
    head = ("variant", "sample", "classifier", "AUC between universes", "d' of it", "paired accuracy")
    about = "; ".join(
        f"{name}: {found['pairs']} pairs of {found['grid']}^3, {found['raw']['seeds']['test']} test seeds"
        for name, found in kept.items()
    )
    return f"{table(head, rows)}\n\n{about}."


def shares(kept: dict[str, Any]) -> str:
    """How much of the power of GR - Newton goes when one cause is mended, by band."""
    head = ("variant", "sample", *(f"k < {band:g} h/Mpc" for band in BANDS))
    rows = []
    for name, found in kept.items():
        for sample, words in SAMPLES.items():
            cells = []
            for low, high in zip((0.0, *BANDS), BANDS, strict=False):
                left, error = in_band(found[sample]["spectra"], low, high)
                whole, of_whole = in_band(kept["thesis"][sample]["spectra"], low, high)
                ratio = left / whole
                spread = ratio * np.hypot(error / left, of_whole / whole)
                cells.append(f"{ratio:.3g} +- {spread:.1g}")
            rows.append((name, words, *cells))
    return table(head, rows)


def in_band(columns: dict[str, list[float]], low: float, high: float) -> tuple[float, float]:
    """Power of GR - Newton of all modes of a band, and its error."""
    k, power, error = (np.asarray(columns[name]) for name in ("k", "difference", "error"))
    modes = np.where((k > low) & (k <= high), k**2, 0.0)
    return float(modes @ power), float(np.hypot.reduce(modes * error))


def figure(kept: dict[str, Any]) -> Any:
    """Power of GR - Newton over that of Newton, by variant and sample."""
    drawn, axes = new_figure(1, 2, size=(4.8, 3.8), sharey=True)
    for panel, (sample, words) in zip(axes[0], SAMPLES.items(), strict=True):
        for number, (name, found) in enumerate(kept.items()):
            columns = {key: np.asarray(values) for key, values in found[sample]["spectra"].items()}
            ratio, error = (columns[key] / columns["newton"] for key in ("difference", "error"))
            style = {"color": GREY, "linewidth": 2.5} if name == "thesis" else {"color": OTHERS[number % len(OTHERS)]}
            panel.fill_between(columns["k"], ratio - error, ratio + error, alpha=0.2, color=style["color"], linewidth=0)
            panel.plot(columns["k"], ratio, label=name, linestyle="-" if number < len(OTHERS) else "--", **style)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel("k [h/Mpc]")
        panel.set_title(words, fontsize=9)
    axes[0, 0].set_ylabel("power of GR - Newton over Newton's")
    axes[0, 1].legend(frameon=False, fontsize=8)
    return drawn


if __name__ == "__main__":
    main()
