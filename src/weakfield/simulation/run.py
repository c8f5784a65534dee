"""From a settings file to files on disk: one run of a settings.ini, or every pair of a study."""

from __future__ import annotations

import warnings
from pathlib import Path

from weakfield.config import RunFolder, StudyConfig
from weakfield.formats import read_settings_ini
from weakfield.simulation.claims import claim
from weakfield.simulation.ensemble import growing
from weakfield.simulation.evolution import grow_member
from weakfield.simulation.runfolder import open_for_work


def simulate(config: str | Path | StudyConfig, out_dir: str | Path | None = None) -> list[Path]:
    """Run a settings.ini of the reference program, or grow all pairs of a study; returns the paths written.

    A settings.ini writes into its ``output path`` (relative to the working directory) unless ``out_dir`` is given; a
    study (TOML file or ``StudyConfig``) into the run folder ``out_dir``, by default ``runs/<name>``, which later stages
    and ``weakfield run`` continue. Raises ``BadInput`` for settings that cannot be run or a folder of other pairs,
    ``WeakfieldError`` for a folder in use; keys that are not understood are Python warnings.
    """
    if not isinstance(config, StudyConfig):
        if Path(config).suffix != ".toml":
            return _simulate_ini(Path(config), out_dir)
        config = StudyConfig.from_toml(config)
    folder = RunFolder(out_dir if out_dir is not None else Path("runs") / config.name)
    paths: list[Path] = []
    with open_for_work(config, folder, "simulate"):
        with growing(config) as grow:
            for draw in config.seeds.draws:
                with claim(folder, draw, wait=True):
                    grow(config, draw, folder)
        for draw in config.seeds.draws:
            paths += sorted(path for path in folder.pair(draw).rglob("*") if path.is_file())
    return paths


def _simulate_ini(path: Path, out_dir: str | Path | None) -> list[Path]:
    ini = read_settings_ini(path)
    for text in ini.warnings:
        warnings.warn(text, stacklevel=3)
    folder = ini.output_path if out_dir is None else Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return grow_member(ini.settings, folder)
