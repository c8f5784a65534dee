"""Reads a settings.ini of the reference program as the settings of a run (EQUATIONS 11)."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, nearest
from weakfield.config.run_settings import RunSettings
from weakfield.formats.ini_cosmology import STATED_FOR_CLASS, read_cosmology
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_lightcones import is_cone_key, numbered_keys, read_cones
from weakfield.formats.ini_others import FOR_CLASS, REFUSED, WITHOUT_EFFECT, is_for_class
from weakfield.formats.ini_species import read_species
from weakfield.formats.ini_text import IniText, shortened
from weakfield.formats.ini_values import (
    ACROSS,
    NOT_WRITTEN,
    NUMBER,
    SNAPSHOT_FIELDS,
    SNAPSHOT_PARTICLES,
    SPECTRA,
    quantity,
)

Fields = dict[str, Any]  # values under the setting they become, as table.name

#: keys that the reference program reads for a start from files alone, and those that it reads for a build of its own
_RESTART = ("particle file", "metric file", "restart redshift", "cycle", "tau", "dtau", "gevolution version")
_OTHER_BUILD = ("prevolution redshift", "prevolution Courant factor")
#: keys that the reference program reads, whether or not they act here
_READ = {*KEYS, *WITHOUT_EFFECT} - set(_OTHER_BUILD)


@dataclass(frozen=True)
class IniRun:
    """What a settings.ini at ``path`` asks for; ``output_path`` is relative to the working directory.

    ``warnings`` say what in the file is not done as it says, ``notes`` which values were taken where it is silent.
    ``used`` is the text of the keys that were used, as the reference program keeps it beside the output.
    """

    settings: RunSettings
    output_path: Path
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    used: str
    path: Path

    @property
    def said(self) -> tuple[str, ...]:
        """Everything that a person has to know before the run."""
        return self.warnings + self.notes


def read_settings_ini(
    path: str | Path, need_files: bool = True, finished: bool = False, beside: Path | None = None
) -> IniRun:
    """Read a settings.ini. ``BadInput`` names the file and the key that is missing, malformed or not supported.

    Without ``need_files``, the files it names may be missing. So may they for a ``finished`` run of the reference
    program; outputs that cannot be written here, such as light cones, are then passed over, and a key means what it
    meant to that program. Files are looked for in the working directory and ``beside`` the settings, by default in
    their folder.
    """
    ini = IniText(Path(path), need_files, finished, beside)
    _check_keys(ini)
    ini.require(["boxsize", "Ngrid", "initial redshift"])
    for key in dict.fromkeys(ini.repeated):
        ini.warn(f"{path}: '{shortened(key)}' is given again, the first value is used")
    for outputs, redshifts in (("snapshot outputs", "snapshot redshifts"), ("Pk outputs", "Pk redshifts")):
        if ini.given(outputs) != ini.given(redshifts):
            missing = redshifts if ini.given(outputs) else outputs
            at = "" if ini.given(outputs) else ", though the run goes on to its last redshift"
            ini.warn(f"{path}: '{missing}' is not given, so there are no such outputs{at}")
    settings = _settings(ini)
    ini.unread |= set(_RESTART) if settings.simulation.initial_conditions == "linear" else {"template file"}
    if ini.given("mPk file"):
        ini.unread.add("Tk file")
    known = {*_READ, *numbered_keys(ini)}
    return IniRun(settings, Path(ini["output path"]), tuple(ini.warnings), tuple(ini.notes), ini.used(known), ini.path)


def _settings(ini: IniText) -> RunSettings:
    """The validated settings; a value out of range is reported under its key in the file."""
    fields: Fields = {key.field: ini[key.name] for key in KEYS.values() if key.alone}
    cosmology = read_cosmology(ini)
    fields |= {"output.dtype": "float64", **cosmology, **_clock(ini), **_start(ini, cosmology)}
    fields |= {**_outputs(ini), **_checkpoint(ini), **read_cones(ini)}
    if ini["IC generator"] == "linear":
        fields |= read_species(ini, fields, lambda name: _template(ini, name))
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


def _check_keys(ini: IniText) -> None:
    """Refuse what is not supported, and warn of each unknown key."""
    for key, value in ini.values.items():
        refusals = [refusal for refusal in REFUSED if refusal.keys.fullmatch(key)]
        for refusal in refusals:
            if refusal.harmless(value):
                continue
            if not (ini.finished and refusal.class_alone):
                raise BadInput(f"{ini.quoted(key)}, but {refusal.reason}")
            ini.warn(f"{ini.quoted(key)}, which gevolution does not read: the finished run did not have it")
        known = key in KEYS or is_cone_key(key) or key in WITHOUT_EFFECT or key in STATED_FOR_CLASS or refusals
        if not known and not (is_for_class(key) and not _looks_like_ours(key)):
            hint = nearest(key, {*KEYS, *WITHOUT_EFFECT, *FOR_CLASS, *STATED_FOR_CLASS})
            ini.warn(f"{ini.path}: unknown key '{shortened(key)}' is ignored{hint}")


def _looks_like_ours(key: str) -> bool:
    """Whether a key that fits only a pattern of CLASS's names is a misspelling of one of ours."""
    return key not in FOR_CLASS and bool(difflib.get_close_matches(key, KEYS, n=1, cutoff=0.9))


