"""Reads a settings.ini of the reference program as the settings of a run (EQUATIONS 11)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, nearest
from weakfield.config.cosmology import OMEGA_GAMMA_PER_KELVIN4
from weakfield.config.simulation import RunSettings
from weakfield.formats.ini_keys import (
    FOR_CLASS,
    KEYS,
    NOT_WRITTEN,
    REFUSED,
    SNAPSHOT_FIELDS,
    SNAPSHOT_PARTICLES,
    SPECTRA,
    WITHOUT_EFFECT,
    is_for_class,
)
from weakfield.formats.ini_text import IniText

Fields = dict[str, Any]  # values under the setting they become, as table.name

_NUR_PER_PHOTON = (7.0 / 8.0) * (4.0 / 11.0) ** (4.0 / 3.0)


@dataclass(frozen=True)
class IniRun:
    """What a settings.ini asks for; ``output_path`` is relative to the working directory."""

    settings: RunSettings
    output_path: Path
    warnings: tuple[str, ...]


def read_settings_ini(path: str | Path, need_files: bool = True) -> IniRun:
    """Read a settings.ini. ``BadInput`` names the file and the key that is missing, malformed or not supported.

    Without ``need_files``, the files it names may be missing, as for a run that was made elsewhere.
    """
    ini = IniText(Path(path), need_files)
    warnings = _check_keys(ini)
    ini.require(["boxsize", "Ngrid", "initial redshift"])
    warnings += [f"{path}: '{key}' is given again, the first value is used" for key in dict.fromkeys(ini.repeated)]
    for outputs, redshifts in (("snapshot outputs", "snapshot redshifts"), ("Pk outputs", "Pk redshifts")):
        if ini.given(outputs) != ini.given(redshifts):
            missing = redshifts if ini.given(outputs) else outputs
            warnings.append(f"{path}: '{missing}' is not given, so there are no such outputs")
    return IniRun(_settings(ini), Path(ini["output path"]), tuple(warnings))


def _settings(ini: IniText) -> RunSettings:
    """The validated settings; a value out of range is reported under its key in the file."""
    fields: Fields = {key.field: ini[key.name] for key in KEYS.values() if key.alone}
    fields |= {"output.dtype": "float64", **_cosmology(ini), **_clock(ini), **_start(ini)}
    fields |= {**_outputs(ini), **_checkpoint(ini)}
    values: dict[str, Any] = {}
    for field, value in fields.items():
        table, _, name = field.rpartition(".")
        (values.setdefault(table, {}) if table else values)[name] = value
    try:
        return RunSettings.from_mapping(values, source=str(ini.path))
    except BadInput as error:
        message = str(error)
        for key in KEYS.values():
            if key.field:
                message = message.replace(f"'{key.field}'", f"'{key.name}'")
        raise BadInput(message) from error


def _check_keys(ini: IniText) -> list[str]:
    """Refuse what is not supported; returns a warning for each unknown key."""
    warnings = []
    for key, value in ini.values.items():
        for refusal in REFUSED:
            if refusal.keys.fullmatch(key) and value and not refusal.harmless(value):
                # with w = -1 the fluid is Lambda, and the reference program drops it
                if key.lower() == "omega_fld" and _number(ini, "w0_fld", -1.0) == -1.0:
                    continue
                raise BadInput(f"{ini.path}: '{key}' is '{value}', but {refusal.reason}")
        known = key in KEYS or key in WITHOUT_EFFECT or any(refusal.keys.fullmatch(key) for refusal in REFUSED)
        if not known and not (is_for_class(key) and not _looks_like_ours(key)):
            hint = nearest(key, {*KEYS, *WITHOUT_EFFECT, *FOR_CLASS})
            warnings.append(f"{ini.path}: unknown key '{key}' is ignored{hint}")
    return warnings


def _looks_like_ours(key: str) -> bool:
    """Whether a key that fits only a pattern of CLASS's names is a misspelling of one of ours."""
    return key not in FOR_CLASS and bool(difflib.get_close_matches(key, KEYS, n=1, cutoff=0.9))


