"""Auto and cross bispectra of periodic cubes, for all closed triangles of a set of shells.

f = FFT(field) / N^3, V = box_size^3, B = V^2 mean Re f1 f2 f3 over the triples of modes with k1 + k2 + k3 = 0 exactly:
triples that add up to zero only modulo N are not triangles and do not count. Sums and counts follow Scoccimarro
(arXiv:1506.02729, section II): each shell is transformed back, and the products of the shells are summed over space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.figures import GREY, POINTS, panel, wavenumber_axis
from weakfield.base.tables import span
from weakfield.fourier.shells import checked_edges
from weakfield.fourier.triangles import Intervals
from weakfield.fourier.windows import Window
from weakfield.spectra.bins import merged
from weakfield.spectra.cost import check_memory, estimate_bispectrum
from weakfield.spectra.counts import Triangles, closed_triangles, given_triangles
from weakfield.spectra.modes import Cube, box_of, checked_box, shell_amplitudes
from weakfield.spectra.results import Integers, Reals, Result, checked_gauge, gauge_colour, per_mode
from weakfield.spectra.triples import triple_sums

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Bispectrum(Result):
    """Bispectrum per triangle of shells of one field or of three, from raw sums over triples of modes.

    ``intervals`` (S, 2): lower (closed) and upper (open) edge of each shell in units of k_F. ``triangles`` (T, 3):
    shells i <= j <= l of the three sides, in any order for three fields; every triangle that holds a triple is there,
    unless a selection was made (``complete`` is then False). ``modes`` (T,) counts ordered triples (k1, k2, k3),
    ``wavenumber_sums`` (T, 3) is the sum of |n| of each side over them. ``sums`` (T,): V^2 sum Re f1 f2 f3 over the
    triples, summed over ``fields`` sets of cubes, ``squares`` the sum of its squares. ``shell_modes`` and
    ``shell_wavenumber_sums`` (S,) and ``power_sums`` (F, F, S), V sum Re f_a f_b*, belong to the shells, with F = 1 or
    3 fields.
    """

    intervals: Reals
    window: Window
    triangles: Integers
    modes: Integers
    wavenumber_sums: Reals
    shell_modes: Integers
    shell_wavenumber_sums: Reals
    sums: Reals
    squares: Reals
    power_sums: Reals
    fields: int = 1
    complete: bool = True
    quantity: str = "field"
    gauge: str = "unstated"

    axis: ClassVar[str] = "triangle"
    coordinates: ClassVar[tuple[str, ...]] = ("k1", "k2", "k3", "theta")
    units: ClassVar[Mapping[str, str]] = dict.fromkeys(("k1", "k2", "k3"), "h/Mpc") | {
        "theta": "rad",
        "value": "(Mpc/h)^6",
        "error": "(Mpc/h)^6",
        "scatter_error": "(Mpc/h)^6",
    }
    same: ClassVar[tuple[str, ...]] = ("intervals", "window", "triangles", "quantity", "gauge")
    added: ClassVar[tuple[str, ...]] = ("sums", "squares", "power_sums")

    def __repr__(self) -> str:
        some = "" if self.complete else " selected"
        return (
            f"Bispectrum of {self.quantity}, gauge {self.gauge}: {len(self.modes)}{some} triangles of"
            f" {len(self.intervals)} shells, k = {span(self.k, 'h/Mpc')}, {int(self.modes.sum())} triples of modes\n"
            f"{self._measured_on(self.fields, self.window)}"
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw B with its errors, from the scatter of the fields where there are several, otherwise Gaussian ones.

        The horizontal axis is k where all triangles are equilateral, otherwise the number of the triangle in the table;
        the vertical axis is linear below the median error and logarithmic beyond. Drawn into ``ax`` or a new figure;
        ``options`` go to ``Axes.errorbar``. Returns the axes.
        """
        ax = panel(ax)
        error = np.where(np.isnan(self.scatter_error), self.error, self.scatter_error)
        equilateral = bool((self.triangles == self.triangles[:, :1]).all())
        x = self.k.mean(axis=1) if equilateral else np.arange(len(self.modes))
        style = {"color": gauge_colour(self.gauge), "label": self.quantity, **POINTS, **options}
        ax.errorbar(x, self.value, error, **style)
        if equilateral:
            wavenumber_axis(ax)
        else:
            ax.set_xlabel("triangle, in the order of the table")
        if (error > 0).any():
            ax.set_yscale("symlog", linthresh=float(np.median(error[error > 0])))
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.set_ylabel("B  [(Mpc/h)$^6$]")
        return ax

    @cached_property
    def k(self) -> Reals:
        """Mean wavenumber of each side over the triples of the triangle, (T, 3) [h/Mpc]."""
        return per_mode(self.wavenumber_sums, self.modes[:, None]) * self.k_fundamental

    @cached_property
    def shell_k(self) -> Reals:
        """Mean wavenumber of the modes of each shell, (S,) [h/Mpc]."""
        return per_mode(self.shell_wavenumber_sums, self.shell_modes) * self.k_fundamental

    @cached_property
    def theta(self) -> Reals:
        """Angle between the wave vectors of the first two sides, (T,) [rad], from ``k``; 0 where they are parallel."""
        first, second, third = self.k.T
        cosine = (third**2 - first**2 - second**2) / np.maximum(2 * first * second, np.finfo(float).tiny)
        return np.asarray(np.arccos(np.clip(cosine, -1, 1)))

    @cached_property
    def value(self) -> Reals:
        """V^2 mean Re f1 f2 f3, (T,) [(Mpc/h)^6 times the cubed unit of the field]."""
        return per_mode(self.sums, self.modes) / self.fields

    @cached_property
    def power(self) -> Reals:
        """Power of each shell [(Mpc/h)^3], (F, F, S): between the fields a and b, F = 1 for one field."""
        return per_mode(self.power_sums, self.shell_modes) / self.fields

    @cached_property
    def error(self) -> Reals:
        """Gaussian standard error, (T,).

        Its square is V / modes times a sum of products of three (cross) powers, over those orders of the sides that
        leave their shells unchanged. For one field that is s V P1 P2 P3 / modes with s = 6, 2, 1 for three, two, no
        equal shells.
        """
        sides = np.arange(3) if len(self.power) == 3 else np.zeros(3, dtype=int)
        variance = np.zeros(len(self.triangles))
        for order in permutations(range(3)):
            same = (self.triangles == self.triangles[:, order]).all(axis=1)
            product = np.prod([self.power[sides[s], sides[order[s]], self.triangles[:, s]] for s in range(3)], axis=0)
            variance += np.where(same, product, 0.0)
        return np.asarray(np.sqrt(per_mode(np.maximum(variance, 0), self.modes) * self.volume / self.fields))

    @cached_property
    def scatter_error(self) -> Reals:
        """Standard error of ``value`` from the scatter of the fields, (T,); NaN for a single one."""
        return self._scatter(self.modes, self.sums, self.squares, self.fields)

    @cached_property
    def reduced(self) -> Reals:
        """Q = B / (P1 P2 + P2 P3 + P3 P1) with the powers of the shells, (T,); 0 where they vanish. One field only."""
        if len(self.power) != 1:
            raise BadInput("the reduced bispectrum is of one field, found a bispectrum of three")
        first, second, third = self.power[0, 0, self.triangles].T
        scale = first * second + second * third + third * first
        return np.asarray(np.divide(self.value, scale, out=np.zeros_like(scale), where=scale > 0))

    def select(self, which: NDArray[Any]) -> Self:
        """The result for some of the triangles only, chosen by a mask or by their numbers, in that order."""
        parts = {
            name: getattr(self, name)[which] for name in ("triangles", "modes", "wavenumber_sums", "sums", "squares")
        }
        return replace(self, complete=False, **parts)

    def equilateral(self) -> Self:
        """Triangles whose sides lie in one shell."""
        return self.select((self.triangles == self.triangles[:, :1]).all(axis=1))

    def isosceles(self) -> Self:
        """Triangles with two or three sides in one shell."""
        i, j, k = self.triangles.T
        return self.select((i == j) | (j == k) | (k == i))

    def squeezed(self, ratio: float = 0.2) -> Self:
        """Triangles whose shortest side is at most ``ratio`` times the next longer one, by mean wavenumber."""
        short, middle, _ = np.sort(self.k, axis=1).T
        return self.select(short <= ratio * middle)

    def folded(self, tolerance: float = 0.05) -> Self:
        """Triangles whose longest side is the sum of the others to ``tolerance`` of its length, by mean wavenumber."""
        short, middle, long = np.sort(self.k, axis=1).T
        return self.select(short + middle - long <= tolerance * long)

    def at(self, first: int, second: int) -> Self:
        """Triangles with two sides in the given shells, sorted by the angle ``theta`` between those sides.

        The sides of each triangle are put in the order first, second, third; ``theta`` rises, so the third side falls.
        For three fields, only triangles that have these shells as sides 1 and 2 are taken.
        """
        rows, orders = [], []
        wanted = (0, 1, 2) if len(self.power) == 3 else None
        for row, sides in enumerate(self.triangles.tolist()):
            for order in [wanted] if wanted else permutations(range(3)):
                if (sides[order[0]], sides[order[1]]) == (first, second):
                    rows.append(row)
                    orders.append(order)
                    break
        if not rows:
            raise BadInput(f"no triangle has sides in shells {first} and {second}, expected two of one triangle")
        chosen = self.select(np.array(rows))
        pick = np.arange(len(rows))[:, None], np.array(orders)
        turned = replace(chosen, triangles=chosen.triangles[pick], wavenumber_sums=chosen.wavenumber_sums[pick])
        return turned.select(np.argsort(turned.theta, kind="stable"))

    def rebin(self, bins: int | Sequence[float] | NDArray[Any]) -> Self:
        """The bispectrum in wider shells: ``bins`` old ones in each (what is left over is dropped), or new edges.

        New edges must be among the old ones. This is exact, because a wide triangle is a sum of narrow ones;
        ``squares`` are treated as in ``PowerSpectrum.rebin``. ``BadInput`` for a selection of triangles, shells that do
        not join, or edges that are not among the old ones.
        """
        lower, upper = self.intervals.T
        if not self.complete or (lower[1:] != upper[:-1]).any():
            raise BadInput(
                "a selection of triangles or shells that do not join cannot be rebinned, expected all of them"
            )
        starts, edges = merged((*lower.tolist(), float(upper[-1])), bins)
        one = len(self.power) == 1
        wide = np.searchsorted(starts, np.arange(len(lower)), side="right") - 1
        wide[: starts[0]], wide[starts[-1] :] = -1, -1
        # for one field, the sides of a narrow triangle may fall into the wide one in any order
        turns = [list(order) for order in (permutations(range(3)) if one else [(0, 1, 2)])]
        narrow = np.concatenate([self.triangles[:, turn] for turn in turns])
        narrow, first = np.unique(narrow, axis=0, return_index=True)
        row, turn = first % len(self.triangles), np.array(turns)[first // len(self.triangles)]
        sides = wide[narrow]
        kept = (sides >= 0).all(axis=1)
        if one:
            kept &= (sides[:, 0] <= sides[:, 1]) & (sides[:, 1] <= sides[:, 2])
        row, turn = row[kept], turn[kept]
        triangles, place = np.unique(sides[kept], axis=0, return_inverse=True)

        def gathered(values: NDArray[Any]) -> NDArray[Any]:
            total = np.zeros((len(triangles), *values.shape[1:]), dtype=values.dtype)
            np.add.at(total, place.ravel(), values)
            return total

        shells = [slice(begin, end) for begin, end in pairwise(starts)]
        sums = gathered(self.sums[row])
        return replace(
            self,
            intervals=np.array(list(pairwise(edges))),
            triangles=triangles,
            modes=gathered(self.modes[row]),
            wavenumber_sums=gathered(self.wavenumber_sums[row[:, None], turn]),
            sums=sums,
            squares=sums**2 if self.fields == 1 else np.full(len(sums), np.nan),
            shell_modes=np.array([self.shell_modes[part].sum() for part in shells]),
            shell_wavenumber_sums=np.array([self.shell_wavenumber_sums[part].sum() for part in shells]),
            power_sums=np.stack([self.power_sums[..., part].sum(axis=-1) for part in shells], axis=-1),
        )

    def columns(self) -> dict[str, NDArray[Any]]:
        """For every triangle:

        ``shell1`` to ``shell3``, the numbers of the shells of its sides; ``k1`` to ``k3`` [h/Mpc]; ``theta``, the angle
        between the first two [rad]; ``value``, its Gaussian ``error`` and the ``scatter_error`` of several fields
        [(Mpc/h)^6 times the cubed unit of the field]; ``modes``, the number of ordered triples.
        """
        sides = {
            f"{name}{s + 1}": column[:, s]
            for name, column in (("shell", self.triangles), ("k", self.k))
            for s in range(3)
        }
        rest = ("theta", "value", "error", "scatter_error", "modes")
        return sides | {name: getattr(self, name) for name in rest}


def bispectrum(
    field: Cube,
    box_size: float,
    bin_edges: Sequence[float] | NDArray[Any],
    window: Window = "none",
    *,
    quantity: str = "field",
    gauge: str = "unstated",
) -> Bispectrum:
    """Bispectrum of a cube (N, N, N) [z, y, x] in a periodic box of side ``box_size`` [Mpc/h].

    ``bin_edges`` are in units of k_F = 2 pi / L; the lower edge of a shell is closed, the upper one open, and the
    Nyquist planes of an even N belong to no shell. All triangles i <= j <= l of shells that hold a triple with
    k1 + k2 + k3 = 0 are measured, each on a grid large enough that no other triple counts. ``window`` is the mass
    assignment whose prod sinc^p (pi n_i / N) divides every mode; "none" for potentials. Counts are kept for the next
    field of the same size and bins. ``BadInput`` for a field that is not a cube or holds NaN, for edges that do not
    increase, and where memory does not suffice (``estimate_bispectrum``).
    """
    intervals = _checked(field, bin_edges, 1)
    return _measure(
        [field], box_of(field, box_size), closed_triangles(_side(field), intervals), window, quantity, gauge
    )


def cross_bispectrum(
    a: Cube,
    b: Cube,
    c: Cube,
    box_size: float,
    bin_edges: Sequence[float] | NDArray[Any],
    window: Window = "none",
    *,
    quantity: str = "field",
    gauge: str = "unstated",
) -> Bispectrum:
    """Bispectrum V^2 mean Re a(k1) b(k2) c(k3) of three cubes, triangles in every order, else as ``bispectrum``."""
    intervals = _checked(a, bin_edges, 3)
    return _measure([a, b, c], box_size, closed_triangles(_side(a), intervals, ordered=True), window, quantity, gauge)


def bispectrum_at_angles(
    field: Cube,
    box_size: float,
    sides: tuple[float, float],
    theta: Sequence[float] | NDArray[Any],
    width: float = 1.0,
    window: Window = "none",
    *,
    quantity: str = "field",
    gauge: str = "unstated",
) -> Bispectrum:
    """Bispectrum of triangles with two ``sides`` k1, k2 [units of k_F] and the angles ``theta`` [rad] between them.

    Each side is a shell of ``width`` k_F about its wavenumber, the third about sqrt(k1^2 + k2^2 + 2 k1 k2 cos theta);
    shells may overlap. There is one row for each angle, in the order given; angles whose triangle holds no triple are
    left out. The measured angles are the result's ``theta``. Otherwise as ``bispectrum``.
    """
    angles = np.asarray(theta, dtype=np.float64).ravel()
    k1, k2 = map(float, sides)
    k3 = np.sqrt(np.maximum(k1**2 + k2**2 + 2 * k1 * k2 * np.cos(angles), 0))
    if not (np.isfinite([k1, k2, *k3]).all() and min(k1, k2, width) > 0):
        raise BadInput(f"k1, k2, width are {k1}, {k2}, {width}, expected numbers above 0 in units of k_F")
    pairs = [(max(side - width / 2, 0.0), side + width / 2) for side in (k1, k2, *k3.tolist())]
    intervals = tuple(dict.fromkeys(pairs))
    place = [intervals.index(pair) for pair in pairs]
    rows = tuple((place[0], place[1], third) for third in place[2:])
    return _measure([field], box_size, given_triangles(_side(field), intervals, rows), window, quantity, gauge)


def _measure(
    cubes: Sequence[Cube], box_size: float, triangles: Triangles, window: Window, quantity: str, gauge: str
) -> Bispectrum:
    modes, volume = triangles.modes, checked_box(box_size) ** 3
    amplitudes = [shell_amplitudes(cube, modes, window, name) for cube, name in zip(cubes, "abc", strict=False)]
    sums = volume**2 * triple_sums(amplitudes, modes, triangles.rows, triangles.groups)
    power = [[volume * modes.sums(modes.weight * _product(a, b)) for b in amplitudes] for a in amplitudes]
    return Bispectrum(
        grid=modes.n,
        box_size=float(box_size),
        intervals=np.array(modes.intervals),
        window=window,
        triangles=triangles.rows,
        modes=triangles.counts,
        wavenumber_sums=triangles.wavenumber_sums,
        shell_modes=modes.modes,
        shell_wavenumber_sums=modes.wavenumber_sums,
        sums=sums,
        squares=sums**2,
        power_sums=np.array(power),
        quantity=quantity,
        gauge=checked_gauge(gauge),
    )


def _product(a: Tensor, b: Tensor) -> Reals:
    first, second = a.cpu().numpy(), b.cpu().numpy()
    return np.asarray(first.real * second.real + first.imag * second.imag)


def _checked(field: Cube, bin_edges: Sequence[float] | NDArray[Any], fields: int) -> Intervals:
    """The shells between the edges; ``BadInput`` if their bispectrum does not fit into memory."""
    edges = checked_edges(bin_edges)
    n = _side(field)
    check_memory(
        estimate_bispectrum(n, edges, fields, ordered=fields > 1), f"a bispectrum of {len(edges) - 1} bins at N={n}"
    )
    return tuple(pairwise(edges))


def _side(field: Cube) -> int:
    shape = tuple(field.shape) if hasattr(field, "shape") else np.shape(field)
    return int(shape[0]) if shape else 0
