"""Further universes that controls need: grown by the simulation, kept by settings, seen as the network sees them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from weakfield.audit.audit_run import AuditRun
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash, sync_folder
from weakfield.base.hashes import known_hash
from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.records import Record
from weakfield.base.trials import Unsuited
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, RunSettings, StudyConfig, Theory
from weakfield.cosmology.transfer import TransferHistory
from weakfield.dataset import Dataset, Geometry, PairTensor
from weakfield.dataset.channels import Snapshot, load_snapshot
from weakfield.pairs.manifest import settings_hash
from weakfield.pairs.pair import Pair
from weakfield.pairs.reading import Origin, damage, read_field

MEMBER_DONE = "member.json"
#: a run that does not land on its outputs may write an output this much late, as a fraction of 1 + z
STEP = 0.1
#: grows one universe into a folder
Grow = Callable[[RunSettings, Path], object]


class MemberRecord(Record):
    """``member.json``: a single run is whole; ``files`` are the hashes of its files, which early versions left out."""

    seed: int
    settings: str
    files: dict[str, str] | None = None


class Refused(Unsuited):
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
    from weakfield.pairs.local import grow_alone

    folder = RunFolder(audit.workplace(control) / settings_hash(study))
    missing = [seed for seed in seeds if damage(study, seed, folder) is not None]
    audit.grown += 2 * len(seeds)
    if missing:
        grow_alone(study, folder, missing, audit.workers, f"universes for {control}")
    return folder


def inverses(audit: AuditRun, control: str, seeds: Sequence[int]) -> dict[int, RunFolder]:
    """Where the pair of each seed's inverse lies: in the run folder if there, else grown in the control's own.

    Raises ``Refused`` for universes that were read from files, because these have no inverse.
    """
    if audit.study.simulation.initial_conditions == "snapshot":
        raise Refused("the universes of the study start from files, which have no inverse")
    folders = {seed: audit.folder for seed in seeds if damage(audit.study, Inverse(seed), audit.folder) is None}
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
            snapshots = snapshots_of(study, folder, seed, theory, asked)
            members.append(finished(audit, there.raw_of(snapshots, seed, theory, geometry), seed, theory))
        pairs.append(torch.stack(members))
    return PairTensor(seeds, torch.stack(pairs))


def snapshots_of(
    study: StudyConfig, folder: RunFolder, draw: Draw, theory: Theory, redshifts: Sequence[float]
) -> list[Snapshot]:
    """phi of one universe at some of its outputs; ``BadInput`` for a file that is not as its manifest recorded it."""
    pair = Pair.open(folder, draw, study)
    return [load_snapshot(pair.path(theory, "phi", z), pair.read) for z in redshifts]


# ---------------------------------------------------------------------------------------------------------------
# Single Newtonian runs


def grow_newton(
    audit: AuditRun,
    control: str,
    study: StudyConfig,
    seeds: Sequence[int],
    manner: str = "",
    grow: Grow | None = None,
) -> dict[int, Path]:
    """The folders of Newtonian runs under other settings, by seed; each grows beside and is whole or absent.

    ``manner`` names what differed besides the settings; ``grow``, a function of a module or ``partial`` of one, grows
    the universe (default: ``grow_member``).
    """
    from weakfield.pairs.cores import workers_for
    from weakfield.pairs.local import shared_work

    audit.grown += len(seeds)
    place = audit.workplace(control)
    missing = [seed for seed in seeds if not _is_whole(study, place, seed, manner)]
    if missing:
        workers = min(audit.workers, workers_for(study, len(missing)))
        with bar(f"Newtonian runs for {control}", len(missing)) as progress:
            arguments = (study, place, manner, grow, *shared_work(study, workers))
            mapped(newton_work, arguments, missing, workers, lambda _: progress.advance())
    return {seed: _member(place, seed, manner) for seed in seeds}


def newton_work(
    study: StudyConfig, place: Path, manner: str, grow: Grow | None, history: TransferHistory | None, count: int
) -> Callable[[int], None]:
    """The work of growing one Newtonian run per seed in ``place``, with ``count`` threads."""
    from weakfield.mesh.threads import threads
    from weakfield.simulation import grow_member
    from weakfield.simulation.study_cache import StudyCache

    shared = StudyCache(study.run_settings("newton", study.seeds.first), history)

    def work(seed: int) -> None:
        folder = _member(place, seed, manner)
        unfinished = folder.with_name(folder.name + ".unfinished")
        for leftover in (folder, unfinished):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        run = study.run_settings("newton", seed)
        with threads(count):
            if grow is None:
                grow_member(run, unfinished, shared=shared)
            else:
                grow(run, unfinished)
        files = {path.name: file_hash(path) for path in sorted(unfinished.iterdir()) if path.is_file()}
        done = MemberRecord(seed=seed, settings=_settings_of(study, seed, manner), files=files)
        done.save(unfinished / MEMBER_DONE)
        unfinished.rename(folder)
        sync_folder(folder.parent)

    return work


def _member(place: Path, seed: int, manner: str) -> Path:
    return place / f"seed{seed:05d}{manner}"


def _settings_of(study: StudyConfig, seed: int, manner: str) -> str:
    return content_hash([settings_hash(study), seed, manner])


def _is_whole(study: StudyConfig, place: Path, seed: int, manner: str) -> bool:
    folder = _member(place, seed, manner)
    done = MemberRecord.load_if_sound(folder / MEMBER_DONE)
    return done is not None and done.settings == _settings_of(study, seed, manner) and _unchanged(folder, done)


def _unchanged(folder: Path, done: MemberRecord) -> bool:
    """Whether the files of a single run are those that were recorded."""
    files = {} if done.files is None else done.files
    return all((folder / name).is_file() and known_hash(folder / name) == digest for name, digest in files.items())


def newton_snapshots(audit: AuditRun, seed: int, folder: Path) -> list[Snapshot]:
    """phi of a single Newtonian run in ``folder`` at the redshifts of the data set, of that seed and theory."""

    def check(path: Path) -> None:
        done = MemberRecord.load(folder / MEMBER_DONE)
        if done.files is not None and known_hash(path) != done.files.get(path.name):
            raise BadInput(
                f"{path} was altered after it was grown, expected it as it was; the same command grows it anew"
            )

    paths = [folder / path.name for path in audit.dataset.files(seed, "newton")]
    return [load_snapshot(path, lambda file: read_field(file, Origin("newton", seed), check)) for path in paths]


def newton_pairs(audit: AuditRun, seeds: Sequence[int], folders: dict[int, Path]) -> PairTensor:
    """Cubes of two Newtonian runs as the main network sees them: member 0 from the pair, member 1 the second."""
    dataset = audit.dataset
    pairs = []
    for seed in seeds:
        second = dataset.raw_of(newton_snapshots(audit, seed, folders[seed]), seed, "newton")
        raws = [dataset.raw(seed, "newton"), second]
        pairs.append(torch.stack([finished(audit, raw, seed, "newton") for raw in raws]))
    return PairTensor(seeds, torch.stack(pairs))


def finished(audit: AuditRun, raw: Tensor, seed: int, theory: Theory) -> Tensor:
    """A raw sample as the main network sees cubes, (channels, N, N, N)."""
    cube = audit.dataset.normalise(raw, audit.keep_mean, seed, theory)
    return cube if cube.ndim == 4 else cube.unsqueeze(0)


def share_of_different_numbers(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    """Fraction of the numbers of some fields that are not bit-identical to their counterparts."""
    different = total = 0
    for a, b in zip(first, second, strict=True):
        different += int((a != b).sum())
        total += a.numel()
    return different / total
