"""Code of the user's own: losses, optimisers, schedules, transforms, and networks whose source the run keeps."""

from __future__ import annotations

import math
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.drawn_task import task
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.training import TrainingSettings
from weakfield.dataset import build, open_dataset
from weakfield.learning import TrainedNetwork, fit, load_model, score, training
from weakfield.learning.archives import load_archive
from weakfield.learning.losses import judgement, training_loss, validation_loss
from weakfield.learning.schedules import learning_rate
from weakfield.learning.scores import Scores
from weakfield.stages import FolderStage
from weakfield.study import STAGES, run_study

OWN = """
import torch
from torch import nn

def hinge(newton, gr):
    return torch.relu(1 + newton) + torch.relu(1 - gr)

def mean(newton, gr):
    return (newton - gr).mean()

def adagrad(parameters, settings):
    return torch.optim.Adagrad(parameters, lr=settings.learning_rate)

def nothing(parameters, settings):
    return None

def harmonic(settings, progress, losses):
    return settings.learning_rate / (1 + settings.epochs * progress)

def rising(settings, progress, losses):
    return float("inf")

def cubed(cube, strength):
    return cube + strength * cube**3

def tilted(cube, theory, seed, factor=1.0):
    return cube * (factor + seed) if theory == "gr" else cube

def halved(cube):
    return cube[..., ::2, ::2, ::2]

class Net(nn.Module):
    def __init__(self, shape, settings):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(shape[0], 2, 3), nn.LeakyReLU(), nn.Flatten(), nn.LazyLinear(1))
        self.layers(torch.zeros(1, *shape))
    def forward(self, x):
        return self.layers(x)[:, 0]
"""
MODULE = "own_code_of_a_test"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``own_code_of_a_test.py`` in the working directory."""
    path = tmp_path / f"{MODULE}.py"
    path.write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield path
    forget()


def forget() -> None:
    """As in another process, which imported nothing yet."""
    sys.modules.pop(MODULE, None)


def gone(path: Path) -> None:
    path.unlink()
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    forget()


def test_a_loss_by_hand(own: Path) -> None:
    settings = TrainingSettings(loss=f"{MODULE}:hinge")
    outputs = torch.tensor([0.5, 2.0, -2.0, 0.0])  # Newton and GR in turn: 1.5 + 0, 0 + 1
    assert training_loss(settings, outputs, 2).item() == pytest.approx(2.5 / 2)
    scores = Scores((1, 2), np.array([0.5, -2.0]), np.array([2.0, 0.0]))
    assert validation_loss(settings, scores) == pytest.approx(1.25)
    assert judgement(settings).chance == 2.0
    with pytest.raises(BadInput, match=r"answers a tensor of shape \(\) to 2 pairs, expected a number for each pair"):
        training_loss(TrainingSettings(loss=f"{MODULE}:mean"), outputs, 2)


def test_an_optimiser_and_a_schedule(own: Path, tmp_path: Path) -> None:
    settings = TrainingSettings(schedule=f"{MODULE}:harmonic", epochs=4, learning_rate=0.1)
    assert learning_rate(settings, 0.5) == pytest.approx(0.1 / 3)
    with pytest.raises(BadInput, match=r"training.schedule '.*:rising' gives inf at 0.5, expected a learning rate"):
        learning_rate(TrainingSettings(schedule=f"{MODULE}:rising"), 0.5)
    with pytest.raises(BadInput, match=r"training.optimiser '.*:nothing' gives None, expected a torch.optim.Optimizer"):
        fit(task(optimiser=f"{MODULE}:nothing"), tmp_path / "no")


def test_a_training_with_all_of_them_learns_and_resumes(own: Path, tmp_path: Path) -> None:
    names = {"loss": "hinge", "optimiser": "adagrad", "schedule": "harmonic"}
    job = task(**{key: f"{MODULE}:{name}" for key, name in names.items()}, epochs=12, learning_rate=0.05, dropout=0.0)
    scores = score(fit(job, tmp_path / "run"), job.pairs["test"])
    history = read_json(tmp_path / "run" / "history.json")
    assert history["epochs"][-1]["learning_rate"] == pytest.approx(0.05 / 13)
    assert history["epochs"][history["best_epoch"]]["validation_loss"] == pytest.approx(
        validation_loss(job.settings, score(load_model(tmp_path / "run"), job.pairs["validation"]))
    )
    assert scores.gr.mean() > scores.newton.mean()
    before = job.hash
    own.write_text(OWN + "# changed\n")
    assert job.hash != before


def test_names_that_are_neither_known_nor_code_are_refused() -> None:
    for key, wrong, near in (("loss", "bcee", "bce"), ("optimiser", "adamv", "adam"), ("schedule", "cosin", "cosine")):
        with pytest.raises(BadInput, match=f"{key}: '{wrong}' is unknown, expected .* or package.module:NAME.*'{near}"):
            TrainingSettings.from_mapping({key: wrong})
    with pytest.raises(BadInput, match=r"training.loss is 'no_such_module:x' but No module"):
        training_loss(TrainingSettings(loss="no_such_module:x"), torch.zeros(2), 1)


def test_a_transform(own: Path, tmp_path: Path) -> None:
    steps = [
        {"kind": f"{MODULE}:cubed", "strength": 2.0e9},
        {"kind": f"{MODULE}:tilted", "factor": -1.0},
        {"kind": "noise", "sigma": 1e-7},
    ]
    study = tiny_study(pairs=8, dataset={"transforms": steps})
    folder = write_run(study, tmp_path / "run")
    build.run(study, folder)
    data = open_dataset(folder)
    written = data.description.transforms.mean_kept[0]
    assert written == {"kind": f"{MODULE}:cubed", "strength": 2.0e9, "source": file_hash(own)}
    assert StudyConfig.from_mapping(study.model_dump()).dataset == study.dataset
    fields = data.fields(5, "gr")
    expected = (fields + 2.0e9 * fields**3) * (5 - 1.0)
    noise = data.raw(5, "gr") - expected[0]
    assert float(noise.std()) == pytest.approx(1e-7, rel=0.2)  # 512 draws: three standard errors are 9 %
    assert data.chain(False).needs == {"seed", "theory"}
    # another process, and a worker that loads: the source is in the run
    values = data.samples("test").in_memory().values
    gone(own)
    again = pickle.loads(pickle.dumps(open_dataset(folder).samples("test")))
    assert torch.equal(again.in_memory().values, values)
    (copy,) = (folder.dataset / "plugins").iterdir()
    copy.write_text(OWN.replace("cube**3", "cube**2"))
    from weakfield.dataset.transforms import _own_function

    _own_function.cache_clear()
    with pytest.raises(BadInput, match="No module named"):
        open_dataset(folder).cube(5, "gr")


def test_a_transform_that_gives_something_else_is_refused(own: Path, tmp_path: Path) -> None:
    study = tiny_study(pairs=8, dataset={"transforms": [{"kind": f"{MODULE}:halved"}]})
    folder = write_run(study, tmp_path / "run")
    with pytest.raises(BadInput, match=r"halved' makes shape \(1, 4, 4, 4\) of a cube of shape \(1, 8, 8, 8\)"):
        build.run(study, folder)
    wrong = tiny_study(pairs=8, dataset={"transforms": [{"kind": "no_such_module:x"}]})
    with pytest.raises(BadInput, match=r"dataset.transforms is 'no_such_module:x' but No module"):
        build.check(wrong)


def test_a_source_decides_whether_a_stage_is_finished(own: Path) -> None:
    study = tiny_study(
        training={"loss": f"{MODULE}:hinge"}, dataset={"transforms": [{"kind": f"{MODULE}:cubed", "strength": 1.0}]}
    )
    stages = {stage.name: stage for stage in STAGES if isinstance(stage, FolderStage)}
    read = dict.fromkeys(("simulate", "dataset", "train"), "")
    before = {name: stages[name].key(study, read) for name in ("measure", "dataset", "train", "audit", "explain")}
    own.write_text(OWN + "# changed\n")
    after = {name: stages[name].key(study, read) for name in before}
    assert all(before[name] != after[name] for name in before)


@pytest.mark.slow(minutes=0.1)
def test_a_run_does_without_the_file_of_its_network(own: Path, tmp_path: Path) -> None:
    """It opens, evaluates, audits and explains, retraining included; a changed file in the path is seen."""
    audit = {"controls": ["labels_shuffled"], "retrainings": 1, "epochs": 1}
    explain = {"pairs": 1, "methods": ["gradient"], "trust_methods": ["gradient"], "trust_epochs": 1, "networks": 1}
    study = tiny_study(
        pairs=8,
        training={"network": f"{MODULE}:Net", "epochs": 1, "mean_kept_too": False},
        audit=audit,
        explain=explain | {"triangle_shells": 0},
    )
    folder = write_run(study, tmp_path / "run")
    (folder.root / "study.toml").write_text(study.to_toml())
    for stage in ("dataset", "train"):
        run_study(study, folder.root, only=stage)
    model = folder.model("cnn")
    assert load_archive(model / "weights.pt")["plugins"] == {"network": file_hash(own)}
    assert (model / "plugins" / f"{MODULE}.py").read_text() == OWN
    own.write_text(OWN + "# changed\n")
    forget()
    with pytest.raises(BadInput, match="the stage train is not finished"):
        run_study(study, folder.root, only="audit")
    evaluated(folder)  # by the source that it was trained with
    gone(own)
    evaluated(folder)
    for stage in ("audit", "explain"):
        (outcome,) = run_study(study, folder.root, only=stage)
        assert outcome.status == "done"
    (model / "plugins" / f"{MODULE}.py").unlink()
    with pytest.raises(BadInput, match="No module named"):
        load_model(model)


def evaluated(folder: RunFolder) -> None:
    found = TrainedNetwork.load(folder.model("cnn"))
    recorded = found.scores["test"]
    again = score(found.network, training.task(tiny_study(), found.dataset, False).pairs["test"])
    assert again.gr.tolist() == recorded.gr.tolist()
    assert math.isfinite(float(again.newton.sum()))
