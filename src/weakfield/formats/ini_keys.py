"""Every key of a settings.ini (EQUATIONS 11): what it becomes, how it is read, its default and its meaning.

``settings_ini`` reads by the table here, errors and suggestions take their names from it, and docs/settings_ini.md
shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from weakfield.formats.ini_values import (
    FIRST_WHOLE,
    LIMIT,
    LIST,
    NUMBER,
    NUMBERS,
    POSITIVE,
    REDSHIFTS,
    TEXT,
    WHOLE,
    WHOLES,
    YES_NO,
    Parser,
    choice,
    initial,
)

REQUIRED = object()  # the default of a key that a file must have


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
CONES = "Light cones"
OURS = "Our own, all optional"

#: the keys by subject; in each row: name, setting, parser, default, meaning
TABLE: dict[str, tuple[Key, ...]] = {
    BOX: (
        Key("boxsize", "simulation.box_size_mpch", NUMBER, REQUIRED, "comoving size of the box [Mpc/h]"),
        Key("Ngrid", "simulation.grid", WHOLE, REQUIRED, "cells a side"),
        Key("initial redshift", "simulation.initial_redshift", NUMBER, REQUIRED, "where the run starts", False),
        Key("Courant factor", "simulation.courant_factor", NUMBER, 1.0, "step limit in light-crossing times of a cell"),
        Key("time step limit", "simulation.step_limit_hubble", NUMBER, 1.0, "step limit in conformal Hubble times"),
        Key("gravity theory", "theory", initial(GR="gr", Newton="newton"), "gr", "the theory of gravity", absent="GR"),
        Key("vector method", "simulation.vector_method", initial(parabolic="parabolic", elliptic="elliptic"),
            "parabolic", "frame dragging from its evolution equation, or from the constraint"),
        Key("move limit", "simulation.move_limit", NUMBER, None,
            "cells that a massive neutrino moves at most in a sub-step", False, "`Ngrid` - 1"),
        Key("relaxation redshift", "simulation.relaxation_redshift", NUMBER, None,
            "below it frame dragging and metric terms move particles", False, "the initial redshift"),
    ),
    START: (
        Key("IC generator", "simulation.initial_conditions",
            initial(("restart", "snapshot"), basic="linear", read_from_disk="snapshot"), "linear",
            "linear theory, or particles and fields from files", absent="basic"),
        Key("template file", "simulation.template", TEXT, REQUIRED,
            "particle template, Gadget-2; the crystals sc0, sc1, bcc and fcc are built in; a list has one for each"
            " species (CDM, sampled baryons, each of massive neutrinos), and the last is repeated",
            False, "an error, unless the start is read from disk"),
        Key("tiling factor", "simulation.tiling", FIRST_WHOLE, 1,
            "copies of the template a side; lists likewise; 0: neutrinos without particles", False),
        Key("seed", "seed", WHOLE, 0, "seed of the random numbers"),
        Key("correct displacement", "simulation.correct_displacement", initial(yes=True, no=False), False,
            "undo the smoothing of the initial displacement by the assignment to cells", absent="no"),
        Key("k-domain", "simulation.k_domain", initial(sphere="sphere", cube="cube"), "cube",
            "modes of the initial conditions: below the cut-off in k, or in each component of k"),
        Key("baryon treatment", "simulation.baryon_treatment",
            initial(ignore="ignore", blend="blend", hybrid="hybrid", sample="sample"), "blend",
            "CDM alone; one species with weighted transfer functions; every eighth particle a baryon; baryons as a"
            " species of their own. With `mPk file` it is ignore"),
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
        Key("cycle", "simulation.restart_cycle", WHOLE, -1,
            "a run left the files after this cycle, and goes on from there; below 0 it does not", False, "it does not"),
        Key("tau", "simulation.restart_tau", NUMBER, None, "conformal time of the files [box], if there is a `cycle`",
            False, "by the integral over a"),
    ),
    LINEAR: (
        Key("Tk file", "simulation.transfer_file", TEXT, None, "transfer functions in the format of CLASS", False,
            "`mPk file`, else transfer functions are computed"),
        Key("mPk file", "simulation.transfer_file", TEXT, None,
            "spectrum of matter instead, k [h/Mpc] and P [(Mpc/h)^3]", False, "none"),
        Key("radiation treatment", "simulation.radiation",
            initial(("ignore", False), background=False, CLASS=True), False,
            "photons and neutrinos in the background alone, or as linear fields too", False, "background"),
        Key("fluid treatment", "simulation.fluid", initial(("ignore", False), background=False, CLASS=True), False,
            "a fluid of dark energy in the background alone, or its perturbations as a linear field too", False,
            "background"),
        Key("switch delta_rad", "simulation.switch_delta_rad", NUMBER, 0.0, "redshift below which radiation leaves T00",
            False),
        Key("switch delta_ncdm", "simulation.switch_delta_ncdm", NUMBERS, (),
            "redshift below which particles of massive neutrinos are part of T00; lists by species", False,
            "the initial redshift, or 0 without particles"),
        Key("switch B ncdm", "simulation.switch_b_ncdm", NUMBERS, (),
            "the same for B of the elliptic method", False, "the same"),
        Key("switch linear chi", "simulation.switch_linear_chi", NUMBER, None,
            "redshift below which the linear chi is off, at least `switch delta_ncdm`", False,
            "0 in GR, 0.011 in Newton"),
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
        Key("m_ncdm", "cosmology.m_ncdm_ev", NUMBERS, (), "masses of massive neutrinos by species [eV]; 0: none", False,
            "none"),
        Key("N_ncdm", "", WHOLE, None, "how many of these there are", False, "all"),
        Key("T_ncdm", "cosmology.t_ncdm", NUMBERS, (), "their temperatures over that of photons", False, "0.71611"),
        Key("deg_ncdm", "cosmology.deg_ncdm", NUMBERS, (), "their degeneracies", False, "1"),
        Key("omega_ur", "", NUMBER, None, "their density instead, Omega_ur h^2", False, "`N_ur`"),
        Key("Omega_ur", "", NUMBER, None, "the same without h^2", False, "`N_ur`"),
        Key("omega_fld", "cosmology.omega_fld", NUMBER, None,
            "density of a fluid of dark energy, Omega_fld h^2; the rest is Lambda, and all of it where `w0_fld` is -1",
            False, "0"),
        Key("Omega_fld", "", NUMBER, None, "the same without h^2", False, "`omega_fld`"),
        Key("w0_fld", "cosmology.w0_fld", NUMBER, -1.0, "its equation of state today, w0 + wa (1 - a)", False),
        Key("wa_fld", "cosmology.wa_fld", NUMBER, 0.0, "the slope of its equation of state", False),
        Key("cs2_fld", "cosmology.cs2_fld", NUMBER, 1.0, "the square of its speed of sound", False),
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
            "phi, chi, B, T00 or rho, hij or GW, p, Tij, rhoN, psiN or Pot, v, pcls, Gadget2, multi-Gadget2", False,
            "no snapshots"),
        Key("Pk redshifts", "simulation.spectra_redshifts", REDSHIFTS, (), "when spectra are written", False,
            "no spectra"),
        Key("Pk outputs", "simulation.spectra_fields", LIST, (),
            "phi, chi, B, T00 or rho, hij or GW, delta or D_s, rhoN, psiN or Pot, deltaN, v; X-spectra: those across"
            " species too, where there are several", False, "no spectra"),
        Key("Pk bins", "simulation.spectra_bins", WHOLE, 64, "bins of the spectra"),
        Key("tracer factor", "simulation.tracer_factor", FIRST_WHOLE, 1,
            "write particles whose ID this divides; lists as for `tiling factor`"),
        Key("downgrade factor", "simulation.downgrade_factor", WHOLE, 1, "cells a side averaged into one when written"),
    ),
    RESTART: (
        Key("hibernation path", "", TEXT, ".", "folder of the checkpoint", False, "beside the outputs"),
        Key("hibernation file base", "", TEXT, "restart", "begins its name", False),
        Key("hibernation redshifts", "output.hibernation_redshifts", REDSHIFTS, (), "when the checkpoint is renewed",
            absent="none"),
        Key("hibernation wallclock limit", "output.hibernation_wallclock_s", LIMIT, None,
            "seconds after which the run leaves a checkpoint and stops; off at 0 and below", absent="none"),
    ),
    CONES: (
        Key("lightcone file base", "lightcone.base", TEXT, "lightcone", "begins names of files of light cones"),
        Key("lightcone vertex", "", NUMBERS, (), "where the observer is, x, y, z in the box [Mpc/h]", False, "no cone"),
        Key("lightcone redshift", "", NUMBER, 0.0, "when he observes; the run goes on until then", False),
        Key("lightcone distance", "", NUMBERS, (),
            "largest comoving distance, or the two limits in any order [Mpc/h]; for particles they decide about whole"
            " cycles", False, "half the box"),
        Key("lightcone opening half-angle", "", NUMBER, 180.0, "of the cone around its axis [degrees]", False,
            "the full sky"),
        Key("lightcone direction", "", NUMBERS, (0.0, 0.0, 1.0),
            "axis of the cone: a vector, or polar angle and azimuth [degrees]", False, "0, 0, 1"),
        Key("lightcone outputs", "", LIST, (), "phi, chi, B, hij (metric maps), Gadget2 (particles)", False,
            "no more than where the shells lie"),
        Key("lightcone shell factor", "", NUMBER, 1.0, "shells of the maps per cell", False),
        Key("lightcone pixel factor", "", NUMBER, 0.5, "pixels of a shell per unit of its area in cells", False),
        Key("lightcone covering", "", NUMBER, None, "thickness of what one cycle maps, in steps", False,
            "2 + 4 / (Courant factor x shell factor)"),
        Key("lightcone Nside", "", WHOLES, (),
            "least and largest resolution of HEALPix, raised to powers of two", False, "from 2 to `Ngrid`"),
        Key("lightcone every image", "lightcone.every_image", YES_NO, False,
            "our own: write every periodic image of a particle that is on the cone, not one a cycle", absent="no"),
        Key("lightcone clip distance", "lightcone.clip_distance", YES_NO, False,
            "our own: write particles up to the distances exactly", absent="no"),
        Key("lightcone process grid", "", WHOLES, (1, 1),
            "our own: the order of pixels in the maps is that of the reference program on so many processes", False,
            "1, 1"),
    ),
    OURS: (
        Key("mesh", "simulation.mesh", choice("staggered", "spectral"), "staggered",
            "the lattice of the reference program, or one that is right at second order"),
        Key("start", "simulation.start", choice("linear", "growing-mode"), "linear",
            "linear theory, or right at second order in both theories (on the spectral mesh, with a `transfer` that is"
            " computed); a start from a snapshot ignores it, and says so"),
        Key("f_nl", "simulation.f_nl", NUMBER, 0.0, "local non-Gaussianity of a growing-mode start"),
        Key("inverted", "inverted", YES_NO, False,
            "every mode of the initial conditions times -1; `weakfield import` refuses such runs", absent="no"),
        Key("fixed_amplitude", "simulation.fixed_amplitude", YES_NO, False,
            "every mode of the initial conditions has the amplitude of the mean power", absent="no"),
        Key("second order terms", "simulation.second_order_terms", YES_NO, False, "second-order source and force terms",
            absent="no"),
        Key("phi integrator", "simulation.phi_integrator", choice("euler", "second-order"), None,
            "order of the time integration of phi; the spectral mesh needs the second", False,
            "euler; second-order on the spectral mesh"),
        Key("exact redshifts", "simulation.exact_redshifts", YES_NO, False, "steps land on every output", absent="no"),
        Key("noise", "simulation.noise", choice("gevolution", "hermitian"), "gevolution",
            "hermitian: full variance on the plane kx = 0"),
        Key("precision", "simulation.precision", choice("double", "single"), "double",
            "precision of particles and fields"),
        Key("transfer", "simulation.transfer", choice("camb", "class", "eisenstein-hu"), "camb",
            "transfer functions are computed by this, whatever files are named", False,
            "the file; camb if there is none or `radiation treatment` is CLASS"),
        Key("gadget files", "simulation.gadget_files", POSITIVE, 1,
            "files of each snapshot for `multi-Gadget2`: slabs of the box in y, as of so many columns of processes",
            False),
        Key("linear transfer", "simulation.linear_transfer", choice("camb", "class"), "camb",
            "transfer functions of linear radiation and of the fluid, where the start is from a `Tk file`"),
        Key("checkpoint every", "output.checkpoint_every", WHOLE, 0, "cycles between checkpoints", absent="0: none"),
    ),
}  # fmt: skip
KEYS = {key.name: key for keys in TABLE.values() for key in keys}
