"""Every key of a settings.ini (EQUATIONS 11): what it becomes, how it is read, its default and its meaning.

``settings_ini`` reads by the table here, errors and suggestions take their names from it, and docs/settings_ini.md
shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REQUIRED = object()  # the default of a key that a file must have

#: words for fields in a list of outputs, and our names for them
FIELDS = {
    "phi": "phi", "chi": "chi", "B": "B", "T00": "T00", "rho": "T00", "hij": "hij", "GW": "hij", "rhoN": "rhoN",
    "psiN": "psiN", "Pot": "psiN",
}  # fmt: skip
SNAPSHOT_FIELDS = {**FIELDS, "p": "p", "Tij": "Tij"}
SNAPSHOT_PARTICLES = {"pcls", "Gadget2"}
SPECTRA = {**FIELDS, "delta": "delta", "D_s": "delta", "deltaN": "deltaN"}
#: words for outputs that are refused, each with the reason
NOT_WRITTEN = {
    "v": "is a velocity field, whose assignment to the mesh is not specified",
    "multi-Gadget2": "asks for a snapshot in several files, and it is written as one: use Gadget2",
    "X-spectra": "asks for cross spectra, which only a run with several species has",
    "pcls": "is for snapshots",
    "Gadget2": "is for snapshots",
    "p": "is for snapshots",
    "Tij": "is for snapshots",
    "delta": "is for spectra",
    "D_s": "is for spectra",
    "deltaN": "is for spectra",
}


@dataclass(frozen=True)
class Parser:
    """Turns the text of a value into what it means; raises ``ValueError`` if it is not what was ``expected``.

    ``choices`` are the allowed words, if only certain words are allowed.
    """

    parse: Callable[[str], Any]
    expected: str
    choices: tuple[str, ...] = ()


def _whole(word: str) -> int:
    number = float(word)
    if not number.is_integer():
        raise ValueError(word)
    return int(word) if word.lstrip("+-").isdigit() else int(number)


def words(text: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _descending(text: str) -> tuple[float, ...]:
    return tuple(sorted((float(word) for word in words(text)), reverse=True))


def _choice(*allowed: str, **meanings: Any) -> Parser:
    """One of several words, each meaning itself or the value given for it."""
    table: dict[str, Any] = {word: word for word in allowed} | meanings

    def parse(word: str) -> Any:
        if word not in table:
            raise ValueError(word)
        return table[word]

    return Parser(parse, " or ".join(table), tuple(table))


NUMBER = Parser(float, "a number")
WHOLE = Parser(_whole, "a whole number")
FIRST_WHOLE = Parser(lambda text: _whole(text.split(",")[0]), "a whole number")
TEXT = Parser(str, "a value")
LIST = Parser(words, "words separated by commas")
REDSHIFTS = Parser(_descending, "numbers separated by commas")
YES_NO = _choice(yes=True, no=False)


@dataclass(frozen=True)
class Key:
    """A key that is read.

    ``field`` is the setting it becomes, as table.name of ``RunSettings``; it is empty if the key only contributes to
    other settings. A key that is not ``alone`` is read by ``settings_ini`` together with others, and only if these ask
    for it. ``absent`` describes the default where the value alone does not.
    """

    name: str
    field: str
    parser: Parser
    default: Any
    meaning: str
    alone: bool = True
    absent: str = ""


BOX, START, SNAPSHOT, LINEAR = "Box and steps", "Initial conditions", "Start from a snapshot", "Linear theory"
COSMOLOGY, OUTPUT, RESTART = "Cosmology", "Output", "Restart"
OURS = "Our own, all optional"

#: the keys by subject; in each row: name, setting, parser, default, meaning
TABLE: dict[str, tuple[Key, ...]] = {
    BOX: (
        Key("boxsize", "simulation.box_size_mpch", NUMBER, REQUIRED, "comoving size of the box [Mpc/h]"),
        Key("Ngrid", "simulation.grid", WHOLE, REQUIRED, "cells a side"),
        Key("initial redshift", "simulation.initial_redshift", NUMBER, REQUIRED, "where the run starts", False),
        Key("Courant factor", "simulation.courant_factor", NUMBER, 1.0, "step limit in light-crossing times of a cell"),
        Key("time step limit", "simulation.step_limit_hubble", NUMBER, 1.0, "step limit in conformal Hubble times"),
        Key("gravity theory", "theory", _choice(GR="gr", Newton="newton"), "gr", "the theory of gravity", absent="GR"),
        Key("vector method", "simulation.vector_method", _choice("parabolic", "elliptic"), "parabolic",
            "frame dragging from its evolution equation, or from the constraint"),
        Key("relaxation redshift", "simulation.relaxation_redshift", NUMBER, None,
            "below it frame dragging and metric terms move particles", False, "the initial redshift"),
    ),
    START: (
        Key("IC generator", "simulation.initial_conditions", _choice(basic="linear", **{"read from disk": "snapshot"}),
            "linear", "linear theory, or particles and fields from files", absent="basic"),
        Key("template file", "simulation.template", TEXT, REQUIRED,
            "particle template, Gadget-2; the crystals sc0, sc1, bcc and fcc are built in; of a list the first",
            False, "an error, unless the start is read from disk"),
        Key("tiling factor", "simulation.tiling", FIRST_WHOLE, 1, "copies of the template a side; of a list the first",
            False),
        Key("seed", "seed", WHOLE, 0, "seed of the random numbers"),
        Key("correct displacement", "simulation.correct_displacement", YES_NO, False,
            "undo the smoothing of the initial displacement by the assignment to cells", absent="no"),
        Key("k-domain", "simulation.k_domain", _choice("sphere", "cube"), "cube",
            "modes of the initial conditions: below the cut-off in k, or in each component of k"),
        Key("baryon treatment", "simulation.baryon_treatment", _choice("ignore", "blend", "hybrid"), "blend",
            "CDM alone; one species with weighted transfer functions; every eighth particle a baryon"),
        Key("A_s", "cosmology.a_s", NUMBER, 2.215e-9, "primordial amplitude at the pivot"),
        Key("n_s", "cosmology.n_s", NUMBER, 0.9619, "spectral index"),
        Key("k_pivot", "cosmology.k_pivot_invmpc", NUMBER, 0.05, "pivot [1/Mpc]"),
    ),
    SNAPSHOT: (
        Key("particle file", "simulation.particle_file", LIST, (), "particles, HDF5 or Gadget-2", False,
            "an error, if the start is read from disk"),
        Key("metric file", "simulation.metric_files", LIST, (), "fields: phi, then chi, then B", False,
            "found from the particles; GR needs phi"),
        Key("restart redshift", "", NUMBER, None, "redshift of the files", False, "the initial redshift"),
        Key("dtau", "simulation.particle_step", NUMBER, 0.0,
            "step before the files [box]; momenta in HDF5 are half of it early", False),
    ),
    LINEAR: (
        Key("Tk file", "simulation.transfer_file", TEXT, None, "transfer functions in the format of CLASS", False,
            "an error, unless `mPk file`, `radiation treatment` or `transfer` stands in for it"),
        Key("mPk file", "simulation.transfer_file", TEXT, None,
            "spectrum of matter instead, k [h/Mpc] and P [(Mpc/h)^3]", False, "none"),
        Key("radiation treatment", "simulation.radiation", _choice(background=False, CLASS=True), False,
            "photons and neutrinos in the background alone, or as linear fields too", False, "background"),
        Key("switch delta_rad", "simulation.switch_delta_rad", NUMBER, 0.0, "redshift below which radiation leaves T00",
            False),
        Key("switch linear chi", "simulation.switch_linear_chi", NUMBER, None,
            "redshift below which the linear chi is off", False, "0 in GR, 0.011 in Newton"),
    ),
    COSMOLOGY: (
        Key("h", "cosmology.h", NUMBER, 0.67556, "Hubble constant / (100 km/s/Mpc)"),
        Key("omega_b", "cosmology.omega_b", NUMBER, None, "density of baryons, Omega_b h^2", False, "0"),
        Key("Omega_b", "", NUMBER, None, "the same without h^2", False, "`omega_b`"),
        Key("omega_cdm", "cosmology.omega_cdm", NUMBER, None, "density of cold dark matter, Omega_cdm h^2", False,
            "it fills the universe, without Lambda"),
        Key("Omega_cdm", "", NUMBER, None, "the same without h^2", False, "`omega_cdm`"),
        Key("T_cmb", "cosmology.t_cmb_kelvin", NUMBER, None, "temperature of the CMB [K]", False, "0: no photons"),
        Key("omega_g", "", NUMBER, None, "density of photons instead, Omega_g h^2", False, "`T_cmb`"),
        Key("Omega_g", "", NUMBER, None, "the same without h^2", False, "`T_cmb`"),
        Key("N_ur", "cosmology.n_ur", NUMBER, None, "number of massless neutrinos", False, "3.046"),
        Key("N_eff", "", NUMBER, None, "another name of it", False, "`N_ur`"),
        Key("omega_ur", "", NUMBER, None, "their density instead, Omega_ur h^2", False, "`N_ur`"),
        Key("Omega_ur", "", NUMBER, None, "the same without h^2", False, "`N_ur`"),
    ),
    OUTPUT: (
        Key("output path", "", TEXT, ".", "folder, relative to the working directory", False),
        Key("generic file base", "output.generic_base", TEXT, "", "begins the name of the background file",
            absent="nothing"),
        Key("snapshot file base", "output.snapshot_base", TEXT, "snapshot", "begins names of fields and particles"),
        Key("Pk file base", "output.spectra_base", TEXT, "pk", "begins names of spectra"),
        Key("snapshot redshifts", "simulation.snapshot_redshifts", REDSHIFTS, (), "when fields are written", False,
            "no snapshots"),
        Key("snapshot outputs", "simulation.snapshot_fields", LIST, (),
            "phi, chi, B, T00 or rho, hij or GW, p, Tij, rhoN, psiN or Pot, pcls, Gadget2", False, "no snapshots"),
        Key("Pk redshifts", "simulation.spectra_redshifts", REDSHIFTS, (), "when spectra are written", False,
            "no spectra"),
        Key("Pk outputs", "simulation.spectra_fields", LIST, (),
            "phi, chi, B, T00 or rho, hij or GW, delta or D_s, rhoN, psiN or Pot, deltaN", False, "no spectra"),
        Key("Pk bins", "simulation.spectra_bins", WHOLE, 64, "bins of the spectra"),
        Key("tracer factor", "simulation.tracer_factor", FIRST_WHOLE, 1,
            "write particles whose ID this divides; of a list the first"),
        Key("downgrade factor", "simulation.downgrade_factor", WHOLE, 1, "cells a side averaged into one when written"),
    ),
    RESTART: (
        Key("hibernation path", "", TEXT, ".", "folder of the checkpoint", False, "beside the outputs"),
        Key("hibernation file base", "", TEXT, "restart", "begins its name", False),
        Key("hibernation redshifts", "output.hibernation_redshifts", REDSHIFTS, (), "when checkpoints are written",
            absent="none"),
        Key("hibernation wallclock limit", "output.hibernation_wallclock_s", NUMBER, None,
            "seconds after which the run leaves a checkpoint and stops", absent="none"),
    ),
    OURS: (
        Key("mesh", "simulation.mesh", _choice("staggered", "spectral"), "staggered",
            "the lattice of the reference program, or one that is right at second order"),
        Key("start", "simulation.start", _choice("linear", "growing-mode"), "linear",
            "linear theory, or right at second order in both theories (on the spectral mesh, with a `transfer` that is"
            " computed); a start from a snapshot ignores it, and says so"),
        Key("f_nl", "simulation.f_nl", NUMBER, 0.0, "local non-Gaussianity of a growing-mode start"),
        Key("inverted", "inverted", YES_NO, False,
            "every mode of the initial conditions times -1; `weakfield import` refuses such runs", absent="no"),
        Key("fixed_amplitude", "simulation.fixed_amplitude", YES_NO, False,
            "every mode of the initial conditions has the amplitude of the mean power", absent="no"),
        Key("second order terms", "simulation.second_order_terms", YES_NO, False, "second-order source and force terms",
            absent="no"),
        Key("phi integrator", "simulation.phi_integrator", _choice("euler", "second-order"), None,
            "order of the time integration of phi; the spectral mesh needs the second", False,
            "euler; second-order on the spectral mesh"),
        Key("exact redshifts", "simulation.exact_redshifts", YES_NO, False, "steps land on every output", absent="no"),
        Key("noise", "simulation.noise", _choice("gevolution", "hermitian"), "gevolution",
            "hermitian: full variance on the plane kx = 0"),
        Key("precision", "simulation.precision", _choice("double", "single"), "double",
            "precision of particles and fields"),
        Key("transfer", "simulation.transfer", _choice("camb", "class", "eisenstein-hu"), "camb",
            "transfer functions are computed by this, whatever files are named", False,
            "the file; camb if `radiation treatment` is CLASS"),
        Key("checkpoint every", "output.checkpoint_every", WHOLE, 0, "cycles between checkpoints", absent="0: none"),
    ),
}  # fmt: skip
KEYS = {key.name: key for keys in TABLE.values() for key in keys}

_NEUTRINOS, _FLUID, _OTHER_START = "massive neutrinos", "a fluid", "a start other than basic"
#: keys of the reference program that act only on something that runs here do not have, each with that something
WITHOUT_EFFECT = {
    "move limit": _NEUTRINOS,
    "switch delta_ncdm": _NEUTRINOS,
    "switch B ncdm": _NEUTRINOS,
    "T_ncdm": _NEUTRINOS,
    "deg_ncdm": _NEUTRINOS,
    "fluid treatment": _FLUID,
    "w0_fld": _FLUID,
    "wa_fld": _FLUID,
    "cs2_fld": _FLUID,
    "lightcone file base": "light cones",
    "cycle": _OTHER_START,
    "tau": _OTHER_START,
    "gevolution version": _OTHER_START,
    "prevolution redshift": _OTHER_START,
    "prevolution Courant factor": _OTHER_START,
}

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
    """Keys that would change the result in an unsupported way, unless their value is harmless.

    ``what`` describes them and their values to the user.
    """

    keys: re.Pattern[str]
    harmless: Callable[[str], bool]
    reason: str
    what: str


def _is(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value in allowed


def _zero(value: str) -> bool:
    try:
        return all(float(word) == 0.0 for word in value.split(","))
    except ValueError:
        return False


def _never(value: str) -> bool:
    return not value


#: to support one of these keys, remove its line here and read the key
REFUSED = (
    Refusal(re.compile("IC generator"), _is("basic", "read from disk"),
            "only 'basic' and 'read from disk' are supported", "`IC generator` other than basic and read from disk"),
    Refusal(re.compile("baryon treatment"), _is("ignore", "blend", "hybrid"),
            "a separate ensemble of baryons is not supported: use blend or hybrid", "`baryon treatment = sample`"),
    Refusal(re.compile("m_ncdm"), _zero, "massive neutrinos are not supported", "`m_ncdm` above 0"),
    Refusal(re.compile("N_ncdm"), _zero, "massive neutrinos are not supported", "`N_ncdm` above 0"),
    Refusal(re.compile("[oO]mega_fld"), _zero, "a dark-energy fluid is not supported",
            "`omega_fld`, `Omega_fld` above 0 with `w0_fld` other than -1"),
    Refusal(re.compile("lightcone (?!file base).*"), _never, "light cones are not supported", "`lightcone ...`"),
)  # fmt: skip
