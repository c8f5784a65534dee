"""How many cycles a pair takes: error of a pair against its number of steps, for docs/physics.md.

    python docs/scripts/steps.py            # what docs/steps.json lacks; half an hour on two cores for all
    python docs/scripts/steps.py --write    # the table and the figure again, from docs/steps.json

Errors are those of the even and odd parts (docs/relativity.md) below 0.4 of the Nyquist wavenumber, against the same
pair in steps of 0.03 Hubble times (64^3: 0.05). "First order" are kicks exact for linear growth alone, and "no
radiation" steps without the corrections of linear theory: what the clock does less than it could.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import relativity
from marks import DOCS, IMAGES, fill, table
from torch import Tensor

from weakfield.base.figures import OTHERS, new_figure, save_png
from weakfield.base.files import write_text
from weakfield.base.progress import bar
from weakfield.cosmology import Background
from weakfield.mesh.kernels.contract import WeightedStep
from weakfield.simulation.clock import Clock, cycles_until
from weakfield.simulation.spectral import weights
from weakfield.simulation.study_cache import StudyCache

SCRIPT = "docs/scripts/steps.py"
RESULTS = DOCS / "steps.json"
STEPS = (0.8, 0.4, 0.2, 0.1)
BOXES = (320.0, 640.0, 1280.0, 2560.0, 5120.0)


@dataclass(frozen=True)
class Pair:
    """A pair and its inverse in steps of a length, by a clock: "whole", or one of ``LESSER``."""

    grid: int = 32
    box: float = 640.0
    transfer: str = "eisenstein-hu"
    step: float = 0.2
    clock: str = "whole"

    @property
    def case(self) -> relativity.Case:
        return relativity.Case(self.grid, self.box / self.grid, self.step, transfer=self.transfer)

    @property
    def truth(self) -> Pair:
        return replace(self, step=0.03 if self.grid == 32 else 0.05, clock="whole")

    @property
    def cycles(self) -> int:
        """To z = 1."""
        run = self.case.run("gr", False)
        return cycles_until(run, Background(run.cosmology, self.box), 1.0)


def _first_order(clock: Clock) -> WeightedStep:
    """Kicks and drifts exact for linear growth alone."""
    now, ahead, behind, end = (
        weights.Growth(clock.background, a) for a in (clock.a, clock.a_half, clock.a_half_before, clock.a_next)
    )
    kick = (ahead.momentum - behind.momentum) / now.force
    return WeightedStep(1.0, kick, (end.D - now.D) / ahead.rate, clock.a, clock.a_half)


#: what is put in the place of a part of the clock
LESSER = {"first order": (weights, "step", _first_order), "no radiation": (StudyCache, "linear_steps", lambda *_: None)}


@contextmanager
def ticking(clock: str) -> Iterator[None]:
    """Pairs inside are grown by this clock."""
    if clock == "whole":
        yield
        return
    owner, name, other = LESSER[clock]
    whole = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, whole)


Parts = dict[str, dict[float, Tensor]]


def parts(pair: Pair) -> Parts:
    """Newton's even part, and the even and the odd part of GR - Newton, by redshift."""
    with ticking(pair.clock):
        fields = relativity.family(pair.case)
    found: Parts = {"newton": {}, "even": {}, "odd": {}}
    for z in relativity.REDSHIFTS:
        newton, gr = ([fields[t, i]["phi"][z] for i in (False, True)] for t in ("newton", "gr"))
        found["newton"][z] = (newton[0] + newton[1]) / 2
        found["even"][z] = (gr[0] + gr[1]) / 2 - found["newton"][z]
        found["odd"][z] = (gr[0] - gr[1] - newton[0] + newton[1]) / 2
    return found


def errors(pair: Pair, mine: Parts, truth: Parts) -> dict[str, Any]:
    """Response and correlation of the even parts to the true ones; change of the odd part over rms of the even one."""
    numbers: dict[str, Any] = {"cycles": pair.cycles}
    tenths = dict(relativity.bands(pair.case))
    weight = sum(tenths[f"tenth {i}"] for i in range(4))
    for z in relativity.REDSHIFTS:
        response, correlation = relativity.compare(mine["even"][z], truth["even"][z], weight)
        newton, _ = relativity.compare(mine["newton"][z], truth["newton"][z], weight)
        change = relativity.rms(mine["odd"][z] - truth["odd"][z], weight) / relativity.rms(truth["even"][z], weight)
        numbers[f"{z:g}"] = {"response": response, "correlation": correlation, "newton": newton, "odd": change}
    return numbers