def _number(ini: IniText, key: str, default: float) -> float:
    """The number under a key that only decides whether a file is refused."""
    if not ini.given(key):
        return default
    try:
        return float(ini.values[key])
    except ValueError as error:
        raise BadInput(f"{ini.path}: '{key}' is '{ini.values[key]}', expected a number") from error


def _cosmology(ini: IniText) -> Fields:
    """Densities under any of their names; without omega_cdm, cold dark matter fills up the total density."""
    h = ini["h"]
    omega_b = _density(ini, "b", h) or 0.0
    omega_gamma = _density(ini, "g", h)
    t_cmb = ini["T_cmb"] or 0.0
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
        "cosmology.omega_b": omega_b,
        "cosmology.omega_cdm": omega_cdm,
        "cosmology.t_cmb_kelvin": t_cmb,
        "cosmology.n_ur": n_ur,
    }


def _density(ini: IniText, species: str, h: float) -> float | None:
    """Omega h^2 from ``omega_X`` or ``Omega_X``."""
    if ini.given(f"omega_{species}"):
        return float(ini[f"omega_{species}"])
    return float(ini[f"Omega_{species}"]) * h**2 if ini.given(f"Omega_{species}") else None


def _massless_neutrinos(ini: IniText, h: float, omega_gamma: float) -> float:
    """N_ur under any of its names; without photons there is nothing to scale a density from."""
    for key in ("N_ur", "N_eff"):
        if ini.given(key):
            return float(ini[key])
    omega_ur = _density(ini, "ur", h)
    if omega_ur is None:
        return 3.046
    if omega_gamma == 0.0:
        if omega_ur == 0.0:
            return 0.0
        raise BadInput(f"{ini.path}: 'omega_ur' is {omega_ur:g} but there are no photons, expected T_cmb too")
    return omega_ur / (_NUR_PER_PHOTON * omega_gamma)


def _clock(ini: IniText) -> Fields:
    """The time integration; the spectral mesh has only the second-order clock."""
    clock = "euler" if ini["mesh"] == "staggered" else "second-order"
    return {"simulation.phi_integrator": ini["phi integrator"] or clock}


def _start(ini: IniText) -> Fields:
    """Where particles and fields come from, and at which redshift."""
    if ini["IC generator"] == "snapshot":
        return _snapshot(ini)
    return {
        "simulation.initial_redshift": ini["initial redshift"],
        "simulation.relaxation_redshift": ini["relaxation redshift"],
        "simulation.tiling": ini["tiling factor"],
        **_template(ini),
        **_transfer(ini),
    }


def _snapshot(ini: IniText) -> Fields:
    """A start from files, at the restart redshift if there is one, with momenta that are early by half of ``dtau``."""
    for key in ("cycle", "tau"):
        if _number(ini, key, 0.0) != 0.0:
            raise BadInput(
                f"{ini.path}: '{key}' is '{ini.values[key]}', but a run from a snapshot counts from its own beginning;"
                " leave it out (a run that was stopped goes on from its checkpoint)"
            )
    if _number(ini, "gevolution version", 1.1) < 1.1:
        raise BadInput(
            f"{ini.path}: 'gevolution version' is '{ini.values['gevolution version']}', but the metric of versions"
            " before 1.1 is not supported"
        )
    particles = ini["particle file"]
    if len(particles) != 1:
        raise BadInput(f"{ini.path}: 'particle file' names {len(particles)} files, expected 1, of one species")
    begin, relaxed, restart = (ini[f"{kind} redshift"] for kind in ("initial", "relaxation", "restart"))
    radiation = _transfer(ini) if ini.values.get("radiation treatment", "") not in ("", "background") else {}
    return {
        "simulation.initial_redshift": begin if restart is None else restart,
        "simulation.relaxation_redshift": begin if relaxed is None else relaxed,
        "simulation.tiling": 1,
        "simulation.particle_file": _file(ini, "particle file", particles[0]),
        "simulation.metric_files": tuple(_file(ini, "metric file", name) for name in ini["metric file"]),
        "simulation.particle_step": ini["dtau"],
        "simulation.newton_velocities": "poisson",
        "simulation.radiation": False,
        **radiation,
    }