def _number(ini: IniText, key: str, default: float) -> float:
    """The number under a key that only decides whether a file is refused."""
    return float(ini.parsed(key, NUMBER)) if ini.given(key) else default


def _clock(ini: IniText) -> Fields:
    """The time integration; the spectral mesh has only the second-order clock."""
    clock = "euler" if ini["mesh"] == "staggered" else "second-order"
    return {"simulation.phi_integrator": ini["phi integrator"] or clock}


def _start(ini: IniText, cosmology: Fields) -> Fields:
    """Where particles and fields come from, and at which redshift."""
    if ini["IC generator"] == "snapshot":
        return _snapshot(ini, cosmology)
    return {
        "simulation.initial_redshift": ini["initial redshift"],
        "simulation.relaxation_redshift": ini["relaxation redshift"],
        "simulation.tiling": ini["tiling factor"],
        **_first_template(ini),
        **_transfer(ini, cosmology),
    }


def _snapshot(ini: IniText, cosmology: Fields) -> Fields:
    """A start from files, at the restart redshift if there is one, with momenta that are early by half of ``dtau``."""
    particles = ini["particle file"]
    if not ini.finished:
        _check_restart(ini)
    if len(particles) != 1 and not (ini.finished and particles):
        raise BadInput(f"{ini.path}: 'particle file' names {len(particles)} files, expected 1, of one species")
    begin, relaxed, restart = (ini[f"{kind} redshift"] for kind in ("initial", "relaxation", "restart"))
    radiation = _transfer(ini, cosmology) if _linear_fields(ini, cosmology) else {}
    return {
        "simulation.initial_redshift": begin if restart is None else restart,
        "simulation.relaxation_redshift": begin if relaxed is None else relaxed,
        "simulation.tiling": 1,
        "simulation.particle_file": _file(ini, "particle file", particles[0]),
        "simulation.metric_files": tuple(_file(ini, "metric file", name) for name in ini["metric file"]),
        "simulation.particle_step": ini["dtau"],
        **_going_on(ini),
        "simulation.newton_velocities": "poisson",
        "simulation.radiation": False,
        **radiation,
    }


def _check_restart(ini: IniText) -> None:
    """Refuse files that cannot be read as they are meant."""
    if _number(ini, "gevolution version", 1.1) < 1.1:
        raise BadInput(f"{ini.quoted('gevolution version')}, but the metric of versions before 1.1 is not supported")


