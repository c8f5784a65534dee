"""Auto and cross power spectra of periodic cubes, of one, two or any number of fields at once.

f = FFT(field) / N^3, V = box_size^3, P = V mean |f|^2. Results keep their raw sums, so that they add and average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.figures import POINTS, panel, wavenumber_axis
from weakfield.base.tables import span
from weakfield.fourier.half_axis import squared_modulus
from weakfield.fourier.shells import shells
from weakfield.fourier.windows import Window, aliased_shot_noise, window_order, window_power
from weakfield.spectra.bins import merged
from weakfield.spectra.modes import Cube, as_number, box_of, checked_box, raw_modes
from weakfield.spectra.results import Integers, Reals, Result, checked_gauge, gauge_colour, per_mode

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class PowerSpectrum(Result):
    """Power per shell of one or two fields, from raw sums over modes.

    ``edges`` (shells+1,) in units of k_F, lower closed, upper open. ``modes`` (shells,) counts every k of the full cube
    once, both k and -k; ``wavenumber_sums`` is the sum of |n| over them; a shell without modes has 0 everywhere.
    ``sums``, ``auto_a``, ``auto_b`` (shells,): V sum Re f_a f_b*, V sum |f_a|^2 and V sum |f_b|^2, summed over
    ``fields`` cubes; all three are equal for an auto spectrum. ``squares`` is the sum over cubes of the squares of
    their ``sums``, ``noise`` the shot noise contained in ``sums``. ``quantity`` and ``gauge`` name the field.
    """

    edges: tuple[float, ...]
    window: Window
    modes: Integers
    wavenumber_sums: Reals
    sums: Reals
    auto_a: Reals
    auto_b: Reals
    squares: Reals
    noise: Reals
    fields: int = 1
    quantity: str = "field"
    gauge: str = "unstated"

    axis: ClassVar[str] = "k"
    coordinates: ClassVar[tuple[str, ...]] = ("k", "lower", "upper")
    units: ClassVar[Mapping[str, str]] = {
        "k": "h/Mpc",
        "lower": "2 pi / box_size",
        "upper": "2 pi / box_size",
        "power": "(Mpc/h)^3",
        "error": "(Mpc/h)^3",
        "scatter_error": "(Mpc/h)^3",
    }
    same: ClassVar[tuple[str, ...]] = ("edges", "window", "quantity", "gauge")
    added: ClassVar[tuple[str, ...]] = ("sums", "auto_a", "auto_b", "squares", "noise")

    def __repr__(self) -> str:
        filled = self.k[self.modes > 0]
        return (
            f"PowerSpectrum of {self.quantity}, gauge {self.gauge}: {len(self.modes)} shells, k ="
            f" {span(filled, 'h/Mpc')}, {int(self.modes.sum())} modes\n{self._measured_on(self.fields, self.window)}"
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw P(k) with its errors, from the scatter of the fields where there are several, otherwise Gaussian ones.

        Drawn into ``ax`` or a new figure; ``options`` go to ``Axes.errorbar``. Returns the axes.
        """
        ax, filled = panel(ax), self.modes > 0
        error = np.where(np.isnan(self.scatter_error), self.error, self.scatter_error)
        style = {"color": gauge_colour(self.gauge), "label": self.quantity, **POINTS, **options}
        ax.errorbar(self.k[filled], self.power[filled], error[filled], **style)
        wavenumber_axis(ax)
        ax.set_yscale("log" if (self.power[filled] > 0).all() else "linear")
        ax.set_ylabel("P(k)  [(Mpc/h)$^3$]")
        return ax

    @cached_property
    def k(self) -> Reals:
        """Mean wavenumber of the modes of each shell [h/Mpc]."""
        return self._mean(self.wavenumber_sums) * self.k_fundamental

    @cached_property
    def power(self) -> Reals:
        """Mean power without the shot noise [(Mpc/h)^3 times the squared unit of the field]."""
        return self._mean(self.sums - self.noise) / self.fields

    @cached_property
    def shot_noise(self) -> Reals:
        """The shot noise that was subtracted, (shells,) [(Mpc/h)^3]."""
        return self._mean(self.noise) / self.fields

    @cached_property
    def error(self) -> Reals:
        """Gaussian standard error with noise: sqrt((P_ab^2 + P_a P_b) / modes), P sqrt(2 / modes) for one field."""
        total = self._mean(self.sums) / self.fields
        variance = total**2 + self._mean(self.auto_a) * self._mean(self.auto_b) / self.fields**2
        return np.asarray(np.sqrt(self._mean(variance) / self.fields))

    @cached_property
    def scatter_error(self) -> Reals:
        """Standard error of ``power`` from the scatter of the fields; NaN for a single one."""
        return self._scatter(self.modes, self.sums, self.squares, self.fields)

    @cached_property
    def dimensionless(self) -> Reals:
        """Delta^2 = k^3 P / 2 pi^2 at the mean wavenumber."""
        return np.asarray(self.k**3 * self.power / (2 * np.pi**2))

    @cached_property
    def correlation(self) -> Reals:
        """P_ab / sqrt(P_a P_b), 1 for an auto spectrum; 0 where there is no power."""
        scale = np.sqrt(self.auto_a * self.auto_b)
        return np.divide(self.sums, scale, out=np.zeros_like(self.sums), where=scale > 0)

    @property
    def coherence(self) -> Reals:
        """Another name for ``correlation``."""
        return self.correlation

    @cached_property
    def transfer(self) -> Reals:
        """sqrt(P_b / P_a): the amplitude of b over that of a, whatever their phases; 0 where a has no power."""
        ratio = np.divide(self.auto_b, self.auto_a, out=np.zeros_like(self.sums), where=self.auto_a > 0)
        return np.asarray(np.sqrt(ratio))

    def columns(self) -> dict[str, NDArray[Any]]:
        """For every shell:

        ``lower`` and ``upper``, its edges [2 pi / box_size]; ``k`` [h/Mpc]; ``power``, its Gaussian ``error`` and the
        ``scatter_error`` of several fields [(Mpc/h)^3 times the squared unit of the field]; ``dimensionless``, Delta^2;
        ``correlation``, 1 for one field; ``modes``.
        """
        edges = np.array(self.edges)
        names = ("k", "power", "error", "scatter_error", "dimensionless", "correlation", "modes")
        return {"lower": edges[:-1], "upper": edges[1:]} | {name: getattr(self, name) for name in names}

    def rebin(self, bins: int | Sequence[float] | NDArray[Any]) -> PowerSpectrum:
        """The spectrum in wider shells: ``bins`` old ones in each (what is left over is dropped), or new edges.

        New edges must be among the old ones. All sums but ``squares`` merge exactly; for more than one field the
        scatter in wider shells is no longer known, so rebin before adding. ``BadInput`` for edges that are not among
        the old ones.
        """
        starts, edges = merged(self.edges, bins)
        parts: dict[str, Any] = {
            name: np.array([getattr(self, name)[a:b].sum() for a, b in pairwise(starts)])
            for name in ("modes", "wavenumber_sums", *self.added)
        }
        parts["squares"] = parts["sums"] ** 2 if self.fields == 1 else np.full(len(edges) - 1, np.nan)
        return replace(self, edges=edges, **parts)

    def _mean(self, sums: Reals) -> Reals:
        return per_mode(sums, self.modes)


