"""The report stage: one self-contained HTML page from whatever the run folder holds."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from weakfield.base.files import write_text
from weakfield.base.memory import fitting
from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.records import Summary
from weakfield.base.wording import speaking, spoken_page
from weakfield.config import RunFolder, StudyConfig
from weakfield.report import auditing, classification, explanation, head, imported, sky, universes, verification
from weakfield.report.page import render
from weakfield.report.run_results import RunResults

Sections = tuple[tuple[str, str, Callable[[RunResults], Markup]], ...]

#: anchor, heading and content of every section below the head of the page, in order
SECTIONS: Sections = (
    ("slices", "Two universes from one seed", universes.slices),
    ("spectra", "Power spectra", universes.spectra),
    ("difference", "Spectra of the difference cubes", universes.difference_spectra),
    ("bispectra", "Bispectra", verification.bispectra),
    ("verification", "Do the simulations do what theory says?", verification.written),
    ("significance", "How sure is the difference?", verification.significance),
    ("relativity", "How much of the difference is relativity?", verification.relativity),
    ("dataset", "Data set", universes.dataset),
    ("classification", "Einstein or Newton?", classification.classification),
    ("training", "Training and scores", classification.training),
    ("audit", "Audit: should this be believed?", auditing.audit),
    ("saliency", "What the network saw", explanation.explanation),
    ("provenance", "Provenance", universes.provenance),
)

#: of studies with maps on a light cone
SKY = ("sky", "The sky of an observer", sky.sky)

EINSTEIN_OR_NEWTON = Markup('<span class="g">Einstein</span> or <span class="n">Newton</span>')
#: bytes that a process takes which draws the figures of a section
WORKER_BYTES = 10**9


def sections_of(study: StudyConfig) -> Sections:
    """The sections that the page of a study has: of imported cubes those that ask nothing of a simulation."""
    if study.classes is None:
        return (SECTIONS[0], SKY, *SECTIONS[1:]) if sky.is_mapped(study) else SECTIONS
    own = {anchor: (title, content) for anchor, title, content in imported.sections(study.classes)}
    known = {anchor: (title, content) for anchor, title, content in SECTIONS}
    return tuple((anchor, *own.get(anchor, found)) for anchor, found in known.items() if anchor in imported.SHOWN)


def section_work(study: StudyConfig, folder: RunFolder) -> Callable[[str], Markup]:
    """The work of making a section by its anchor."""
    results, contents = RunResults(study, folder), {anchor: content for anchor, _, content in sections_of(study)}

    def work(anchor: str) -> Markup:
        with speaking(study.wording):
            return contents[anchor](results)

    return work


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Write ``report/index.html``; a stage that has not been run gets one line on the page.

    Raises ``BadInput`` when a file that the page shows is damaged.
    """
    results = RunResults(study, folder)
    shown = sections_of(study)
    top: dict[str, object] = {"title": f"Einstein or Newton? {study.name}", "heading": EINSTEIN_OR_NEWTON}
    if study.classes is None:
        top["study"] = universes.study_paragraph(results)
    else:
        top |= {"heading": imported.heading(study.classes), "study": imported.study_paragraph(results)}
    with bar("report", len(shown)) as progress:
        anchors, workers = [anchor for anchor, *_ in shown], fitting(study.campaign.here, WORKER_BYTES)
        made = mapped(section_work, (study, folder), anchors, workers, lambda _: progress.advance())
    headings = {"saliency": explanation.heading(results)}
    sections = [
        {"anchor": anchor, "title": headings.get(anchor, title), "content": content}
        for (anchor, title, _), content in zip(shown, made, strict=True)
    ]
    top["head"] = head.head(results) if study.classes is None else ""
    with speaking(study.wording):
        html = spoken_page(render("page.html", **top, sections=sections) + "\n")
    write_text(folder.report / "index.html", html)
    return {"page": str(folder.report / "index.html"), "bytes": len(html.encode())}
