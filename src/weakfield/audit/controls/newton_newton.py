"""Two Newtonian runs of every seed that differ in floating-point precision only."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, chance_expected
from weakfield.base.files import read_json, sync_folder, write_json
from weakfield.base.progress import bar
from weakfield.config import RunSettings
from weakfield.dataset import PairTensor
from weakfield.dataset.samples import load_sample
from weakfield.learning.metrics import paired_accuracy

DONE = "member.json"


def other_precision(context: Context, seed: int) -> RunSettings:
    """The Newtonian run of a seed, in single precision (in double when the study itself is in single)."""
    run = context.study.run_settings("newton", seed)
    precision = "single" if run.simulation.precision == "double" else "double"
    return run.model_copy(update={"simulation": run.simulation.model_copy(update={"precision": precision})})


def grow(context: Context, seed: int) -> Path:
    """The folder of the second run; grown beside and renamed, so that it is whole or absent."""
    from weakfield.simulation import grow_member

    settings = other_precision(context, seed)
    folder = context.workplace("newton_newton") / f"seed{seed:05d}"
    if (folder / DONE).exists() and read_json(folder / DONE)["settings"] == settings.hash():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    for leftover in (folder, unfinished):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    grow_member(settings, unfinished)
    write_json(unfinished / DONE, {"seed": seed, "settings": settings.hash()})
    unfinished.rename(folder)
    sync_folder(folder.parent)
    return folder


def double_and_single(context: Context, seeds: tuple[int, ...], folders: dict[int, Path]) -> PairTensor:
    """Cubes of both Newtonian runs as the main network sees cubes: member 0 the pair's own, member 1 the second."""
    dataset = context.dataset
    pairs = []
    for seed in seeds:
        second = [folders[seed] / path.name for path in dataset.files(seed, "newton")]
        raws = [dataset.raw(seed, "newton"), load_sample(dataset.sample, second, dataset.cosmology)]
        pairs.append(torch.stack([dataset.normalise(raw, context.keep_mean) for raw in raws]))
    return PairTensor(seeds, torch.stack(pairs).unsqueeze(2))


def run(context: Context) -> Result:
    folders = {}
    with bar("second Newtonian runs", len(context.dataset.seeds)) as progress:
        for seed in context.dataset.seeds:
            folders[seed] = grow(context, seed)
            progress.advance()
    cubes = {part: double_and_single(context, context.cubes[part].seeds, folders) for part in context.cubes}
    scores = context.retrain("newton_newton", cubes)
    auc = context.unpaired_auc(scores)
    apart = float((cubes["test"].values[:, 1] - cubes["test"].values[:, 0]).double().numpy().std())
    return Result(
        auc,
        "test AUC between universes, double against single precision",
        chance_expected(auc, context.test_seeds),
        remark=(
            f"The two runs differ by {apart:.1e} of the standard deviation of the cubes; the second scores above its"
            f" twin in {paired_accuracy(scores):.0%} of the seeds."
        ),
    )


CONTROL = Control(
    name="newton_newton",
    question="Does the network tell two Newtonian runs of a seed apart that differ in rounding only?",
    expectation="One run in double, one in single precision: the AUC must be 0.5.",
    run=run,
)
