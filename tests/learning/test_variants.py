"""Precision and layout: fixed by settings or where a trial is not worth it, else measured once and remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from helpers.drawn_task import task
from weakfield.base.files import read_json
from weakfield.config.training import TrainingSettings
from weakfield.learning import evaluate, fit, score, variants
from weakfield.learning.archives import load_archive
from weakfield.learning.variants import Variant, choose, measure

CPU, SHAPE = torch.device("cpu"), (1, 8, 8, 8)
LARGE = 10**6  # pairs, so that the trial is worth it


def settings(**values: object) -> TrainingSettings:
    return TrainingSettings.from_mapping({"channels": 4, "blocks": 2, **values})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "weakfield" / "variants"


def pretend(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> list[int]:
    """Measurements that take no time; the list grows by one each time."""
    asked: list[int] = []

    def measured(*arguments: object) -> dict[str, float]:
        asked.append(1)
        names = [f"{p} {layout}" for p in ("single", "bf16") for layout in ("channels_last", "contiguous")]
        return {name: seconds.get(name.replace(" ", "_"), 1.0) for name in names}

    monkeypatch.setattr(variants, "measure", measured)
    return asked


def test_small_trainings_and_fixed_ones_are_not_measured(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    asked = pretend(monkeypatch)
    assert choose(settings(), SHAPE, 100, CPU) == Variant("single", "channels_last", "small")
    assert choose(settings(precision="bf16"), SHAPE, 100, CPU) == Variant("bf16", "channels_last", "small")
    fixed = settings(precision="bf16", layout="contiguous")
    assert choose(fixed, SHAPE, LARGE, CPU) == Variant("bf16", "contiguous", "settings")
    assert not asked


def test_the_fastest_is_chosen_and_remembered(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    asked = pretend(monkeypatch, bf16_contiguous=0.5)
    assert choose(settings(), SHAPE, LARGE, CPU) == Variant("bf16", "contiguous", "trial")
    pretend(monkeypatch, single_contiguous=0.1)  # another day, another noise: the choice stands
    assert choose(settings(seed=3), SHAPE, LARGE, CPU) == Variant("bf16", "contiguous", "trial")
    assert len(asked) == len(list(cache.glob("*.json"))) == 1
    assert choose(settings(channels=8), SHAPE, LARGE, CPU) == Variant("single", "contiguous", "trial")


def test_what_is_hardly_faster_is_not_chosen(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    pretend(monkeypatch, bf16_channels_last=0.95)
    assert choose(settings(), SHAPE, LARGE, CPU) == Variant("single", "channels_last", "trial")


def test_a_measurement_times_every_variant_and_leaves_no_trace() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    asked = [Variant(p, layout) for p in ("single", "bf16") for layout in ("channels_last", "contiguous")]
    seconds = measure(settings(), SHAPE, CPU, asked)
    assert len(seconds) == 4
    assert min(seconds.values()) > 0
    assert torch.equal(torch.rand(1), expected)


def test_a_resumed_training_keeps_its_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(variants, "WORTH", 0.0)
    pretend(monkeypatch, bf16_contiguous=0.5)

    def stop(row: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(task(), tmp_path / "run", watch=stop)
    for path in cache.glob("*.json"):
        path.unlink()
    pretend(monkeypatch)
    fit(task(), tmp_path / "run")
    history = read_json(tmp_path / "run" / "history.json")
    assert [history[key] for key in ("precision", "layout", "chosen_by")] == ["bf16", "contiguous", "trial"]
    assert load_archive(tmp_path / "run" / "weights.pt")["layout"] == "contiguous"


def test_bf16_learns_an_amplitude(tmp_path: Path) -> None:
    # a factor 1.3 on 511 Gaussian modes is worth d' = 9.6 (test_fitting); bf16 keeps 8 bits, 0.4 %
    job = task(epochs=25, learning_rate=5e-3, precision="bf16")
    network = fit(job, tmp_path)
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert evaluate(score(network, job.pairs["test"]), resamples=200)["auc"].value > 0.95
