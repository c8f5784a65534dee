"""The picture in the README: the top of the page of a run, as a browser shows it.

    python docs/scripts/demo_picture.py runs/demo             writes docs/images/demo.png
    python docs/scripts/demo_picture.py runs/demo other.png

Needs Chromium on the PATH (chromium, chromium-browser or google-chrome).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from weakfield.base.files import replacing

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: the window, and what of it is kept (left, top, right, bottom) [pixels]: the text column, to the end of the spectra
WINDOW, PART = (1100, 2000), (60, 30, 1040, 1800)


def screenshot(browser: str, page: Path, picture: Path) -> None:
    """The page as a browser without a window draws it, once its scripts have run."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--hide-scrollbars", "--virtual-time-budget=5000", f"--user-data-dir={profile}",
            f"--window-size={WINDOW[0]},{WINDOW[1]}", f"--screenshot={picture}", page.resolve().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses its sandbox to root, as in a container
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    """What the command does: make what this file is for."""
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} RUN_FOLDER [PICTURE]")
    page = Path(sys.argv[1]) / "report" / "index.html"
    if not page.is_file():
        sys.exit(f"{page} is missing, expected the page that 'weakfield run' writes")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is on the PATH, expected one of them")
    target = Path(sys.argv[2]) if len(sys.argv) == 3 else ROOT / "docs" / "images" / "demo.png"
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "page.png"
        screenshot(browser, page, whole)
        part = Image.open(whole).convert("RGB").crop(PART).quantize(256)
    with replacing(target) as path:
        part.save(path, format="PNG", optimize=True)
    print(target)


if __name__ == "__main__":
    main()
