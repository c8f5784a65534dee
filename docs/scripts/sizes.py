"""What an installation of weakfield takes on disk, as the README says: MB of itself and of what each extra adds.

    python docs/scripts/sizes.py

Sizes are those of the installed packages of this environment, so it needs the extra ``test``; what an extra needs and
every command needs anyway counts only for the latter.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

EXTRAS = ("learn", "campaign", "arrays", "share")


def needed(requirement: str, extra: str, seen: set[str]) -> None:
    """Add the names of the packages that ``requirement`` brings, in turn, to ``seen``."""
    wanted = Requirement(requirement)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
        return
    try:
        found = distribution(wanted.name)
    except PackageNotFoundError:
        return
    name = found.metadata["Name"].lower()
    if name not in seen or wanted.extras:
        seen.add(name)
        for one in wanted.extras or ("",):
            for further in found.requires or ():
                needed(further, one, seen)


def megabytes(names: set[str]) -> float:
    """On disk, without compiled Python."""
    total = 0
    for name in names:
        paths = (distribution(name).locate_file(file) for file in distribution(name).files or ())
        total += sum(
            path.stat().st_size for path in map(Path, map(str, paths)) if path.exists() and path.suffix != ".pyc"
        )
    return total / 1e6


def main() -> None:
    """Print the sizes."""
    base: set[str] = set()
    needed("weakfield", "", base)
    print(f"needed by every command: {megabytes(base):.0f} MB, of which torch {megabytes({'torch'}):.0f} MB")
    for extra in EXTRAS:
        names: set[str] = set()
        needed(f"weakfield[{extra}]", "", names)
        print(f"{extra} adds: {megabytes(names - base):.0f} MB")


if __name__ == "__main__":
    main()
