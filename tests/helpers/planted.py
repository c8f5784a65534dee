"""Runs whose GR cubes differ from their twins by one planted thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from helpers.synthetic import save_phi, tiny_study, write_run
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.run import open_audit
from weakfield.base.files import file_hash, write_json
from weakfield.config import Draw, RunFolder, StudyConfig
from weakfield.config.layout import seed_of
from weakfield.cosmology import potential_growth
from weakfield.dataset import build
from weakfield.formats import load_field
from weakfield.learning import training

#: of the difference cube in units of its rms
Alter = Callable[[np.ndarray], np.ndarray]
SCALE = 3e-6


def planted(
    root: Path, alter: Alter, pairs: int = 40, epochs: int = 12, grid: int = 8, **tables: dict[str, object]
) -> AuditRun:
    """Data set and trained network of pairs whose GR difference cube is ``alter`` of the Newtonian one."""
    tables = {"training": {"epochs": epochs, "learning_rate": 5e-3, "mean_kept_too": False}, **tables}
    tables["dataset"] = {"fractions": (0.5, 0.15, 0.35), **tables.get("dataset", {})}
    study = tiny_study(pairs=pairs, grid=grid, **tables)
    folder = write_run(study, root, scale=1.0, mean=0.0)
    for draw in study.seeds.draws:
        alter_gr(study, folder, draw, alter)
    build.run(study, folder)
    training.run(study, folder)
    return open_audit(study, folder)


def alter_gr(study: StudyConfig, folder: RunFolder, draw: Draw, alter: Alter) -> None:
    """Rewrite GR's later snapshot so that early / D(early) - late / D(late) is altered."""
    early, late = (growth(study, z) for z in study.dataset.redshifts)
    first = load_field(folder.pair(draw) / "gr/snap000_phi.h5")[0].double().numpy()
    path = folder.pair(draw) / "gr/snap001_phi.h5"
    difference = first / early - load_field(path)[0].double().numpy() / late
    new = SCALE * alter(difference / SCALE)
    z = study.dataset.redshifts[1]
    save_phi(path, (first / early - new) * late, z, study.simulation.box_size_mpch, "gr", seed_of(draw))
    record_hash(folder, draw, "gr/snap001_phi.h5")


def record_hash(folder: RunFolder, draw: Draw, name: str) -> None:
    """pair.json says that the file is as the simulation wrote it."""
    path = folder.pair(draw) / "pair.json"
    record = json.loads(path.read_text())
    record["files"][name]["hash"] = file_hash(folder.pair(draw) / name)
    write_json(path, record)


def growth(study: StudyConfig, z: float) -> float:
    return float(potential_growth(study.cosmology, z))


def zero_last_bits(study: StudyConfig, folder: RunFolder, bits: int = 6) -> None:
    """GR's later snapshots lose the last bits of their mantissas."""
    for seed in study.seeds.all:
        path = folder.pair(seed) / "gr/snap001_phi.h5"
        values = load_field(path)[0].float().numpy()
        coarse = np.bitwise_and(values.view(np.int32), ~np.int32(2**bits - 1)).view(np.float32)
        save_phi(path, coarse, study.dataset.redshifts[1], study.simulation.box_size_mpch, "gr", seed)
        record_hash(folder, seed, "gr/snap001_phi.h5")


def shell_rescaled(low: float, high: float, factor: float) -> Alter:
    """The modes low <= |n| < high times a factor."""

    def alter(field: np.ndarray) -> np.ndarray:
        axis = np.fft.fftfreq(len(field), 1 / len(field))
        length = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2)
        modes = np.fft.fftn(field) * np.where((length >= low) & (length < high), factor, 1.0)
        return np.fft.ifftn(modes).real

    return alter


def local_fnl(strength: float) -> Alter:
    """g + f (g^2 - <g^2>) on every mode but the mean, with the power of g at every |k|: only phases are new."""
    from weakfield.fourier.altered import match_power

    def alter(field: np.ndarray) -> np.ndarray:
        g = field / field.std()
        bent = g + strength * (g**2 - (g**2).mean())
        return match_power(torch.from_numpy(bent), torch.from_numpy(g), finest=True).numpy() * field.std()

    return alter


def bent(strength: float) -> Alter:
    """g + f (g^2 - <g^2>) with g in units of its rms: of GR - Newton every bit is of second order in g."""

    def alter(field: np.ndarray) -> np.ndarray:
        squares = (field / field.std()) ** 2
        return field + strength * field.std() * (squares - squares.mean())

    return alter
