"""The templates of the page, and the pictures in it: everything is inside one file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from weakfield.base.figures import DPI, png_of
from weakfield.report import numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CSS_DPI = 96  # CSS pixels per inch

_TEMPLATES = Environment(
    loader=PackageLoader("weakfield.report"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_TEMPLATES.filters |= {
    name: getattr(numbers, name)
    for name in ("cell", "digits", "interval", "minus", "ranges", "scientific", "sentence", "with_error")
}


def render(template: str, **context: object) -> Markup:
    """A template of ``report/templates`` as HTML; text in ``context`` is escaped, and a missing name is an error."""
    return Markup(_TEMPLATES.get_template(template).render(context))


def absent(what: str, stage: str) -> Markup:
    """The one line that is shown where a stage has left nothing."""
    return render("absent.html", what=what, stage=stage)


_TEMPLATES.globals |= {"absent": absent, "share": numbers.share}


@dataclass(frozen=True)
class Picture:
    """A PNG of ``DPI`` inside the page, at its natural size or narrower; a ``dense`` one scrolls on a phone."""

    png: bytes
    alt: str
    dense: bool = False

    @classmethod
    def of(cls, drawing: Figure, alt: str, dense: bool = False) -> Picture:
        """A figure in its present state."""
        return cls(png_of(drawing), alt, dense)

    @classmethod
    def read(cls, path: Path, alt: str, dense: bool = False) -> Picture:
        """A figure that a stage has saved."""
        return cls(path.read_bytes(), alt, dense)

    @property
    def width(self) -> int:
        """Natural width in CSS pixels."""
        return int.from_bytes(self.png[16:20], "big") * CSS_DPI // DPI

    @property
    def uri(self) -> str:
        return data_uri(self.png)

    def __html__(self) -> str:
        return render("picture.html", picture=self)


def data_uri(png: bytes) -> str:
    """A PNG as a data URI, so that the page fetches nothing."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
