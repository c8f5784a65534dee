"""How often the audit raises an alarm where nothing is wrong: docs/null_studies.json and its place in evaluation.md.

    python docs/scripts/null_studies.py               # 20 studies; a second run takes up where a first one was stopped
    python docs/scripts/null_studies.py --write       # the page again, from what null_studies.json holds

In a null study the two members of a pair differ in nothing that their labels could mean. All studies are made of one
set of universes, grown once in small boxes; each has a random split of its own, and a random choice of labels, which is
all that a false alarm depends on. Half of the studies are of the kind ``exchanged``: pairs as they are, Newton and GR,
of which a coin says which is called which, so that twins are as alike as they ever are. The others are ``unrelated``:
both members are Newtonian universes, of seeds that are paired at random. Controls that grow universes are left out,
since they grow what a label says; everything else is the default audit, with short trainings.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from marks import DOCS, fill

from weakfield.audit import run as audit
from weakfield.audit.alarms import ALPHA
from weakfield.audit.records import AuditTable, KeptControl
from weakfield.audit.registry import find_control
from weakfield.base.files import file_hash, read_json, write_json
from weakfield.base.progress import bar, bars
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.config.audit import DEFAULT_CONTROLS
from weakfield.dataset import build
from weakfield.formats import load_field, save_field
from weakfield.learning import training
from weakfield.mesh.threads import threads
from weakfield.pairs import Manifest
from weakfield.pairs.manifest import FileEntry
from weakfield.simulation import grow_member

SCRIPT = "docs/scripts/null_studies.py"
RESULTS = DOCS / "null_studies.json"
KINDS = ("exchanged", "unrelated")
PAIRS, GRID = 36, 16
COIN = 2_021


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/null"))
    parser.add_argument("--write", action="store_true", help="only fill the page")
    arguments = parser.parse_args()
    done: list[dict[str, Any]] = read_json(RESULTS) if RESULTS.exists() else []
    with bars():
        for number in range(0 if arguments.write else arguments.studies):
            kind = KINDS[number % 2]
            if any(one["number"] == number for one in done):
                continue
            folder = RunFolder(arguments.out / f"{number:02d}_{kind}")
            write_pairs(arguments.out / "universes", null_study(number), folder, kind)
            done.append({"number": number, "kind": kind, **audited(null_study(number), folder)})
            write_json(RESULTS, done)
            shutil.rmtree(folder.root)
    fill(DOCS / "evaluation.md", "null_studies", SCRIPT, sentence(done))


def null_study(number: int) -> StudyConfig:
    """The preset demo in a box of an eighth of its volume, with short trainings and a split of its own."""
    values = StudyConfig.preset("demo").model_dump()
    values["seeds"]["count"] = PAIRS
    values["simulation"] |= {"grid": GRID, "box_size_mpch": 20.0 * GRID}
    values["dataset"] |= {"fractions": (0.5, 1 / 6, 1 / 3), "split_seed": number}
    values["training"] |= {"epochs": 8, "channels": 4, "blocks": 2, "seed": 10 * number}
    values["audit"]["controls"] = tuple(name for name in DEFAULT_CONTROLS if find_control(name).grow is None)
    return StudyConfig.from_mapping({**values, "name": f"null{number}"}, "a null study")


def audited(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Train and audit; which alarms stand, and which there would be if each control were asked alone."""
    for stage in (build, training, audit):
        stage.run(study, folder)
    rows = AuditTable.load(folder.audit / "audit.json").controls
    kept = [KeptControl.load(folder.audit / f"{row.name}.json").row for row in rows]
    return {
        "alarms": [row.name for row in rows if row.verdict == "shortcut"],
        "alone": [row.name for row in kept if row.verdict == "shortcut"],
        "not_run": [row.name for row in rows if row.estimate is None],
        "p": {row.name: row.p for row in rows if row.p is not None},
    }


def universe(place: Path, study: StudyConfig, theory: Theory, seed: int) -> list[Path]:
    """The files of phi of one universe at every output, grown if they are not there."""
    folder = place / f"{theory}{seed:03d}"
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        with threads(1):
            grow_member(study.run_settings(theory, seed), unfinished)
        unfinished.rename(folder)
    return sorted(folder.glob("*_phi.h5"))


def write_pairs(place: Path, study: StudyConfig, folder: RunFolder, kind: str) -> None:
    """Write every pair of a study, its members as the kind says, under the names of Newton and GR."""
    random = np.random.default_rng([COIN, study.dataset.split_seed])
    coins, drawn = random.integers(2, size=PAIRS), 1 + random.permutation(2 * PAIRS).reshape(PAIRS, 2)
    with bar("pairs", PAIRS) as progress:
        for seed, coin, two in zip(study.seeds.all, coins, drawn.tolist(), strict=True):
            sources: list[tuple[Theory, int]] = [("newton", seed), ("gr", seed)]
            if kind == "unrelated":
                sources = [("newton", one) for one in two]
            elif coin:
                sources.reverse()
            if not Manifest.exists(folder.pair(seed)):
                write_pair(study, folder, seed, [universe(place, study, *source) for source in sources])
            progress.advance()


def write_pair(study: StudyConfig, folder: RunFolder, seed: int, members: list[list[Path]]) -> None:
    """A pair of these files, which are told that they are of this seed and of Newton or GR; the manifest last."""
    files: dict[str, FileEntry] = {}
    for label, paths in zip(THEORIES, members, strict=True):
        (folder.pair(seed) / label).mkdir(parents=True, exist_ok=True)
        for index, path in enumerate(paths):
            phi, attributes = load_field(path)
            name, z = f"{label}/{path.name}", float(attributes["redshift"])
            save_field(folder.pair(seed) / name, phi, {**attributes, "theory": label, "seed": seed})
            digest = file_hash(folder.pair(seed) / name)
            files[name] = FileEntry(digest, label, None, "phi", index, z, 1 / (1 + z))
    Manifest.of(study, seed, folder.pair(seed), files, {}).save()


def sentence(done: list[dict[str, Any]]) -> str:
    """What was found, in words."""
    raised, alone = ([one for one in done if one[key]] for key in ("alarms", "alone"))
    questions = {len(one["p"]) for one in done}
    which = ", ".join(sorted({name for one in raised for name in one["alarms"]}))
    return (
        f"Of {len(done)} null studies {len(raised)} raised an alarm{f' ({which})' if which else ''}; with every control"
        f" judged as if it were the only one, {len(alone)} would have. Each has {PAIRS} pairs on {GRID}³ cells and asks"
        f" {min(questions)} questions that can raise an alarm; {ALPHA * len(done):g} of the studies may"
        f" (`python {SCRIPT}`; every probability is in `docs/null_studies.json`)."
    )


if __name__ == "__main__":
    main()
