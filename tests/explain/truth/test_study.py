"""Truth in the explain stage, on pairs that were really grown."""

from __future__ import annotations

import pytest
import torch

import weakfield as wf
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.explain import ExplainSettings
from weakfield.dataset import build, open_dataset
from weakfield.explain import PairExplainer, attributions
from weakfield.explain import run as explain
from weakfield.explain.truth.records import BELIEVED
from weakfield.explain.truth.scoring import known_triangles
from weakfield.explain.truth.study import KnownStudy
from weakfield.learning import training
from weakfield.learning.scores import Estimate
from weakfield.report.explanation import TITLES
from weakfield.report.truth import truth
from weakfield.spectra.difference import growth_scaled_difference

SMALL = {"methods": ("gradient", "pair_integrated"), "pairs": 2, "trust": False, "triangle_shells": 3}


def small_study(**dataset: object) -> StudyConfig:
    return tiny_study(
        pairs=6,
        grid=16,
        cosmology={"t_cmb_kelvin": 0.0},
        simulation={"grid": 16, "box_size_mpch": 320.0, "transfer": "eisenstein-hu", "step_limit_hubble": 0.2},
        output={"dtype": "float64"},
        dataset=dataset,
        training={"epochs": 1, "loss": "pair", "mean_kept_too": False},
        explain=SMALL,
    )


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    study, path = small_study(sample="raw"), tmp_path_factory.mktemp("truth") / "run"
    wf.simulate(study, path)
    folder = RunFolder(path)
    build.run(study, folder)
    training.run(study, folder)
    explain.run(study, folder)
    return study, folder


@pytest.mark.slow
def test_scores_are_written_and_shown(grown):
    _, folder = grown
    found = attributions(folder)
    known = found.explanation.truth
    assert found.explanation.no_truth is None
    assert known is not None
    assert known.z == 1.0
    for quantity in ("shells", "blocks", "cells"):
        assert known.methods["pair_integrated"].rank[quantity].value >= BELIEVED
    assert known.measured.rank["shells"].value > 0.5  # the mesh ends C1 within the band of the filter
    table = found.believed()
    assert table.index[0] in ("pair_integrated", "amplitude_phase", "gradient_x_input", "occlusion")
    assert table.loc["pair_integrated", "shells"] == known.methods["pair_integrated"].rank["shells"].value
    page = str(truth(found.explanation, TITLES))
    assert "pair-integrated gradients" in page
    assert "squeezed" in page
    # a network of one epoch knows nothing, and is not compared
    assert known.network is None
    assert known.left_out["network"].startswith("network: left out, since its paired accuracy is")


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["raw", "difference"])
def test_a_network_that_knows_is_compared(grown, sample, tmp_path):
    """What is said of the filter itself as a network of phi; of difference cubes only shells, blocks and cells."""
    study, folder = grown
    if sample == "difference":
        study = small_study(sample="difference")
        (tmp_path / "pairs").symlink_to(folder.pairs)
        folder = RunFolder(tmp_path)
        build.run(study, folder)
    dataset = open_dataset(folder)
    seed, settings = dataset.part("test")[0], ExplainSettings(**SMALL)
    known = KnownStudy(study, dataset, settings, seed, {"paired_accuracy": Estimate(1.0, 0.9, 1.0)})
    assert known.of_phi == (sample == "raw")
    assert not known.no_network
    newton = dataset.pairs([seed]).load([0])[0, :1].double()
    change, prediction = known.prediction.change(dataset, seed, False), known.prediction
    late, early = prediction.c1(seed, 1.0), prediction.c1(seed, 10.0)
    c1 = late if sample == "raw" else growth_scaled_difference(early, 10.0, late, 1.0, study.cosmology)
    std = dataset.chain(False).normalisation.std
    torch.testing.assert_close(change[0] * std, c1 - c1.mean(), rtol=0, atol=1e-9 * float(c1.abs().max()))
    members = newton, newton + change[None]
    row = known.judged(seed, members, *PairExplainer(known.filter, settings).attributions(*members))
    by_triangle = known_triangles(known.filter, [known.pair(s) for s in dataset.part("test")], 3, 1.0)
    network = known.scored([row], [seed], by_triangle[2]).network
    assert set(network["pair_integrated"].rank) == {"shells", "blocks", "cells"}
    assert ("response" in network) == (sample == "raw")
    if sample == "raw":  # F of a difference cube has nothing to do with the template of its C1
        assert network["pair_integrated"].rank["shells"].value >= BELIEVED
        assert network["response"].rank["triangles"].value >= BELIEVED


def test_pairs_without_a_known_truth_say_so(tmp_path):
    study = tiny_study(
        pairs=6,
        simulation={"mesh": "staggered", "start": "linear"},
        explain={"trust": False, "methods": ("gradient",), "pairs": 1},
        training={"mean_kept_too": False, "epochs": 1},
    )
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    training.run(study, folder)
    explain.run(study, folder)
    found = attributions(folder)
    assert found.explanation.truth is None
    assert found.explanation.no_truth.startswith("the pairs were grown on the staggered mesh from a linear start")
    assert not found.explanation.left_out
    with pytest.raises(BadInput, match="there is no truth to compare with: the pairs were grown on the staggered mesh"):
        found.believed()
    assert "No attribution of these pairs is known" in str(truth(found.explanation, TITLES))
