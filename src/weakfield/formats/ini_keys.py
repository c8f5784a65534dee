"""Which keys a settings.ini may hold: read, without effect here, meant for CLASS, or not supported (EQUATIONS 11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

#: keys that decide the run
READ = frozenset(
    {
        "IC generator", "template file", "tiling factor", "Tk file", "seed", "correct displacement", "k-domain",
        "baryon treatment", "relaxation redshift", "A_s", "n_s", "k_pivot", "boxsize", "Ngrid", "initial redshift",
        "Courant factor", "time step limit", "gravity theory", "vector method", "h", "omega_b", "Omega_b", "omega_cdm",
        "Omega_cdm", "T_cmb", "omega_g", "Omega_g", "N_ur", "N_eff", "omega_ur", "Omega_ur", "output path",
        "generic file base", "snapshot file base", "Pk file base", "snapshot redshifts", "Pk redshifts",
        "snapshot outputs", "Pk outputs", "Pk bins", "second order terms", "noise", "precision", "transfer",
        "radiation treatment", "switch delta_rad", "switch linear chi", "phi integrator", "exact redshifts",
        "tracer factor", "downgrade factor", "mPk file", "particle file", "metric file", "restart redshift", "dtau",
        "hibernation path", "hibernation file base", "hibernation redshifts", "hibernation wallclock limit",
        "checkpoint every", "mesh", "start", "f_nl", "inverted", "fixed_amplitude",
    }
)  # fmt: skip

#: keys of the reference program that act only together with a key or value that is refused
WITHOUT_EFFECT = frozenset(
    {
        "move limit", "switch delta_ncdm", "switch B ncdm", "fluid treatment",
        "w0_fld", "wa_fld", "cs2_fld", "T_ncdm", "deg_ncdm", "lightcone file base", "cycle", "tau",
        "gevolution version", "prevolution redshift", "prevolution Courant factor",
    }
)  # fmt: skip

#: keys that the reference program passes to CLASS
FOR_CLASS = frozenset(
    {
        "output", "gauge", "root", "headers", "format", "modes", "ic", "lensing", "non linear", "non_linear",
        "tau_reio", "z_reio", "reio_parametrization", "YHe", "recombination", "recombination code", "z_pk", "z_max_pk",
        "P_k_ini type", "P_k_max_h/Mpc", "P_k_max_1/Mpc", "alpha_s", "r", "n_t", "Omega_k", "Omega_Lambda", "H0",
        "theta_s", "ln10^{10}A_s", "l_max_scalars", "l_max_tensors", "l_max_lss", "use_ppf", "k_output_values",
        "extra metric transfer functions", "write parameters", "write background", "write primordial",
        "write thermodynamics", "write warnings", "overwrite_root",
    }
)  # fmt: skip
_FOR_CLASS_PATTERN = re.compile(
    r"(l_max_|k_per_|tol_|perturb_|perturbations_|background_|thermo|recfast_|reionization_|primordial_|transfer_|"
    r"nonlinear_|lensing_|evolver|start_|k_min_|k_max_|k_step_|q_|hyper_|accurate_|radiation_streaming_|ur_fluid_|"
    r"ncdm_fluid_|tight_coupling_|halofit_|input_|back_)\w*|\w+_verbose"
)


def is_for_class(key: str) -> bool:
    """Whether a key is one of CLASS's own."""
    return key in FOR_CLASS or _FOR_CLASS_PATTERN.fullmatch(key) is not None


@dataclass(frozen=True)
class Refusal:
    """A key that would change the result in a way not supported yet, unless its value is harmless."""

    keys: re.Pattern[str]
    harmless: Callable[[str], bool]
    reason: str

    @classmethod
    def of(cls, keys: str, harmless: Callable[[str], bool], reason: str) -> Refusal:
        return cls(re.compile(keys), harmless, reason)


def _is(*words: str) -> Callable[[str], bool]:
    return lambda value: value in words


def _number(expected: float) -> Callable[[str], bool]:
    def equal(value: str) -> bool:
        try:
            return all(float(word) == expected for word in value.split(","))
        except ValueError:
            return False

    return equal


def _never(value: str) -> bool:
    return not value


#: supporting one of these later means to remove its line here and to read the key
REFUSED = (
    Refusal.of("IC generator", _is("basic", "read from disk"), "only 'basic' and 'read from disk' are supported"),
    Refusal.of(
        "baryon treatment",
        _is("ignore", "blend", "hybrid"),
        "a separate ensemble of baryons is not supported: use blend or hybrid",
    ),
    Refusal.of("m_ncdm", _number(0.0), "massive neutrinos are not supported"),
    Refusal.of("N_ncdm", _number(0.0), "massive neutrinos are not supported"),
    Refusal.of("[oO]mega_fld", _number(0.0), "a dark-energy fluid is not supported"),
    Refusal.of("lightcone (?!file base).*", _never, "light cones are not supported"),
)
