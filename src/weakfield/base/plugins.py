"""Code of the user's own that a setting names: ``package.module:NAME``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash


@dataclass(frozen=True)
class Expected:
    """What a plugin has to be: where it is named (``training.network``), in words, and as a check of the object."""

    setting: str
    words: str
    fits: Callable[[Any], bool]


def is_plugin(name: str) -> bool:
    """Whether a name in the settings is code of the user's own (``module:NAME``), not something of weakfield's."""
    return ":" in name


def load_plugin(reference: str, expected: Expected) -> Any:
    """The object that ``package.module:NAME`` names; modules in the working directory are found too.

    Raises ``BadInput`` where the module or the name is missing, where importing it fails, and where the object is
    not what is ``expected``.
    """
    module, _, name = reference.partition(":")
    sys.path.append(str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # whatever the user's own file raises when it is read
        raise BadInput(
            f"{expected.setting} is '{reference}' but {str(error) or type(error).__name__};"
            " expected package.module:NAME that Python can import"
        ) from error
    finally:
        sys.path.pop()
    if not expected.fits(found):
        raise BadInput(f"{expected.setting} is '{reference}', which is {found!r}, expected {expected.words}")
    return found


def source_file(reference: str, expected: Expected) -> Path | None:
    """The file that defines a plugin: that of a class or function, else of the module that is named."""
    found = load_plugin(reference, expected)
    defines = found if inspect.isclass(found) or inspect.isfunction(found) else sys.modules[reference.split(":")[0]]
    path = inspect.getsourcefile(defines)
    return Path(path) if path else None


def source_hash(reference: str, expected: Expected) -> str:
    """Hash of the file that defines a plugin, which decides results beside the settings; "" for a name without ``:``.

    Raises ``BadInput`` as ``load_plugin``.
    """
    path = source_file(reference, expected) if is_plugin(reference) else None
    return file_hash(path) if path else ""
