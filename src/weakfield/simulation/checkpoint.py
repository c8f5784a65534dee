"""The whole state of a run on disk, so that a run that is killed and started again ends with the same bits."""

from __future__ import annotations

import json
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, replacing
from weakfield.config import RunSettings
from weakfield.config.simulation import CHECKPOINT_SCHEDULE
from weakfield.simulation.clock import Clock
from weakfield.simulation.output import Outputs
from weakfield.simulation.universe import Universe

_CLOCK = (
    "cycle",
    "a",
    "tau",
    "step",
    "previous_step",
    "step_before",
    "a_before",
    "a_before_that",
    "a_half_before",
)


class Hibernated(WeakfieldError):
    """A run stopped because its time was up; its state is on disk."""


class Checkpoints:
    """Decides when the state of a run is kept: every so many cycles, at given redshifts, or when the time is up."""

    def __init__(self, run: RunSettings, folder: Path) -> None:
        output = run.output
        self.path = output.checkpoint_path or folder / f"{output.generic_base or run.theory}_checkpoint.npz"
        self._every = output.checkpoint_every
        self._redshifts = sorted(output.hibernation_redshifts, reverse=True)
        self._limit = output.hibernation_wallclock_s
        self._begin = time.monotonic()

    def resume(self, universe: Universe, clock: Clock, outputs: Outputs) -> None:
        """Go on from the checkpoint of this run, if there is one."""
        load_checkpoint(self.path, universe, clock, outputs)
        self._redshifts = [z for z in self._redshifts if not clock.passed(z)]

    def keep(self, universe: Universe, clock: Clock, outputs: Outputs) -> None:
        """Write the state if it is due now; raises ``Hibernated`` when the time is up."""
        reached = [z for z in self._redshifts if clock.passed(z)]
        self._redshifts = self._redshifts[len(reached) :]
        out_of_time = self._limit is not None and time.monotonic() - self._begin > self._limit
        if reached or out_of_time or (self._every and clock.cycle % self._every == 0):
            save_checkpoint(self.path, universe, clock, outputs)
        if out_of_time:
            raise Hibernated(
                f"the run stopped at z = {clock.redshift:.3g} after {self._limit:g} s, as its wallclock limit asks;"
                f" its state is in {self.path}, and the same command goes on from there"
            )

    def clear(self) -> None:
        """Remove the checkpoint of a finished run."""
        self.path.unlink(missing_ok=True)


def checkpoint_key(run: RunSettings, device: torch.device) -> str:
    """Identifies what a checkpoint belongs to: settings that decide the numbers, the software and the kind of device.

    A run must go on where it began: with half of it on a GPU, the numbers would be those of neither device.
    """
    settings = run.model_dump(mode="json", exclude={"output": CHECKPOINT_SCHEDULE, "simulation": True})
    where = {"device": device.type, "deterministic": run.simulation.deterministic or device.type == "cpu"}
    return content_hash(
        {
            "settings": settings,
            "simulation": run.simulation.identity(),
            "version": __version__,
            "clock": _CLOCK,
            **where,
        }
    )


def save_checkpoint(path: Path, universe: Universe, clock: Clock, outputs: Outputs) -> None:
    """Write the state between two cycles, whole or not at all."""
    outputs.settle()
    arrays: dict[str, Any] = {
        "key": np.array(checkpoint_key(universe.run, universe.phi.device)),
        "displacement": universe.particles.displacement.cpu().numpy(),
        "momentum": universe.particles.momentum.cpu().numpy(),
        "phi_mean": np.array(float(universe.phi_mean)),
        "clock": np.array([getattr(clock, name) for name in _CLOCK], dtype=np.float64),
        "written": np.array(outputs.written),
        "background": np.array(outputs.background_text()),
        "preliminary": np.array(json.dumps(outputs.preliminary)),
        "paths": np.array([str(path.relative_to(outputs.folder)) for path in outputs.paths], dtype=str),
    }
    for name in universe.STATE:
        field = getattr(universe, name)
        if field is not None:
            arrays[name] = field.cpu().numpy()
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        np.savez(handle, **arrays)


def load_checkpoint(path: Path, universe: Universe, clock: Clock, outputs: Outputs) -> bool:
    """Put a run back where its checkpoint left it; False if there is no checkpoint of these settings."""
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        key = str(arrays["key"])
    except FileNotFoundError:
        return False
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, AttributeError, TypeError) as error:
        raise BadInput(f"{path} is not a readable checkpoint ({error}); remove it to start again") from error
    if key != checkpoint_key(universe.run, universe.phi.device):
        warnings.warn(f"{path} is a checkpoint of other settings or software and is not used", stacklevel=2)
        return False
    universe.particles.displacement.copy_(torch.from_numpy(arrays["displacement"]))
    universe.particles.momentum.copy_(torch.from_numpy(arrays["momentum"]))
    universe.phi_mean = float(arrays["phi_mean"])
    for name in universe.STATE:
        if name in arrays:
            setattr(universe, name, torch.from_numpy(arrays[name]).to(universe.phi.device))
    universe.restored()
    for name, value in zip(_CLOCK, arrays["clock"], strict=True):
        setattr(clock, name, int(value) if name == "cycle" else float(value))
    outputs.resume(
        tuple(arrays["written"]),
        str(arrays["background"]),
        [str(p) for p in arrays["paths"]],
        json.loads(str(arrays["preliminary"])),
    )
    return True