def wanted() -> list[Pair]:
    """Every pair of the page."""
    transfers = ("eisenstein-hu", "camb")
    found = [Pair(transfer=t, step=s) for t in transfers for s in STEPS]
    found += [Pair(step=s, clock="first order") for s in STEPS]
    found += [Pair(transfer="camb", step=s, clock="no radiation") for s in STEPS]
    found += [Pair(box=box, transfer=t) for box in BOXES for t in transfers]
    found += [Pair(grid=64, box=box, transfer="camb") for box in (640.0, 1280.0, 5120.0)]
    return list(dict.fromkeys(found))


def key(pair: Pair) -> str:
    return json.dumps(asdict(pair), sort_keys=True)


def measure(results: dict[str, Any]) -> None:
    """Grow what is missing; pairs of one truth one after another."""
    todo = [pair for pair in wanted() if key(pair) not in results]
    truths: dict[Pair, Parts] = {}
    with bar("pairs", len(todo)) as progress:
        for pair in sorted(todo, key=lambda p: (p.grid, p.transfer, p.box)):
            if pair.truth not in truths:
                truths = {pair.truth: parts(pair.truth)}
            results[key(pair)] = errors(pair, parts(pair), truths[pair.truth])
            write_text(RESULTS, json.dumps(results, indent=1))
            progress.advance()


def boxes_table(results: dict[str, Any]) -> str:
    """Steps of 0.2 Hubble times in boxes of every size."""
    rows = []
    for pair in sorted(wanted(), key=lambda p: (p.grid, p.box)):
        if pair.step != 0.2 or pair.clock != "whole":
            continue
        found = results[key(pair)]
        row = [f"{pair.grid}^3", f"{pair.box:g}", "CAMB" if pair.transfer == "camb" else "none", f"{found['cycles']}"]
        for z in ("10", "1"):
            row += [f"{found[z]['response']:.4f} ({found[z]['correlation']:.4f})", f"{found[z]['odd']:.3f}"]
        rows.append(tuple(row))
    head = ("mesh", "L [Mpc/h]", "radiation", "cycles to z = 1")
    of_z = (f"z = {z}: {what}" for z in (10, 1) for what in ("response (correlation)", "odd part"))
    return table((*head, *of_z), rows)


def figure(results: dict[str, Any]) -> None:
    """Errors against cycles, by clock and redshift: Newton's second order, relativity's, and the first order."""
    chart, axes = new_figure(columns=3, size=(4.4, 3.4))
    panels = (
        ("newton", "Newton's second order", (("whole", "eisenstein-hu"), ("first order", "eisenstein-hu"))),
        ("response", "second order of GR - Newton", (("whole", "eisenstein-hu"), ("first order", "eisenstein-hu"))),
        ("odd", "first order of GR - Newton, with radiation", (("whole", "camb"), ("no radiation", "camb"))),
    )
    labels = {
        "whole": "this clock",
        "first order": "exact for linear growth alone",
        "no radiation": "without corrections",
    }
    for axis, (name, title, clocks) in zip(axes[0], panels, strict=True):
        for colour, (clock, transfer) in zip((OTHERS[1], OTHERS[3]), clocks, strict=True):
            for z, style in (("10", "o-"), ("1", "s--")):
                found = [results[key(Pair(transfer=transfer, step=s, clock=clock))] for s in STEPS]
                values = [abs(f[z][name] - (0.0 if name == "odd" else 1.0)) for f in found]
                axis.plot(
                    [f["cycles"] for f in found], values, style, color=colour, ms=4, label=f"{labels[clock]}, z = {z}"
                )
        axis.set(xscale="log", yscale="log", xlabel="cycles from z = 100 to 1", title=title)
        axis.set_xticks([f["cycles"] for f in found], [f["cycles"] for f in found])
        axis.minorticks_off()
        axis.set_ylabel("error" if name != "odd" else "error over rms of the even part")
        axis.title.set_fontsize(9)
        axis.legend(fontsize=7, frameon=False)
    save_png(IMAGES / "steps.png", chart)


def main() -> None:
    """Measure what is missing; write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="measure nothing")
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not parser.parse_args().write:
        measure(results)
    fill(DOCS / "physics.md", "steps", SCRIPT, boxes_table(results))
    figure(results)


if __name__ == "__main__":
    main()
