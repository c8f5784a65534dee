"""Reading pairs: the fields of one seed under both theories, and all pairs of a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, StudyConfig, Theory
from weakfield.pairs.manifest import Manifest

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

#: the gauge of each theory's fields
GAUGES: dict[Theory, str] = {"newton": "n-body", "gr": "poisson"}


class NoSuchPair(BadInput, KeyError):
    """A seed whose pair is not whole, or that is not in the study."""

    __str__ = Exception.__str__  # KeyError itself would put the sentence in quotes


@dataclass(frozen=True)
class Pair:
    """One seed, or its inverse, under both theories; a file is read when its field is asked for.

    ``outputs`` are the redshifts that the study asked for, descending, and ``grid`` is the number of cells per side of
    its mesh; a pair opened without its study has neither.
    """

    manifest: Manifest
    outputs: tuple[float, ...] = ()
    grid: int | None = None

    @classmethod
    def open(cls, folder: RunFolder, draw: Draw, study: StudyConfig) -> Pair:
        """The pair of a seed in a run folder; ``BadInput`` if it has no manifest or a damaged one."""
        outputs = tuple(sorted(study.simulation.snapshot_redshifts, reverse=True))
        return cls(Manifest.load(folder.pair(draw)), outputs, study.simulation.grid)

    @property
    def seed(self) -> int | None:
        """The seed, whether or not its modes are inverted."""
        return self.manifest.seed

    @property
    def inverted(self) -> bool:
        """Whether every mode of the initial conditions is that of the seed times -1."""
        return self.manifest.inverted

    @property
    def redshifts(self) -> tuple[float, ...]:
        """The redshifts of the outputs at which phi of both theories, or of its only one, is there, descending."""
        return self.manifest.redshifts("phi", self.outputs)

    def path(self, theory: Theory, name: str = "phi", z: float | None = None) -> Path:
        """The file of a field at the output nearest to redshift ``z``, by default the last output.

        Raises ``BadInput`` for a theory, field or redshift that the pair does not have, naming what there is.
        """
        if theory not in THEORIES:
            raise BadInput(f"theory is '{theory}', expected one of {', '.join(THEORIES)}")
        if z is None:
            z = min(self.manifest.redshifts(name, self.outputs), default=0.0)
        return self.manifest.path_of(theory, name, z, self.outputs)

    def read(self, path: Path) -> tuple[Tensor, dict[str, Any]]:
        """The field in one of the files that ``path`` names, as it is stored, and its attributes.

        Raises ``BadInput`` for a file that is missing, damaged, or not as the manifest recorded it.
        """
        from weakfield.pairs.reading import pair_field

        return pair_field(self.manifest, path.relative_to(self.manifest.folder).as_posix())

    def field(self, name: str, theory: Theory, z: float | None = None) -> xr.DataArray:
        """A field at one output, in the precision it is stored in.

        Dimensions are (z, y, x), and (component, z, y, x) for vectors and symmetric tensors. Coordinates are the
        positions of the nodes, where the fields lie, in Mpc/h; for an output with coarser cells they are the centres of
        these cells. On the staggered mesh, components of vectors and tensors lie half a cell further along their axes.
        Attributes: redshift, scale_factor, theory, gauge, units, seed, inverted, mesh, start, box_size_mpch,
        weakfield_version. Raises ``BadInput`` as ``path`` and ``read`` do.
        """
        from weakfield.formats.labelled import labelled

        values, stored = self.read(self.path(theory, name, z))
        box, redshift = float(stored["box_size_mpch"]), float(stored["redshift"])
        about: dict[str, Any] = {"scale_factor": 1.0 / (1.0 + redshift), "mesh": self.manifest.mesh or "unknown"}
        about |= {key: value for key, value in stored.items() if key != "software_version"}
        gauge = "unstated" if "class" in stored else GAUGES[theory]  # what is known of other people's cubes
        about |= {"theory": theory, "gauge": gauge, "seed": self.seed, "inverted": self.inverted}
        about["weakfield_version"] = stored.get("software_version", "unknown")
        found = labelled(values, name, box, about)
        nodes = 1 if self.grid is None else max(self.grid // values.shape[-1], 1)
        if nodes > 1:  # a cell of the output is the mean over this many nodes per side
            shift = 0.5 * (nodes - 1) * box / (nodes * values.shape[-1])
            found = found.assign_coords({axis: (axis, found[axis].values + shift, found[axis].attrs) for axis in "zyx"})
        return found

    def phi(self, theory: Theory, z: float | None = None) -> xr.DataArray:
        """The potential, dimensionless, (z, y, x): the same as ``field("phi", ...)``."""
        return self.field("phi", theory, z)

    def difference(self, z: float | None = None) -> xr.DataArray:
        """phi under GR minus phi under Newton at one output, float64 (z, y, x), dimensionless."""
        newton, gr = (self.phi(theory, z) for theory in THEORIES)
        found = gr.copy(data=gr.values.astype(np.float64) - newton.values.astype(np.float64))
        return found.rename("difference").assign_attrs(theory="gr - newton", gauge="none")

    def __repr__(self) -> str:
        about = self.manifest
        inverse = ", every initial mode times -1" if self.inverted else ""
        mesh = "" if about.mesh is None else f" on the {about.mesh} mesh, {about.start} start"
        return (
            f"Pair of seed {self.seed}{inverse}: {' and '.join(about.theories)}{mesh}\n"
            f"  phi at z = {', '.join(f'{z:g}' for z in self.redshifts)}; weakfield {about.software_version}\n"
            f"  {about.folder}"
        )


class Pairs(Mapping[int, Pair]):
    """The whole pairs of a run folder by seed, as found when this object was made; files are read only when asked for.

    With ``inverted`` it holds the pairs of inverted seeds, by the same seeds.
    """

    def __init__(self, study: StudyConfig, folder: RunFolder, inverted: bool = False) -> None:
        self._study, self._folder, self._inverted = study, folder, inverted
        draws = {seed: Inverse(seed) if inverted else seed for seed in study.seeds.all}
        self._draws: dict[int, Draw] = {s: draw for s, draw in draws.items() if Manifest.exists(folder.pair(draw))}
        self._opened: dict[int, Pair] = {}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the pairs that are there, ascending."""
        return tuple(self._draws)

    @cached_property
    def inverses(self) -> Pairs:
        """The whole pairs of inverted seeds, by seed."""
        return Pairs(self._study, self._folder, inverted=True)

    def __getitem__(self, seed: int) -> Pair:
        if seed not in self._draws:
            raise NoSuchPair(f"{self._folder.pairs} holds no whole pair of seed {seed}, expected {self._known}")
        if seed not in self._opened:
            self._opened[seed] = Pair.open(self._folder, self._draws[seed], self._study)
        return self._opened[seed]

    def __iter__(self) -> Iterator[int]:
        return iter(self._draws)

    def __len__(self) -> int:
        return len(self._draws)

    def phi(self, theory: Theory, z: float | None = None) -> FieldStack:
        """The potentials of all pairs at one output; each is read when it is asked for."""
        return FieldStack(self, "phi", theory, z)

    def field(self, name: str, theory: Theory, z: float | None = None) -> FieldStack:
        """A field of all pairs at one output; each cube is read when it is asked for."""
        return FieldStack(self, name, theory, z)

    @property
    def _known(self) -> str:
        seeds = self.seeds
        if not seeds:
            return "pairs that were grown"
        return f"one of its {len(seeds)}, seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"

    def __repr__(self) -> str:
        inverted = " of inverted seeds" if self._inverted else ""
        outputs = sorted(self._study.simulation.snapshot_redshifts, reverse=True)
        return (
            f"Pairs{inverted}: {len(self)} of {self._study.seeds.count} whole, outputs at z ="
            f" {', '.join(f'{z:g}' for z in outputs)}\n  {self._folder.pairs}"
        )


