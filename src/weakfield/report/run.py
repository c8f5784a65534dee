"""The report stage: one self-contained HTML page from whatever the run folder holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from weakfield.base.files import write_text
from weakfield.base.progress import bar
from weakfield.config import RunFolder, StudyConfig
from weakfield.report import auditing, classification, explanation, universes, verification
from weakfield.report.page import render
from weakfield.report.run_results import RunResults

#: anchor, heading and content of every section below the head of the page, in order
SECTIONS: tuple[tuple[str, str, Callable[[RunResults], Markup]], ...] = (
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


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``report/index.html``; a stage that has not been run gets one line on the page.

    Raises ``BadInput`` when a file that the page shows is damaged.
    """
    results = RunResults(study, folder)
    head = {"title": f"Einstein or Newton? {study.name}", "study": universes.study_paragraph(results)}
    sections = []
    with bar("report", len(SECTIONS)) as progress:
        for anchor, title, content in SECTIONS:
            sections.append({"anchor": anchor, "title": title, "content": content(results)})
            progress.advance()
    html = render("page.html", **head, audit=results.audit, sections=sections) + "\n"
    write_text(folder.report / "index.html", html)
    return {"page": str(folder.report / "index.html"), "bytes": len(html.encode())}
