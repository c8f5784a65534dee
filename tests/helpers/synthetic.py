"""Pairs that look like the simulation's but are drawn, with a difference between the theories that is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from weakfield._version import __version__
from weakfield.base.files import file_hash, write_json, write_text
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, StudyConfig
from weakfield.config.layout import seed_of
from weakfield.cosmology import potential_growth
from weakfield.formats import save_field
from weakfield.pairs.manifest import settings_hash

DATA = Path(__file__).parents[1] / "data"
EVOLUTION = 0.3  # rms of what changes between the two outputs, in units of the linear field


def tiny_study(pairs: int = 10, grid: int = 8, **tables: dict[str, object]) -> StudyConfig:
    """A study small enough for a test; ``tables`` override its tables."""
    values: dict[str, dict[str, object]] = {
        "seeds": {"first": 3, "count": pairs},
        "simulation": {"grid": grid, "box_size_mpch": 20.0 * grid},
        "training": {"channels": 4, "blocks": 2, "epochs": 3, "batch_pairs": 2},
        "audit": {"bootstrap": 200},
    }
    for name, table in tables.items():
        values[name] = {**values.get(name, {}), **table}
    return StudyConfig.from_mapping({"name": "tiny", **values})


def gaussian(grid: int, random: np.random.Generator, slope: float = -1.0) -> np.ndarray:
    """A periodic Gaussian field [z, y, x] of zero mean and expected variance 1 with P(k) ~ k^(2 slope)."""
    k = np.fft.fftfreq(grid)
    k_squared = k[:, None, None] ** 2 + k[None, :, None] ** 2 + k[None, None, :] ** 2
    k_squared[0, 0, 0] = np.inf
    amplitude = k_squared ** (0.5 * slope)
    modes = np.fft.fftn(random.standard_normal((grid,) * 3)) * amplitude
    return np.fft.ifftn(modes).real / np.sqrt((amplitude**2).mean())


def write_pair(study: StudyConfig, draw: Draw, folder: RunFolder, scale: float = 1.0, mean: float = 1e-7) -> None:
    """A whole pair: GR evolves ``scale`` times as much as its twin and has a ``mean`` at the later output.

    Of an inverse the fields are those of the seed times -1; the mean is not.
    """
    seed, sign = seed_of(draw), -1 if isinstance(draw, Inverse) else 1
    random = np.random.default_rng([seed, 77])
    grid = study.simulation.grid
    linear, evolved = sign * gaussian(grid, random), sign * gaussian(grid, random)
    files: dict[str, dict[str, object]] = {}
    for theory in THEORIES:
        factor, offset = (scale, mean) if theory == "gr" else (1.0, 0.0)
        for index, z in enumerate(sorted(study.simulation.snapshot_redshifts, reverse=True)):
            growth = float(potential_growth(study.cosmology, z))
            late = index == len(study.simulation.snapshot_redshifts) - 1
            phi = 1e-5 * growth * (linear + (EVOLUTION * factor * evolved if late else 0.0)) + (offset if late else 0.0)
            name = f"{theory}/snap{index:03d}_phi.h5"
            save_phi(folder.pair(draw) / name, phi, z, study.simulation.box_size_mpch, theory, seed)
            path = folder.pair(draw) / name
            files[name] = {
                "hash": file_hash(path), "bytes": path.stat().st_size, "redshift": z, "scale_factor": 1 / (1 + z),
                "field": "phi", "theory": theory, "index": index,
            }  # fmt: skip
        background = f"{theory}/lcdm_background.dat"
        write_text(folder.pair(draw) / background, "# drawn\n")
        files[background] = {"hash": file_hash(folder.pair(draw) / background), "theory": theory}
    settings = settings_hash(study)
    record = {"seed": seed, "settings": settings, "software_version": __version__, "files": files, "seconds": {}}
    write_json(folder.pair(draw) / "pair.json", record)


def save_phi(path: Path, phi: np.ndarray, z: float, box_size: float, theory: str, seed: int) -> None:
    """A snapshot of phi as the simulation writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    attributes = {
        "redshift": z, "scale_factor": 1 / (1 + z), "box_size_mpch": box_size, "theory": theory, "seed": seed,
        "units": "dimensionless", "software_version": __version__,
    }  # fmt: skip
    save_field(path, torch.from_numpy(phi), attributes)


def write_run(study: StudyConfig, root: Path, scale: float = 1.0, mean: float = 1e-7) -> RunFolder:
    """All pairs of a study in a new run folder, with those of the inverses if it has them."""
    folder = RunFolder(root)
    for draw in study.seeds.draws:
        write_pair(study, draw, folder, scale, mean)
    return folder


def reference_output(root: Path, seed: int = 42, theories: tuple[str, ...] = THEORIES, output: str = "output") -> Path:
    """Runs as the reference program leaves them: settings, text files, fields as HDF5 without attributes.

    Fields are those of seed 42 whatever the seed says; outputs at z = 101, 50, 10 and 1.
    """
    for theory in theories:
        source, place = DATA / f"stock16_{theory}", root / f"seed{seed}" / theory
        (place / output).mkdir(parents=True, exist_ok=True)
        text = (source / "settings.ini").read_text().replace("seed = 42", f"seed = {seed}")
        (place / "settings.ini").write_text(text)
        for path in source.glob("*.dat"):
            shutil.copy(path, place / output)
        fields = np.load(source / "snapshots.npz")
        for i in range(4):
            save_field(place / output / f"snap{i:03d}_phi.h5", fields[f"phi_{i}"], {}, dtype="float64")
    return root
