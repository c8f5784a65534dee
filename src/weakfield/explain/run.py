"""The explain stage: attributions of the main network's answers to test pairs, and whether they can be trusted."""

from __future__ import annotations

from weakfield.base.optional import require
from weakfield.base.progress import bar
from weakfield.base.records import Summary
from weakfield.base.trials import LOG, tell
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import study_split
from weakfield.explain.explain_run import CAMS, TRIANGLES, ExplainRun, chosen_seed
from weakfield.explain.pixels import method
from weakfield.learning.concurrency import threads_of_a_job

#: methods that use captum
BY_CAPTUM = ("integrated", *CAMS, "occlusion", "deeplift")


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Write ``explain/explain.json``, ``saliency.npz``, ``maps.npz`` and, with ``explain.trust``, ``trust.json``.

    ``saliency.npz`` holds ``input`` and ``gradient`` (2, N, N, N), Newton then GR, and ``projections`` (3, 3, N, N):
    those of Newton, GR and GR - Newton, along z, y and x. ``maps.npz`` holds the GR sample, the Newtonian member of its
    pair and the map of every method, (channels, ...) float32; for a network of slices also ``cube_signed`` and
    ``cube_absolute``, the maps of all slices gathered, with ``cube_newton`` and ``cube_gr``. What is done for one seed
    is kept in ``seeds/`` and not done twice. A method or a part that cannot be done for this network or these data is
    left out: both records say why, warnings repeat it, and ``left_out.log`` has the tracebacks. Raises ``BadInput``
    when the study asks for a test pair or a method that does not exist, or when nothing that it asks for can be done.
    """
    check_methods(study)
    stage = ExplainRun(study, folder)
    beside = (TRIANGLES,) if stage.asks_for_triangles else ()
    with bar("explanation", len(stage.seeds) + len(beside) + 1) as progress:
        rows = stage.each("attributed", lambda _: progress.advance(), beside=beside)
        with threads_of_a_job(study, stage.task.shape):
            written = stage.explanation(rows)
        progress.advance()
    written.save(folder.explain / "explain.json")
    said = dict(written.left_out)
    if study.explain.trust and study.paired and (trust := stage.trust()) is not None:
        trust.save(folder.explain / "trust.json")
        said |= trust.left_out
    tell(said, folder.explain / LOG)
    found = {
        "seed": written.seed,
        "logit_difference": written.logit_difference,
        "attributed": None if written.fourier is None or written.at_chance else written.fourier.pair.total,
        "pairs": len(stage.seeds),
        "at_chance": written.at_chance,
        "largest_residual": None if written.path is None else written.path.largest_residual,
        "left_out": len(said) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def check(study: StudyConfig) -> None:
    """Raise ``BadInput`` for a test pair or a method that will not exist, or for missing packages; nothing is read."""
    check_methods(study)
    chosen_seed(study, study_split(study).test)
    if study.explain.trust or set(study.explain.methods) & set(BY_CAPTUM):
        require("captum", "learn", "explain.methods")
    if study.explain.triangle_shells:
        require("sklearn", "learn", "explain.triangle_shells")


def check_methods(study: StudyConfig) -> None:
    """Raise ``BadInput`` for a method that is not known."""
    for name in (*study.explain.methods, *study.explain.trust_methods):
        method(name)
