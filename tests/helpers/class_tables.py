"""What the CLASS linked to the reference program gave it in each of its cycles, as kept beside its output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.cosmology.transfer import TransferFunctions

Array = npt.NDArray[np.float64]


class ClassTables:
    """A source of transfer functions that knows the cycles of one run; all but its start is in single precision.

    ``stored`` has the nodes ``k`` (n,) [h/Mpc], the redshifts ``z`` (m,), contrasts ``d_*``, phi (named ``phi``, or
    ``table_phi`` beside a field of that name) and ``psi_minus_phi``, each (m, n), and every column of the first
    redshift in double precision, ``initial`` (n, columns) with their names ``initial_names``.
    """

    def __init__(self, stored: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._k, self._z = (np.asarray(stored[name], dtype=np.float64) for name in ("k", "z"))
        self._start = {
            str(name): np.asarray(column, dtype=np.float64)
            for name, column in zip(stored["initial_names"], stored["initial"].T, strict=True)
        }
        self._later = {name: stored[name].astype(np.float64) for name in stored if name.startswith("d_")}
        self._later["phi"] = stored["table_phi" if "table_phi" in stored else "phi"].astype(np.float64)
        self._later["psi"] = self._later["phi"] + stored["psi_minus_phi"].astype(np.float64)

    def covers(self, a: float) -> bool:
        return True

    def at(self, a: float) -> TransferFunctions:
        """The table of the cycle at ``a``; ``BadInput`` where there was none."""
        i = int(np.abs((1.0 + self._z) * a - 1.0).argmin())
        if abs((1.0 + self._z[i]) * a - 1.0) > 1e-6:
            raise BadInput(f"the reference program asked for z = {self._z[i]:g}, not for z = {1.0 / a - 1.0:g}")
        columns = self._start if i == 0 else {name: table[i] for name, table in self._later.items()}
        delta, theta = ({n[2:]: v for n, v in columns.items() if n.startswith(kind)} for kind in ("d_", "t_"))
        return TransferFunctions(
            self._k, 1.0 / a - 1.0, delta, theta, columns["phi"], columns["psi"], "the reference's tables"
        )
