"""A settings.ini of the reference program as the settings of a run (EQUATIONS 11)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, nearest
from weakfield.config.cosmology import OMEGA_GAMMA_PER_KELVIN4
from weakfield.config.simulation import RunSettings, Theory
from weakfield.formats.ini_keys import FOR_CLASS, READ, REFUSED, WITHOUT_EFFECT, is_for_class
from weakfield.formats.ini_text import IniText

_THEORIES: dict[str, Theory] = {"GR": "gr", "Newton": "newton"}
_YES_NO = {"yes": True, "no": False}
_FIELDS = {
    "phi": "phi", "chi": "chi", "B": "B", "T00": "T00", "rho": "T00", "hij": "hij", "GW": "hij", "rhoN": "rhoN",
    "psiN": "psiN", "Pot": "psiN",
}  # fmt: skip
_SNAPSHOT_FIELDS = {**_FIELDS, "p": "p", "Tij": "Tij"}
_SPECTRA = {**_FIELDS, "delta": "delta", "D_s": "delta", "deltaN": "deltaN"}
_PARTICLES = {"pcls", "Gadget2"}
#: words of the reference program that are refused, each with the reason
_NOT_WRITTEN = {
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
_KEYS_OF_FIELDS = {
    "simulation.grid": "Ngrid",
    "simulation.box_size_mpch": "boxsize",
    "simulation.initial_redshift": "initial redshift",
    "simulation.courant_factor": "Courant factor",
    "simulation.step_limit_hubble": "time step limit",
    "simulation.relaxation_redshift": "relaxation redshift",
    "simulation.tiling": "tiling factor",
    "simulation.tracer_factor": "tracer factor",
    "simulation.downgrade_factor": "downgrade factor",
    "simulation.snapshot_redshifts": "snapshot redshifts",
    "simulation.spectra_redshifts": "Pk redshifts",
    "simulation.spectra_bins": "Pk bins",
    "cosmology.omega_b": "omega_b",
    "cosmology.omega_cdm": "omega_cdm",
    "cosmology.t_cmb_kelvin": "T_cmb",
    "cosmology.n_ur": "N_ur",
    "cosmology.h": "h",
    "cosmology.a_s": "A_s",
    "cosmology.n_s": "n_s",
    "cosmology.k_pivot_invmpc": "k_pivot",
}
_NUR_PER_PHOTON = (7.0 / 8.0) * (4.0 / 11.0) ** (4.0 / 3.0)


@dataclass(frozen=True)
class IniRun:
    """What a settings.ini asks for; ``output_path`` is relative to the working directory."""

    settings: RunSettings
    output_path: Path
    warnings: tuple[str, ...]


def read_settings_ini(path: str | Path, need_files: bool = True) -> IniRun:
    """Read a settings.ini. ``BadInput`` names the file and the key that is missing, malformed or not supported.

    Without ``need_files`` the files it names may be missing, as for a run that was made elsewhere.
    """
    ini = IniText(Path(path), need_files)
    warnings = _check_keys(ini)
    ini.require(["boxsize", "Ngrid", "initial redshift"])
    warnings += [f"{path}: '{key}' is given again, the first value is used" for key in dict.fromkeys(ini.repeated)]
    for outputs, redshifts in (("snapshot outputs", "snapshot redshifts"), ("Pk outputs", "Pk redshifts")):
        if ini.given(outputs) != ini.given(redshifts):
            missing = redshifts if ini.given(outputs) else outputs
            warnings.append(f"{path}: '{missing}' is not given, so there are no such outputs")
    return IniRun(_settings(ini), Path(ini.text("output path", ".")), tuple(warnings))


def _settings(ini: IniText) -> RunSettings:
    """The validated settings; a value out of range is reported by its key in the file."""
    values = {
        "theory": ini.choice("gravity theory", _THEORIES, "gr"),
        "seed": ini.whole("seed", 0),
        "inverted": ini.choice("inverted", _YES_NO, False),
        "cosmology": _cosmology(ini),
        "simulation": _simulation(ini),
        "output": {
            "generic_base": ini.text("generic file base", ""),
            "snapshot_base": ini.text("snapshot file base", "snapshot"),
            "spectra_base": ini.text("Pk file base", "pk"),
            "dtype": "float64",
            **_checkpoints(ini),
        },
    }
    try:
        return RunSettings.from_mapping(values, source=str(ini.path))
    except BadInput as error:
        message = str(error)
        for field, key in _KEYS_OF_FIELDS.items():
            message = message.replace(f"'{field}'", f"'{key}'")
        raise BadInput(message) from error


def _checkpoints(ini: IniText) -> dict[str, Any]:
    """Restart files: one, kept up to date, by the keys of the reference program and one of our own."""
    values: dict[str, Any] = {
        "checkpoint_every": ini.whole("checkpoint every", 0),
        "hibernation_redshifts": tuple(sorted(ini.numbers("hibernation redshifts"), reverse=True)),
    }
    if ini.given("hibernation wallclock limit"):
        values["hibernation_wallclock_s"] = ini.number("hibernation wallclock limit")
    if ini.given("hibernation path") or ini.given("hibernation file base"):
        name = f"{ini.text('hibernation file base', 'restart')}.npz"
        values["checkpoint_path"] = Path(ini.text("hibernation path", ".")) / name
    return values


def _check_keys(ini: IniText) -> list[str]:
    """Refuse what is not supported; a warning for each key that nobody knows."""
    warnings = []
    for key, value in ini.values.items():
        for refusal in REFUSED:
            if refusal.keys.fullmatch(key) and value and not refusal.harmless(value):
                # with w = -1 the fluid is Lambda and the reference program drops it
                if key.lower() == "omega_fld" and ini.number("w0_fld", -1.0) == -1.0:
                    continue
                raise BadInput(f"{ini.path}: '{key}' is '{value}', but {refusal.reason}")
        known = key in READ or key in WITHOUT_EFFECT or any(refusal.keys.fullmatch(key) for refusal in REFUSED)
        if not known and not (is_for_class(key) and not _looks_like_ours(key)):
            warnings.append(
                f"{ini.path}: unknown key '{key}' is ignored{nearest(key, READ | WITHOUT_EFFECT | FOR_CLASS)}"
            )
    return warnings


def _looks_like_ours(key: str) -> bool:
    """Whether a key that only fits a pattern of CLASS's names is a slip in one of ours."""
    return key not in FOR_CLASS and bool(difflib.get_close_matches(key, READ, n=1, cutoff=0.9))


