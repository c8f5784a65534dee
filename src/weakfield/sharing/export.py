"""A run or its network in a folder for others: refused where the folder exists, whole or absent, with a card."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from weakfield.base.errors import BadInput, nearest
from weakfield.base.files import new_folder, write_text
from weakfield.config import RunFolder, StudyConfig
from weakfield.learning.results import trained_models
from weakfield.learning.trained import TrainedNetwork
from weakfield.sharing.arrays import write_npy, write_npz, write_zarr
from weakfield.sharing.card import network_card, universes_card
from weakfield.sharing.huggingface import parts, write_huggingface
from weakfield.sharing.networks import write_onnx, write_safetensors
from weakfield.sharing.universes import Universes

#: each writes into an empty folder and returns the part of the card that says what lies there
_UNIVERSES: dict[str, Callable[[Universes, Path], str]] = {
    "npz": write_npz,
    "npy": write_npy,
    "zarr": write_zarr,
    "huggingface": write_huggingface,
}
_NETWORKS: dict[str, Callable[[TrainedNetwork, Path], str]] = {"safetensors": write_safetensors, "onnx": write_onnx}
FORMATS = (*_UNIVERSES, *_NETWORKS)


def export(
    study: StudyConfig,
    folder: RunFolder,
    to: str,
    out: str | Path | None = None,
    network: str | None = None,
    licence: str | None = None,
) -> Path:
    """Write the pairs of a run, or one of its networks, as ``to`` says; returns the new folder.

    ``out`` defaults to the name of the run folder and the format, beside the run. ``network`` is the name of one of
    several networks. ``licence`` goes onto the card, an identifier such as cc-by-4.0; without one, the card says that
    none was stated. Raises ``BadInput`` for an unknown format, a folder that exists, a run without what is to be
    exported, a licence that is no identifier, and packages that are not installed.
    """
    if to not in FORMATS:
        raise BadInput(f"--to is '{to}', expected one of {', '.join(FORMATS)}{nearest(to, FORMATS)}")
    if network is not None and to not in _NETWORKS:
        raise BadInput(f"--network is given and --to is '{to}', expected one of {', '.join(_NETWORKS)} beside it")
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", licence):
        raise BadInput(f"--licence is '{licence}', expected an identifier such as cc-by-4.0, or none")
    root = folder.root.resolve()
    place = Path(out) if out is not None else root.with_name(f"{root.name}-{to}")
    with new_folder(place) as scratch:
        if to in _UNIVERSES:
            universes = Universes(study, folder)
            how = _UNIVERSES[to](universes, scratch)
            files = {part: f"data/{part}.parquet" for part in parts(universes)} if to == "huggingface" else {}
            card = universes_card(universes, how, licence, files)
        else:
            one = TrainedNetwork.load(_chosen(folder, network))
            card = network_card(one, folder, _NETWORKS[to](one, scratch), licence)
        write_text(scratch / "study.toml", study.to_toml())
        write_text(scratch / "README.md", card)
    return place


def _chosen(folder: RunFolder, name: str | None) -> Path:
    """The folder of the network of that name, by default the first."""
    known = trained_models(folder)
    if not known:
        raise BadInput(f"{folder.root} has no trained network, expected 'weakfield train {folder.root}' to make one")
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise BadInput(f"--network is '{name}', expected one of {', '.join(known)}{nearest(name, known)}")
    return known[name]
