"""Power spectra of many pairs: both theories for the same seeds, their ratio, and errors that allow for pairing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.base.files import write_text
from weakfield.config import THEORIES, Theory
from weakfield.formats.hdf5 import read_attributes, read_numbers, reading, writing
from weakfield.spectra.ratio import PairedRatio
from weakfield.spectra.results import Reals, standard_error
from weakfield.spectra.significance import bin_significance

#: gauge of each theory's potential and density
GAUGES: dict[Theory, str] = {"newton": "n-body", "gr": "poisson"}
#: arrays of a ``PairedPower``
PARTS = ("k", "modes", "seeds", "powers", "difference", "linear", "nonlinear", "realised")

COLUMNS = (
    "quantity",
    "redshift",
    "k_hmpc",
    "modes",
    "p_newton",
    "p_newton_error",
    "p_gr",
    "p_gr_error",
    "ratio",
    "ratio_error",
    "ratio_error_unpaired",
    "p_gr_minus_newton",
    "p_gr_minus_newton_error",
    "sigma_one_pair",
    "sigma_ensemble",
    "linear_newton",
    "linear_gr",
    "nonlinear_newton",
    "nonlinear_gr",
    "response_newton",
    "response_newton_error",
    "response_gr",
    "response_gr_error",
)


@dataclass(frozen=True, repr=False)
class PairedPower(PairedRatio):
    """Spectra of one quantity at one output, for every seed and both theories. The fields are dimensionless.

    ``difference`` (seeds, shells): power of the field GR - Newton [(Mpc/h)^3]. ``quantity`` is "phi", or
    "difference_cube" with the later redshift.

    The quantities "phi_written" and "delta_written" hold the spectra files of the simulation: their ``powers`` are
    dimensionless Delta^2 in the bins of the files, and they have no ``difference`` (NaN).

    The theory is in the units of ``powers`` and averaged over the modes of each shell, NaN where there is none:
    ``linear`` and ``nonlinear`` (2, shells); ``realised`` (seeds, shells), the linear power of each seed with the modes
    it drew. For difference cubes, ``linear`` is what does not cancel, and ``nonlinear`` adds the power of the second
    order.
    """

    redshift: float
    seeds: tuple[int, ...]
    difference: Reals
    linear: Reals = field(default=cast(Reals, None))
    nonlinear: Reals = field(default=cast(Reals, None))
    realised: Reals = field(default=cast(Reals, None))

    def __post_init__(self) -> None:
        """Fill theory that was not given with NaN."""
        unknown = {"linear": self.powers[:, 0], "nonlinear": self.powers[:, 0], "realised": self.difference}
        for name, like in unknown.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(like.shape, np.nan))

    def about(self) -> dict[str, str | int | float]:
        """Quantity, number of seeds and redshift."""
        return super().about() | {"redshift": self.redshift}

    @property
    def responses(self) -> Reals:
        """(2, seeds, shells): power of each seed over linear theory with its own modes; without cosmic variance."""
        known = np.where(self.realised > 0, self.realised, np.nan)
        return np.asarray(self.powers / known)

    @property
    def response(self) -> Reals:
        """(2, shells): mean over seeds of ``responses``."""
        return np.asarray(self.responses.mean(axis=1))

    @property
    def response_error(self) -> Reals:
        """(2, shells): standard error of ``response``."""
        return standard_error(self.responses, axis=1)

    def rows(self) -> list[tuple[str | float, ...]]:
        """One row for each shell, in the order of ``COLUMNS``."""
        (newton, gr), (newton_error, gr_error) = self.mean, self.mean_error
        responses = (part for pair in zip(self.response, self.response_error, strict=True) for part in pair)
        columns = (
            self.k,
            self.modes,
            newton,
            newton_error,
            gr,
            gr_error,
            self.ratio,
            self.ratio_error,
            self.ratio_error_unpaired,
            self.difference.mean(axis=0),
            standard_error(self.difference, axis=0),
            *bin_significance(self.ratios - 1),
            *self.linear,
            *self.nonlinear,
            *responses,
        )
        return [(self.quantity, self.redshift, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def save_spectra(
    path: Path,
    spectra: Sequence[PairedPower],
    slices: dict[str, Reals],
    about: dict[str, float],
    gauges: Mapping[Theory, str] = GAUGES,
) -> None:
    """Write spectra of every seed, and slices (N, N) with the attributes ``about``, as HDF5."""
    with writing(path) as file:
        for number, spectrum in enumerate(spectra):
            group = file.create_group(f"spectra/{number:03d}")
            group.attrs["quantity"], group.attrs["redshift"] = spectrum.quantity, spectrum.redshift
            group.attrs["theories"], group.attrs["gauges"] = list(THEORIES), [gauges[theory] for theory in THEORIES]
            group.attrs["units"] = "k: h/Mpc; powers: (Mpc/h)^3, of written spectra dimensionless"
            for name in PARTS:
                group[name] = np.asarray(getattr(spectrum, name))
        group = file.create_group("slices")
        for name, value in about.items():
            group.attrs[name] = value
        for name, image in slices.items():
            group[name] = image


def load_spectra(path: Path) -> list[PairedPower]:
    """The spectra that ``save_spectra`` wrote."""
    with reading(path) as file:
        if "spectra" not in file:
            raise BadInput(f"{path} has no group 'spectra', expected a file of the measure stage")
        return [
            PairedPower(
                quantity=str(about["quantity"]),
                redshift=float(about["redshift"]),
                seeds=tuple(read_numbers(group, "seeds").tolist()),
                **{name: read_numbers(group, name) for name in PARTS if name != "seeds"},
            )
            for group, about in ((group, read_attributes(group)) for group in file["spectra"].values())
        ]


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | float]]) -> None:
    """Write rows as CSV; unknown values (NaN, such as the error of a single seed) are left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            "" if isinstance(v, float) and np.isnan(v) else f"{v:.8g}" if isinstance(v, float) else v for v in row
        )
    write_text(path, text.getvalue())
