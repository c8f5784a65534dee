"""``python -m weakfield`` is the command ``weakfield``."""

from weakfield.cli import main

main()