def _cosmology(ini: IniText) -> dict[str, float]:
    """Densities by any of their names; without omega_cdm cold dark matter fills the universe."""
    h = ini.number("h", 0.67556)
    omega_b = _density(ini, "b", h) or 0.0
    omega_gamma = _density(ini, "g", h)
    t_cmb = ini.number("T_cmb", 0.0)
    if not ini.given("T_cmb") and omega_gamma is not None:
        if omega_gamma < 0:
            raise BadInput(f"{ini.path}: 'omega_g' is {omega_gamma:g}, expected a density of 0 or more")
        t_cmb = (omega_gamma / OMEGA_GAMMA_PER_KELVIN4) ** 0.25
    omega_gamma = OMEGA_GAMMA_PER_KELVIN4 * t_cmb**4
    n_ur = _massless_neutrinos(ini, h, omega_gamma)
    omega_cdm = _density(ini, "cdm", h)
    if omega_cdm is None:
        omega_cdm = h**2 - omega_b - omega_gamma * (1.0 + n_ur * _NUR_PER_PHOTON)
    return {
        "h": h,
        "omega_b": omega_b,
        "omega_cdm": omega_cdm,
        "t_cmb_kelvin": t_cmb,
        "n_ur": n_ur,
        "a_s": ini.number("A_s", 2.215e-9),
        "n_s": ini.number("n_s", 0.9619),
        "k_pivot_invmpc": ini.number("k_pivot", 0.05),
    }


def _density(ini: IniText, species: str, h: float) -> float | None:
    """Omega h^2 from ``omega_X`` or ``Omega_X``."""
    if ini.given(f"omega_{species}"):
        return ini.number(f"omega_{species}")
    return ini.number(f"Omega_{species}") * h**2 if ini.given(f"Omega_{species}") else None


def _massless_neutrinos(ini: IniText, h: float, omega_gamma: float) -> float:
    """N_ur by any of its names; without photons there is none to scale from."""
    for key in ("N_ur", "N_eff"):
        if ini.given(key):
            return ini.number(key)
    omega_ur = _density(ini, "ur", h)
    if omega_ur is None:
        return 3.046
    if omega_gamma == 0.0:
        if omega_ur == 0.0:
            return 0.0
        raise BadInput(f"{ini.path}: 'omega_ur' is {omega_ur:g} but there are no photons, expected T_cmb beside it")
    return omega_ur / (_NUR_PER_PHOTON * omega_gamma)


