"""The user's own code in a training: a network, loss, optimiser or schedule named ``package.module:NAME``.

Its source is copied beside the weights, so that a run can be read, audited and explained without the original; only a
training that is done again looks on Python's path first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from weakfield.base.plugins import Expected, keep_source, load_plugin, load_recorded, source_hash
from weakfield.config.training import TrainingSettings

#: by the key of ``[training]`` that names it; the arguments of each are described where it is called
EXPECTED = {
    "network": Expected(
        "training.network",
        "a subclass of torch.nn.Module",
        lambda found: isinstance(found, type) and issubclass(found, nn.Module),
    ),
    "loss": Expected("training.loss", "a function (newton, gr) of the log-odds of both members of pairs", callable),
    "optimiser": Expected("training.optimiser", "a function (parameters, settings) to a torch optimiser", callable),
    "schedule": Expected("training.schedule", "a function (settings, progress, losses) to a learning rate", callable),
}
#: the folder beside the weights that holds the sources
FOLDER = "plugins"


def load_own(key: str, settings: TrainingSettings, kept: Path | None = None) -> Any:
    """What a key of the settings names, from Python's path or, if it is not there, from the folder ``kept``."""
    return load_plugin(settings.plugins[key], EXPECTED[key], kept)


def load_own_recorded(key: str, settings: TrainingSettings, recorded: str, kept: Path) -> Any:
    """What a key of the settings named, from the source with the hash ``recorded``."""
    return load_recorded(settings.plugins[key], EXPECTED[key], recorded, kept)


def plugin_sources(settings: TrainingSettings, kept: Path | None = None) -> dict[str, str]:
    """The hash of the source of the user's own code in the settings, by key; it decides a training as settings do."""
    return {key: source_hash(name, EXPECTED[key], kept) for key, name in settings.plugins.items()}


def keep_plugins(settings: TrainingSettings, folder: Path, kept: Path | None = None) -> None:
    """Copy these sources into ``plugins`` of a model folder."""
    for key, name in settings.plugins.items():
        keep_source(name, EXPECTED[key], folder / FOLDER, kept)
