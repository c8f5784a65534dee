"""Bispectra of many pairs: both theories for the same seeds, their difference, and errors that allow for pairing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, Theory
from weakfield.formats.hdf5 import read_attributes, read_numbers, reading, writing
from weakfield.spectra.paired import GAUGES
from weakfield.spectra.results import standard_error
from weakfield.spectra.significance import Significance, bin_significance, matched_significance

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

COLUMNS = (
    "quantity",
    "redshift",
    "shell1",
    "shell2",
    "shell3",
    "k1_hmpc",
    "k2_hmpc",
    "k3_hmpc",
    "modes",
    "b_newton",
    "b_newton_error",
    "b_gr",
    "b_gr_error",
    "b_error_cosmic_variance",
    "ratio",
    "ratio_error",
    "b_gr_minus_newton",
    "b_gr_minus_newton_error",
    "b_gr_minus_newton_error_unpaired",
    "sigma_one_pair",
    "sigma_ensemble",
    "tree_level",
    "tree_level_mesh",
    "relativistic",
    "relativistic_mesh",
)
#: arrays of a ``PairedBispectrum``
PARTS = (
    "k",
    "triangles",
    "modes",
    "seeds",
    "values",
    "gaussian_error",
    "tree_level",
    "relativistic",
    "suppression",
)


@dataclass(frozen=True)
class PairedBispectrum:
    """Bispectra of one quantity at one output, for every seed and both theories.

    ``values`` (2, seeds, triangles) holds Newton and GR; all bispectra are in (Mpc/h)^6 for a dimensionless field.
    ``k`` (triangles, 3) is in h/Mpc, ``triangles`` names the shells i <= j <= l, ``modes`` is as in ``Bispectrum``.
    ``gaussian_error`` (triangles,) is the cosmic variance of one Newtonian universe. The theory is averaged over the
    modes of each triangle, NaN where there is none: ``tree_level``; ``relativistic``, GR - Newton at second order for
    the initial conditions of the simulation; ``suppression``, the product of sqrt(P / P_linear) over the three sides,
    by which the mesh weakens them.
    """

    quantity: str
    redshift: float
    k: Reals
    triangles: Integers
    modes: Integers
    seeds: tuple[int, ...]
    values: Reals
    gaussian_error: Reals
    tree_level: Reals
    relativistic: Reals
    suppression: Reals

    @property
    def mean(self) -> Reals:
        """(2, triangles): mean over seeds."""
        return np.asarray(self.values.mean(axis=1))

    @property
    def mean_error(self) -> Reals:
        """(2, triangles): standard error of ``mean`` from the scatter of the seeds; NaN for a single seed."""
        return standard_error(self.values, axis=1)

    @property
    def differences(self) -> Reals:
        """(seeds, triangles): B_GR - B_Newton of each seed."""
        return np.asarray(self.values[1] - self.values[0])

    @property
    def difference_error(self) -> Reals:
        """Standard error of the mean of ``differences``, in each of which most of the cosmic variance cancels."""
        return standard_error(self.differences, axis=0)

    @property
    def difference_error_unpaired(self) -> Reals:
        """What ``difference_error`` would be with as many unrelated universes under each theory, for Gaussian modes."""
        return np.asarray(self.gaussian_error * np.sqrt(2.0 / len(self.seeds)))

    @property
    def ratio(self) -> tuple[Reals, Reals]:
        """Mean B_GR over mean B_Newton and its jackknife error over the pairs, (triangles,) each.

        Of little use where B_Newton is not detected: the error then means nothing.
        """
        (newton, gr), n = self.values, len(self.seeds)
        ratio = _over(gr.mean(axis=0), newton.mean(axis=0))
        if n < 2:
            return ratio, np.full(ratio.shape, np.nan)
        without = _over((gr.sum(axis=0) - gr) / (n - 1), (newton.sum(axis=0) - newton) / (n - 1))
        return ratio, np.asarray(np.sqrt((n - 1) * without.var(axis=0)))

    @property
    def significance(self) -> Significance:
        """The significance of B_GR - B_Newton in all triangles together."""
        return matched_significance(self.differences)

    @property
    def equilateral(self) -> NDArray[np.bool_]:
        """(triangles,): all sides in one shell."""
        first, _, last = self.triangles.T
        return np.asarray(first == last)

    @property
    def squeezed(self) -> NDArray[np.bool_]:
        """(triangles,): the first side in the first shell, the others in one shell."""
        first, second, last = self.triangles.T
        return np.asarray((first == self.triangles.min()) & (second == last))

    def rows(self) -> list[tuple[str | float, ...]]:
        """One row for each triangle, in the order of ``COLUMNS``."""
        (newton, gr), (newton_error, gr_error) = self.mean, self.mean_error
        columns = (
            *self.triangles.T,
            *self.k.T,
            self.modes,
            newton,
            newton_error,
            gr,
            gr_error,
            self.gaussian_error / np.sqrt(len(self.seeds)),
            *self.ratio,
            self.differences.mean(axis=0),
            self.difference_error,
            self.difference_error_unpaired,
            *bin_significance(self.differences),
            self.tree_level,
            self.tree_level * self.suppression,
            self.relativistic,
            self.relativistic * self.suppression,
        )
        return [(self.quantity, self.redshift, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _over(above: Reals, below: Reals) -> Reals:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0))


def save_bispectra(path: Path, bispectra: Sequence[PairedBispectrum], gauges: Mapping[Theory, str] = GAUGES) -> None:
    """Write bispectra of every seed as HDF5."""
    with writing(path) as file:
        for number, bispectrum in enumerate(bispectra):
            group = file.create_group(f"bispectra/{number:03d}")
            group.attrs["quantity"], group.attrs["redshift"] = bispectrum.quantity, bispectrum.redshift
            group.attrs["theories"], group.attrs["gauges"] = list(THEORIES), [gauges[theory] for theory in THEORIES]
            group.attrs["units"] = "k: h/Mpc; values, errors, theory: (Mpc/h)^6"
            for name in PARTS:
                group[name] = np.asarray(getattr(bispectrum, name))


def load_bispectra(path: Path) -> list[PairedBispectrum]:
    """The bispectra that ``save_bispectra`` wrote."""
    with reading(path) as file:
        if "bispectra" not in file:
            raise BadInput(f"{path} has no group 'bispectra', expected a file of the measure stage")
        return [
            PairedBispectrum(
                quantity=str(about["quantity"]),
                redshift=float(about["redshift"]),
                seeds=tuple(read_numbers(group, "seeds").tolist()),
                **{name: read_numbers(group, name) for name in PARTS if name != "seeds"},
            )
            for group, about in ((group, read_attributes(group)) for group in file["bispectra"].values())
        ]
