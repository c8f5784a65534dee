"""Puts the pages of docs into wheels, where 'weakfield docs' finds them; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPages(build_py):
    """Copies docs/**/*.md to weakfield/pages; an editable install reads them where they are."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        docs = Path(__file__).parent / "docs"
        for page in docs.rglob("*.md"):
            place = Path(self.build_lib) / "weakfield" / "pages" / page.relative_to(docs)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, place)


setup(cmdclass={"build_py": BuildWithPages})