def power_spectrum(
    field: Cube,
    box_size: float | None = None,
    bin_edges: Sequence[float] | NDArray[Any] | None = None,
    window: Window = "none",
    *,
    components: int | None = None,
    shot_noise: float = 0.0,
    quantity: str = "field",
    gauge: str = "unstated",
) -> PowerSpectrum:
    """Power spectrum of a cube (N, N, N) [z, y, x] in a periodic box of side ``box_size`` [Mpc/h].

    The cube is a tensor, an array or a ``DataArray``; for a ``DataArray`` made by weakfield, the box need not be given.
    With ``components``, the field is a vector field (components, N, N, N), and the result is V mean sum_i |f_i|^2, the
    powers of all components added. Its Gaussian ``error`` holds for a gradient; for a field without divergence it is
    too large by sqrt(2).

    ``bin_edges`` are in units of k_F = 2 pi / L; the lower edge of a shell is closed, the upper one open. By default
    the shells have width 1 from 0.5 to the Nyquist wavenumber N/2 (``linear_edges``, ``log_edges`` make others). The
    Nyquist planes of an even N belong to no shell. ``window`` is the mass assignment whose prod sinc^(2p) (pi n_i / N)
    divides the power; "none" for potentials. ``shot_noise`` [(Mpc/h)^3], V / number of particles for a density
    contrast, is subtracted from each component with the shape that the assignment ``window`` gives it. ``BadInput`` for
    a field that is not a cube, does not have that many components or holds NaN, and for edges that do not increase.
    """
    box_size = box_of(field, box_size)
    if components is None:
        pair = {quantity: field}
        return power_spectra(pair, box_size, bin_edges, window, shot_noise=shot_noise, gauge=gauge)[quantity, quantity]
    shape = tuple(np.shape(field))
    if len(shape) != 4 or shape[0] != components:
        raise BadInput(f"{quantity} has shape {shape}, expected ({components}, N, N, N) for components={components}")
    parts = [
        power_spectrum(one, box_size, bin_edges, window, shot_noise=shot_noise, quantity=quantity, gauge=gauge)
        for one in field
    ]
    sums, noise = (np.sum([getattr(part, name) for part in parts], axis=0) for name in ("sums", "noise"))
    return replace(parts[0], sums=sums, auto_a=sums, auto_b=sums, squares=sums**2, noise=noise)