def _simulation(ini: IniText) -> dict[str, Any]:
    """Box, stepping, initial conditions and outputs."""
    mesh = ini.choice("mesh", {"staggered": "staggered", "spectral": "spectral"}, "staggered")
    clock = "euler" if mesh == "staggered" else "second-order"  # the spectral mesh has no other
    return {
        "grid": ini.whole("Ngrid"),
        "box_size_mpch": ini.number("boxsize"),
        # as the reference program, whatever our own defaults are
        "mesh": mesh,
        "start": ini.choice("start", {"linear": "linear", "growing-mode": "growing-mode"}, "linear"),
        "f_nl": ini.number("f_nl", 0.0),
        "fixed_amplitude": ini.choice("fixed_amplitude", _YES_NO, False),
        "courant_factor": ini.number("Courant factor", 1.0),
        "step_limit_hubble": ini.number("time step limit", 1.0),
        "vector_method": ini.choice("vector method", {"parabolic": "parabolic", "elliptic": "elliptic"}, "parabolic"),
        "phi_integrator": ini.choice("phi integrator", {"euler": "euler", "second-order": "second-order"}, clock),
        "exact_redshifts": ini.choice("exact redshifts", _YES_NO, False),
        "second_order_terms": ini.choice("second order terms", _YES_NO, False),
        "precision": ini.choice("precision", {"double": "double", "single": "single"}, "double"),
        **_start(ini),
        "correct_displacement": ini.choice("correct displacement", _YES_NO, False),
        "k_domain": ini.choice("k-domain", {"sphere": "sphere", "cube": "cube"}, "cube"),
        "baryon_treatment": ini.choice(
            "baryon treatment", {name: name for name in ("ignore", "blend", "hybrid")}, "blend"
        ),
        "noise": ini.choice("noise", {"gevolution": "gevolution", "hermitian": "hermitian"}, "gevolution"),
        "snapshot_redshifts": _redshifts(ini, "snapshot"),
        "snapshot_fields": _outputs(ini, "snapshot outputs", _SNAPSHOT_FIELDS, _PARTICLES),
        "snapshot_particles": "pcls" in ini.words("snapshot outputs"),
        "snapshot_gadget": "Gadget2" in ini.words("snapshot outputs"),
        "tracer_factor": _first_whole(ini, "tracer factor", 1),
        "downgrade_factor": ini.whole("downgrade factor", 1),
        "spectra_redshifts": _redshifts(ini, "Pk"),
        "spectra_fields": _outputs(ini, "Pk outputs", _SPECTRA, set()),
        "spectra_bins": ini.whole("Pk bins", 64),
    }


def _start(ini: IniText) -> dict[str, Any]:
    """Where particles and fields come from, and when."""
    relaxed = ini.number("relaxation redshift") if ini.given("relaxation redshift") else None
    if ini.choice("IC generator", {"basic": False, "read from disk": True}, False):
        return _snapshot(ini, relaxed)
    times = {"initial_redshift": ini.number("initial redshift"), "relaxation_redshift": relaxed}
    return {**times, **_template(ini), **_transfer(ini)}


def _snapshot(ini: IniText, relaxed: float | None) -> dict[str, Any]:
    """A start from files: at the restart redshift if there is one, momenta half of ``dtau`` early."""
    for key in ("cycle", "tau"):
        if ini.given(key) and ini.number(key) != 0.0:
            raise BadInput(
                f"{ini.path}: '{key}' is '{ini.text(key)}', but a run from a snapshot counts from its own begin; leave"
                " it out (a run that was stopped goes on from its checkpoint)"
            )
    if ini.given("gevolution version") and ini.number("gevolution version") < 1.1:
        raise BadInput(
            f"{ini.path}: 'gevolution version' is '{ini.text('gevolution version')}', but the metric of versions before"
            " 1.1 is not supported"
        )
    particles = ini.words("particle file")
    if len(particles) != 1:
        raise BadInput(f"{ini.path}: 'particle file' names {len(particles)} files, expected 1, of one species")
    begin = ini.number("initial redshift")
    radiation = _transfer(ini) if ini.text("radiation treatment", "background") != "background" else {}
    return {
        "initial_redshift": ini.number("restart redshift", begin),
        "relaxation_redshift": begin if relaxed is None else relaxed,
        "tiling": 1,
        "initial_conditions": "snapshot",
        "particle_file": _file(ini, "particle file", particles[0]),
        "metric_files": tuple(_file(ini, "metric file", name) for name in ini.words("metric file")),
        "particle_step": ini.number("dtau", 0.0),
        "newton_velocities": "poisson",
        "radiation": False,
        **radiation,
    }