def _going_on(ini: IniText) -> Fields:
    """Where a run that left the files goes on, if the settings say after which cycle it left them."""
    if ini.finished:
        return {}
    if ini["cycle"] < 0:
        if ini["tau"]:
            ini.warn(f"{ini.quoted('tau')}, which is not used without 'cycle': the run counts from its own beginning")
        return {}
    return {"simulation.restart_cycle": ini["cycle"], "simulation.restart_tau": ini["tau"]}


def _first_template(ini: IniText) -> Fields:
    """The template of cold dark matter, the first in a list."""
    found = _template(ini, ini["template file"].split(",")[0].strip())
    return {"simulation.template_file" if isinstance(found, Path) else "simulation.template": found}


def _template(ini: IniText, name: str) -> Path | str:
    """A particle template, from a file or built in."""
    found = _beside(ini, name)
    if found is not None:
        return found
    crystals = {f"{crystal}_crystal.dat": crystal for crystal in ("sc0", "sc1", "bcc", "fcc")}
    if Path(name).name in crystals:
        return crystals[Path(name).name]
    if not ini.need_files:
        return (ini.beside / name).resolve()
    raise BadInput(
        f"{ini.path}: 'template file' is '{shortened(name)}', which is neither a file nor one of"
        f" {', '.join(crystals)}" + nearest(shortened(Path(name).name), crystals)
    )


def _transfer(ini: IniText, cosmology: Fields) -> Fields:
    """Where the linear input comes from: ``transfer`` if given, else the Tk file, which fixes the Newtonian gauge.

    With ``radiation treatment = CLASS``, and without any file, it is a Boltzmann code on CLASS's own wavenumbers, as in
    a build linked to CLASS: CAMB unless asked otherwise.
    """
    linear, massive = _linear_fields(ini, cosmology), bool(cosmology.get("cosmology.m_ncdm_ev"))
    files = [key for key in ("mPk file", "Tk file") if ini.given(key)]
    if ini.finished:
        del files[1:]  # the reference program takes the first
    if len(files) > 1:
        raise BadInput(f"{ini.path}: both 'Tk file' and 'mPk file' are given, expected one of them")
    if linear and files == ["mPk file"] and not ini.given("transfer"):
        both = f"{ini.path}: 'mPk file' is given and '{linear}' is 'CLASS'"
        if not ini.finished:
            raise BadInput(
                f"{both}, but a spectrum of matter does not tell the amplitude of linear fields: leave 'mPk file' out,"
                " or say 'transfer = camb' to pass it over"
            )
        ini.warn(f"{both}; the theory beside this run is that of CAMB for both")
        files = []
    if not files and not linear and not massive and not ini.given("transfer"):
        _check_camb(ini, cosmology)
        ini.note("there is no 'Tk file' and no 'mPk file', so transfer functions are those of CAMB")
    elif files and not ini.given("transfer"):
        read = {
            "simulation.transfer_file": _file(ini, files[0], ini[files[0]]),
            "simulation.newton_velocities": "poisson",
        }
        if files == ["mPk file"]:
            return {**read, "simulation.transfer": "spectrum", "simulation.radiation": False}
        if linear:
            ini.warn(
                f"{ini.path}: 'Tk file' is given and '{linear}' is 'CLASS': the start is that of the file, and linear"
                f" fields are those of {ini['linear transfer'].upper()}"
            )
        return {
            **read,
            "simulation.transfer": "file",
            "simulation.transfer_nodes": "class",
            **(_switches(ini) if linear else {}),
        }
    return {
        "simulation.transfer": "class" if massive and not ini.given("transfer") else ini["transfer"],
        "simulation.transfer_nodes": "class",
        "simulation.newton_velocities": "nbody",
        **_switches(ini),
    }


def _linear_fields(ini: IniText, cosmology: Fields) -> str:
    """The key that asks for linear fields, if any does."""
    fluid = cosmology.get("cosmology.omega_fld", 0.0) > 0.0 and ini["fluid treatment"]
    return "radiation treatment" if ini["radiation treatment"] else "fluid treatment" if fluid else ""