def cross_spectrum(
    a: Cube,
    b: Cube,
    box_size: float,
    bin_edges: Sequence[float] | NDArray[Any] | None = None,
    window: Window = "none",
    *,
    quantity: str = "field",
    gauge: str = "unstated",
) -> PowerSpectrum:
    """Cross spectrum V mean Re f_a f_b* of two cubes; arguments and binning as ``power_spectrum``."""
    spectrum = power_spectra({"a": a, "b": b}, box_size, bin_edges, window, gauge=gauge, autos=False)["a", "b"]
    return replace(spectrum, quantity=quantity)


def power_spectra(
    cubes: Mapping[str, Cube],
    box_size: float,
    bin_edges: Sequence[float] | NDArray[Any] | None = None,
    window: Window | Mapping[str, Window] = "none",
    *,
    shot_noise: float | Mapping[str, float] = 0.0,
    gauge: str = "unstated",
    autos: bool = True,
) -> dict[tuple[str, str], PowerSpectrum]:
    """Auto and cross spectra of named cubes of one size, by pair of names; every cube is transformed once.

    Pairs come in the order of the names, (a, b) and not also (b, a). ``window`` and ``shot_noise`` are given for all
    cubes at once or by name. A cross spectrum is called "a x b"; it is divided by the windows of both cubes and has no
    shot noise. Otherwise as ``power_spectrum``.
    """
    names = list(cubes)
    windows = {name: window.get(name, "none") if isinstance(window, Mapping) else window for name in names}
    noises = {
        name: as_number(shot_noise.get(name, 0.0) if isinstance(shot_noise, Mapping) else shot_noise, "shot_noise")
        for name in names
    }
    if not np.isfinite(list(noises.values())).all():
        raise BadInput(f"shot_noise is {shot_noise}, expected finite numbers [(Mpc/h)^3]")
    volume = checked_box(box_size) ** 3
    modes: dict[str, NDArray[np.complex128]] = {}
    for name, cube in cubes.items():
        modes[name] = _compensated(raw_modes(cube, name).cpu().numpy(), windows[name])
        if (n := len(modes[name])) != len(modes[names[0]]):
            raise BadInput(f"the fields have sides {len(modes[names[0]])} and {n}, expected the same")
    shell = shells(len(modes[names[0]]), bin_edges)
    auto = {name: volume * shell.sums(squared_modulus(values)) for name, values in modes.items()}
    found = {}
    for a, b in combinations_with_replacement(names, 2):
        if a == b and not autos:
            continue
        sums = auto[a] if a == b else volume * shell.sums(_product(modes[a], modes[b]))
        noise = aliased_shot_noise(shell, noises[a], windows[a]) if a == b else np.zeros_like(sums)
        found[a, b] = PowerSpectrum(
            grid=shell.n,
            box_size=float(box_size),
            edges=shell.edges,
            window=_common(windows[a], windows[b]),
            modes=shell.modes,
            wavenumber_sums=shell.wavenumber_sums,
            sums=sums,
            auto_a=auto[a],
            auto_b=auto[b],
            squares=sums**2,
            noise=noise,
            quantity=a if a == b else f"{a} x {b}",
            gauge=checked_gauge(gauge),
        )
    return found


def _product(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> Reals:
    return np.asarray(a.real * b.real + a.imag * b.imag)


def _common(a: Window, b: Window) -> Window:
    return a if a == b else "mixed"  # type: ignore[return-value]


def _compensated(modes: NDArray[np.complex128], window: str) -> NDArray[np.complex128]:
    """FFT / N^3 / prod sinc^p, in the memory of ``modes``."""
    n = modes.shape[0]
    modes /= float(n) ** 3
    if order := window_order(window):
        modes /= window_power(n, order)
    return modes
