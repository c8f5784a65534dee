"""The whole state of a run on disk, so that a run that is killed and started again ends with the same bits."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash
from weakfield.config import RunSettings
from weakfield.config.run_settings import CHECKPOINT_SCHEDULE
from weakfield.formats.spectra_text import format_spectrum
from weakfield.simulation.checkpoint_file import CLOCK, Damaged, check_state, read_arrays, write_arrays
from weakfield.simulation.clock import Clock
from weakfield.simulation.output import Outputs
from weakfield.simulation.universe import Universe


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
    excluded: dict[str, Any] = {"output": CHECKPOINT_SCHEDULE, "simulation": True}
    if not run.lightcone.cones:
        excluded["lightcone"] = True
    settings = run.model_dump(mode="json", exclude=excluded)
    where = {"device": device.type, "deterministic": run.simulation.deterministic or device.type == "cpu"}
    return content_hash(
        {
            "settings": settings,
            "simulation": run.simulation.identity(),
            "version": __version__,
            "clock": CLOCK,
            **where,
        }
    )


def save_checkpoint(path: Path, universe: Universe, clock: Clock, outputs: Outputs) -> None:
    """Write the state between two cycles, whole or not at all."""
    outputs.settle()
    fields = {name: getattr(universe, name) for name in universe.STATE}
    write_arrays(
        path,
        {
            "key": np.array(checkpoint_key(universe.run, universe.phi.device)),
            **{name: values.cpu().numpy() for name, values in universe.motion().items()},
            "phi_mean": np.array(float(universe.phi_mean)),
            "clock": np.array([getattr(clock, name) for name in CLOCK], dtype=np.float64),
            "written": np.array(outputs.written),
            "background": np.array(outputs.background_text()),
            "preliminary": np.array(
                json.dumps({name: format_spectrum(table) for name, table in outputs.preliminary.items()})
            ),
            "paths": np.array([str(path.relative_to(outputs.folder)) for path in outputs.paths], dtype=str),
            **{name: field.cpu().numpy() for name, field in fields.items() if field is not None},
            **outputs.cones.state(),
        },
    )


def load_checkpoint(path: Path, universe: Universe, clock: Clock, outputs: Outputs) -> bool:
    """Put a run back where its checkpoint left it; False if there is no checkpoint that can be used.

    Warns about one that is damaged, or of other settings. Raises ``BadInput`` for a file that cannot be read or that is
    somebody else's.
    """
    try:
        arrays = read_arrays(path)
        if str(arrays.get("key")) != checkpoint_key(universe.run, universe.phi.device):
            warnings.warn(f"{path} is a checkpoint of other settings or software and is not used", stacklevel=2)
            return False
        check_state(arrays, universe, clock, outputs)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BadInput(f"{path} is not a readable checkpoint ({error.strerror}); remove it to start again") from error
    except Damaged as error:
        warnings.warn(f"{path} is a damaged checkpoint and is not used, the run starts again: {error}", stacklevel=2)
        return False
    for name, values in universe.motion().items():
        values.copy_(torch.from_numpy(arrays[name]))
    universe.phi_mean = float(arrays["phi_mean"])
    for name in universe.STATE:
        if name in arrays:
            setattr(universe, name, torch.from_numpy(arrays[name]).to(universe.phi.device))
    for name, value in zip(CLOCK, arrays["clock"], strict=True):
        setattr(clock, name, int(value) if name == "cycle" else float(value))
    universe.restored(clock)
    outputs.resume(
        tuple(arrays["written"]),
        str(arrays["background"]),
        [str(p) for p in arrays["paths"]],
        json.loads(str(arrays["preliminary"])),
    )
    if len(outputs.cones):
        outputs.cones.resume(arrays)
    return True
