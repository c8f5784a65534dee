"""How often the control 'information' finds bits where there are none, and where some are planted (docs/evaluation.md).

    python docs/scripts/information.py FOLDER              the data sets that FOLDER lacks, then rates and tables
    python docs/scripts/information.py FOLDER --sets 30    so many of each kind instead of 100
    python docs/scripts/information.py FOLDER --measure    rates and tables of the data sets that are there

Gaussian fields and what is made of them, 32^3; every data set has a network of its own, trained as any study trains
one. FOLDER gets one small file a data set, whole or not at all; stopped and started again the script goes on behind the
last. Kinds take turns, so that one may stop at any time. Writes src/weakfield/audit/information.json and the table in
docs/evaluation.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from marks import DOCS, fill, table
from torch import Tensor

from weakfield import fourier
from weakfield.audit.information import information, triangle_rows
from weakfield.audit.records import RATES, Calibration, Information, Rate, Unit
from weakfield.base.progress import bar, bars
from weakfield.base.records import Record
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PARTS, Pairs, PairTensor, Part
from weakfield.dataset.pairs import flip_half
from weakfield.fourier.altered import group_power, match_power, power_groups
from weakfield.fourier.half_axis import squared_wavenumbers
from weakfield.learning import fit, score
from weakfield.learning.concurrency import one_thread
from weakfield.learning.fitting import Task
from weakfield.learning.metrics import unpaired_auc
from weakfield.learning.scores import proportion

GRID = 32
BOX = 640.0  # [Mpc/h]
SLOPE = -1.0
SIZES: dict[Part, int] = {"train": 40, "validation": 12, "test": 48}
NETWORK = TrainingSettings(
    network="cnn3d", channels=2, blocks=2, epochs=6, batch_pairs=2, learning_rate=1e-2, device="cpu",
    precision="single", layout="channels_last", loading="memory",
)  # fmt: skip
#: of the field's cube and square in units of its standard deviation; share of a member that its twin does not have
G_NL, F_NL, OWN = 0.08, 0.2, 0.1
LOUDER = 1.03
UNITS: tuple[Unit, ...] = ("cube", "pair")

Random = np.random.Generator
Make = Callable[[int, Random], Tensor]


class DataSet(Record):
    """What was found in one data set; ``auc`` is that of its network between universes."""

    auc: float
    found: tuple[Information, ...]


@dataclass(frozen=True)
class Kind:
    """Pairs (count, 2, 1, N, N, N), with or without anything beyond P and B; ``exchanged`` within random halves."""

    said: str
    make: Make
    planted: bool = False
    exchanged: bool = False


def gaussian(count: int, random: Random) -> Tensor:
    """Fields (count, 1, N, N, N) of variance 1 with P ~ k^SLOPE."""
    noise = torch.from_numpy(random.standard_normal((count, 1, GRID, GRID, GRID)))
    squares = squared_wavenumbers(GRID).astype(float)
    squares[0, 0, 0] = np.inf
    shape = torch.from_numpy(squares ** (SLOPE / 4))
    variance = float((torch.from_numpy(fourier.half_axis_weights(GRID)) * shape**2).sum()) / GRID**3
    return fourier.backward(fourier.forward(noise, 3) * shape, GRID, 3) / variance**0.5


def siblings(count: int, random: Random) -> Tensor:
    """Gaussian pairs (count, 2, 1, N, N, N) that share 1 - OWN^2 of their variance; the members could be exchanged."""
    common = gaussian(count, random)
    return torch.stack([(1 - OWN**2) ** 0.5 * common + OWN * gaussian(count, random) for _ in range(2)], dim=1)


def of_equal_power(pairs: Tensor) -> Tensor:
    """The second member gets the power of the first at every |k|; both go through the same operations."""
    return torch.stack([match_power(pairs[:, member], pairs[:, 0], finest=True) for member in (0, 1)], dim=1)


def gaussians(count: int, random: Random) -> Tensor:
    """Gaussian siblings of equal P."""
    return of_equal_power(siblings(count, random))


def bent(count: int, random: Random) -> Tensor:
    """Siblings, both with a local f_NL: P and B, and all else, are the same in the mean."""
    g = siblings(count, random)
    return g + F_NL * (g**2 - (g**2).mean(dim=(-3, -2, -1), keepdim=True))


def louder(count: int, random: Random) -> Tensor:
    """A Gaussian field, and the same times LOUDER where 4 <= |n| < 8: P tells all."""
    g = gaussian(count, random)
    squares = torch.from_numpy(squared_wavenumbers(GRID))
    factor = torch.where((squares >= 16) & (squares < 64), LOUDER, 1.0)
    return torch.stack([g, fourier.backward(fourier.forward(g, 3) * factor, GRID, 3)], dim=1)


def coupled(count: int, random: Random) -> Tensor:
    """A Gaussian field g, and g + G_NL (g^3 - 3 <g^2> g) with its power at every |k|: odd in g, so that B is 0."""
    g = gaussian(count, random)
    return of_equal_power(torch.stack([g, g + G_NL * (g**3 - 3 * g)], dim=1))


KINDS = {
    "exchanged": Kind(f"g_NL = {G_NL}, classes exchanged within random halves", coupled, exchanged=True),
    "gaussian": Kind("Gaussian fields of equal P", gaussians),
    "newton": Kind(f"N and N' of equal P and B (f_NL = {F_NL} in both)", bent),
    "power": Kind(f"P alone: Gaussian fields, {LOUDER} times as loud in 4 to 8 k_F", louder),
    "coupled": Kind(f"planted: g_NL = {G_NL} at equal P, B = 0", coupled, planted=True),
}


def data_set(name: str, number: int) -> DataSet:
    """Draw a data set, train a network, and count bits."""
    kind = KINDS[name]
    random = np.random.default_rng([7_919, list(KINDS).index(name), number])
    cubes, first = {}, 0
    for part in PARTS:
        seeds = range(first, first + SIZES[part])
        pairs = PairTensor(seeds, kind.make(SIZES[part], random).float())
        cubes[part] = flip_half(pairs, random) if kind.exchanged else pairs
        first += SIZES[part]
    with TemporaryDirectory() as folder:
        settings = NETWORK.model_copy(update={"seed": number})
        pairs_of: dict[Part, Pairs] = dict(cubes)
        scores = score(
            fit(Task(settings, pairs_of, f"{name} {number}"), Path(folder), f"{name} {number}"), cubes["test"]
        )
    groups = power_groups(GRID)
    power = {part: np.log(group_power(pairs.values, groups)[:, :, 0]) for part, pairs in cubes.items()}
    both = {part: np.concatenate([power[part], triangle_rows(cubes[part], BOX)], axis=-1) for part in PARTS}
    found = [
        information(scores, rows["test"], np.concatenate([rows["train"], rows["validation"]]), given, unit)
        for given, rows in (("P(k)", power), ("P(k) and B", both))
        for unit in UNITS
    ]
    return DataSet(auc=unpaired_auc(scores), found=tuple(found))


def path_of(folder: Path, name: str, number: int) -> Path:
    """Where a data set is kept."""
    return folder / f"{name}{number:03d}.json"


def grow(folder: Path, sets: int) -> None:
    """Make the data sets that are not there, kinds in turn."""
    todo = [(name, number) for number in range(sets) for name in KINDS if not path_of(folder, name, number).exists()]
    with bars(), one_thread(), bar("data sets", len(todo)) as progress:
        for name, number in todo:
            data_set(name, number).save(path_of(folder, name, number))
            progress.advance()


def measured(folder: Path) -> tuple[Calibration, list[tuple[str, ...]]]:
    """The rates, and rows of the table."""
    rates, rows = [], []
    for name, kind in KINDS.items():
        done = [DataSet.load(path) for path in sorted(folder.glob(f"{name}[0-9]*.json"))]
        if not done:
            continue
        yes = {test.test: sum(one.found[row].found for one in done) for row, test in enumerate(done[0].found)}
        for given, tests in {"P(k)": (0, 1), "P(k) and B": (2, 3)}.items():
            yes[f"{given}, either"] = sum(any(one.found[row].found for row in tests) for one in done)
        rates.append(Rate(kind=kind.said, planted=kind.planted, data_sets=len(done), yes=yes))
        aucs = np.quantile([one.auc for one in done], [0.16, 0.5, 0.84])
        shares = [proportion(count / len(done), len(done)) for count in yes.values()]
        cells = [f"{100 * s.value:.0f} % ({100 * s.low:.0f} to {100 * s.high:.0f})" for s in shares]
        for row in range(len(done[0].found)):
            cells[row] += f", {np.median([one.found[row].bits.value for one in done]):+.3f}"
        rows.append((kind.said, str(len(done)), f"{aucs[1]:.2f} ({aucs[0]:.2f} to {aucs[2]:.2f})", *cells))
    data = (
        f"Gaussian fields and what is made of them, {GRID}^3, P ~ k^{SLOPE:g}, a network of its own for each data set,"
        f" {SIZES['train']} + {SIZES['validation']} + {SIZES['test']} seeds to train, validate and test"
    )
    return Calibration(data=data, rates=tuple(rates)), rows


def main() -> None:
    """What the command does: make what this file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="one file a data set")
    parser.add_argument("--sets", type=int, default=100, help="of each kind")
    parser.add_argument("--measure", action="store_true", help="make no data sets")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.measure:
        grow(options.folder, options.sets)
    known, rows = measured(options.folder)
    known.save(RATES)
    head = ("data sets", "number", "AUC of the networks", *known.rates[0].yes)
    fill(DOCS / "evaluation.md", "information", "docs/scripts/information.py", table(head, rows))


if __name__ == "__main__":
    main()
