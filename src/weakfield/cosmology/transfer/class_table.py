"""Transfer files as CLASS writes them: columns named after ':' in the header, Newtonian gauge (EQUATIONS 3.2)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.system_errors import told
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.transfer.stated import Stated
from weakfield.cosmology.transfer.tables import (
    SingleRedshift,
    TransferFunctions,
    require_coverage,
    total_contrast,
    total_divergence,
)

Array = npt.NDArray[np.float64]

_SPECIES = ("tot", "cdm", "b", "g", "ur")
_COLUMN = re.compile(r"\d+\s*:\s*(\S+)")


def provide(settings: SimulationSettings, cosmology: CosmologySettings) -> SingleRedshift:
    """The table in ``settings.transfer_file``, taken to be at the initial redshift."""
    if settings.transfer_file is None:
        raise BadInput("transfer is 'file' but transfer_file is not given, expected the path of a table")
    functions = read_class_table(settings.transfer_file, cosmology, settings.initial_redshift)
    require_coverage(functions.k_hmpc, settings.box_size_mpch, settings.grid, str(settings.transfer_file))
    return SingleRedshift(functions)


def read_class_table(path: str | Path, cosmology: CosmologySettings, redshift: float) -> TransferFunctions:
    """Read a ``Tk`` file at ``redshift``.

    It needs d_cdm, d_b, t_cdm, t_b, and also d_tot and t_tot, or all species to form them. Columns may be in any order;
    k is in h/Mpc, or in 1/Mpc if the header says so. Raises ``BadInput`` naming the file when it is missing, lacks
    these columns, says that it is for another redshift or gauge, has something other than numbers where numbers belong,
    or when k does not ascend.
    """
    path = Path(path)
    columns, stated = _columns(path)
    _check_kind(columns, path)
    stated.check_redshift(redshift)
    stated.check_gauge("newtonian")
    k = _named(columns, "k", path) * stated.k_in_hmpc(cosmology.h)
    if k.size < 3 or k[0] <= 0 or not (np.diff(k) > 0).all():
        raise BadInput(f"{path}: column 'k' does not ascend from a positive value over at least 3 rows")
    massive = [f"ncdm[{p}]" for p in range(len(cosmology.m_ncdm_ev))]
    names = (*_SPECIES, *massive)
    delta = {name: columns[f"d_{name}"] for name in names if f"d_{name}" in columns}
    theta = {name: columns[f"t_{name}"] for name in names if f"t_{name}" in columns}
    for prefix in ("d", "t"):
        for species in ("cdm", "b"):
            if not (species == "b" and cosmology.omega_b == 0):
                _named(columns, f"{prefix}_{species}", path)
    a = 1.0 / (1.0 + redshift)
    needed = [name for name, omega in (("g", cosmology.Omega_gamma), ("ur", cosmology.Omega_ur)) if omega > 0]
    for prefix, parts, mean in (("d", delta, total_contrast), ("t", theta, total_divergence)):
        if "tot" not in parts:
            if massive:
                raise BadInput(f"{path} has no column '{prefix}_tot', expected it where there are massive neutrinos")
            missing = [f"{prefix}_{name}" for name in needed if name not in parts]
            if missing:
                raise BadInput(f"{path} has no column '{prefix}_tot', and no '{missing[0]}' to compute it from")
            parts["tot"] = mean(parts, cosmology, a)
    return TransferFunctions(k, redshift, delta, theta, columns.get("phi"), columns.get("psi"), str(path))


def _check_kind(columns: dict[str, Array], path: Path) -> None:
    """Raise ``BadInput`` for tables that CLASS writes when it is asked for something else."""
    if any(name.startswith("-T_") for name in columns):
        raise BadInput(
            f"{path} is in CAMB's format ('-T_cdm/k2'), which has no velocities, expected CLASS's own:"
            " format = class, output = dTk, vTk, gauge = Newtonian"
        )
    if "t_cdm" not in columns and {"h", "eta", "h_prime", "eta_prime"} & set(columns):
        raise BadInput(
            f"{path} is in synchronous gauge (it has a column of eta or h, and none of 't_cdm'), expected Newtonian"
            " gauge"
        )


def _columns(path: Path) -> tuple[dict[str, Array], Stated]:
    """Every column of the file, by its name in the header without the unit, and what the comments say."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such transfer file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a text file, expected a table of transfer functions") from error
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error
    names: list[str] = []
    rows: list[list[float]] = []
    comments: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            comments.append(text.lstrip("# "))
            found = _COLUMN.findall(text)
            if "k" in found:
                names = found
        elif text:
            rows.append(_row(text, names, f"{path}, line {number}"))
    if not names:
        raise BadInput(f"{path} has no header that names its columns, expected one like '# 1:k (h/Mpc)  2:d_cdm ...'")
    if not rows:
        raise BadInput(f"{path} has no rows of numbers after its header")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadInput(f"{path} has more than one column '{min(twice)}', expected each once")
    return dict(zip(names, np.array(rows, dtype=np.float64).T.copy(), strict=True)), Stated.by(path, comments)


def _row(text: str, names: list[str], where: str) -> list[float]:
    """One row of finite numbers, as many as there are names."""
    try:
        values = [float(word) for word in text.split()]
    except ValueError as error:
        raise BadInput(f"{where}: found {text[:40]!r}, expected numbers") from error
    if names and len(values) != len(names):
        raise BadInput(f"{where}: found {len(values)} numbers, expected {len(names)} as the header names them")
    if not np.isfinite(values).all():
        raise BadInput(f"{where}: found a number that is not finite")
    return values


def _named(columns: dict[str, Array], name: str, path: Path) -> Array:
    if name not in columns:
        raise BadInput(f"{path} has no column '{name}', found {', '.join(columns)}")
    return columns[name]
