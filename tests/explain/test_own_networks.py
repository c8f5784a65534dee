"""Networks of one's own are explained by every method that can; what cannot is left out with a sentence."""

from __future__ import annotations

import errno
import warnings

import numpy as np
import pytest
import torch

from helpers import own_networks
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.trials import LOG
from weakfield.config.explain import ExplainSettings
from weakfield.dataset import build
from weakfield.explain import attributions, pair_explainer
from weakfield.explain import run as explain
from weakfield.explain.pair_explainer import PairExplainer
from weakfield.explain.pixels import METHODS, method
from weakfield.explain.pixels.gradcam import has_activations
from weakfield.learning import training
from weakfield.report import run as report

SMALL = {"pairs": 2, "draws": 2, "integrated_steps": 2, "perturbations": 2, "fractions": 4, "trust_epochs": 1}
WHOLE = ("Base", "Reused", "InPlace", "Functional", "BatchNormed", "GroupNormed", "Dropped", "Residual", "Pooled")
#: those whose activations are all modules that captum knows, so that DeepLIFT shares out the whole difference
EXACT = ("Reused", "InPlace", "BatchNormed", "Dropped", "Residual")


@pytest.fixture(autouse=True)
def in_the_folder_of_the_run(tmp_path, monkeypatch):
    """Where the code that a run names is trusted."""
    monkeypatch.chdir(tmp_path)


def pair(grid: int = 8) -> torch.Tensor:
    return torch.randn(2, 1, 1, grid, grid, grid, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", [*WHOLE, "Tuple"])
def test_every_method_runs_for_a_network_with_convolutions(name):
    torch.manual_seed(7)
    network, (newton, gr) = getattr(own_networks, name)().eval(), pair()
    kept = gr.clone()
    explainer = PairExplainer(network, ExplainSettings(methods=tuple(METHODS), **SMALL))
    found, maps = explainer.attributions(newton, gr)
    guided = {} if has_activations(network, newton) else {"guided_grad_cam", "guided_grad_cam_unsigned"}
    assert set(maps) == set(METHODS) - set(guided)
    assert set(found.left_out) == set(guided)
    assert torch.equal(gr, kept)  # even by networks that write into their input
    assert found.bands is not None
    assert sum(found.bands) - found.logit.difference == pytest.approx(found.path.residual, abs=1e-6)
    with torch.no_grad():
        change = float(network(gr.clone()) - network(newton.clone()))
    assert found.logit.difference == pytest.approx(change, abs=1e-6)
    assert found.methods["pair_integrated"].residual == pytest.approx(0, abs=1e-3)  # Pooled has many kinks
    if name in EXACT:
        assert not guided
        assert found.methods["deeplift"].residual == pytest.approx(0, abs=1e-6)


def test_deeplift_of_a_module_used_twice_is_that_of_two_modules():
    class Twice(own_networks.Base):
        def __init__(self):
            super().__init__()
            self.another = torch.nn.ReLU()

        def between(self, x):
            return self.another(self.second(self.relu(self.first(x))))

    torch.manual_seed(7)
    one, two = own_networks.Reused().double(), Twice().double()
    two.load_state_dict(one.state_dict())
    newton, gr = pair().double()
    found = method("deeplift")(one, gr, newton)
    np.testing.assert_array_equal(found, method("deeplift")(two, gr, newton))
    assert one.relu is dict(one.named_modules())["relu"]  # the network itself is left as it was


def test_activations_that_are_no_modules_guide_nothing():
    """The module of the parent is there, but no sample passes it."""
    sample = pair()[0]
    assert has_activations(own_networks.Reused(), sample)
    assert not has_activations(own_networks.Base(), sample)


def run_of(network: str, tmp_path, **settings):
    study = tiny_study(
        pairs=6,
        training={"network": f"helpers.own_networks:{network}", "mean_kept_too": False, "epochs": 1},
        explain={**SMALL, "methods": tuple(METHODS), **settings},
    )
    folder = write_run(study, tmp_path, scale=1.5)
    build.run(study, folder)
    training.run(study, folder)
    return study, folder


@pytest.mark.slow(minutes=0.1)
def test_what_a_network_does_not_admit_is_left_out_everywhere_and_the_rest_is_done(tmp_path):
    study, folder = run_of("Measured", tmp_path, trust_methods=("gradient", "occlusion"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        summary = explain.run(study, folder)
    found = attributions(folder)
    assert set(found.explanation.methods) == {"occlusion"}
    said, trust = found.explanation.left_out, found.trust
    assert {*METHODS, "bands", "gradients", "triangles"} - {"occlusion"} == set(said)
    assert said["grad_cam"] == (
        "grad_cam: left out, since the network has no convolution with more than one cell a side"
    )
    assert said["gradient"].startswith("gradient: left out, since it ended with RuntimeError (element 0 of tensors")
    assert trust is not None
    assert set(trust.tested) == set(trust.networks["shuffled"]) == {"occlusion"}
    assert trust.infidelity["occlusion"].value >= 0
    assert summary["left_out"] == len(said | trust.left_out)
    assert {str(warning.message).split(" [traceback")[0] for warning in told} >= set(said.values())
    assert "Traceback (most recent call last)" in (folder.explain / LOG).read_text()
    report.run(study, folder)
    page = (folder.report / "index.html").read_text()
    assert "Grad_cam: left out, since the network has no convolution" in page
    assert "Bands: left out, since" in page
    assert list(found.trusted().index) == ["occlusion"]
    assert "left out" in repr(found)
    with pytest.raises(BadInput, match="bands: left out, since it ended with RuntimeError"):
        found.to_pandas()


def test_nothing_left_is_refused_with_the_reasons(tmp_path):
    study, folder = run_of("Flat", tmp_path, methods=("grad_cam", "guided_grad_cam"))
    with pytest.raises(
        BadInput, match=r"explain\.methods is grad_cam, guided_grad_cam, expected .*: grad_cam: left out"
    ):
        explain.run(study, folder)


@pytest.mark.parametrize(
    ("error", "stops"),
    [
        (torch.OutOfMemoryError("no memory on the device"), False),
        (np.linalg.LinAlgError("did not converge"), False),
        (MemoryError(), False),
        (ValueError("of a library"), False),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (KeyboardInterrupt(), True),
        (BadInput("explain.block is 3"), True),
    ],
)
def test_faults_of_one_method_leave_the_others_and_faults_of_the_disk_stop(monkeypatch, error, stops):
    whole = pair_explainer.method

    def failing(name):
        def raises(*_, **options):
            raise error

        return raises if name == "gradient" else whole(name)

    monkeypatch.setattr(pair_explainer, "method", failing)
    explainer = PairExplainer(own_networks.Flat(), ExplainSettings(methods=("gradient", "occlusion")))
    if stops:
        with pytest.raises(type(error)):
            explainer.attributions(*pair())
        return
    found, maps = explainer.attributions(*pair())
    assert set(maps) == set(found.methods) == {"occlusion"}
    assert type(error).__name__ in found.left_out["gradient"]
