"""The dataset stage: gather whole pairs, check them, split them by seed, normalise by the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.progress import bar
from weakfield.base.records import Summary
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.dataset.chain import Chain, chain_of
from weakfield.dataset.channels import Channels, Snapshot, check_members, load_snapshot
from weakfield.dataset.checks import Checked
from weakfield.dataset.description import DatasetDescription, Provenance, SplitRule
from weakfield.dataset.index import Index
from weakfield.dataset.normalise import Moments
from weakfield.dataset.sample_shapes import AXES, sample_shape_of
from weakfield.dataset.splits import PARTS, Split, study_split
from weakfield.dataset.store import CACHE, DESCRIPTION, add_moments
from weakfield.dataset.transforms import keep_transforms
from weakfield.pairs.manifest import Manifest, manifest_path, why_incomplete
from weakfield.pairs.pair import Pair


@dataclass(frozen=True)
class Members:
    """phi of both universes of one seed, redshifts descending; ``names`` are relative to the folder of the pair."""

    seed: int
    names: dict[Theory, list[str]]
    hashes: dict[str, str]
    snapshots: dict[Theory, list[Snapshot]]


def check(study: StudyConfig) -> None:
    """``BadInput`` when the samples or the split of the study cannot be made; nothing is read."""
    grid = study.simulation.grid // study.simulation.downgrade_factor
    if study.dataset.sample == "difference" and len(set(study.dataset.redshifts)) == 1:
        raise BadInput(
            f"the study has one output redshift, {study.dataset.redshifts[0]:g}, expected two for difference cubes"
            " (dataset.redshifts), or dataset.sample = 'raw'"
        )
    sample_shape_of(study.dataset, grid)
    chain_of(study.dataset.transforms, study.simulation.box_size_mpch).check(grid)
    _not_empty(study_split(study), f"the {study.seeds.count} seeds of the study")


def sample_shape(study: StudyConfig) -> tuple[int, ...]:
    """The shape of one sample of a study, (channels, N, N, N) or (channels, N, N); nothing is read."""
    grid = study.simulation.grid // study.simulation.downgrade_factor
    return (len(Channels.of(study.dataset).names), *sample_shape_of(study.dataset, grid).sides)


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Write ``dataset/dataset.json`` and return a summary.

    Every pair of the study must be whole: it has both theories, and its files are as their manifests recorded them,
    finite, of one shape and at the same redshifts. Anything else is a ``BadInput`` that names the pair and what it
    lacks. A ``partial`` data set takes only the pairs that were finished, and demands this of them.
    """
    seeds = gathered_seeds(study, folder)
    split = study_split(study).restricted(seeds)
    _not_empty(split, f"the {len(seeds)} whole pairs of {study.seeds.count}")
    gathered = _gather(study, folder, seeds, split)
    description = _describe(study, split, gathered, provenance(study, folder, seeds))
    keep_transforms(study.dataset, folder)
    gathered.checked.save(folder.dataset / CACHE / "seen.json")
    description.save(folder.dataset / DESCRIPTION)
    sizes: dict[str, int] = {part: len(split.part(part)) for part in PARTS}
    asked = {"planned": study.seeds.count} if study.dataset.partial else {}
    return {
        "pairs": len(seeds),
        **asked,
        **sizes,
        "grid": description.grid,
        "fingerprint": description.fingerprint,
    }


@dataclass
class Gathered:
    """What was found in the pairs, seed by seed, and the chains of transforms fitted to the training part."""

    first: Snapshot | None = None
    names: dict[int, dict[Theory, list[str]]] = field(default_factory=dict)
    redshifts: dict[int, list[float]] = field(default_factory=dict)
    hashes: dict[int, dict[str, str]] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    checked: Checked = field(default_factory=Checked)


def _gather(study: StudyConfig, folder: RunFolder, seeds: Sequence[int], split: Split) -> Gathered:
    """Read and check every pair; standardise by the training part."""
    found, channels = Gathered(), Channels.of(study.dataset)
    chain = chain_of(study.dataset.transforms, study.simulation.box_size_mpch)
    chains = {"mean_removed": chain, "mean_kept": chain.keeping_mean}
    moments = {kept: Moments() for kept in chains}
    training = set(split.train)
    with bar("data set", len(seeds)) as progress:
        for seed in seeds:
            pair = load_pair(study, folder, seed, found.checked)
            found.first = found.first or pair.snapshots["newton"][0]
            _check_box(found.first, pair)
            found.names[seed], found.hashes[seed] = pair.names, pair.hashes
            found.redshifts[seed] = [snapshot.redshift for snapshot in pair.snapshots["newton"]]
            if seed in training:
                shape = sample_shape_of(study.dataset, found.first.phi.shape[0])
                for theory in THEORIES:
                    by_redshift = dict(zip(study.dataset.gathered_redshifts, pair.snapshots[theory], strict=True))
                    fields = channels.fields(by_redshift, study.cosmology)
                    for kept, steps in chains.items():
                        add_moments(moments[kept], shape, steps.unfitted.apply(fields, seed, theory))
            progress.advance()
    found.chains = {kept: steps.fitted(moments[kept]) for kept, steps in chains.items()}
    return found


def gathered_seeds(study: StudyConfig, folder: RunFolder) -> tuple[int, ...]:
    """The seeds a data set is built from: all seeds of the study; if it is ``partial``, those whose pairs are whole.

    Raises ``BadInput`` when all are needed and one is not whole, or when a pair was grown with settings other than the
    study's.
    """
    if study.dataset.partial:
        return tuple(seed for seed in study.seeds.all if why_incomplete(study, seed, folder) is None)
    for seed in study.seeds.all:
        check_whole(folder, seed)
    return study.seeds.all


