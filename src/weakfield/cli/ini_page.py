"""The page about the keys of a settings.ini, made from the table that reads them."""

from __future__ import annotations

from weakfield.formats.ini_keys import REQUIRED, TABLE, Key
from weakfield.formats.ini_others import REFUSED, WITHOUT_EFFECT
from weakfield.formats.ini_values import NOT_WRITTEN, SNAPSHOT_FIELDS, SNAPSHOT_PARTICLES, SPECTRA

INTRODUCTION = """\
# Running a settings.ini

`weakfield simulate settings.ini` runs a settings file of the reference program, gevolution 1.2, and writes what it
writes. Every key is read, has no effect here, or is refused by name with the reason; an unknown key is a warning. Names
are case-sensitive, `#` begins a comment, a key without a value counts as absent, and of a key given twice the first
value counts. Words are known by their first letter in either case, as gevolution knows them (`N`, `newton`), but those
of keys of our own are written as they stand below. A number stands alone, without a unit. The file may be in UTF-8,
UTF-16 or Latin-1. This page is the output of `weakfield settings --ini`.
"""

#: what a table cannot express, by the subject under which it appears
NOTES = {
    "Start from a snapshot": """\
Momenta in an HDF5 file are taken to be half of `dtau` earlier than positions, those in a Gadget-2 file to be of the
same time. With `cycle`, as in the settings that gevolution writes when it hibernates, the run goes on after that cycle:
`metric file` has phi, chi and B (without B if `vector method` is elliptic; in Newton B alone), momenta stay half of
`dtau` early, the background file is cut to what that cycle had and then continued, and outputs whose redshift is
passed are not written again. As in gevolution an output that was due in the very next cycle is lost.
""",
    "Linear theory": """\
Without `Tk file` and `mPk file`, as for a build linked to CLASS, transfer functions are computed, and a line says so:
by CAMB, or by CLASS with `transfer = class`, on the wavenumbers and through the times that CLASS would use. CAMB needs
baryons and photons.
With a `Tk file` and `radiation treatment = CLASS` (or `fluid treatment = CLASS`) the start is that of the file, and
linear fields are those of `linear transfer`; a warning says so.
""",
    "Cosmology": """\
A default that is taken is said. Two names of one quantity must agree to the digits in which they are written. Of the
names that only CLASS knows, `H0`, `ln10^{10}A_s` (`ln_A_s_1e10`), `Omega_m` (`omega_m`) and `Omega_Lambda` stand in for
`h`, `A_s` and `omega_cdm`, which a line says, and are compared with these if both are given. `100*theta_s` (`theta_s`,
`theta_star_100`) and `sigma8` (`S8`) are refused where `h` or `A_s` is not given, and a warning where it is; so are a
`YHe` where transfer functions are computed, an `r` other than 0, and `w0_fld`, `wa_fld` of a fluid that is not there.
As in gevolution the fluid is Lambda where `w0_fld` is -1, and its perturbations have the density of a fluid without
`wa_fld`; a study has neither flaw.
""",
    "Light cones": """\
Keys without a number describe one cone. Several have numbers from 0 on, without a gap: `lightcone 0 vertex`,
`lightcone 1 vertex`, ...; for these `outputs`, `shell factor`, `pixel factor`, `covering` and `Nside` without a number
are the defaults. A cone exists if its vertex is given; one whose vertex lies outside the box is left out with those
after it, and a line says so. Maps need no other program, and Newtonian runs have them too. Light cones need the
staggered mesh. Full skies beyond about a box hold more particles than those of gevolution, which loses some there
([equations](equations.md), 19.2).
""",
    "Output": """\
Other words that gevolution knows for these are known here too (`Phi`, `rho_N`, `Psi_N`, `particles`, `gadget`, ...).
While linear fields act, spectra of delta and T00, in Newton also those of rhoN, deltaN and psiN, have them; delta comes
with deltaclass and, in GR, deltacdm, and T00 with T00cdm. Fields that are written are those of particles alone. A run
goes on to the last of its redshifts even if no outputs are named for it; the background file is always written. The
file `<generic file base>_settings_used.ini`, written first, holds the keys that were used, in their order; what was
stated by a name that only CLASS knows stands there under the name that gevolution reads.
""",
    "Restart": """\
These do not leave the restart files of gevolution (`restart000.ini` with particles and fields). There is one
checkpoint, `<hibernation file base>.npz`, renewed at each of the redshifts and when the time is up; the same command
goes on from it to the same bits, and it is removed when the run is finished.
""",
}

#: what is refused where keys are read together: key or value, and the reason
REFUSED_TOGETHER = {
    "`gevolution version` below 1.1 in a start from a snapshot": "another convention for the metric",
    "`mPk file` with `radiation treatment = CLASS` or `fluid treatment = CLASS`": (
        "a spectrum of matter does not tell the amplitude of linear fields"
    ),
    "a fluid without `omega_cdm`": "cold dark matter would fill the universe beside it",
}


def settings_ini_page() -> str:
    """Markdown: the keys that are read, by subject; the keys without effect; and what is refused."""
    parts = [INTRODUCTION]
    for subject, keys in TABLE.items():
        rows = [_row(key) for key in keys]
        parts.append(
            "\n".join([f"## {subject}\n", "| key | value | if absent | meaning |", "|---|---|---|---|", *rows, ""])
        )
        if subject in NOTES:
            parts.append(NOTES[subject])
    parts.append("## Without effect\n\n| key | acts only on |\n|---|---|\n" + "".join(_without_effect()))
    parts.append("Other keys that only CLASS reads are passed over.\n")
    parts.append("## Refused\n\n| key or value | reason |\n|---|---|\n" + "".join(_refused()))
    return "\n".join(parts)


def _row(key: Key) -> str:
    default = "an error" if key.default is REQUIRED else key.default
    absent = key.absent or (f"{default:g}" if isinstance(default, float) else f"{default}")
    value = ", ".join(key.parser.choices) or key.parser.expected.removeprefix("a ").replace("value", "text")
    return f"| `{key.name}` | {value} | {absent} | {key.meaning} |"


def _without_effect() -> list[str]:
    """One row per reason."""
    keys: dict[str, list[str]] = {}
    for key, reason in WITHOUT_EFFECT.items():
        keys.setdefault(reason, []).append(f"`{key}`")
    return [f"| {', '.join(names)} | {reason} |\n" for reason, names in keys.items()]


def _refused() -> list[str]:
    """Single keys, keys that are read together, and words for outputs that no list accepts."""
    rows = [(refusal.what, refusal.reason) for refusal in REFUSED]
    rows += REFUSED_TOGETHER.items()
    written = {*SNAPSHOT_FIELDS, *SNAPSHOT_PARTICLES, *SPECTRA}
    rows += [(f"output `{word}`", f"it {why}") for word, why in NOT_WRITTEN.items() if word not in written]
    return [f"| {what} | {reason} |\n" for what, reason in rows]
