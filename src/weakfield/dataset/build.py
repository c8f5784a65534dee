"""The dataset stage: gather whole pairs, check them, split by seed, normalise by the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, file_hash, read_json, write_json
from weakfield.base.progress import bar
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.dataset.index import Index
from weakfield.dataset.normalise import Moments, Normalisation
from weakfield.dataset.samples import Snapshot, check_twins, load_snapshot, sample, without_mean
from weakfield.dataset.splits import PARTS, Split, study_split
from weakfield.dataset.store import AXES


@dataclass(frozen=True)
class Pair:
    """The (early, late) potentials of both universes of one seed; ``names`` are relative to the pair's folder."""

    seed: int
    names: dict[Theory, list[str]]
    hashes: dict[str, str]
    snapshots: dict[Theory, list[Snapshot]]


def check(study: StudyConfig) -> None:
    """``BadInput`` when the seeds of the study cannot be split; nothing is read."""
    study_split(study)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``dataset/dataset.json`` and return a summary.

    Every pair of the study must be whole: both theories, the files as ``pair.json`` recorded them, finite, of one
    shape, at the same redshifts. Anything else is a ``BadInput`` that names the pair and what it lacks.
    """
    split = study_split(study)
    for seed in study.seeds.all:
        check_whole(folder, seed)
    removed, kept = Moments(), Moments()
    names: dict[str, dict[Theory, list[str]]] = {}
    hashes: dict[str, dict[str, str]] = {}
    first: Snapshot | None = None
    with bar("data set", len(study.seeds.all)) as progress:
        for seed in study.seeds.all:
            pair = load_pair(study, folder, seed)
            first = first or pair.snapshots["newton"][0]
            _check_box(first, pair)
            names[str(seed)], hashes[str(seed)] = pair.names, pair.hashes
            if seed in split.train:
                for theory in THEORIES:
                    cube = sample(study.dataset.sample, pair.snapshots[theory], study.cosmology)
                    kept.add(cube)
                    removed.add(without_mean(cube))
            progress.advance()
    assert first is not None  # a study has at least one seed
    description = {
        **_describe(study, split, first),
        "normalisation": {
            "mean_removed": Normalisation.of(removed).as_json(),
            "mean_kept": Normalisation.of(kept).as_json(),
        },
        "files": names,
        "hashes": hashes,
    }
    description["fingerprint"] = content_hash(description)
    write_json(folder.dataset / "dataset.json", description)
    sizes: dict[str, int] = {part: len(split.part(part)) for part in PARTS}
    return {"pairs": len(names), **sizes, "grid": description["grid"], "fingerprint": description["fingerprint"]}


def check_whole(folder: RunFolder, seed: int) -> None:
    """A pair has both members and was finished; cheap, so that all are looked at before any is read."""
    pair = folder.pair(seed)
    if not pair.is_dir():
        raise BadInput(f"pair {pair} is missing, expected the snapshots of both theories")
    for theory in THEORIES:
        if not folder.member(seed, theory).is_dir():
            raise BadInput(f"pair {pair} has no '{theory}' member, expected both theories ({' and '.join(THEORIES)})")
    if not (pair / "pair.json").exists():
        raise BadInput(f"pair {pair} has no pair.json, expected a pair that was finished")


def load_pair(study: StudyConfig, folder: RunFolder, seed: int) -> Pair:
    """Read and check the snapshots of one seed that the study's samples are made of."""
    root = folder.pair(seed)
    recorded: dict[str, dict[str, Any]] = read_json(root / "pair.json")["files"]
    outputs = sorted(study.simulation.snapshot_redshifts, reverse=True)
    names: dict[Theory, list[str]] = {theory: [] for theory in THEORIES}
    for theory in THEORIES:
        potentials = {e["index"]: n for n, e in recorded.items() if e["theory"] == theory and e.get("field") == "phi"}
        for redshift in study.dataset.redshifts:
            name = potentials.get(outputs.index(redshift))
            if name is None:
                raise BadInput(
                    f"pair {root} has no phi of '{theory}' at redshift {redshift:g}, expected it in pair.json"
                )
            names[theory].append(name)
    snapshots = {theory: [load_snapshot(root / name) for name in names[theory]] for theory in THEORIES}
    check_twins(snapshots["newton"], snapshots["gr"])
    hashes = {name: file_hash(root / name) for theory in THEORIES for name in names[theory]}
    for name, found in hashes.items():
        if found != recorded[name]["hash"]:
            raise BadInput(
                f"{root / name} has hash {found} but pair.json recorded {recorded[name]['hash']},"
                " expected the file as the simulation wrote it"
            )
    return Pair(seed, names, hashes, snapshots)


def _describe(study: StudyConfig, split: Split, first: Snapshot) -> dict[str, Any]:
    """What the samples are, which seeds are where, and how they are numbered."""
    seeds, redshifts, grid = study.seeds.all, study.dataset.redshifts, first.phi.shape[0]
    slices = Index(seed=seeds, theory=THEORIES, redshift=redshifts, axis=AXES, slice=range(grid))
    return {
        "sample": study.dataset.sample,
        "redshifts": list(redshifts),
        "keep_mean": study.dataset.keep_mean,
        "grid": grid,
        "box_size_mpch": first.box_size_mpch,
        "cosmology": study.cosmology.model_dump(mode="json"),
        "seeds": {part: list(split.part(part)) for part in PARTS},
        "index": {"cubes": Index(seed=seeds, theory=THEORIES).describe(), "slices": slices.describe()},
    }


def _check_box(first: Snapshot, pair: Pair) -> None:
    """All pairs share one grid and one box."""
    for snapshot in pair.snapshots["newton"]:
        if snapshot.phi.shape != first.phi.shape or snapshot.box_size_mpch != first.box_size_mpch:
            raise BadInput(
                f"{snapshot.path} has shape {tuple(snapshot.phi.shape)} in a box of {snapshot.box_size_mpch:g} Mpc/h,"
                f" expected {tuple(first.phi.shape)} in {first.box_size_mpch:g} Mpc/h as in {first.path}"
            )