def _template(ini: IniText) -> Fields:
    """The particle template, from a file or built in; of a list the first is used, as there is only one species."""
    name = ini["template file"].split(",")[0].strip()
    found = _beside(ini, name)
    if found is not None:
        return {"simulation.template_file": found}
    crystals = {f"{crystal}_crystal.dat": crystal for crystal in ("sc0", "sc1", "bcc", "fcc")}
    if Path(name).name in crystals:
        return {"simulation.template": crystals[Path(name).name]}
    if not ini.need_files:
        return {"simulation.template_file": (ini.path.parent / name).resolve()}
    raise BadInput(
        f"{ini.path}: 'template file' is '{name}', which is neither a file nor one of {', '.join(crystals)}"
        + nearest(Path(name).name, crystals)
    )


def _transfer(ini: IniText) -> Fields:
    """Where the linear input comes from: ``transfer`` if given, else the Tk file, which fixes the Newtonian gauge.

    With ``radiation treatment = CLASS`` it is a Boltzmann code on CLASS's own wavenumbers: CAMB unless asked otherwise.
    """
    radiation = ini["radiation treatment"]
    switches = {
        "simulation.radiation": radiation,
        "simulation.switch_delta_rad": ini["switch delta_rad"],
        "simulation.switch_linear_chi": ini["switch linear chi"],
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
        return {
            "simulation.transfer": ini["transfer"],
            "simulation.transfer_nodes": "class",
            "simulation.newton_velocities": "nbody",
            **switches,
        }
    if not files:
        raise BadInput(
            f"{ini.path}: key 'Tk file' is missing, and there is no 'mPk file'; 'transfer = camb' computes transfer"
            " functions instead"
        )
    read = {
        "simulation.transfer_file": _file(ini, files[0], ini[files[0]]),
        "simulation.newton_velocities": "poisson",
    }
    if files == ["mPk file"]:
        return {**read, "simulation.transfer": "spectrum", "simulation.radiation": False}
    return {**read, "simulation.transfer": "file", "simulation.transfer_nodes": "class"}


def _file(ini: IniText, key: str, name: str) -> Path:
    """A file that has to exist, unless files are not needed."""
    found = _beside(ini, name)
    if found is None and ini.need_files:
        raise BadInput(
            f"{ini.path}: '{key}' is '{name}', found neither in the working directory nor in"
            f" {ini.path.parent.resolve()}"
        )
    return found if found is not None else (ini.path.parent / name).resolve()


def _beside(ini: IniText, name: str) -> Path | None:
    """A file named in the settings: relative to the working directory, else to the folder of the settings."""
    return next((path.resolve() for path in (Path(name), ini.path.parent / name) if path.is_file()), None)


def _outputs(ini: IniText) -> Fields:
    """What is written and when; nothing is written at redshifts for which no outputs are named."""
    return {
        "simulation.snapshot_redshifts": ini["snapshot redshifts"] if ini.given("snapshot outputs") else (),
        "simulation.snapshot_fields": _quantities(ini, "snapshot outputs", SNAPSHOT_FIELDS, SNAPSHOT_PARTICLES),
        "simulation.snapshot_particles": "pcls" in ini["snapshot outputs"],
        "simulation.snapshot_gadget": "Gadget2" in ini["snapshot outputs"],
        "simulation.spectra_redshifts": ini["Pk redshifts"] if ini.given("Pk outputs") else (),
        "simulation.spectra_fields": _quantities(ini, "Pk outputs", SPECTRA, set()),
    }


def _quantities(ini: IniText, key: str, names: dict[str, str], others: set[str]) -> tuple[str, ...]:
    """The quantities to write, under our names, each once, in the order asked for."""
    for word in ini[key]:
        if word not in names and word not in others:
            why = NOT_WRITTEN.get(word, "is unknown")
            expected = ", ".join((*names, *sorted(others)))
            raise BadInput(f"{ini.path}: '{key}' asks for '{word}', which {why}; expected some of {expected}")
    return tuple(dict.fromkeys(names[word] for word in ini[key] if word in names))


def _checkpoint(ini: IniText) -> Fields:
    """One restart file, kept up to date; unless the settings give it a place it lies next to the outputs."""
    if not (ini.given("hibernation path") or ini.given("hibernation file base")):
        return {}
    return {"output.checkpoint_path": Path(ini["hibernation path"]) / f"{ini['hibernation file base']}.npz"}
