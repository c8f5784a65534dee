"""Keys of a settings.ini that set nothing here: refused, without effect, or for CLASS alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from weakfield.formats.ini_values import number

_OTHER_START = "a start other than basic"
#: keys of the reference program that act only on something that runs here do not have, each with that something
WITHOUT_EFFECT = {
    "gevolution version": _OTHER_START,
    "prevolution redshift": _OTHER_START,
    "prevolution Courant factor": _OTHER_START,
}

#: keys for CLASS that change no number here
FOR_CLASS = frozenset(
    {
        "output", "gauge", "root", "headers", "format", "modes", "lensing", "non linear", "non_linear",
        "tau_reio", "z_reio", "reio_parametrization", "recombination", "recombination code", "z_pk", "z_max_pk",
        "P_k_max_h/Mpc", "P_k_max_1/Mpc", "n_t", "alpha_t", "l_max_scalars", "l_max_tensors", "l_max_lss",
        "use_ppf", "k_output_values", "Gamma_dcdm", "tau_dcdm", "ksi_ncdm", "extra metric transfer functions",
        "write parameters", "write background", "write primordial", "write thermodynamics", "write warnings",
        "overwrite_root",
    }
)  # fmt: skip
_FOR_CLASS_PATTERN = re.compile(
    r"(l_max_|k_per_|tol_|perturb_|perturbations_|background_|thermo|recfast_|reionization_|primordial_|transfer_|"
    r"nonlinear_|lensing_|evolver|start_|k_min_|k_max_|k_step_|q_|hyper_|accurate_|radiation_streaming_|ur_fluid_|"
    r"ncdm_fluid_|tight_coupling_|halofit_|input_|back_)\w*|\w+_verbose"
)


def is_for_class(key: str) -> bool:
    """Whether a key is one of CLASS's own that changes no number here."""
    return key in FOR_CLASS or _FOR_CLASS_PATTERN.fullmatch(key) is not None


@dataclass(frozen=True)
class Refusal:
    """Keys that would change the result in an unsupported way, unless their value is harmless.

    ``what`` describes them and their values to the user. The reference program passes over those of ``class_alone``, so
    that its finished output does not depend on them.
    """

    keys: re.Pattern[str]
    harmless: Callable[[str], bool]
    reason: str
    what: str
    class_alone: bool = False


def _is(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value in allowed


def _not_beginning(*letters: str) -> Callable[[str], bool]:
    """Whether a word, known by its first letter, is another one; what is no word at all is left to who reads it."""
    return lambda value: value[:1].lower() not in letters


def _zero(value: str) -> bool:
    try:
        return all(number(word) == 0.0 for word in value.split(","))
    except ValueError:
        return False


#: to support one of these keys, remove its line here and read the key
REFUSED = (
    Refusal(re.compile("IC generator"), _not_beginning("p", "s", "f"),
            "only 'basic' and 'read from disk' are supported", "`IC generator` other than basic and read from disk"),
    Refusal(re.compile("[oO]mega_k"), _zero, "a curved universe is not supported", "`Omega_k` other than 0",
            class_alone=True),
    Refusal(re.compile("alpha_s|beta_s"), _zero, "a spectral index that runs is not supported",
            "`alpha_s`, `beta_s` other than 0", class_alone=True),
    Refusal(re.compile("P_?k_ini[ _]type"), _is("analytic_Pk"),
            "only 'analytic_Pk', a power law, is supported", "`P_k_ini type` other than analytic_Pk",
            class_alone=True),
    Refusal(re.compile("ic"), _is("ad"), "only adiabatic initial conditions ('ad') are supported",
            "`ic` other than ad", class_alone=True),
    Refusal(re.compile("[oO]mega_(ncdm|scf|dcdmdr|ini_dcdm|idm|idm_dr|idr|dr)|f_idm|f_idm_dr|N_idr|N_dg|xi_idr"),
            _zero, "this species is not supported",
            "densities of species that CLASS knows and gevolution does not (`Omega_scf`, `Omega_dcdmdr`, `Omega_idm`,"
            " `N_idr`, ...) and `Omega_ncdm`, other than 0", class_alone=True),
)  # fmt: skip
