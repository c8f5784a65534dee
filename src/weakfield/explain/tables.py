"""What the explain stage of a run found, as tables, fields and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from weakfield.base.arrays import load_arrays
from weakfield.base.errors import BadInput
from weakfield.base.figures import COLOURS, GREY, OTHERS, new_figure, wavenumber_axis
from weakfield.config import RunFolder
from weakfield.explain.over_seeds import OverSeeds
from weakfield.explain.records import Explanation, Trust
from weakfield.explain.truth.records import QUANTITIES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Attributions:
    """Attributions of the main network's answers to test pairs, in logits; positive values speak for GR.

    ``explanation`` is ``explain.json``; ``trust`` is ``trust.json``, or ``None`` where ``explain.trust`` was off.
    """

    folder: RunFolder
    explanation: Explanation
    trust: Trust | None

    def __repr__(self) -> str:
        found, difference = self.explanation, f"{self.explanation.logit_difference:.3g}"
        if found.bands is not None:
            change = found.bands.logit_difference
            error = "" if change.error is None else f" \N{PLUS-MINUS SIGN} {change.error:.2g}"
            difference = f"{change.value:.3g}{error}"
        said = "".join(f"\n{sentence}" for sentence in found.left_out.values())
        if found.at_chance:
            said = f"\nnothing to explain: {found.at_chance}{said}"
        return (
            f"<Attributions of {found.model}: {len(found.seeds)} test pairs, GR - Newton = {difference} logits>\n"
            f"{', '.join(found.methods)}{said}"
        )

    def to_pandas(self) -> pd.DataFrame:
        """One row per Fourier shell, indexed by ``k_hmpc``, its mean wavenumber.

        ``modes`` counts k and -k; ``attributed`` is what the shell contributes to the logit of GR - Newton by the
        integral of the gradient, ``occluded`` is what is lost without it, and ``amplitude`` and ``phase`` are what its
        amplitudes and phases contribute. All are means over pairs; each has a column ``_error`` with its standard error
        over seeds, NaN for one seed. ``BadInput`` where the network could not be asked for it.
        """
        import pandas as pd

        bands = self.explanation.bands
        if bands is None:
            raise BadInput(f"{self.explanation.left_out['bands']}; expected a network that can be differentiated")
        parts = {
            "attributed": bands.attributed.shells,
            "occluded": bands.occluded.shells,
            "amplitude": bands.amplitude.shells,
            "phase": bands.phase.shells,
        }
        columns: dict[str, Any] = {"k_hmpc": bands.k_hmpc, "modes": bands.modes}
        for name, part in parts.items():
            columns |= _columns(name, part)
        return pd.DataFrame(columns).set_index("k_hmpc")

    def methods(self) -> pd.DataFrame:
        """One row per method, indexed by ``method``: what its maps add up to, mean over pairs.

        The columns are ``sum``, with ``sum_error`` over seeds; ``change``, the difference of logits that the maps
        distribute; and ``largest_residual`` of any pair. The last two are NaN for derivatives and rankings, which
        distribute no difference.
        """
        import pandas as pd

        rows = []
        for name, found in self.explanation.methods.items():
            residual = np.nan if found.largest_residual is None else found.largest_residual
            sums = _columns("sum", found.sum) | _columns("change", found.change)
            rows.append({"method": name, **sums, "largest_residual": residual})
        return pd.DataFrame(rows).set_index("method")

    def triangles(self) -> pd.DataFrame:
        """One row per triangle of shells, indexed by its sides ``k1_hmpc`` >= ``k2_hmpc`` >= ``k3_hmpc``.

        ``response``, with ``response_error``, is its contribution by the third-order response of the logit;
        ``surrogate`` is that by a regression on measured spectra, NaN with fewer than five seeds. ``BadInput`` where
        ``explain.triangle_shells`` was 0.
        """
        import pandas as pd

        found = self.explanation.triangles
        if found is None and (said := self.explanation.left_out.get("triangles")):
            raise BadInput(f"{said}; expected a network that can be differentiated")
        if found is None:
            raise BadInput("explain.triangle_shells was 0, expected shells whose triangles share out the decision")
        sides = dict(zip(("k1_hmpc", "k2_hmpc", "k3_hmpc"), np.array(found.k_hmpc).reshape(-1, 3).T, strict=True))
        surrogate = np.nan if found.surrogate is None else found.surrogate.contribution.value
        columns = sides | _columns("response", found.response.contribution) | {"surrogate": surrogate}
        return pd.DataFrame(columns).set_index(list(sides))

    def trusted(self) -> pd.DataFrame:
        """One row per method that was tested, indexed by ``method``; means over pairs, with ``_error`` over seeds.

        ``deletion`` and ``insertion``: area between the curve and that of random orders; positive is better.
        ``infidelity``: share of the answer to exchanged blocks that is not predicted; 0 is best. ``sensitivity`` and
        ``equivariance``: relative change of the map under noise of 2 % of the rms, and under symmetries of the box.
        ``shuffled``: rank correlation with the map of a network trained on labels that mean nothing. ``BadInput`` where
        ``explain.trust`` was off. A test that was left out is NaN.
        """
        import pandas as pd

        if self.trust is None:
            raise BadInput(f"{self.folder.explain / 'trust.json'} is missing, expected explain.trust = true")
        rows = []
        for name in self.trust.tested:
            tests = self.trust.tests(name)
            row: dict[str, Any] = {"method": name}
            for test, value in tests.items():
                row |= _columns(test, value)
            rows.append(row)
        return pd.DataFrame(rows).set_index("method")

    def believed(self) -> pd.DataFrame:
        """One row per method, the best first: its rank correlation with what C1 contributes to C1's matched filter.

        Columns are ``shells``, ``triangles``, ``blocks`` and ``cells``, means over pairs, each with ``_error`` over
        seeds, then the same of the network's attributions as ``network_shells`` and so on; NaN where a method gives no
        such quantity or a network is not compared (docs/explanation.md). ``BadInput`` where C1 is not known.
        """
        import pandas as pd

        truth = self.explanation.truth
        if truth is None:
            why = self.explanation.no_truth or self.explanation.left_out.get("truth", "it was not asked for")
            raise BadInput(f"there is no truth to compare with: {why}")
        rows = []
        for name in truth.ordered:
            row: dict[str, Any] = {"method": name}
            for prefix, scores in (("", truth.methods), ("network_", truth.network or {})):
                ranks = scores[name].rank if name in scores else {}
                for quantity in QUANTITIES:
                    row |= _columns(f"{prefix}{quantity}", ranks.get(quantity))
            rows.append(row)
        return pd.DataFrame(rows).set_index("method")

    @cached_property
    def maps(self) -> xr.Dataset:
        """The pair that is shown: the samples ``newton`` and ``gr``, normalised, and the map of every method [logit].

        Dimensions are channel, z, y, x, with nodes in Mpc/h. For a network of slices they are channel, row, column, and
        there are also ``cube_*``, the maps of all slices gathered into the cube.
        """
        import xarray as xr

        maps = load_arrays(self.folder.explain / "maps.npz")
        cell = self.explanation.box_size_mpch / self.explanation.grid
        variables, sides = {}, dict[str, Any]()
        for name, values in maps.items():
            axes = ("z", "y", "x") if values.ndim == 4 else ("row", "column")
            variables[name] = (("channel", *axes), values)
            sides |= dict.fromkeys(axes, values.shape[-1])
        coordinates = {axis: (axis, np.arange(n) * cell, {"units": "Mpc/h"}) for axis, n in sides.items()}
        found = self.explanation
        return xr.Dataset(variables, coords=coordinates, attrs={"seed": found.seed, "model": found.model})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot what each Fourier shell contributes, by integral and by exchange, with errors, on ``ax`` or new axes.

        Of a network at chance the axes hold the sentence that says so, and nothing else.
        """
        panel = ax if ax is not None else new_figure(size=(6.4, 3.7))[1][0, 0]
        if self.explanation.at_chance:
            said = fill(f"nothing to explain: {self.explanation.at_chance}", 50)
            panel.text(0.5, 0.5, said, ha="center", va="center", transform=panel.transAxes)
            panel.set_axis_off()
            return panel
        table = self.to_pandas()
        panel.axhline(0, color=GREY, linewidth=1)
        for name, label, colour, marker, shift in (
            ("attributed", "pair-integrated gradient", COLOURS["difference"], "o", 1 / 1.015),
            ("occluded", "shell taken from the Newtonian twin", OTHERS[1], "s", 1.015),
        ):
            k, values = table.index.to_numpy() * shift, table[name]
            panel.errorbar(k, values, table[f"{name}_error"], fmt=marker, color=colour, markersize=4.5, label=label)
        panel.set_ylabel("contribution to GR \N{MINUS SIGN} Newton  [logit]")
        panel.legend(frameon=False, fontsize=9)
        wavenumber_axis(panel)
        return panel


def attributions(folder: RunFolder) -> Attributions:
    """What the explain stage of a run found; ``BadInput`` where it was not run."""
    return Attributions(
        folder,
        Explanation.load(folder.explain / "explain.json"),
        Trust.load_if_there(folder.explain / "trust.json"),
    )


def _columns(name: str, found: OverSeeds[Any] | None) -> dict[str, Any]:
    if found is None:
        return {name: np.nan, f"{name}_error": np.nan}
    return {name: found.value, f"{name}_error": np.nan if found.error is None else found.error}
