"""The words of a run: what figures and pages say of its two classes, where they are not Newton and GR.

Texts are written once, in the words of the two theories. Whoever draws or renders for a run of imported cubes does so
in a block of ``speaking``, and every text on the way out goes through the function given there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Said = Callable[[str], str]

#: what turns a text into the words of the run at work; ``None``: they stay as they are
_SAID: ContextVar[Said | None] = ContextVar("weakfield_wording", default=None)
#: parts of a page that are no prose, and its tags
_MARKUP = re.compile(r"(<(?:style|script|pre)\b.*?</(?:style|script|pre)>|<[^>]*>)", re.DOTALL)
_ALT = re.compile(r'(?<= alt=")[^"]*')


@contextmanager
def speaking(said: Said | None) -> Iterator[None]:
    """Let figures drawn and pages rendered in the block say everything as ``said`` does."""
    token = _SAID.set(said)
    try:
        yield
    finally:
        _SAID.reset(token)


def spoken(value: Any, said: Said | None) -> Any:
    """``value`` with every text in it said: a text, or lists and mappings of texts, whose keys stay as they are."""
    if said is None:
        return value
    if isinstance(value, str):
        return said(value)
    if isinstance(value, dict):
        return {key: spoken(item, said) for key, item in value.items()}
    return [spoken(item, said) for item in value] if isinstance(value, list | tuple) else value


def spoken_page(html: str) -> str:
    """A page whose prose, and the texts that stand for its pictures, are in the words of the block."""
    said = _SAID.get()
    if said is None:
        return html
    parts = _MARKUP.split(html)
    prose = [said(part) for part in parts[::2]]
    tags = [_ALT.sub(lambda alt: said(alt[0]), part) for part in parts[1::2]]
    return "".join(text + tag for text, tag in zip(prose, [*tags, ""], strict=True))


def speak(figure: Figure) -> None:
    """Put every text of a figure into the words of the block, those of fixed ticks too."""
    said = _SAID.get()
    if said is None:
        return
    from matplotlib.text import Text
    from matplotlib.ticker import FixedLocator

    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):  # drawing would write its labels anew
                labels = [label.get_text() for label in axis.get_ticklabels()]
                if (words := [said(label) for label in labels]) != labels:
                    axis.set_ticks(axis.get_majorticklocs(), labels=words)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_text(said(text.get_text()))
