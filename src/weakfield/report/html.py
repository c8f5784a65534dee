"""Small pieces of a self-contained page: escaped text, tables, figures as data URIs, the frame with its style."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 160

#: nothing may be fetched; images and styles come with the page
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

STYLE = """
:root { --ink: #1b1b1b; --soft: #5c5c5c; --line: #dcdcdc; --newton: #0072B2; --gr: #D55E00; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; line-height: 1.55;
  font: 17px/1.55 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2.2rem; line-height: 1.15; margin: 0 0 .3rem; letter-spacing: -.01em; }
h1 .n { color: var(--newton); } h1 .g { color: var(--gr); }
h2 { font-size: 1.4rem; margin: 3rem 0 .6rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.08rem; margin: 1.8rem 0 .4rem; }
p { max-width: 46rem; margin: .6rem 0; }
.study { color: var(--soft); margin: 0 0 1rem; font-size: 1.05rem; }
.verdict { max-width: none; border-left: 5px solid var(--ink); background: #f6f6f4; padding: .9rem 1.1rem;
  font-size: 1.1rem; margin: 1.4rem 0; }
.verdict b { display: block; font: 600 .74rem/1.6 system-ui, sans-serif; letter-spacing: .08em;
  text-transform: uppercase; color: var(--soft); }
nav { font: .86rem/1.9 system-ui, sans-serif; margin-top: 1rem; }
nav a { margin-right: 1.1rem; white-space: nowrap; }
a { color: #00507d; text-decoration-thickness: 1px; text-underline-offset: 2px; }
figure { margin: 1.3rem 0 1.6rem; }
.wide { overflow-x: auto; }
.wide img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption, .note { font-size: .92rem; color: var(--soft); max-width: 46rem; margin-top: .5rem; }
table { border-collapse: collapse; font: .9rem/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums;
  margin: .9rem 0; min-width: 60%; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { text-align: left; padding: .45rem 1.1rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; border-bottom: 2px solid var(--ink); }
td.number { white-space: nowrap; }
.range { white-space: nowrap; }
.small { color: var(--soft); font-size: .84rem; display: block; }
.badge { font-weight: 650; white-space: nowrap; padding: .12rem .5rem; border-radius: .25rem; color: #fff; }
.clean { background: #00664b; } .shortcut { background: #a3123a; } .inconclusive { background: #6a6a6a; }
.absent { color: var(--soft); font-style: italic; }
details { margin: .8rem 0; } summary { cursor: pointer; font: .92rem system-ui, sans-serif; }
pre { font: .8rem/1.45 ui-monospace, Menlo, Consolas, monospace; background: #f6f6f4; padding: .9rem;
  overflow-x: auto; }
.panels { display: flex; flex-wrap: wrap; gap: .4rem; justify-content: center; }
.panel { position: relative; flex: 1 1 270px; max-width: 420px; }
.panel img { width: 100%; display: block; }
.field { position: absolute; image-rendering: pixelated; background-repeat: no-repeat; }
.slide { display: flex; gap: .8rem; align-items: center; font: .92rem system-ui, sans-serif; margin: .3rem auto;
  max-width: 40rem; }
.slide input { flex: 1; accent-color: #333; min-width: 6rem; } .slide output { min-width: 8.5rem; }
@media (max-width: 640px) {
  body { font-size: 16px; } h1 { font-size: 1.7rem; } .wide.dense img { max-width: none; width: 640px; }
  .slide { flex-wrap: wrap; }
  .cards thead { display: none; } .cards tr { display: block; border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .cards td { display: block; border: 0; padding: .15rem 0; }
}
@media print { nav, .slide { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


def page(title: str, body: str) -> str:
    """The whole document; its content security policy forbids every request."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text, escaped."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def absent(what: str, stage: str) -> str:
    """The one line that stands where a stage has left nothing."""
    return paragraph(f"No {what}: the stage '{stage}' has not been run.", "absent")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = (), kind: str = "plain") -> str:
    """A table of HTML cells (escape text before); columns in ``numbers`` do not wrap.

    Scrolls sideways on a phone; one of kind "cards" shows its rows below each other there.
    """
    header = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = []
    for row in rows:
        cells = (f'<td class="number">{c}</td>' if i in numbers else f"<td>{c}</td>" for i, c in enumerate(row))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    content = f"<thead><tr>{header}</tr></thead>\n<tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table class="{kind}">{content}</table></div>'


def figure(image: str, caption: str) -> str:
    """An image or panel (HTML) with its caption (plain text)."""
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def image(png: bytes, alt: str, dense: bool = False) -> str:
    """A PNG of ``DPI`` inside the page, at its natural size or narrower; ``dense`` ones scroll on a phone."""
    width = int.from_bytes(png[16:20], "big") * 96 // DPI
    kind = "wide dense" if dense else "wide"
    return f'<div class="{kind}"><img src="{data_uri(png)}" alt="{escape(alt)}" style="width:{width}px"></div>'


def data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def render(drawing: Figure) -> bytes:
    """A figure as PNG."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def ranges(numbers: Sequence[int]) -> str:
    """``1, 3-5`` for 1, 3, 4, 5 (with an en dash)."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}\N{EN DASH}{b}" if b > a + 1 else f"{a}, {b}" for a, b in parts)


def interval(value: dict[str, float]) -> str:
    """``0.76 (0.60 to 1.00)`` of a value with its interval."""
    return minus(f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})")


def cell(value: dict[str, float]) -> str:
    """The same for a table: wraps between value and interval only."""
    number, bounds = interval(value).split(" ", 1)
    return f'{number} <span class="range">{bounds}</span>'


def minus(text: str) -> str:
    """Hyphens of numbers as minus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def scientific(value: float, digits: int = 2) -> str:
    """``2.4e-3`` as 2.4 x 10^-3 in plain characters, with so many significant digits."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return mantissa if int(exponent) == 0 else f"{minus(mantissa)}\N{MULTIPLICATION SIGN}10{raised}"
