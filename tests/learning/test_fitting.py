"""The training loop: reproducible, resumable to the same bits, silent about nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from helpers.drawn_task import task
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import file_hash, read_json
from weakfield.learning import Task, checkpoints, evaluate, fit, fitting, load_model, score
from weakfield.learning.loop import Loop
from weakfield.learning.metrics import log_loss


def fit_and_stop(job: Task, folder: Path, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt the training once that many checkpoints are on disk."""
    save, count = fitting.save_archive, [0]

    def counting(path: Path, value: dict[str, object]) -> None:
        save(path, value)
        count[0] += 1
        if count[0] == epochs:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "save_archive", counting)
        patch.setattr(checkpoints, "EVERY_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            fit(job, folder)


def test_twice_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fit(task(), tmp_path / name)
    for name in ("weights.pt", "history.json", "log.jsonl"):
        assert file_hash(tmp_path / "one" / name) == file_hash(tmp_path / "two" / name)
    assert not (tmp_path / "one" / "checkpoint.pt").exists()


def test_short_epochs_are_not_all_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One checkpoint begins the training, and what it had told by an error is in its log."""
    save, epochs = fitting.save_archive, list[float]()
    monkeypatch.setattr(checkpoints, "EVERY_S", 1000.0)

    def watch(row: dict[str, float]) -> None:
        epochs.append(row["epoch"])
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    written: list[str] = []
    monkeypatch.setattr(fitting, "save_archive", lambda path, value: (written.append(path.name), save(path, value)))
    with pytest.raises(KeyboardInterrupt):
        fit(task(), tmp_path, watch=watch)
    assert written == ["checkpoint.pt"]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3
    epochs.clear()
    fit(task(), tmp_path, watch=lambda row: epochs.append(row["epoch"]))
    assert epochs[0] == 1  # it went on after the first
    assert written == ["checkpoint.pt", "checkpoint.pt", "weights.pt"]


@pytest.mark.parametrize("epochs", [1, 3])
def test_interrupted_and_resumed_gives_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    fit(task(), tmp_path / "whole")
    fit_and_stop(task(), tmp_path / "parts", epochs, monkeypatch)
    assert not (tmp_path / "parts" / "weights.pt").exists()
    torch.manual_seed(epochs)  # the caller's random state must not matter
    fit(task(), tmp_path / "parts")
    for name in ("weights.pt", "history.json", "log.jsonl"):
        assert file_hash(tmp_path / "whole" / name) == file_hash(tmp_path / "parts" / name)


@pytest.mark.parametrize(
    "values",
    [
        *({"optimiser": name} for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam")),
        *({"schedule": name, "decay_epochs": 1} for name in ("constant", "step", "one_cycle", "plateau")),
        {"loss": "pair", "augment_alike": False},
        {"loss": "mse", "label_smoothing": 0.1, "gradient_clip": None},
        {"loss": "cross_entropy", "classes": 2},
        {"network": "camels", "blocks": 1},  # batch normalisation: running means
        {"network": "mlp"},  # standardises by the training part
        {"network": "correlator", "precision": "bf16"},  # takes its units from there, and sums in single precision
        {"network": "symmetric", "precision": "bf16"},
        {"early_stopping": 1, "epochs": 20, "learning_rate": 0.3, "schedule": "constant"},
        {"precision": "bf16", "layout": "contiguous"},
    ],
    ids=lambda values: "-".join(str(value) for value in values.values()),
)
def test_every_kind_of_training_resumes_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    fit(task(**values), tmp_path / "whole")
    fit_and_stop(task(**values), tmp_path / "parts", 2, monkeypatch)
    fit(task(**values), tmp_path / "parts")
    for name in ("weights.pt", "history.json", "log.jsonl"):
        assert file_hash(tmp_path / "whole" / name) == file_hash(tmp_path / "parts" / name)


def test_stopping_early(tmp_path: Path) -> None:
    fit(task(early_stopping=2, epochs=30, learning_rate=0.3, schedule="constant"), tmp_path)
    history = read_json(tmp_path / "history.json")
    losses = [row["validation_loss"] for row in history["epochs"]]
    assert history["stopped_early"]
    assert len(losses) == losses.index(min(losses)) + 3 < 30


def test_the_pair_loss_orders_twins(tmp_path: Path) -> None:
    job = task(scale=1.05, loss="pair", epochs=20, learning_rate=5e-3)
    scores = score(fit(job, tmp_path), job.pairs["test"])
    assert (scores.gr > scores.newton).all()  # a twin has the same phases: 5 % are plain


def test_events_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(task(tensorboard=True), tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    found = [event.value for event in events.Scalars("validation_loss")]
    assert found == pytest.approx([row["validation_loss"] for row in rows], rel=1e-6)  # events are float32
    assert {"gradient/head.3", "activation/features.0.convolution"} <= set(events.Tags()["scalars"])


def test_settings_that_do_not_decide_the_weights_do_not_repeat_a_training() -> None:
    assert task().hash == task(tensorboard=True, workers=7, mean_kept_too=False).hash
    assert task().hash != task(momentum=0.8).hash


def test_a_resumed_training_continues_and_a_finished_one_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_and_stop(task(), tmp_path, 3, monkeypatch)
    done = []
    monkeypatch.setattr(Loop, "advance", _recording(done))
    fit(task(), tmp_path)
    fit(task(), tmp_path)
    assert done == [3]


def test_work_of_another_task_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_and_stop(task(seed=1), tmp_path / "a", 2, monkeypatch)
    fit(task(), tmp_path / "a")
    fit(task(), tmp_path / "b")
    assert file_hash(tmp_path / "a" / "weights.pt") == file_hash(tmp_path / "b" / "weights.pt")
    fit(task(scale=1.1), tmp_path / "b")
    assert file_hash(tmp_path / "a" / "weights.pt") != file_hash(tmp_path / "b" / "weights.pt")


def test_a_damaged_checkpoint_is_not_used(tmp_path: Path) -> None:
    fit(task(), tmp_path / "whole")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "checkpoint.pt").write_bytes(b"not an archive")
    with pytest.warns(UserWarning, match=r"checkpoint.pt is damaged, expected .*; the training starts again"):
        fit(task(), tmp_path / "damaged")
    assert file_hash(tmp_path / "whole" / "weights.pt") == file_hash(tmp_path / "damaged" / "weights.pt")


def test_the_callers_random_state_and_settings_come_back(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    fit(task(epochs=1), tmp_path)
    assert torch.equal(torch.rand(2), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_best_epoch_by_validation_loss_is_kept(tmp_path: Path) -> None:
    job = task(epochs=6)
    network = fit(job, tmp_path)
    history = read_json(tmp_path / "history.json")
    losses = [row["validation_loss"] for row in history["epochs"]]
    assert history["best_epoch"] == losses.index(min(losses))
    again = load_model(tmp_path)
    assert not again.training
    kept, loaded = (score(n, job.pairs["validation"]) for n in (network, again))
    assert (kept.gr == loaded.gr).all()
    assert log_loss(loaded) == min(losses)


def test_an_amplitude_difference_is_learned(tmp_path: Path) -> None:
    # a factor 1.3 on 511 Gaussian modes is worth d' = 0.3 sqrt(2 * 511) = 9.6: separable, so anything less is a bug
    job = task(epochs=25, learning_rate=5e-3)
    result = evaluate(score(fit(job, tmp_path), job.pairs["test"]), resamples=200)
    assert result["auc"].value > 0.95


def test_a_diverging_training_ends_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeakfieldError, match="not finite"):
        fit(task(learning_rate=1e30, gradient_clip=1e30), tmp_path)


def test_loading_what_was_not_trained(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"weights.pt is missing"):
        load_model(tmp_path)


def _recording(done: list[int]):  # type: ignore[no-untyped-def]
    advance = Loop.advance

    def recording(loop: Loop) -> dict[str, float]:
        done.append(len(loop.state.history))
        return advance(loop)

    return recording
