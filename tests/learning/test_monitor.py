"""Norms of layers by hand, and warnings that name the layer in which something vanishes or explodes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.drawn_task import task
from weakfield.base.files import read_json
from weakfield.learning import fit
from weakfield.learning.monitor import Monitor, complaints


def test_norms_by_hand() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
        network[2].weight.copy_(torch.tensor([[1.0, 1.0]]))
    monitor = Monitor(network)
    with monitor.listening():
        network(torch.ones(1, 2)).sum().backward()
    norms = monitor.norms()
    assert list(norms) == ["0", "2"]
    assert norms["0"] == pytest.approx({"activation": 12.5**0.5, "gradient": 2.0})
    assert norms["2"] == pytest.approx({"activation": 7.0, "gradient": 5.0})
    with monitor.listening(False):
        network(torch.zeros(1, 2))
    assert monitor.norms()["2"]["activation"] == 7.0
    assert complaints(norms) == {}


def test_logits_of_a_loss_of_pairs_may_be_large() -> None:
    norms = {"features.0": {"activation": 1.0, "gradient": 1.0}, "head.3": {"activation": 2e4, "gradient": 1.0}}
    assert "from layer head.3 on" in complaints(norms)["activations explode"]
    assert complaints(norms, of_pairs=True) == {}
    norms["head.3"]["activation"] = 2e7  # differences of one are lost in single precision
    assert "from layer head.3 on" in complaints(norms, of_pairs=True)["activations explode"]


def test_a_deep_sigmoid_network_is_told_where_its_gradients_vanish(tmp_path: Path) -> None:
    job = task(network="mlp", blocks=16, activation="sigmoid", channels=8, epochs=2)
    with pytest.warns(UserWarning, match=r"gradients vanish in layer layers\.0 .*in layers\.33.*\[epoch 1\]"):
        fit(job, tmp_path)
    said = read_json(tmp_path / "history.json")["warnings"]
    assert len(said) == 1  # once, not every epoch
    assert "gradients vanish in layer layers.0" in said[0]
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert first["layers"]["layers.0"]["gradient"] < 1e-5 * first["layers"]["layers.33"]["gradient"]


LOUD = """
from weakfield.learning.networks.cnn3d import CNN3D

class Loud(CNN3D):
    def __init__(self, shape, settings):
        super().__init__(shape, settings)
        for weight in self.features[4].parameters():
            weight.data.mul_(1e8)
"""


def test_a_too_large_initial_weight_is_told_by_its_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud_network_of_a_test.py").write_text(LOUD)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="explode") as caught:
        fit(task(network="loud_network_of_a_test:Loud", epochs=1, dropout=0.0), tmp_path / "loud")
    said = [str(warning.message) for warning in caught]
    assert any("activations explode from layer features.4.convolution on" in text for text in said)
    assert any("gradients explode in layer" in text for text in said)


@pytest.mark.parametrize(
    "network", ["cnn3d", "camels", "racoon", "penguin", "resnet", "mlp", "symmetric", "correlator"]
)
def test_healthy_networks_are_not_complained_of(tmp_path: Path, network: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(task(network=network, blocks=1 if network == "camels" else 2, epochs=3), tmp_path)