class FieldStack(Sequence["xr.DataArray"]):
    """One field of several pairs at one output, stacked over seeds; a cube is read when it is indexed or iterated over.

    ``stack[0]`` is the field of the first seed; ``load()`` returns all of them in one array.
    """

    def __init__(self, pairs: Pairs, name: str, theory: Theory, z: float | None) -> None:
        self._pairs, self.name, self.theory, self.z = pairs, name, theory, z
        self.seeds = pairs.seeds

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.sel(self.seeds[index])

    def sel(self, seed: int) -> xr.DataArray:
        """The field of one seed; ``BadInput`` for a seed that is not there."""
        return self._pairs[seed].field(self.name, self.theory, self.z)

    def load(self) -> xr.DataArray:
        """All fields in memory, (seed, z, y, x) or (seed, component, z, y, x)."""
        import xarray as xr

        if not self.seeds:
            raise BadInput(f"there is no whole pair to load '{self.name}' of, expected at least one")
        stacked = xr.concat(list(self), dim="seed", join="exact", combine_attrs="drop_conflicts")
        return stacked.assign_coords(seed=list(self.seeds))

    def __repr__(self) -> str:
        at = "the last output" if self.z is None else f"z = {self.z:g}"
        return f"{self.name} of '{self.theory}' at {at}, stacked over {len(self)} seeds; .load() reads them all"
