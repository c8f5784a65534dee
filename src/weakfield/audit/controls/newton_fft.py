"""Two Newtonian runs of a seed with other Fourier transforms."""

from __future__ import annotations

from pathlib import Path

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, null_verdict, said
from weakfield.audit.universes import grow_newton, newton_twins, share_of_different_numbers
from weakfield.base.progress import bar
from weakfield.config import RunSettings


def with_other_fft(settings: RunSettings, folder: Path) -> None:
    """``grow_member`` with the transforms of DUCC instead of our own."""
    from weakfield.mesh.kernels.cpu.transform import switched_off
    from weakfield.simulation import grow_member

    with switched_off():
        grow_member(settings, folder)


def run(context: Context) -> Result:
    seeds = context.dataset.part("test")
    folders, different = {}, 0.0
    with bar("Newtonian runs with other transforms", len(seeds)) as progress:
        for seed in seeds:
            folders[seed] = grow_newton(context, "newton_fft", context.study, seed, "-ducc", with_other_fft)
            own = context.dataset.files(seed, "newton")
            different += share_of_different_numbers(own, [folders[seed] / path.name for path in own]) / len(seeds)
            progress.advance()
    cubes = newton_twins(context, seeds, folders)
    scores = context.score(cubes)
    apart = float((cubes.values[:, 1] - cubes.values[:, 0]).double().numpy().std())
    response = context.share(scores)
    return Result(
        context.unpaired_auc(scores),
        "AUC between universes of the network, own against other transforms",
        null_verdict(context, scores),
        remark=(
            f"{different:.1%} of the stored numbers differ, by {apart:.1e} of the standard deviation of the cubes; the"
            f" network answers with {said(response)} of its logit difference between the theories."
        ),
        scores=scores,
        more={"response": response.as_json(), "different": different},
    )


CONTROL = Control(
    name="newton_fft",
    question="Does the network react to which Fourier transform the simulation used?",
    expectation="It must not: the runs differ in the last bits of what is stored, if at all.",
    how="Every test seed is grown under Newton again with another library's transforms; the network scores both runs.",
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes.",
    blind="Grids that our own transforms do not take (sides that are no multiple of 16): both runs are the same there.",
    run=run,
)
