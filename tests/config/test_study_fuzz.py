"""Whatever stands in a study file: right settings, or one sentence of bounded length; never another exception."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.config import Settings, StudyConfig
from weakfield.simulation.bounds import require_possible

EXAMPLES = int(os.environ.get("WEAKFIELD_FUZZ_EXAMPLES", "6000"))
LONGEST = 600

TABLES = {
    name: tuple(field.annotation.model_fields)
    for name, field in StudyConfig.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Settings)
}
DEFAULTS = StudyConfig().model_dump(mode="json", exclude_none=True)
#: words that some key takes, so that mutated files come close to right ones
WORDS = (
    "staggered", "spectral", "linear", "growing-mode", "euler", "file", "spectrum", "eisenstein-hu", "snapshot", "gr",
    "single", "slurm", "local", "phi", "cube", "slice", "raw", "auto", "none", "os:system", "a:b:c", ":", "",
    "cross_entropy", "x" * 20_000, "..", "/", "\0", "a\nb", "\x1b[31m", "é" * 300, "tcp://a:1",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 5, 63, 64, 10**5, 10**10, 2**31, 2**53, 2**62, 2**63 - 1, -(2**63), 2**64, 10**400,
    0.0, -0.0, 0.5, 1e-300, 5e-324, 1e300, 1.7976931348623157e308, -1e300, 1e10, 1e-3, math.inf, -math.inf, math.nan,
)  # fmt: skip

leaves = st.one_of(
    st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.booleans(), st.integers(), st.floats(), st.text()
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)
#: where bytes of the file are replaced, and by what; in one file of six
cuts = st.integers(0, 5).flatmap(
    lambda some: st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)) if some == 5 else st.none()
)
known_keys = st.sampled_from([(table, key) for table, keys in TABLES.items() for key in keys])
odd_keys = st.one_of(
    known_keys.map(lambda place: (place[0], place[1][:-1])),  # misspelt
    st.tuples(st.sampled_from([*TABLES, "name", "x"]), st.text(max_size=12)),
)


@st.composite
def studies(draw: Any) -> dict[str, Any]:
    """A study of a few keys, of which some have the value they should have, some a wrong one of the right type."""
    found: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 5))):
        table, key = draw(odd_keys if draw(st.integers(0, 14)) == 14 else known_keys)
        default = DEFAULTS.get(table, {}).get(key) if isinstance(DEFAULTS.get(table), dict) else None
        how = draw(st.integers(0, 7))
        if how <= 4 and default is not None:
            value = default
        elif how <= 6 and isinstance(default, int | float):
            value = draw(st.sampled_from(NUMBERS)) if draw(st.booleans()) else default + draw(st.integers(-2, 50))
        elif how <= 6 and isinstance(default, str):
            value = draw(st.sampled_from(WORDS))
        else:
            value = draw(values)
        place = found.setdefault(table, {})
        if isinstance(place, dict):
            place[key] = value
    if draw(st.integers(0, 19)) == 19:
        found[draw(st.sampled_from(["name", *TABLES]))] = draw(values)
    if draw(st.integers(0, 19)) == 19:
        deep: Any = 1
        for _ in range(draw(st.sampled_from([3, 30, 3000]))):
            deep = [deep] if draw(st.booleans()) else {"a": deep}
        found.setdefault("search", {})
        found["search" if draw(st.booleans()) else "deep"] = {"space": deep}
    return found


@pytest.mark.slow
def test_any_study_is_right_or_one_sentence(tmp_path: Path) -> None:
    outcomes = {"right": 0, "refused": 0}
    path = tmp_path / "study.toml"

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(study=studies(), cut=cuts)
    def check(study: dict[str, Any], cut: tuple[float, bytes] | None) -> None:
        content = tomli_w.dumps(study).encode("utf-8", "surrogatepass") if _writable(study) else None
        if content is not None and cut is not None:  # bytes in the middle of the file
            at = int(cut[0] * len(content))
            content = content[:at] + cut[1] + content[at + len(cut[1]) :]
        try:
            if content is None:
                found = StudyConfig.from_mapping(study, str(path))
            else:
                path.write_bytes(content)
                found = StudyConfig.from_toml(path)
            again = tmp_path / "again.toml"
            again.write_text(found.to_toml(), encoding="utf-8")
            assert StudyConfig.from_toml(again) == found
            assert len(found.seeds.all) == found.seeds.count
            assert repr(found)
            outcomes["right"] += 1
            require_possible(found.run_settings("gr", found.seeds.first))
        except BadInput as error:
            said = str(error)
            assert said.isprintable()
            assert len(said) < LONGEST + len(str(path))
            outcomes["refused"] += 1

    check()
    assert min(outcomes.values()) > EXAMPLES / 20, outcomes  # files of both kinds were tried


def _writable(study: Any) -> bool:
    """Whether the TOML writer takes it; Python refuses to write whole numbers of thousands of digits."""
    try:
        tomli_w.dumps(study).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True