def _switches(ini: IniText) -> Fields:
    """Which linear fields act, and until when."""
    return {
        "simulation.radiation": ini["radiation treatment"],
        "simulation.fluid": ini["fluid treatment"],
        "simulation.switch_delta_rad": ini["switch delta_rad"],
        "simulation.switch_linear_chi": ini["switch linear chi"],
    }


def _check_camb(ini: IniText, cosmology: Fields) -> None:
    """Refuse settings without a source of transfer functions if CAMB cannot stand in for it."""
    missing = f"{ini.path}: key 'Tk file' is missing, and there is no 'mPk file'"
    if ini.finished:
        return
    if find_spec("camb") is None:
        raise BadInput(f"{missing}; CAMB, which would compute transfer functions instead, is not installed")
    for key, setting, what in (("omega_b", "omega_b", "baryons"), ("T_cmb", "t_cmb_kelvin", "photons")):
        if cosmology[f"cosmology.{setting}"] <= 0.0:
            raise BadInput(
                f"{missing}; CAMB, which would compute transfer functions instead, needs {what}, expected '{key}'"
                " above 0, or 'transfer = eisenstein-hu'"
            )


def _file(ini: IniText, key: str, name: str) -> Path:
    """A file that has to exist, unless files are not needed."""
    found = _beside(ini, name)
    if found is None and ini.need_files:
        raise BadInput(
            f"{ini.path}: '{key}' is '{shortened(name)}', found neither in the working directory nor in"
            f" {ini.beside.resolve()}"
        )
    return found if found is not None else (ini.beside / name).resolve()


def _beside(ini: IniText, name: str) -> Path | None:
    """A file named in the settings: relative to the working directory, else to the folder of the settings."""
    found = next((path for path in (Path(name), ini.beside / name) if os.path.isfile(path)), None)
    if found is None:
        return None
    return found.absolute() if ini.finished else found.resolve()  # import follows no links


def _outputs(ini: IniText) -> Fields:
    """What is written and when; a run goes on to its last redshift, whether or not outputs are named for it."""
    snapshots, spectra = _quantities(ini, "snapshot outputs"), _quantities(ini, "Pk outputs")
    return {
        "simulation.snapshot_redshifts": ini["snapshot redshifts"],
        "simulation.snapshot_fields": tuple(word for word in snapshots if word in SNAPSHOT_FIELDS),
        "simulation.snapshot_particles": "pcls" in snapshots,
        "simulation.snapshot_gadget": bool({"Gadget2", "multi-Gadget2"} & set(snapshots)),
        "simulation.gadget_files": ini["gadget files"] if "multi-Gadget2" in snapshots else 0,
        "simulation.spectra_redshifts": ini["Pk redshifts"],
        "simulation.spectra_fields": spectra,
        "simulation.reference_faults": "psiN" in spectra and ini["mesh"] == "staggered",
    }


def _quantities(ini: IniText, key: str) -> tuple[str, ...]:
    """The quantities to write, under our names, each once, in the order asked for."""
    names = (*SPECTRA, ACROSS) if key == "Pk outputs" else (*SNAPSHOT_FIELDS, *SNAPSHOT_PARTICLES)
    asked = {quantity(word): word for word in ini[key]}
    for name, word in asked.items():
        if name not in names and not ini.finished:
            why = NOT_WRITTEN.get(name, "is unknown")
            raise BadInput(
                f"{ini.path}: '{key}' asks for '{shortened(word)}', which {why}; expected some of {', '.join(names)}"
            )
    return tuple(name for name in asked if name in names and name != ACROSS)


def _checkpoint(ini: IniText) -> Fields:
    """One restart file, kept up to date; unless the settings give it a place it lies next to the outputs."""
    if not (ini.given("hibernation path") or ini.given("hibernation file base")):
        return {}
    return {"output.checkpoint_path": Path(ini["hibernation path"]) / f"{ini['hibernation file base']}.npz"}
