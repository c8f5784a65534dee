"""What a campaign will need on disk and in time, and from what that is known."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from weakfield.config import THEORIES, Draw, RunFolder, RunSettings, StudyConfig
from weakfield.pairs.manifest import Manifest, manifests

#: numbers a cell of what is no scalar
_COMPONENTS = {"B": 3, "p": 3, "hij": 6, "Tij": 6}
_WORD = {"float32": 4, "float64": 8}
#: bytes an HDF5 file has beside its data, of a line of a spectrum and of the background, of an entry of pair.json
_HDF5, _BIN, _CYCLE, _ENTRY = 8192, 80, 90, 320
#: bytes of a particle: ID, position and momentum in double precision; Gadget-2: ID, position, velocity in single
_PARTICLE, _GADGET = 56, 32
#: cycles of the two short runs a time is derived from
_SHORT, _LONG = 3, 9


@dataclass(frozen=True)
class Estimate:
    """Disk and time of the pairs that are missing; ``source`` says what the time was derived from."""

    pairs: int
    missing: int
    bytes_of_pair: int
    seconds_of_pair: float
    workers: int
    free: int
    source: str

    @property
    def bytes(self) -> int:
        """Disk the missing pairs will take."""
        return self.missing * self.bytes_of_pair

    @property
    def seconds(self) -> float:
        """Time for the missing pairs, if workers do not slow each other down."""
        return self.missing * self.seconds_of_pair / self.workers


def bytes_of_pair(study: StudyConfig) -> int:
    """Upper estimate of a pair on disk, without compression [bytes]."""
    simulation, output = study.simulation, study.output
    cells = (simulation.grid // simulation.downgrade_factor) ** 3
    fields = sum(cells * _COMPONENTS.get(name, 1) * _WORD[output.dtype] + _HDF5 for name in simulation.snapshot_fields)
    particles = simulation.grid**3 // simulation.tracer_factor
    snapshot = fields + (particles * _PARTICLE + _HDF5 if simulation.snapshot_particles else 0)
    snapshot += particles * _GADGET if simulation.snapshot_gadget else 0
    files = len(simulation.spectra_fields) + 2  # "delta" comes in three while radiation acts
    spectra = files * (simulation.spectra_bins * _BIN + 200)
    listed = _ENTRY * (len(simulation.snapshot_fields) * len(simulation.snapshot_redshifts) + files)
    cycles = _CYCLE * 3000  # of the longest clocks; the file is small beside a field
    one = len(simulation.snapshot_redshifts) * snapshot + len(simulation.spectra_redshifts) * spectra + listed
    return len(THEORIES) * (one + min(cycles, snapshot))


def seconds_known(study: StudyConfig, folder: RunFolder) -> tuple[float, int]:
    """Mean seconds of the whole pairs in a run folder as they were measured, and how many there are."""
    known = (manifest.seconds for _, manifest in manifests(folder, study.seeds.draws))
    found = [sum(seconds.values()) for seconds in known if seconds]
    return (sum(found) / len(found), len(found)) if found else (0.0, 0)


def calibrated(study: StudyConfig) -> tuple[float, str]:
    """Seconds of a pair from two short runs of each theory on this machine, and words for that.

    The runs have the study's mesh and start; a cycle costs what lies between them, and the start the rest.
    """
    total = 0.0
    counts = []
    with tempfile.TemporaryDirectory(prefix="weakfield-") as folder:
        for theory in THEORIES:
            run = study.run_settings(theory, study.seeds.first)
            cycles = cycles_of(run)
            short, long = min(_SHORT, cycles), min(_LONG, cycles)
            _timed(run, short, Path(folder))  # loads what the first run of a process loads
            some, more = _timed(run, short, Path(folder)), _timed(run, long, Path(folder))
            cycle = (more - some) / (long - short) if long > short else 0.0
            total += some + max(cycle, 0.0) * (cycles - short)
            counts.append(cycles)
    return total, f"two short runs of each theory here ({counts[0]} and {counts[1]} cycles a whole one)"


def estimate(study: StudyConfig, folder: RunFolder, draws: tuple[Draw, ...]) -> Estimate:
    """Disk and time of the pairs of ``draws`` that are not whole yet."""
    import shutil

    missing = [draw for draw in draws if not Manifest.exists(folder.pair(draw))]
    seconds, known = seconds_known(study, folder)
    source = f"the {known} pairs in {folder.root}"
    if not known:
        seconds, source = calibrated(study)
    disk = next(path for path in (folder.root.resolve(), *folder.root.resolve().parents) if path.exists())
    workers = len(study.campaign.gpus) or study.campaign.workers
    return Estimate(
        len(draws), len(missing), bytes_of_pair(study), seconds, workers, shutil.disk_usage(disk).free, source
    )


def cycles_of(run: RunSettings) -> int:
    """Cycles of a whole run."""
    from weakfield.cosmology import Background
    from weakfield.simulation.clock import cycles_until

    last = min((*run.simulation.snapshot_redshifts, *run.simulation.spectra_redshifts))
    return cycles_until(run, Background(run.cosmology, run.simulation.box_size_mpch), last)


def _timed(run: RunSettings, cycles: int, folder: Path) -> float:
    """Seconds of a run that ends after so many cycles, outputs included."""
    from weakfield.cosmology import Background
    from weakfield.simulation import grow_member
    from weakfield.simulation.clock import Clock

    clock = Clock(run, Background(run.cosmology, run.simulation.box_size_mpch))
    for _ in range(cycles):
        clock.advance()
    end = {"snapshot_redshifts": (clock.redshift,), "spectra_redshifts": (clock.redshift,)}
    short = run.model_copy(update={"simulation": run.simulation.model_copy(update=end)})
    begin = time.perf_counter()
    grow_member(short, folder)
    return time.perf_counter() - begin
