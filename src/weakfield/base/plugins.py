"""The user's own code that a setting names as ``package.module:NAME``, and whose code may run.

Such code runs with all rights of the user. Settings that lie in the working directory may name it; those that lie
elsewhere came perhaps from somebody else, and name it only where the user trusts their folder (``trust``).
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.base.files import copy_file, file_hash


@dataclass(frozen=True)
class Expected:
    """What a plugin has to be: the setting that names it (``training.network``), a description, and a check."""

    setting: str
    words: str
    fits: Callable[[Any], bool]


#: modules that were read from a run get this prefix in their names, and a hash of their content
_KEPT = "weakfield_kept_"
#: environment variable with the folders, separated as in PATH, whose settings may name code; it reaches child processes
TRUSTED = "WEAKFIELD_TRUST"


def is_plugin(name: str) -> bool:
    """Whether a name in the settings is the user's own code (``module:NAME``) and not something of weakfield's."""
    return ":" in name


def trust(folder: Path) -> None:
    """From now on, what lies in this folder may name code, in this process and those that it starts."""
    real = str(folder.resolve())
    known = [entry for entry in os.environ.get(TRUSTED, "").split(os.pathsep) if entry]
    if real not in known:
        os.environ[TRUSTED] = os.pathsep.join([*known, real])


def require_trust(path: Path, names: Iterable[str]) -> None:
    """Raise ``BadInput`` unless ``path`` lies, where its symbolic links lead, in the working directory or is trusted.

    ``names`` is the code that would run.
    """
    real, here = path.resolve(), Path.cwd().resolve()
    known = [Path(entry).resolve() for entry in os.environ.get(TRUSTED, "").split(os.pathsep) if entry]
    if not any(real.is_relative_to(folder) for folder in (here, *known)):
        raise BadInput(
            f"{real} names code to run with your rights ({', '.join(names)}) and lies outside the working directory"
            f" {here}, expected --trust (in Python trust=True) from somebody who has read that code"
        )


def load_plugin(reference: str, expected: Expected, kept: Path | None = None) -> Any:
    """The object that ``package.module:NAME`` names; modules in the working directory are found too.

    If Python finds no such module, the source in ``kept``, a folder that ``keep_source`` wrote, is used instead. Raises
    ``BadInput`` where the module or the name is missing, where importing it fails, and where the object is not what is
    ``expected``.
    """
    return _found(reference, expected, lambda module: _module(module, kept))


def source_file(reference: str, expected: Expected, kept: Path | None = None) -> Path | None:
    """The file that defines a plugin: that of its class or function, or else that of the module that is named."""
    found = load_plugin(reference, expected, kept)
    module = _module(reference.partition(":")[0], kept)
    if kept is not None and module.__name__.startswith(_KEPT):
        return _kept_file(kept, reference)
    path = inspect.getsourcefile(found if inspect.isclass(found) or inspect.isfunction(found) else module)
    return Path(path) if path else None


def source_hash(reference: str, expected: Expected, kept: Path | None = None) -> str:
    """Hash of the file that defines a plugin, which decides results as the settings do; "" for a name without ``:``.

    Raises ``BadInput`` as ``load_plugin``.
    """
    path = source_file(reference, expected, kept) if is_plugin(reference) else None
    return file_hash(path) if path else ""


def keep_source(reference: str, expected: Expected, folder: Path, kept: Path | None = None) -> None:
    """Copy the file that defines a plugin into a folder of a run, which then no longer needs the original."""
    path, copy = source_file(reference, expected, kept), _kept_file(folder, reference)
    if path is not None and path != copy:
        copy_file(path, copy)


def load_recorded(reference: str, expected: Expected, recorded: str, kept: Path) -> Any:
    """The plugin whose source has the hash ``recorded``: from what the run ``kept``, or else from Python's path.

    Raises ``BadInput`` where neither has it, where the run is not to be trusted, and as ``load_plugin``.
    """
    require_trust(kept, [reference])
    copy = _kept_file(kept, reference)
    if copy.exists() and file_hash(copy) == recorded:
        return _found(reference, expected, lambda module: _from_file(copy))
    found = source_hash(reference, expected)
    if recorded and found != recorded:
        where = f"{copy} and the module in Python's path have" if copy.exists() else f"{copy} is missing and there is"
        raise BadInput(f"{where} another source of '{reference}', expected the one with hash {recorded}")
    return load_plugin(reference, expected)


def _found(reference: str, expected: Expected, read: Callable[[str], ModuleType]) -> Any:
    """The object in the module that ``read`` finds, if it is what is expected."""
    module, _, name = reference.partition(":")
    try:
        found = getattr(read(module), name)
    except Exception as error:  # whatever the user's file raises when it is imported
        raise BadInput(
            f"{expected.setting} is '{reference}' but {str(error) or type(error).__name__};"
            " expected package.module:NAME that Python can import"
        ) from error
    if not expected.fits(found):
        raise BadInput(f"{expected.setting} is '{reference}', which is {found!r}, expected {expected.words}")
    return found


def _kept_file(folder: Path, reference: str) -> Path:
    return folder / f"{reference.partition(':')[0]}.py"


def _module(name: str, kept: Path | None) -> ModuleType:
    """A module by its dotted name, from Python's path or the working directory, or else from what a run kept."""
    sys.path.append(str(Path.cwd()))
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        copy = None if kept is None else _kept_file(kept, name)
        missing = name == error.name or name.startswith(f"{error.name}.")  # not one that the module itself imports
        if copy is None or not missing or not copy.exists():
            raise
        require_trust(copy, [name])
        return _from_file(copy)
    finally:
        sys.path.pop()


class _Uncached(SourceFileLoader):
    """Writes no byte code beside the source, so that a run folder holds only what its stages wrote."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0) -> None:
        pass


def _from_file(path: Path) -> ModuleType:
    """The module in a file, under a name of its own, so that it is never confused with the one in Python's path."""
    name = f"{_KEPT}{file_hash(path)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
