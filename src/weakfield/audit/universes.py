"""Further universes that controls need: grown by the simulation, kept by settings, seen as the network sees them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from weakfield.audit.audit_run import AuditRun
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, read_json, sync_folder, write_json
from weakfield.base.progress import bar
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, RunSettings, StudyConfig, Theory
from weakfield.dataset import Dataset, Geometry, PairTensor
from weakfield.formats import load_field
from weakfield.pairs.manifest import settings_hash, why_incomplete
from weakfield.pairs.pair import Pair

MEMBER_DONE = "member.json"
#: a run that does not land on its outputs may write an output this much late, as a fraction of 1 + z
STEP = 0.1
#: grows one universe into a folder
Grow = Callable[[RunSettings, Path], object]


class Refused(BadInput):
    """Raised when the settings of universes that a control would grow do not go together; the message says which."""


def changed(study: StudyConfig, table: str, **values: object) -> StudyConfig:
    """The study with some settings of one table replaced, validated again; ``Refused`` if they do not go together."""
    tables = study.model_dump()
    tables[table] = {**tables[table], **values}
    try:
        return StudyConfig.from_mapping(tables, f"the study with other {', '.join(values)}")
    except BadInput as error:
        raise Refused(str(error)) from error


# ---------------------------------------------------------------------------------------------------------------
# Pairs


def grow_pairs(audit: AuditRun, control: str, study: StudyConfig, seeds: Sequence[Draw]) -> RunFolder:
    """The run folder, inside the control's own, with the pairs of ``seeds`` (or inverses) under a study's settings.

    It is named by the settings that decide numbers (the device does not), so that pairs of different settings never
    mix; pairs that are whole are not grown again.
    """
    from weakfield.pairs.grower import PairGrower

    folder = RunFolder(audit.workplace(control) / settings_hash(study))
    missing = [seed for seed in seeds if why_incomplete(study, seed, folder) is not None]
    audit.grown += 2 * len(seeds)
    if missing:
        grower = PairGrower(study, folder, alone=True)
        with bar(f"universes for {control}", len(missing)) as progress, grower.writing():
            for seed in missing:
                grower.grow(seed)
                progress.advance()
    return folder


def inverses(audit: AuditRun, control: str, seeds: Sequence[int]) -> dict[int, RunFolder]:
    """Where the pair of each seed's inverse lies: in the run folder if there, else grown in the control's own.

    Raises ``Refused`` for universes that were read from files, because these have no inverse.
    """
    if audit.study.simulation.initial_conditions == "snapshot":
        raise Refused("the universes of the study start from files, which have no inverse")
    folders = {seed: audit.folder for seed in seeds if why_incomplete(audit.study, Inverse(seed), audit.folder) is None}
    missing = [seed for seed in seeds if seed not in folders]
    if missing:
        grown = grow_pairs(audit, control, audit.study, [Inverse(seed) for seed in missing])
        folders |= dict.fromkeys(missing, grown)
    return folders


def cubes_of(
    audit: AuditRun,
    study: StudyConfig,
    folder: RunFolder,
    seeds: Sequence[int],
    redshifts: tuple[float, ...] | None = None,
) -> PairTensor:
    """Cubes of pairs in another folder, normalised in the same way as those of the main data set.

    The growth factors are those of ``study``; ``redshifts`` (default: the study's) are the outputs a sample is made of.
    """
    there = Dataset(audit.folder, audit.dataset.description.model_copy(update={"cosmology": study.cosmology}))
    simulation, asked = study.simulation, redshifts or there.redshifts
    grid, late = simulation.grid // simulation.downgrade_factor, 0.0 if simulation.exact_redshifts else STEP
    geometry = Geometry(grid, simulation.box_size_mpch, tuple(asked), late)
    pairs = []
    for seed in seeds:
        members = []
        for theory in THEORIES:
            paths = snapshots_of(study, folder, seed, theory, asked)
            members.append(finished(audit, there.raw_of(paths, seed, theory, geometry), seed, theory))
        pairs.append(torch.stack(members))
    return PairTensor(seeds, torch.stack(pairs))


def snapshots_of(
    study: StudyConfig, folder: RunFolder, draw: Draw, theory: Theory, redshifts: Sequence[float]
) -> list[Path]:
    """The files of phi of one universe at some of its outputs."""
    pair = Pair.open(folder, draw, study)
    return [pair.path(theory, "phi", z) for z in redshifts]


# ---------------------------------------------------------------------------------------------------------------
# Single Newtonian runs


def grow_newton(
    audit: AuditRun,
    control: str,
    study: StudyConfig,
    seed: int,
    manner: str = "",
    grow: Grow | None = None,
) -> Path:
    """The folder of a Newtonian run under other settings; it grows under another name, and is whole or absent.

    ``manner`` names what differed besides the settings; ``grow`` grows the universe (default: ``grow_member``).
    """
    from weakfield.simulation import grow_member

    settings = content_hash([settings_hash(study), seed, manner])
    folder = audit.workplace(control) / f"seed{seed:05d}{manner}"
    audit.grown += 1
    if (folder / MEMBER_DONE).exists() and read_json(folder / MEMBER_DONE)["settings"] == settings:
        return folder
    unfinished = folder.with_name(folder.name + ".unfinished")
    for leftover in (folder, unfinished):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    (grow or grow_member)(study.run_settings("newton", seed), unfinished)
    write_json(unfinished / MEMBER_DONE, {"seed": seed, "settings": settings})
    unfinished.rename(folder)
    sync_folder(folder.parent)
    return folder


def newton_pairs(audit: AuditRun, seeds: Sequence[int], folders: dict[int, Path]) -> PairTensor:
    """Cubes of two Newtonian runs as the main network sees them: member 0 from the pair, member 1 the second."""
    dataset = audit.dataset
    pairs = []
    for seed in seeds:
        second = [folders[seed] / path.name for path in dataset.files(seed, "newton")]
        raws = [dataset.raw(seed, "newton"), dataset.raw_of(second, seed, "newton")]
        pairs.append(torch.stack([finished(audit, raw, seed, "newton") for raw in raws]))
    return PairTensor(seeds, torch.stack(pairs))


def finished(audit: AuditRun, raw: Tensor, seed: int, theory: Theory) -> Tensor:
    """A raw sample as the main network sees cubes, (channels, N, N, N)."""
    cube = audit.dataset.normalise(raw, audit.keep_mean, seed, theory)
    return cube if cube.ndim == 4 else cube.unsqueeze(0)


def share_of_different_numbers(first: Sequence[Path], second: Sequence[Path]) -> float:
    """Fraction of the stored numbers of some fields that are not bit-identical to their counterparts."""
    different = total = 0
    for one, other in zip(first, second, strict=True):
        a, b = load_field(one)[0], load_field(other)[0]
        different += int((a != b).sum())
        total += a.numel()
    return different / total