def _template(ini: IniText) -> dict[str, Any]:
    """The particle template, a file or built in; of a list the first serves, there is one species."""
    ini.require(["template file"])
    name = ini.words("template file")[0]
    tiling = _first_whole(ini, "tiling factor", 1)
    found = _beside(ini, name)
    if found is not None:
        return {"template_file": found, "tiling": tiling}
    crystals = {f"{crystal}_crystal.dat": crystal for crystal in ("sc0", "sc1", "bcc", "fcc")}
    if Path(name).name not in crystals and not ini.need_files:
        return {"template_file": (ini.path.parent / name).resolve(), "tiling": tiling}
    if Path(name).name not in crystals:
        raise BadInput(
            f"{ini.path}: 'template file' is '{name}', which is neither a file nor one of {', '.join(crystals)}"
            + nearest(Path(name).name, crystals)
        )
    return {"template": crystals[Path(name).name], "tiling": tiling}


def _first_whole(ini: IniText, key: str, default: int) -> int:
    """The whole number of the first species of a list, one a species."""
    words = ini.words(key)
    try:
        return int(words[0]) if words else default
    except ValueError as error:
        raise BadInput(f"{ini.path}: '{key}' is '{words[0]}', expected a whole number") from error


def _transfer(ini: IniText) -> dict[str, Any]:
    """Where the linear input comes from: ``transfer`` if given, else the Tk file, which fixes the Newtonian gauge.

    With ``radiation treatment = CLASS`` it is a Boltzmann code on CLASS's own wavenumbers, CAMB unless asked otherwise.
    """
    radiation = ini.choice("radiation treatment", {"background": False, "CLASS": True}, False)
    switches = {
        "radiation": radiation,
        "switch_delta_rad": ini.number("switch delta_rad", 0.0),
        "switch_linear_chi": ini.number("switch linear chi") if ini.given("switch linear chi") else None,
    }
    files = [key for key in ("Tk file", "mPk file") if ini.given(key)]
    if len(files) > 1:
        raise BadInput(f"{ini.path}: both 'Tk file' and 'mPk file' are given, expected one of them")
    if radiation and files and not ini.given("transfer"):
        raise BadInput(
            f"{ini.path}: '{files[0]}' is given and 'radiation treatment' is 'CLASS', but all of a run is made from one"
            f" source: leave '{files[0]}' out, or say 'transfer = camb' to pass it over"
        )
    if radiation or ini.given("transfer"):
        transfer = ini.choice("transfer", {name: name for name in ("camb", "class", "eisenstein-hu")}, "camb")
        return {"transfer": transfer, "transfer_nodes": "class", "newton_velocities": "nbody", **switches}
    if files == ["mPk file"]:
        found = _file(ini, "mPk file", ini.text("mPk file"))
        return {"transfer": "spectrum", "transfer_file": found, "newton_velocities": "poisson", "radiation": False}
    if not files:
        raise BadInput(
            f"{ini.path}: key 'Tk file' is missing, and there is no 'mPk file'; 'transfer = camb' computes transfer"
            " functions instead"
        )
    found = _file(ini, "Tk file", ini.text("Tk file"))
    return {"transfer": "file", "transfer_file": found, "transfer_nodes": "class", "newton_velocities": "poisson"}


def _file(ini: IniText, key: str, name: str) -> Path:
    """A file that has to be there, unless files are not needed."""
    found = _beside(ini, name)
    if found is None and ini.need_files:
        raise BadInput(
            f"{ini.path}: '{key}' is '{name}', found neither in the working directory nor in"
            f" {ini.path.parent.resolve()}"
        )
    return found if found is not None else (ini.path.parent / name).resolve()


def _beside(ini: IniText, name: str) -> Path | None:
    """A file named in the settings: relative to the working directory, else to the folder of the settings."""
    return next((place.resolve() for place in (Path(name), ini.path.parent / name) if place.is_file()), None)


def _redshifts(ini: IniText, kind: str) -> tuple[float, ...]:
    """Output redshifts, descending; none if nothing is to be written at them."""
    if not ini.given(f"{kind} outputs"):
        return ()
    return tuple(sorted(ini.numbers(f"{kind} redshifts"), reverse=True))


def _outputs(ini: IniText, key: str, names: dict[str, str], others: set[str]) -> tuple[str, ...]:
    """The quantities to write under our names, each once, in the order asked for."""
    words = ini.words(key)
    for word in words:
        if word not in names and word not in others:
            why = _NOT_WRITTEN.get(word, "is unknown")
            expected = ", ".join((*names, *sorted(others)))
            raise BadInput(f"{ini.path}: '{key}' asks for '{word}', which {why}; expected some of {expected}")
    return tuple(dict.fromkeys(names[word] for word in words if word in names))
