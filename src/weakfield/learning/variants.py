"""The precision and memory layout in which a network trains fastest: measured once per machine and remembered.

The choice changes the last bits of a training, so it must not change from one run to the next: trainings that take
seconds always use single precision and channels last; for others the first measurement on a machine is kept in the
cache folder of the user. ``training.precision`` and ``training.layout`` fix it everywhere.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, FiniteFloat
from torch import Tensor

from weakfield.base.errors import WeakfieldError
from weakfield.base.files import content_hash, write_json
from weakfield.base.progress import bar
from weakfield.base.records import Record
from weakfield.config.training import TrainingSettings
from weakfield.cosmology.transfer.cache import cache_folder
from weakfield.learning.losses import training_loss
from weakfield.learning.networks import arrange, build_network, network_class
from weakfield.learning.optimisers import build_optimiser
from weakfield.learning.plugins import plugin_sources

WORTH = 2.0e8  # cells times passes of a training; below this, the trial would cost more than it can save
STEPS = 5  # timed steps, after one that is not timed
GAIN = 1.1  # how much faster than the default another variant has to be


@dataclass(frozen=True)
class Variant:
    """Precision and layout of a training, and why: ``settings``, ``trial`` or ``small`` (too small for a trial)."""

    precision: str = "single"
    layout: str = "channels_last"
    chosen_by: str = "small"

    def as_json(self) -> dict[str, str]:
        return {"precision": self.precision, "layout": self.layout, "chosen_by": self.chosen_by}


class MeasuredVariants(Record):
    """What is remembered of a trial; the other keys of its file say what was tried."""

    model_config = ConfigDict(extra="ignore")

    seconds_a_sample: dict[str, FiniteFloat]


def choose(
    settings: TrainingSettings, shape: tuple[int, ...], pairs: int, device: torch.device, kept: Path | None = None
) -> Variant:
    """The variant of a training on ``pairs`` of samples of this shape; ``kept`` as in ``Task``."""
    precisions = ("single", "bf16") if settings.precision == "auto" else (settings.precision,)
    layouts = ("channels_last", "contiguous") if settings.layout == "auto" else (settings.layout,)
    if len(precisions) == len(layouts) == 1:
        return Variant(precisions[0], layouts[0], "settings")
    if settings.epochs * 2 * pairs * prod(shape) < WORTH:
        return Variant(precisions[0], layouts[0], "small")
    variants = [Variant(p, layout, "trial") for p, layout in product(precisions, layouts)]
    names = {_name(v) for v in variants}
    seconds = _remembered(
        settings, shape, device, lambda: measure(settings, shape, device, variants, kept), kept, names
    )
    best = min(variants, key=lambda v: seconds[_name(v)])
    return best if seconds[_name(best)] * GAIN < seconds[_name(variants[0])] else variants[0]


def measure(
    settings: TrainingSettings,
    shape: tuple[int, ...],
    device: torch.device,
    variants: list[Variant],
    kept: Path | None = None,
) -> dict[str, float]:
    """Seconds per sample of a training step on noise, by the name of each variant; the variants take turns."""
    count = 2 * settings.batch_pairs
    with torch.random.fork_rng(devices=[]), bar("measuring variants", STEPS + 1) as progress:
        torch.manual_seed(0)
        samples = torch.randn(count, *shape).to(device)
        steps = {_name(v): _step(settings, samples, v, kept) for v in variants}
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(STEPS + 1):
            for name, step in steps.items():
                begin = time.perf_counter()
                step()
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                times[name].append((time.perf_counter() - begin) / count)
            progress.advance()
    return {name: min(found[1:]) for name, found in times.items()}


def _step(settings: TrainingSettings, samples: Tensor, variant: Variant, kept: Path | None) -> Callable[[], None]:
    network = build_network(tuple(samples.shape[1:]), settings, network_class(settings, kept))
    network = arrange(network.to(samples.device), variant.layout)
    optimiser = build_optimiser(network, settings, kept)

    def step() -> None:
        with torch.autocast(samples.device.type, torch.bfloat16, enabled=variant.precision == "bf16"):
            outputs = network(samples)
        loss = training_loss(settings, outputs.float(), settings.batch_pairs, kept)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def _remembered(
    settings: TrainingSettings,
    shape: tuple[int, ...],
    device: torch.device,
    measured: Callable[[], dict[str, float]],
    kept: Path | None,
    names: set[str],
) -> dict[str, float]:
    """The first measurement of this network, shape, batch, device and number of threads on this machine."""
    architecture = ("network", "size", "channels", "blocks", "activation", "normalisation", "dropout", "classes")
    values = settings.model_dump(mode="json")
    asked = ("batch_pairs", "precision", "layout", "loss")
    key: dict[str, Any] = {
        **{name: values[name] for name in (*architecture, *asked)},
        "code": plugin_sources(settings, kept).get("network", ""),
        "shape": list(shape),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    path: Path = cache_folder() / "variants" / f"{content_hash(key)}.json"
    known = MeasuredVariants.load_if_sound(path)
    if known is not None and names <= set(known.seconds_a_sample):
        return known.seconds_a_sample
    seconds = measured()
    try:
        write_json(path, {**key, "seconds_a_sample": seconds})
    except (OSError, WeakfieldError) as error:
        warnings.warn(
            f"{error}: the variant measured is not remembered, so that the next training may choose another; set"
            " training.precision and training.layout to fix it",
            UserWarning,
            stacklevel=2,
        )
    return seconds


def _name(variant: Variant) -> str:
    return f"{variant.precision} {variant.layout}"
