"""What networks and baselines reach where the signal is planted: GR cubes are Newton cubes times a factor.

    python docs/scripts/planted_signal.py --factors 1.05 1.01 --out runs/planted > planted.md
    python docs/scripts/planted_signal.py --run runs/n32 --factors 1.05 1.01 --out runs/planted > planted.md

With --run the Newton potentials are those of a run folder; without, Gaussian fields are drawn. Every factor is a run
folder of its own below --out, made by the stages of any study; done again, finished trainings are skipped. Prints a
table in Markdown: network and baselines beside the bound of Gaussian fields.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from weakfield._version import __version__
from weakfield.base.files import file_hash, read_json
from weakfield.base.progress import bar, bars
from weakfield.config import RunFolder, StudyConfig
from weakfield.cosmology import potential_growth
from weakfield.dataset import build
from weakfield.formats import save_field
from weakfield.learning import training
from weakfield.learning.baselines import BASELINES
from weakfield.learning.bound import global_factor_auc
from weakfield.pairs import Manifest, Pair
from weakfield.pairs.manifest import FileEntry

SHOWN = ("auc", "unpaired_auc", "accuracy", "paired_accuracy")
NOISE_SEED = 1_905


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="run folder whose Newton potentials are taken; default: drawn fields")
    parser.add_argument("--factors", type=float, nargs="+", default=[1.05, 1.01])
    parser.add_argument("--out", type=Path, default=Path("runs/planted"))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--epochs", type=int, help="instead of those of the preset n32")
    arguments = parser.parse_args()
    rows = []
    with bars():
        for factor in arguments.factors:
            study = planted_study(arguments.run, arguments.pairs, arguments.epochs)
            folder = RunFolder(arguments.out / f"factor{factor:g}")
            plant(study, folder, factor, arguments.run)
            build.run(study, folder)
            training.run(study, folder)
            rows += table(factor, read_json(folder.model(training.main_model(study)) / "metrics.json"))
    print("| factor | classifier | AUC | AUC between universes | accuracy | paired accuracy |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


def planted_study(run: Path | None, pairs: int, epochs: int | None) -> StudyConfig:
    """The study of the run folder, or the preset n32, with one network that sees no mean."""
    study = StudyConfig.preset("n32") if run is None else StudyConfig.from_toml(run / "study.toml")
    values = study.model_dump()
    values["seeds"]["count"] = min(pairs, study.seeds.count)
    values["training"]["mean_kept_too"] = False
    if epochs is not None:
        values["training"]["epochs"] = epochs
    return StudyConfig.from_mapping({**values, "name": "planted"}, "planted")


def plant(study: StudyConfig, folder: RunFolder, factor: float, run: Path | None) -> None:
    """Write whole pairs whose GR member is ``factor`` times its twin at every redshift."""
    redshifts = sorted(study.simulation.snapshot_redshifts, reverse=True)
    with bar(f"pairs, factor {factor:g}", study.seeds.count) as progress:
        for seed in study.seeds.all:
            if not Manifest.exists(folder.pair(seed)):
                write_pair(study, folder, seed, factor, newton_fields(study, seed, redshifts, run))
            progress.advance()


def newton_fields(
    study: StudyConfig, seed: int, redshifts: list[float], run: Path | None
) -> list[tuple[torch.Tensor, float]]:
    """phi [z, y, x] and true redshift of every output: read, or drawn with a part that evolves."""
    if run is not None:
        pair = Pair.open(RunFolder(run), seed, study)
        found = [pair.phi("newton", z) for z in redshifts]
        return [(torch.from_numpy(phi.values), phi.attrs["redshift"]) for phi in found]
    random = np.random.default_rng([NOISE_SEED, seed])
    linear, evolved = (drawn(study.simulation.grid, random) for _ in range(2))
    fields = []
    for z in redshifts:
        growth = float(potential_growth(study.cosmology, z))
        phi_z = 1e-5 * growth * (linear + 0.1 * evolved / (1 + z))
        fields.append((torch.from_numpy(phi_z), z))
    return fields


def drawn(grid: int, random: np.random.Generator) -> np.ndarray:
    """A periodic Gaussian field [z, y, x] with P(k) ~ k^-4, about that of the potential, of rms 1."""
    k = np.fft.fftfreq(grid)
    squared = k[:, None, None] ** 2 + k[None, :, None] ** 2 + k[None, None, :] ** 2
    squared[0, 0, 0] = np.inf
    field = np.fft.ifftn(np.fft.fftn(random.standard_normal((grid,) * 3)) / squared).real
    return field / np.sqrt((1 / squared**2).mean())


def write_pair(
    study: StudyConfig, folder: RunFolder, seed: int, factor: float, fields: list[tuple[torch.Tensor, float]]
) -> None:
    """The files of a pair as the simulation writes them; the manifest last."""
    files: dict[str, FileEntry] = {}
    for theory, scale in (("newton", 1.0), ("gr", factor)):
        for index, (phi, z) in enumerate(fields):
            name = f"{theory}/snap{index:03d}_phi.h5"
            path = folder.pair(seed) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            attributes = {
                "redshift": z, "scale_factor": 1 / (1 + z), "box_size_mpch": study.simulation.box_size_mpch,
                "theory": theory, "seed": seed, "units": "dimensionless", "software_version": __version__,
            }  # fmt: skip
            save_field(path, scale * phi.double(), attributes)
            files[name] = FileEntry(file_hash(path), theory, None, "phi", index, z, 1 / (1 + z))
    Manifest(folder.pair(seed), seed, "planted", files, {}, __version__).save()


def table(factor: float, metrics: dict[str, Any]) -> list[str]:
    """One row a classifier, then the bounds."""
    results = {"network": metrics["test"]}
    results |= {BASELINES[name].label: found for name, found in metrics["baselines"].items() if name != "mean"}
    rows = [
        f"| {factor:g} | {name} | " + " | ".join(shown(found[key]) for key in SHOWN) + " |"
        for name, found in results.items()
    ]
    bound = metrics["bound"]
    for text, value in (
        (f"bound, all {bound['modes']} modes", shown(bound["auc"])),
        (f"bound, the {bound['modes_shells']} modes that log P(k) sees", shown(bound["auc_shells"])),
        (
            f"the same from the factor alone, to first order ({bound['modes_shells']} modes)",
            f"{global_factor_auc(factor - 1, bound['modes_shells']):.3f}",
        ),
    ):
        rows.append(f"| {factor:g} | *{text}* | | {value} | | |")
    return rows


def shown(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


if __name__ == "__main__":
    main()
