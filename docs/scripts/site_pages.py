"""Hooks of mkdocs, named in mkdocs.yml: what pages link to outside docs becomes a page, formulas become MathML,
and the public packages get their pages of the API.

Pages are written to be read where they lie. In the site, a link to a file that is no page of docs leads to a page
``files/PATH`` that shows the file, and one to a folder to a list of what lies in it.
"""

from __future__ import annotations

import ast
import html
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^ *```.*?^ *```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
BLOCK = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LANGUAGES = {".py": "python", ".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".ini": "ini"}
#: packages with a page of the API, and what its first sentence says
PUBLIC = {
    "weakfield": "The stable surface, `import weakfield as wf`: what most people need.",
    "weakfield.spectra": "Power spectra, bispectra, their ratios and bins, for cubes of any origin.",
    "weakfield.cosmology": "Background, growth and transfer functions.",
    "weakfield.fourier": "Modes of periodic cubes: shells, filters, windows.",
    "weakfield.formats": "Files: fields and particles in HDF5, Gadget-2, tables, settings.ini.",
    "weakfield.config": "The settings of a study, frozen and checked.",
    "weakfield.pairs": "The pairs of a run folder: grown, imported, read.",
    "weakfield.dataset": "Samples of pairs: index, splits, transforms, normalisation.",
    "weakfield.learning": "Networks, baselines, and what a result is worth.",
    "weakfield.audit": "Controls: what else than gravity might a network have seen?",
    "weakfield.explain": "What a network looked at, in cells and in Fourier space.",
    "weakfield.sharing": "Pairs and networks for others.",
}
SHOWN = 100_000  # characters of a file


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file and folder outside the pages that a page links to, and those that these link to."""
    from mkdocs.structure.files import File

    for uri, content in reference().items():
        files.append(File.generated(config, uri, content=content))
    pages = {file.src_uri for file in files.documentation_pages()}
    waiting = [(f"docs/{page.src_uri}", page.content_string) for page in files.documentation_pages()]
    while waiting:
        source, text = waiting.pop()
        for target in targets(source, text):
            uri = place(target)
            if uri in pages or not uri.startswith("files/") or not is_shown(target):
                continue
            pages.add(uri)
            content = shown(target)
            files.append(File.generated(config, uri, content=content))
            waiting.append((target, content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages, and formulas of a line into MathML."""
    uri = page.file.src_uri
    source = uri.removeprefix("files/").removesuffix(".md") if uri.startswith("files/") else f"docs/{uri}"
    if uri.startswith("files/") and (ROOT / f"{source}.md").is_file():
        source += ".md"

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder_of(source), match[2]))
        if not is_shown(target):
            return match[0]
        return f"]({posixpath.relpath(place(target), posixpath.dirname(uri) or '.')}{match[3] or ''})"

    markdown = BLOCK.sub(lambda match: f"\n<div>{mathml(match[1], 'block')}</div>\n", markdown)
    return outside_code(markdown, lambda text: LINK.sub(link, text))


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas between dollars, as MathML."""
    display = {"span": "inline", "div": "block"}
    return FORMULA.sub(lambda match: mathml(html.unescape(match[2]), display[match[1]]), content)


def reference() -> dict[str, str]:
    """The pages of the API, ``api/NAME.md``: what ``dir(weakfield)`` lists, and what each public package exports."""
    pages, home = {}, surface("weakfield")
    for module, about in PUBLIC.items():
        names = surface(module)
        known = [name for name in names if module != "weakfield" and name in home]
        lines = [f"# {module}\n", f"{about}\n"]
        if known:
            lines.append(f"Exported by [`weakfield`](weakfield.md) too: {', '.join(f'`{name}`' for name in known)}.\n")
        lines += [f"::: {module}.{name}\n" for name in names if name not in known]
        pages[f"api/{module.removeprefix('weakfield.')}.md"] = "\n".join(lines)
    return pages


def surface(module: str) -> list[str]:
    """The names in ``__all__`` of a package, without loading it."""
    path = ROOT / "src" / Path(*module.split(".")) / "__init__.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("_")]
    raise LookupError(f"{path} has no __all__, expected the names that are public")


def targets(source: str, text: str) -> list[str]:
    """The files and folders, from the root of the repository, that a text in ``source`` links to."""
    found: list[str] = []
    outside_code(text, lambda part: found.extend(match[2] for match in LINK.finditer(part)) or part)
    return [posixpath.normpath(posixpath.join(folder_of(source), link)) for link in found]


def folder_of(source: str) -> str:
    """Where relative links of a file, or of the list of a folder, begin."""
    return source if (ROOT / source).is_dir() else posixpath.dirname(source)


def outside_code(text: str, change: Any) -> str:
    """The text with what is not code changed."""
    return "".join(part if number % 2 else change(part) for number, part in enumerate(FENCE.split(text)))


def is_shown(target: str) -> bool:
    """Whether this is in the repository."""
    return not target.startswith("..") and (ROOT / target).exists()


def place(target: str) -> str:
    """The page of a file or folder, from the root of the site; pictures of docs are there as they are."""
    if target.startswith("docs/") and target.endswith((".md", ".png", ".svg")):
        return target.removeprefix("docs/")
    return f"files/{target}" if target.endswith(".md") else f"files/{target}.md"


def shown(target: str) -> str:
    """The text of the page of a file or folder."""
    path = ROOT / target
    if path.is_dir():
        names = sorted(
            entry.name for entry in path.iterdir() if entry.suffix in {".py", *LANGUAGES} and entry.is_file()
        )
        return f"# {target}\n\n" + "".join(f"- [{name}]({name})\n" for name in names)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cut = "" if len(text) <= SHOWN else f"\n\nThe first {SHOWN} of {len(text)} characters.\n"
    return f"# {target}\n\n````{LANGUAGES.get(path.suffix, 'text')}\n{text[:SHOWN].rstrip()}\n````\n{cut}"


def mathml(formula: str, display: str) -> str:
    """A formula of LaTeX as MathML, which browsers typeset by themselves."""
    from latex2mathml.converter import convert

    return convert(formula.strip(), display=display)
