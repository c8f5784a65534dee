"""The card of an export, its README.md: what it is, how it is read, how far it can be trusted, how to cite it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from weakfield._version import __version__
from weakfield.audit.records import AuditTable
from weakfield.base.citation import citation
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Split
from weakfield.dataset.wording import samples_in_words
from weakfield.learning.trained import TrainedNetwork
from weakfield.sharing.limits import limits
from weakfield.sharing.universes import Universes


def universes_card(universes: Universes, how: str, licence: str | None, files: Mapping[str, str]) -> str:
    """The card of the pairs of a run; ``files`` are the data of each part, for ``datasets``."""
    study = universes.study
    classes, box, n = study.classes, study.simulation, universes.cube_shape[-1]
    first, *others = universes.names
    if classes is None:
        what = (
            f"The gravitational potential phi in {_count(len(universes.seeds), 'pair')} of universes: the same initial"
            f" conditions grown under Newtonian gravity and under weak-field general relativity by weakfield"
            f" {__version__}."
        )
    else:
        what = f"Cubes of {classes.quantity} of two classes, {' and '.join(universes.names)}, imported by weakfield."
        what += "" if classes.paired else " Cubes of the same number do not share a seed."
    gauges = ", ".join(f"{name}: {gauge}" for name, gauge in zip(universes.names, universes.gauges, strict=True))
    rows = {
        "theories" if classes is None else "classes": ", ".join([first, *others]),
        "redshifts": ", ".join(f"{z:g}" for z in universes.redshifts),
        "cells": f"{n} a side, axes z, y, x, periodic",
        "box": f"{box.box_size_mpch:g} Mpc/h a side",
        "quantity": f"{universes.quantity}, {universes.units}, {universes.dtype.name} as the run stored it",
        "gauge": gauges,
    }
    if classes is None:
        rows["mesh"] = f"{box.mesh}, {box.start} start at z = {box.initial_redshift:g}, {box.precision} precision"
        if study.seeds.inverted:
            rows["inverses"] = "the run has the inverse of each seed too; they are not in this export"
        parameters = ", ".join(f"{key} {value:g}" for key, value in universes.parameters.items())
        rows["parameters"] = parameters
    return _card(
        study,
        f"{study.name}: {' and '.join(universes.names)}",
        what,
        {
            "What it is": _table(rows),
            "Files": how + "\n\n`study.toml` has every setting of the run.",
            "Seeds and parts": _parts(universes.split, universes.seeds),
            "How far the difference is relativity": _limits(study, universes.folder, universes.redshifts),
        },
        licence,
        _front_matter(study, licence, files),
    )


def network_card(network: TrainedNetwork, folder: RunFolder, how: str, licence: str | None) -> str:
    """The card of a trained network."""
    metrics, data = network.metrics, network.dataset
    study = StudyConfig.from_toml(folder.study)
    auc = {metrics.network: metrics.test["auc"]} | {who: row["auc"] for who, row in metrics.baselines.items()}
    worth = "| classifier | AUC on the test seeds |\n|---|---|\n"
    worth += "\n".join(f"| {who} | {value} |" for who, value in auc.items())
    if metrics.bound is not None:
        worth += f"\n\nNo classifier of Gaussian fields with these spectra has more than {metrics.bound.auc}."
    worth += "" if metrics.at_chance is None else f"\n\nMind: {metrics.at_chance}."
    rows = {
        "network": f"{metrics.network}, {metrics.parameters:,} parameters",
        "sample": f"{samples_in_words(data.description)}, shape {data.shape}",
        "cubes": f"{data.grid} cells a side, {data.box_size_mpch:g} Mpc/h; of any other they are refused",
        "mean of a cube": "kept" if metrics.mean_kept else "removed",
        "logit": "positive for " + ("GR" if study.classes is None else study.classes.names[1]),
    }
    return _card(
        study,
        f"{study.name}: network {network.name}",
        "A network that tells "
        + ("Newtonian from relativistic universes" if study.classes is None else " from ".join(study.classes.names))
        + f", trained by weakfield {__version__}.",
        {
            "What it is": _table(rows),
            "Files": how + "\n\n`study.toml` has every setting of the run.",
            "What it is worth": worth,
            "What the audit found": _audit(folder),
            "Seeds and parts": _parts(metrics.seeds, tuple(s for part in PARTS for s in metrics.seeds.part(part))),
            "How far the difference is relativity": _limits(study, folder, data.channels.redshifts),
        },
        licence,
        _front_matter(study, licence, {}),
    )


def _card(
    study: StudyConfig, title: str, what: str, sections: Mapping[str, str], licence: str | None, front: str
) -> str:
    """The whole page. Licence and citation are the same for all exports."""
    stated = f"{licence}." if licence else "None was stated; whoever publishes this has to state one."
    cite = f"Please cite weakfield and the work it rests on:\n\n```bibtex\n{citation()}```"
    whole = {**sections, "Licence of the data": stated, "How to cite": cite}
    text = "\n\n".join(f"## {name}\n\n{body}" for name, body in whole.items() if body)
    return f"{front}# {title}\n\n{what}\n\n{text}\n"


def _front_matter(study: StudyConfig, licence: str | None, files: Mapping[str, str]) -> str:
    """What Hugging Face reads at the head of a card."""
    lines = [
        "---",
        f"license: {licence or 'unknown'}",
        f"pretty_name: {json.dumps(study.name)}",
        "tags:",
        "- cosmology",
    ]
    if files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        lines += [line for part, path in files.items() for line in (f"  - split: {part}", f"    path: {path}")]
    return "\n".join([*lines, "---", "", ""])


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _parts(split: Split | None, seeds: tuple[int, ...]) -> str:
    """The seeds of each part in words; both members of a pair are in the part of their seed."""
    if split is None:
        return f"{_count(len(seeds), 'seed')}: {ranges(seeds)}. They are too few to be split into parts."
    kept = split.restricted(seeds)
    said = [f"- {part}, {_count(len(kept.part(part)), 'seed')}: {ranges(kept.part(part))}" for part in PARTS]
    return "Both members of a pair are in the part of their seed.\n\n" + "\n".join(said)


def _limits(study: StudyConfig, folder: RunFolder, redshifts: tuple[float, ...]) -> str:
    """Nothing for imported cubes, of which nothing is known."""
    if study.classes is not None:
        return ""
    found = limits(study, folder, redshifts)
    known = "\n".join(f"- {one}" for one in found) or "Nothing is known about cells and redshifts like these."
    return (
        "General relativity predicts the difference of the two potentials mode by mode (its second order, C1). What is"
        " measured agrees with that, with a correlation above 0.95 and a response within 0.2 of one,\n\n"
        + known
        + "\n\nAt larger k the difference is numerical, or of third order, and says nothing about relativity."
    )


def _audit(folder: RunFolder) -> str:
    """The verdicts in a sentence; that there are none, where the audit was not run."""
    try:
        table = AuditTable.load(folder.audit / "audit.json")
    except BadInput:
        return "The audit was not run: what the network saw has not been controlled."
    return f"{table.summary}\n\n{table.counts()}."


def ranges(numbers: tuple[int, ...]) -> str:
    """Ascending whole numbers as ranges: ``1-3, 7``; ``none`` where there are none."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found) or "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
