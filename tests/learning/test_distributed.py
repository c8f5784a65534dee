"""Two processes train as one: the same shares, sums and curve; and torchrun really starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.drawn_task import task
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.config import StudyConfig
from weakfield.learning.distributed import Crew, crew
from weakfield.learning.loop import Loop
from weakfield.learning.variants import Variant
from weakfield.pairs.manifest import settings_hash
from weakfield.study import run_study


def test_alone_nothing_is_shared() -> None:
    assert crew() == Crew(0, 1)
    assert Crew().share([1, 2, 3]) == [1, 2, 3]
    rows = np.arange(4.0).reshape(2, 2)
    assert Crew().joined(rows, [range(2)]) is rows


def test_shares_are_a_partition() -> None:
    items = list(range(7))
    shares = [Crew(rank, 3).share(items) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items
    assert Crew(2, 3).share([4]) == []


def launch(run: Path) -> subprocess.CompletedProcess[str]:
    """``weakfield train`` on two processes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WEAKFIELD_DEVICE": "cpu"}
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "weakfield")
    return subprocess.run(
        [sys.executable, *torchrun, "train", str(run)], capture_output=True, text=True, env=environment, timeout=300
    )


def made(root: Path, **training: object) -> StudyConfig:
    """A run folder whose pairs are drawn and count as grown, with its data set."""
    study = tiny_study(pairs=8, training={"epochs": 4, "batch_pairs": 3, "mean_kept_too": False, **training})
    folder = write_run(study, root, scale=1.3)
    for path in folder.pairs.glob("*/pair.json"):
        write_json(path, read_json(path) | {"settings": settings_hash(study)})
    run_study(study, root, "dataset")
    return study


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [
        {"dropout": 0.3},
        {"network": "resnet", "normalisation": "group"},
        {"network": "mlp", "augment_alike": False, "loss": "mse"},
    ],
    ids=["cnn3d", "resnet", "mlp"],
)
def test_torchrun_gives_the_curve_of_one_process(tmp_path: Path, training: dict[str, object]) -> None:
    """5 training pairs in batches of 3 and 2: shares are uneven, and of one pair at the end of a batch none."""
    study = made(tmp_path / "one", **training)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    run_study(study, tmp_path / "one", "train")
    done = launch(tmp_path / "two")
    assert done.returncode == 0, done.stderr
    one, two = (read_json(tmp_path / name / "training" / "cnn" / "history.json") for name in ("one", "two"))
    assert (one["processes"], two["processes"]) == (1, 2)
    for key in ("validation_loss", "validation_auc", "train_loss", "learning_rate", "gradient_norm"):
        values = [[row[key] for row in history["epochs"]] for history in (one, two)]
        # sums of float32 gradients in another order, over 8 steps of a rate of 2e-3
        np.testing.assert_allclose(values[1], values[0], rtol=0, atol=1e-5)
    assert len({row["validation_loss"] for row in one["epochs"]}) == 4  # it does learn


@pytest.mark.slow
def test_a_command_that_fails_under_torchrun_ends(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "study.toml").write_text(
        (tmp_path / "study.toml").read_text().replace('network = "cnn3d"', 'network = "cnn3"')
    )
    done = launch(tmp_path)
    assert done.returncode != 0
    assert "did you mean 'cnn3d'" in done.stderr


def test_a_batch_that_leaves_a_process_without_pairs_is_refused_with_batch_normalisation() -> None:
    """Seven pairs in batches of two leave one for two processes, one of which would wait for ever."""
    job = task(network="camels", blocks=1)
    variant = Variant("single", "channels_last")
    with pytest.raises(BadInput, match="a last batch of 1 pairs to 2 processes"):
        Loop(job, variant, torch.device("cpu"), Crew(0, 2), None)
    Loop(task(network="resnet", normalisation="group", blocks=1), variant, torch.device("cpu"), Crew(0, 2), None)


ALONE = """
import os, sys
sys.path.insert(0, {tests!r})
from helpers.listening import beyond_loopback, listening
from weakfield.learning.distributed import session
os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = "192.0.2.1", "9"  # what listens to others is not asked
with session(lambda job: None) as leads:
    if leads:
        print("beyond", sorted(beyond_loopback(os.getpid())), "heard", bool(listening(os.getpid())))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sockets are read from /proc")
def test_processes_of_one_machine_listen_to_nobody_else(tmp_path: Path) -> None:
    script = tmp_path / "alone.py"
    script.write_text(ALONE.format(tests=str(Path(__file__).parents[1])))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "beyond [] heard True" in done.stdout
