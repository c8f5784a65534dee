"""Settings in whatever form they are given: a preset, a file of either kind, a mapping or an object."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from weakfield.base.errors import BadInput
from weakfield.config import StudyConfig, preset_names
from weakfield.formats.settings_ini import IniRun, read_settings_ini

#: what may be given wherever settings are expected
SettingsSource = str | os.PathLike[str] | Mapping[str, object] | StudyConfig

_EXPECTED = (
    "expected the name of a preset, the path of a study in TOML or of a settings.ini, a mapping or a StudyConfig"
)


def settings_from(source: SettingsSource) -> StudyConfig | IniRun:
    """A study, or the single run of a settings.ini of the reference program.

    A mapping has the tables of a study file; a folder is a run folder and stands for its study. Raises ``BadInput``
    for anything else, and for settings that contradict each other.
    """
    if isinstance(source, StudyConfig):
        return source
    if isinstance(source, Mapping):
        return StudyConfig.from_mapping(dict(source), "settings")
    if not isinstance(source, str | os.PathLike) or not str(source):
        raise BadInput(f"the settings are {source!r}, {_EXPECTED}")
    if source in preset_names():
        return StudyConfig.preset(str(source))
    path = Path(source)
    if path.is_dir():
        if not (path / "study.toml").exists():
            raise BadInput(f"{path} holds no study.toml; expected a run folder, or a file of settings")
        path /= "study.toml"
    if is_settings_ini(path):
        return read_settings_ini(path)
    if path.exists() or path.suffix == ".toml":
        return StudyConfig.from_toml(path)
    return StudyConfig.preset(str(source))  # its error lists the known presets


def is_settings_ini(path: str | Path) -> bool:
    """Whether a file is a settings.ini of the reference program: by its suffix, else by keys that TOML cannot hold."""
    path = Path(path)
    if path.suffix in (".ini", ".toml") or not path.is_file():
        return path.suffix == ".ini"
    return (
        re.search(r"^\s*(template file|Ngrid|boxsize)\s*=", path.read_text(errors="replace"), re.MULTILINE) is not None
    )
