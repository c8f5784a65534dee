"""Who reaches the workers of a campaign: nobody from other machines, or, in a queue, who has its key."""

from __future__ import annotations

import importlib.util
import os
import ssl
import stat
import sys
from pathlib import Path

import pytest

from helpers.campaigning import fields, run, write_study
from helpers.listening import beyond_loopback, listening
from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.config import StudyConfig
from weakfield.config.campaign import CampaignSettings
from weakfield.pairs import security
from weakfield.pairs.clusters import connected
from weakfield.pairs.security import queue_credentials, warn_of_open_scheduler

with_keys = pytest.mark.skipif(
    importlib.util.find_spec("cryptography") is None, reason="cryptography is not installed: weakfield[campaign]"
)


def local(monkeypatch: pytest.MonkeyPatch, encrypted: bool) -> str:
    """Start two workers of this machine, and return the scheduler's address after a look at all sockets."""
    if not encrypted:
        monkeypatch.setattr(security, "_credentials", missing)
    with connected(StudyConfig.from_mapping({"campaign": {"workers": 2}}), Path("unused")) as client:
        client.wait_for_workers(2, timeout=60)
        assert len(client.run(os.getpid)) == 2  # they work
        assert listening(os.getpid())  # or else the look sees nothing
        assert beyond_loopback(os.getpid()) == set()
        return str(client.scheduler.address)


def missing() -> None:
    raise ImportError("cryptography")


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are read from /proc")
def test_local_workers_listen_on_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local(monkeypatch, encrypted=False).startswith("tcp://127.0.0.1:")


@pytest.mark.slow(minutes=0.1)
@with_keys
@pytest.mark.skipif(sys.platform != "linux", reason="sockets are read from /proc")
def test_local_workers_turn_away_who_has_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed.comm import connect

    assert local(monkeypatch, encrypted=True).startswith("tls://127.0.0.1:")
    with connected(StudyConfig.from_mapping({"campaign": {"workers": 2}}), Path("unused")) as client:
        address = client.scheduler.address
        with pytest.raises(OSError, match=r"handshake|SSL|timed out|closed"):
            client.sync(connect, address.replace("tls", "tcp"), timeout=2)
        nobody = ssl.create_default_context()
        nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(OSError, match=r"certificate|SSL|timed out|closed"):
            client.sync(connect, address, timeout=2, ssl_context=nobody)
        own = client.security.get_connection_args("client")
        client.sync(client.sync(connect, address, timeout=20, **own).close)  # which is all that was missing


def test_a_queue_asks_for_certificates_or_says_that_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_credentials", missing)
    with pytest.raises(BadInput, match=r"cluster is 'slurm' but cryptography is not installed, expected pip install"):
        queue_credentials(CampaignSettings.from_mapping({"cluster": "slurm"}))
    with pytest.warns(UserWarning, match="campaign.encrypted is false: whoever reaches a port"):
        assert queue_credentials(CampaignSettings.from_mapping({"cluster": "slurm", "encrypted": False})) is None


def test_an_open_scheduler_elsewhere_is_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    for address in ("tls://node:8786", "tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:1"):
        warn_of_open_scheduler(address)
    assert not recwarn
    with pytest.warns(UserWarning, match="asks nobody who they are"):
        warn_of_open_scheduler("tcp://192.0.2.7:8786")


SBATCH = """#!/bin/sh
# a queue of one machine: the job begins at once
cp "$1" {kept}
ls -l {jobs}/.dask-jobqueue* >{kept}.keys
sh {kept} >{kept}.out 2>&1 </dev/null &
echo "Submitted batch job $!"
"""


@with_keys
@pytest.mark.slow
def test_jobs_of_a_queue_take_part_with_the_certificate_of_the_campaign(tmp_path: Path) -> None:
    """With stand-ins for the commands of SLURM: the job script starts a worker as it would on a node."""
    plain = write_study(tmp_path / "plain.toml", count=2)
    assert invoke(["simulate", str(plain), "--out", str(tmp_path / "plain")]) == 0  # also compiles kernels
    commands, root = tmp_path / "bin", tmp_path / "run"
    commands.mkdir()
    (commands / "sbatch").write_text(SBATCH.format(kept=tmp_path / "script", jobs=root / "campaign" / "jobs"))
    (commands / "scancel").write_text("#!/bin/sh\nkill $1\n")
    for command in commands.iterdir():
        command.chmod(0o755)
    options = '[campaign]\ncluster = "slurm"\noptions = { cores = 1, memory = "2GB" }\n'
    study = write_study(tmp_path / "study.toml", count=2, more=options)
    path = os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    code, _, err = run("simulate", study, "--out", root, env=path)
    assert code == 0, err
    assert "by the workers of tls://" in err
    script = (tmp_path / "script").read_text()
    assert "--tls-cert" in script
    assert "BEGIN" not in script  # the key itself
    keys = (tmp_path / "script.keys").read_text()
    assert keys.count("-rw-------") == 3
    assert not list((root / "campaign" / "jobs").glob(".dask-jobqueue*"))  # they go with the campaign
    assert stat.S_IMODE(root.stat().st_mode) & stat.S_IWOTH == 0
    assert fields(root) == fields(tmp_path / "plain")
