"""Study files of any size and depth, with numbers of any length: one sentence, at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.config import StudyConfig

FILES = {
    "lists": ("name = " + "[" * 5000 + "]" * 5000, "nests tables or lists too deep"),
    "tables": ("name = " + "{a = " * 3000 + "1" + "}" * 3000, "nests tables or lists too deep"),
    "dotted": ("search." + ".".join("a" * 3000) + " = 1", "nests tables or lists too deep"),
    "headers": ("[" + ".".join("a" * 1000) + "]\nb = 1", "nests tables or lists too deep"),
    "15 MB": ("name = '" + "x" * 15_000_000 + "'", "has more than 1e+06 bytes"),
    "long text": ("name = '" + "x" * 900_000 + "'", "has a text of 900000 characters, expected at most 10000"),
    "long key": ("[seeds]\n" + "x" * 900_000 + " = 1", "has a text of 900006 characters, expected at most 10000"),
    "digits": ("[seeds]\ncount = " + "9" * 100_000, "is not valid TOML: Exceeds the limit"),
    "hexadecimal": ("[seeds]\ncount = 0x" + "f" * 100_000, "'seeds.count' is 1e120412, expected at most 64 bits"),
    "65 bits": ("[training]\nseed = 18446744073709551616", "is 18446744073709551616, expected at most 64 bits"),
    "lines": ("[seeds]\n\"a\\nb\" = 1", "unknown key 'seeds.a b'"),
    "control": ("[training]\nnetwork = 'x'\nloss = \"\\u001b[31m\"", "training.loss: '?[31m' is unknown"),
    "nul": ("[campaign]\nscratch = \"a\\u0000b\"", r"'campaign.scratch' is 'a\x00b', expected a text without NUL"),
    "latin": (b"# caf\xe9\n", "is not valid TOML: 'utf-8' codec can't decode"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_a_file_that_no_person_wrote_is_a_sentence(
    content: str | bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    begin = time.monotonic()
    assert invoke(["simulate", str(path), "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert len(err) < 600 + len(str(path))
    assert time.monotonic() - begin < 5
    assert not (tmp_path / "run").exists()


def test_mappings_are_bounded_as_files_are() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="nests tables or lists too deep"):
        StudyConfig.from_mapping({"search": {"space": {"dropout": deep}}})
    while isinstance(deep, list):  # Python frees nested lists by recursion
        deep = deep[0]


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "marked"\r\n[seeds]\r\ncount = 3\r\n')
    assert StudyConfig.from_toml(path).seeds.count == 3
