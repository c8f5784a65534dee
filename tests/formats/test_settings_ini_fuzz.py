"""Mutations of settings.ini files end in settings that are right, or in one sentence; never in another exception."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.formats import IniRun, read_settings_ini
from weakfield.formats.ini_cosmology import STATED_FOR_CLASS
from weakfield.formats.ini_keys import KEYS
from weakfield.formats.ini_others import FOR_CLASS, WITHOUT_EFFECT

DATA = Path(__file__).parents[1] / "data"
SEEDS = [
    (DATA / "stock16_gr" / "settings.ini").read_bytes(),
    (DATA / "class32_newton" / "settings.ini").read_bytes(),
    (DATA.parents[1] / "examples" / "settings.ini").read_bytes(),
    b"IC generator = read from disk\nparticle file = a.h5\nmetric file = b.h5\ninitial redshift = 100\nboxsize = 320\n"
    b"Ngrid = 16\nh = 0.7\nOmega_b = 0.05\nOmega_cdm = 0.25\nsnapshot redshifts = 3\nsnapshot outputs = phi\n",
]
NAMES = sorted(
    {
        *KEYS, *WITHOUT_EFFECT, *FOR_CLASS, *STATED_FOR_CLASS, "m_ncdm", "N_ncdm", "Omega_fld", "lightcone 0 vertex",
        "Omega_k", "alpha_s", "P_k_ini type", "ic", "seeds", "", "#", "=", "\u00e9",
    }
)  # fmt: skip
NUMBERS = (
    "", "0", "-0.0", "1", "-1", "-3", "3.046", "0.67556", "16.5", "1e-300", "1e300", "-1e300", "1e999", "4" * 5000,
    "nan", "inf", "-inf", "0x10", "1_0", "1e", ".", "+", "1 2", "1,2,3", ",", ",,1", "1, word", "320 Mpc/h", "\u0663",
    ", ".join(["1"] * 40),
)  # fmt: skip
WORDS = (
    "yes", "no", "N", "n", "g", "GR", "Newton", "Sphere", "CLASS", "class", "camb", "eisenstein-hu", "spectral",
    "growing-mode", "restart", "read from disk", "hybrid", "phi", "Phi, gadget, v", "delta, D_s", "x" * 300, "../..",
    "/etc", "a/b", "\u212a", "\u00e9", "\u00e9" * 200, "sc1_crystal.dat", "fcc_crystal.dat, x", "'", '"', "%s", "{}",
    "\\", "\t", "~",
)  # fmt: skip
VALUES = (*NUMBERS, *WORDS)


def _insert(lines: list[bytes], draw: random.Random) -> None:
    name, value = draw.choice(NAMES), draw.choice(VALUES)
    lines.insert(draw.randrange(len(lines) + 1), f"{name} = {value}".encode())


def _replace_value(lines: list[bytes], draw: random.Random) -> None:
    at = draw.randrange(len(lines))
    lines[at] = lines[at].partition(b"=")[0] + b"= " + draw.choice(VALUES).encode()


def _drop(lines: list[bytes], draw: random.Random) -> None:
    del lines[draw.randrange(len(lines))]


def _repeat(lines: list[bytes], draw: random.Random) -> None:
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))


def _damage(lines: list[bytes], draw: random.Random) -> None:
    at = draw.randrange(len(lines))
    line = bytearray(lines[at] or b" ")
    line[draw.randrange(len(line))] = draw.randrange(256)
    lines[at] = bytes(line)


def _swap_words(lines: list[bytes], draw: random.Random) -> None:
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    name, _, value = lines[one].partition(b"=")
    other_name, _, other_value = lines[other].partition(b"=")
    lines[one], lines[other] = name + b"=" + other_value, other_name + b"=" + value


def _mark(lines: list[bytes], draw: random.Random) -> None:
    lines[0] = draw.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc3(", b"\r"]) + lines[0]


MUTATIONS: list[Callable[[list[bytes], random.Random], None]] = [
    _insert, _insert, _insert, _replace_value, _replace_value, _drop, _repeat, _damage, _swap_words, _mark,
]  # fmt: skip


def mutated(seed: int, start: int, count: int) -> bytes:
    """One of the files with some mutations."""
    draw, lines = random.Random(seed), SEEDS[start].split(b"\n")
    for _ in range(count):
        if lines:
            draw.choice(MUTATIONS)(lines, draw)
    return b"\n".join(lines)


def outcome(path: Path, content: bytes, finished: bool) -> IniRun | None:
    """What a file is read as, or ``None`` if it is refused by one sentence that names it."""
    path.write_bytes(content)
    try:
        return read_settings_ini(path, need_files=False, finished=finished)
    except BadInput as error:
        sentence = str(error)
        assert sentence.startswith(str(path))
        assert sentence.isprintable()
        assert len(sentence) < len(str(path)) + 1000
        return None


def check(path: Path, content: bytes, finished: bool) -> bool:
    """Whether a file is accepted; if so its settings are valid, and the keys that were used mean the same again."""
    run = outcome(path, content, finished)
    if run is None:
        return False
    assert RunSettings.from_mapping(run.settings.model_dump()) == run.settings
    for text in run.said:
        assert text.isprintable()
        assert len(text) < len(str(path)) + 1000
    if not finished:
        again = outcome(path, run.used.encode(), finished)
        assert again is not None, run.used
        assert again.settings == run.settings
    return True


@pytest.mark.slow
def test_mutations(tmp_path_factory: pytest.TempPathFactory) -> None:
    path, accepted = tmp_path_factory.mktemp("fuzz") / "settings.ini", []

    @settings(
        max_examples=6000, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.integers(0, 2**32), st.integers(0, len(SEEDS) - 1), st.integers(0, 6), st.booleans())
    def mutations(seed: int, start: int, count: int, finished: bool) -> None:
        accepted.append(check(path, mutated(seed, start, count), finished))

    mutations()
    assert len(accepted) >= 5000
    assert 0.1 < sum(accepted) / len(accepted) < 0.9  # both outcomes are tried


@pytest.mark.slow
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "settings.ini"

    @settings(
        max_examples=1000, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def anything(content: bytes) -> None:
        check(path, SEEDS[0] + content, False)
        check(path, content, True)

    anything()


def test_every_key_with_every_value(tmp_path: Path) -> None:
    """Files with every odd value, other keys with some, each in a file that is right without it."""
    draw, path = random.Random(1), tmp_path / "settings.ini"
    for name in NAMES:
        for value in WORDS if name in ("Tk file", "template file", "output path") else draw.sample(VALUES, 3):
            check(path, f"{name} = {value}\n".encode() + SEEDS[0], draw.random() < 0.3)
