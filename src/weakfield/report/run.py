"""The report stage: one self-contained HTML page from whatever the run folder holds."""

from __future__ import annotations

from html import escape
from typing import Any

from weakfield.base.files import write_text
from weakfield.base.progress import bar
from weakfield.config import RunFolder, StudyConfig
from weakfield.report import auditing, explanation, sections, verdicts, verification
from weakfield.report.html import page
from weakfield.report.material import Material
from weakfield.report.slider import script

#: anchor, heading and content of every section below the head of the page, in order
SECTIONS = (
    ("slices", "Two universes from one seed", sections.slices),
    ("spectra", "Power spectra", sections.spectra),
    ("difference", "Spectra of the difference cubes", sections.difference_spectra),
    ("bispectra", "Bispectra", verification.bispectra),
    ("verification", "Do the simulations do what theory says?", verification.written),
    ("significance", "How sure is the difference?", verification.significance),
    ("relativity", "How much of the difference is relativity?", verification.relativity),
    ("dataset", "Data set", sections.dataset),
    ("classification", "Einstein or Newton?", verdicts.classification),
    ("training", "Training and scores", verdicts.training),
    ("audit", "Audit: should this be believed?", auditing.audit),
    ("saliency", "What the network saw", explanation.explanation),
    ("provenance", "Provenance", sections.provenance),
)

TITLE = '<h1><span class="g">Einstein</span> or <span class="n">Newton</span>?</h1>'


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Write ``report/index.html``; a stage that has not been run is one line on the page.

    Raises ``BadInput`` when a file that the page shows is damaged.
    """
    material = Material(study, folder)
    links = " ".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title, _ in SECTIONS)
    parts = [TITLE, sections.study_paragraph(material), verdicts.verdict(material), f"<nav>{links}</nav>"]
    with bar("report", len(SECTIONS)) as progress:
        for anchor, title, content in SECTIONS:
            parts.append(f'<section id="{anchor}">\n<h2>{escape(title)}</h2>\n{content(material)}\n</section>')
            progress.advance()
    parts.append(script())
    html = page(f"Einstein or Newton? {study.name}", "\n".join(parts))
    write_text(folder.report / "index.html", html)
    return {"page": str(folder.report / "index.html"), "bytes": len(html.encode())}