def provenance(study: StudyConfig, folder: RunFolder, seeds: Sequence[int]) -> Provenance:
    """What the pairs and this data set were made with, and how many pairs have each version, device and settings."""
    records = {seed: Manifest.load(folder.pair(seed)) for seed in seeds}
    made: dict[str, dict[str, list[int]]] = {}
    elsewhere = "the reference program's" if study.classes is None else "unknown"
    for name, absent in (("software_version", "unknown"), ("device", elsewhere), ("settings", "")):
        for seed, record in records.items():
            made.setdefault(name, {}).setdefault(str(getattr(record, name) or absent), []).append(seed)
    pairs = {name: {value: len(of) for value, of in values.items()} for name, values in made.items()}
    imported = tuple(seed for seed, record in records.items() if record.imported is not None)
    return Provenance(software_version=__version__, pairs=pairs, imported=imported)


def _not_empty(split: Split, what: str) -> None:
    for part in PARTS:
        if not split.part(part):
            raise BadInput(
                f"none of {what} falls into the {part} part, expected at least one for each of {', '.join(PARTS)}"
            )


def check_whole(folder: RunFolder, seed: int) -> None:
    """Check that a pair has both members and was finished; cheap, so that all are checked before any is read."""
    pair = folder.pair(seed)
    if not pair.is_dir():
        raise BadInput(f"pair {pair} is missing, expected the snapshots of both theories")
    for theory in THEORIES:
        if not folder.member(seed, theory).is_dir():
            raise BadInput(f"pair {pair} has no '{theory}' member, expected both theories ({' and '.join(THEORIES)})")
    if not Manifest.exists(pair):
        raise BadInput(f"pair {pair} has no {manifest_path(pair).name}, expected a pair that was finished")


def load_pair(study: StudyConfig, folder: RunFolder, seed: int, checked: Checked) -> Members:
    """Read and check those snapshots of one seed that the study's samples are made from; hashes go to ``checked``."""
    pair = Pair.open(folder, seed, study)
    root = pair.manifest.folder
    names: dict[Theory, list[str]] = {
        theory: [pair.path(theory, "phi", z).relative_to(root).as_posix() for z in study.dataset.gathered_redshifts]
        for theory in THEORIES
    }
    snapshots = {theory: [load_snapshot(root / name, pair.read) for name in names[theory]] for theory in THEORIES}
    check_members(snapshots["newton"], snapshots["gr"])
    hashes = {name: checked.hash(root / name, f"{seed}/{name}") for theory in THEORIES for name in names[theory]}
    return Members(seed, names, hashes, snapshots)


def _describe(study: StudyConfig, split: Split, gathered: Gathered, made: Provenance) -> DatasetDescription:
    """What the samples are, which seed is in which part, and how the samples are numbered.

    The numbers run over all seeds of the study, present or not, so that the number of a sample does not change when
    more pairs of a growing folder are taken.
    """
    first = gathered.first
    assert first is not None  # a part of a data set has at least one seed
    seeds, redshifts, grid = study.seeds.all, study.dataset.gathered_redshifts, first.phi.shape[0]
    channels, shape = Channels.of(study.dataset), sample_shape_of(study.dataset, grid)
    described = {
        "sample": study.dataset.sample,
        "redshifts": redshifts,
        "fields": ("phi",),
        "theories": THEORIES,
        "recipe": channels,
        "channels": channels.names,
        "cut": shape.as_json(),
        "shape": (len(channels.names), *shape.sides),
        "keep_mean": study.dataset.keep_mean,
        "grid": grid,
        "box_size_mpch": first.box_size_mpch,
        "cosmology": study.cosmology,
        "partial": study.dataset.partial,
        "pairs_of_study": study.seeds.count,
        "split": _split_rule(study),
        "seeds": split,
        "index": {
            "cubes": Index(seed=seeds, theory=THEORIES).describe(),
            "slices": Index(seed=seeds, theory=THEORIES, redshift=redshifts, axis=AXES, slice=range(grid)).describe(),
            "samples": Index(seed=seeds, theory=THEORIES, **shape.labels).describe(),
        },
        "transforms": {kept: chain.as_json() for kept, chain in gathered.chains.items()},
        "normalisation": {kept: chain.normalisation for kept, chain in gathered.chains.items()},
        "files": gathered.names,
        "redshifts_of_files": gathered.redshifts,
        "hashes": gathered.hashes,
        "provenance": made,
    }
    return DatasetDescription.model_validate(described).fingerprinted()


def _split_rule(study: StudyConfig) -> SplitRule:
    """How seeds were assigned to parts."""
    settings = study.dataset
    if settings.ranges:
        return SplitRule(rule="first and last seed of each part")
    order = "each seed by itself" if settings.partial else "one random order"
    if settings.folds is not None:
        return SplitRule(
            rule=f"blocks of {order}", folds=settings.folds, fold=settings.fold, split_seed=settings.split_seed
        )
    return SplitRule(rule=f"shares of {order}", fractions=settings.fractions, split_seed=settings.split_seed)


def _check_box(first: Snapshot, pair: Members) -> None:
    """Check that all pairs share one grid and one box."""
    for snapshot in pair.snapshots["newton"]:
        if snapshot.phi.shape != first.phi.shape or snapshot.box_size_mpch != first.box_size_mpch:
            raise BadInput(
                f"{snapshot.path} has shape {tuple(snapshot.phi.shape)} in a box of {snapshot.box_size_mpch:g} Mpc/h,"
                f" expected {tuple(first.phi.shape)} in {first.box_size_mpch:g} Mpc/h as in {first.path}"
            )
