"""Power of GR over that of Newton for pairs of one seed, with errors that allow for the pairing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.figures import COLOURS, GREY, POINTS, panel, wavenumber_axis
from weakfield.base.tables import Table, span
from weakfield.spectra.power import PowerSpectrum
from weakfield.spectra.results import Integers, Reals, standard_error
from weakfield.spectra.significance import Significance, matched_significance

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class PairedRatio(Table):
    """P_GR / P_Newton of the same seeds, in which cosmic variance cancels.

    ``k`` (shells,) in h/Mpc and ``modes`` (shells,) as ``PowerSpectrum``, without shells that hold no mode; ``powers``
    (2, seeds, shells): Newton, GR [(Mpc/h)^3 times the squared unit of the field]. ``quantity`` names the field.
    """

    quantity: str
    k: Reals
    modes: Integers
    powers: Reals

    axis: ClassVar[str] = "k"
    coordinates: ClassVar[tuple[str, ...]] = ("k",)
    units: ClassVar[Mapping[str, str]] = {"k": "h/Mpc"}

    def __repr__(self) -> str:
        seeds = self.powers.shape[1]
        errors = f", errors {span(self.ratio_error)}" if seeds > 1 else ""
        pairs = "1 pair" if seeds == 1 else f"{seeds} pairs"
        return (
            f"{type(self).__name__} of {self.quantity}: {pairs}, {len(self.k)} shells, k ="
            f" {span(self.k, 'h/Mpc')}\n  P_GR / P_Newton - 1 = {span(self.ratio - 1)}{errors}"
        )

    @property
    def mean(self) -> Reals:
        """(2, shells): mean over seeds."""
        return np.asarray(self.powers.mean(axis=1))

    @property
    def mean_error(self) -> Reals:
        """(2, shells): standard error of ``mean`` from the scatter of the seeds; NaN for a single seed."""
        return standard_error(self.powers, axis=1)

    @property
    def ratios(self) -> Reals:
        """(seeds, shells): P_GR / P_Newton of each seed; 1 where both vanish."""
        newton, gr = self.powers
        return np.asarray(np.divide(gr, newton, out=np.ones_like(gr), where=newton > 0))

    @property
    def ratio(self) -> Reals:
        """(shells,): mean over seeds of P_GR / P_Newton."""
        return np.asarray(self.ratios.mean(axis=0))

    @property
    def ratio_error(self) -> Reals:
        """Error of the paired mean: scatter of the seeds' ratios / sqrt(seeds); NaN for a single seed."""
        return standard_error(self.ratios, axis=0)

    @property
    def ratio_error_unpaired(self) -> Reals:
        """What the error would be with as many unrelated universes under each theory, for Gaussian modes."""
        return np.asarray(self.ratio * np.sqrt(4.0 / self.modes / self.powers.shape[1]))

    @property
    def significance(self) -> Significance:
        """The significance of P_GR / P_Newton - 1 in all shells together."""
        return matched_significance(self.ratios - 1)

    def columns(self) -> dict[str, NDArray[Any]]:
        """For every shell: ``k`` [h/Mpc], ``modes``, ``ratio``, its ``error`` and ``error_unpaired``."""
        return {
            "k": self.k,
            "modes": self.modes,
            "ratio": self.ratio,
            "error": self.ratio_error,
            "error_unpaired": self.ratio_error_unpaired,
        }

    def about(self) -> dict[str, str | int | float]:
        """Quantity and number of seeds."""
        return {"quantity": self.quantity, "seeds": self.powers.shape[1]}

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw P_GR / P_Newton with the error of the paired mean; in grey that for unrelated universes, clipped.

        Drawn into ``ax`` or a new figure; ``options`` go to ``Axes.errorbar``. Returns the axes.
        """
        ax = panel(ax)
        style = {"color": COLOURS["difference"], "label": self.quantity, **POINTS, **options}
        unpaired = self.ratio_error_unpaired
        ax.axhline(1, color=GREY, linewidth=0.8)
        ax.errorbar(self.k, self.ratio, np.nan_to_num(self.ratio_error), **style)
        limits = ax.get_ylim()
        ax.fill_between(self.k, 1 - unpaired, 1 + unpaired, color=GREY, alpha=0.2, linewidth=0)
        ax.set_ylim(limits)
        wavenumber_axis(ax)
        ax.set_ylabel(r"$P_\mathrm{GR} / P_\mathrm{Newton}$")
        return ax


def paired_ratio(newton: Sequence[PowerSpectrum], gr: Sequence[PowerSpectrum]) -> PairedRatio:
    """Mean of P_GR / P_Newton over seeds, with its error from their scatter.

    ``newton`` and ``gr`` hold the spectra of the same seeds in the same order, one cube each, on one grid, in one box,
    with one window and the same edges. Otherwise ``BadInput`` is raised.
    """
    if len(newton) != len(gr) or not newton:
        raise BadInput(f"there are {len(newton)} spectra of Newton and {len(gr)} of GR, expected one of each a seed")
    first = newton[0]
    for spectrum in (*newton, *gr):
        for name in ("grid", "box_size", "edges", "window", "quantity"):
            if getattr(spectrum, name) != getattr(first, name):
                found = f"{getattr(first, name)} and {getattr(spectrum, name)}"
                raise BadInput(f"the spectra differ in {name}: {found}, expected the same")
        if spectrum.fields != 1:
            raise BadInput(f"a spectrum is the mean of {spectrum.fields} cubes, expected one cube a spectrum")
    filled = first.modes > 0
    powers = np.array([[spectrum.power[filled] for spectrum in theory] for theory in (newton, gr)])
    return PairedRatio(quantity=first.quantity, k=first.k[filled], modes=first.modes[filled], powers=powers)
