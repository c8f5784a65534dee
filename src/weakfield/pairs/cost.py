"""The disk space and the time that a campaign will need, and where these estimates come from."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from weakfield.config import THEORIES, Draw, RunFolder, RunSettings, StudyConfig
from weakfield.pairs.cores import workers_for
from weakfield.pairs.manifest import Manifest, manifests

#: numbers per cell of the fields that are not scalars
_COMPONENTS = {"B": 3, "p": 3, "v": 3, "hij": 6, "Tij": 6}
#: spectra written as several: of "delta" its parts while radiation acts, of "v" its divergence and rotation
_SPECTRA = {"delta": 3, "v": 3}
_WORD = {"float32": 4, "float64": 8}
#: bytes: what an HDF5 file adds to its data, a line of a spectrum, a line of the background, an entry of pair.json
_HDF5, _BIN, _CYCLE, _ENTRY = 8192, 80, 90, 320
#: bytes per particle: ID, position and momentum in double precision; in Gadget-2 ID, position and velocity in single
_PARTICLE, _GADGET = 56, 32
#: numbers of cycles of the two short runs from which the time is derived
_SHORT, _LONG = 3, 9


@dataclass(frozen=True)
class Estimate:
    """Disk space and time for the missing pairs; ``source`` says what the time was derived from."""

    pairs: int
    missing: int
    bytes_of_pair: int
    seconds_of_pair: float
    workers: int
    free: int
    source: str

    @property
    def bytes(self) -> int:
        """Disk space that the missing pairs will take."""
        return self.missing * self.bytes_of_pair

    @property
    def seconds(self) -> float:
        """Time for the missing pairs, assuming that workers do not slow each other down."""
        return self.missing * self.seconds_of_pair / self.workers


def bytes_of_pair(study: StudyConfig) -> int:
    """Upper estimate of the size of a pair on disk, without compression [bytes]."""
    simulation, output = study.simulation, study.output
    cells = (simulation.grid // simulation.downgrade_factor) ** 3
    fields = sum(cells * _COMPONENTS.get(name, 1) * _WORD[output.dtype] + _HDF5 for name in simulation.snapshot_fields)
    particles = simulation.grid**3 // simulation.tracer_factor
    snapshot = fields + (particles * _PARTICLE + _HDF5 if simulation.snapshot_particles else 0)
    snapshot += particles * _GADGET if simulation.snapshot_gadget else 0
    files = sum(_SPECTRA.get(name, 1) for name in simulation.spectra_fields)
    spectra = files * (simulation.spectra_bins * _BIN + 200)
    listed = _ENTRY * (len(simulation.snapshot_fields) * len(simulation.snapshot_redshifts) + files)
    cycles = _CYCLE * 3000  # for the longest clocks; the file is small next to a field
    one = len(simulation.snapshot_redshifts) * snapshot + len(simulation.spectra_redshifts) * spectra + listed
    return len(THEORIES) * (one + min(cycles, snapshot))


def seconds_known(study: StudyConfig, folder: RunFolder) -> tuple[float, int]:
    """The mean measured time of the whole pairs in a run folder [s], and the number of pairs in that mean."""
    known = (manifest.seconds for _, manifest in manifests(folder, study.seeds.draws))
    found = [sum(seconds.values()) for seconds in known if seconds]
    return (sum(found) / len(found), len(found)) if found else (0.0, 0)


def calibrated(study: StudyConfig) -> tuple[float, str]:
    """Seconds per pair, from two short runs of each theory on this machine, and a description of this source.

    The runs use the mesh and the start of the study. The difference between the two gives the cost of a cycle, and the
    remainder is the cost of the start.
    """
    total = 0.0
    counts = []
    with tempfile.TemporaryDirectory(prefix="weakfield-") as folder:
        for theory in THEORIES:
            run = study.run_settings(theory, study.seeds.first)
            cycles = cycles_of(run)
            short, long = min(_SHORT, cycles), min(_LONG, cycles)
            _timed(run, short, Path(folder))  # loads what the first run of a process has to load
            some, more = _timed(run, short, Path(folder)), _timed(run, long, Path(folder))
            cycle = (more - some) / (long - short) if long > short else 0.0
            total += some + max(cycle, 0.0) * (cycles - short)
            counts.append(cycles)
    return total, f"two short runs of each theory here ({counts[0]} and {counts[1]} cycles a whole one)"


def estimate(study: StudyConfig, folder: RunFolder, draws: tuple[Draw, ...]) -> Estimate:
    """Disk space and time for those pairs of ``draws`` that are not whole yet."""
    import shutil

    missing = [draw for draw in draws if not Manifest.exists(folder.pair(draw))]
    seconds, known = seconds_known(study, folder)
    source = f"the {known} pairs in {folder.root}"
    if not known:
        seconds, source = calibrated(study)
    disk = next(path for path in (folder.root.resolve(), *folder.root.resolve().parents) if path.exists())
    workers = len(study.campaign.gpus) or study.campaign.asked_for
    if not study.campaign.needs_dask:
        workers = workers_for(study, max(1, len(missing)))
    return Estimate(
        len(draws), len(missing), bytes_of_pair(study), seconds, workers, shutil.disk_usage(disk).free, source
    )


def cycles_of(run: RunSettings) -> int:
    """The number of cycles of a complete run."""
    from weakfield.cosmology import Background
    from weakfield.simulation.clock import cycles_until

    last = min((*run.simulation.snapshot_redshifts, *run.simulation.spectra_redshifts))
    return cycles_until(run, Background(run.cosmology, run.simulation.box_size_mpch), last)


def _timed(run: RunSettings, cycles: int, folder: Path) -> float:
    """Seconds that a run of this many cycles takes, including its outputs."""
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
