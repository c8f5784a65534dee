"""A stage that lacks something says so in a sentence, and the stages after it go on."""

from __future__ import annotations

import warnings

import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.audit import run as audit
from weakfield.audit.records import AuditTable
from weakfield.dataset import build
from weakfield.explain import attributions
from weakfield.explain import run as explain
from weakfield.learning import training
from weakfield.report import run as report
from weakfield.spectra import measure

SMALL = {"pairs": 2, "draws": 2, "integrated_steps": 2, "perturbations": 2, "fractions": 4, "trust_epochs": 1}
#: those that need neither universes of their own nor other networks
CONTROLS = (
    "fundamental_removed", "low_pass", "high_pass", "phases_randomised", "monopole_only", "log_pk_baseline",
    "amplitude_phase_swap", "p_matched", "amplitude_rescaled", "noise_plane", "value_histogram", "float_fingerprint",
    "beyond_power", "beyond_bispectrum", "information",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("network", "pairs"), [("Chance", 6), ("Base", 3)])
def test_a_network_at_chance_and_a_single_test_pair_go_through_every_stage(network, pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the code that a run names is trusted
    study = tiny_study(
        pairs=pairs,
        training={"network": f"helpers.own_networks:{network}", "mean_kept_too": False, "epochs": 1},
        explain=SMALL,
        audit={"controls": CONTROLS},
    )
    folder = write_run(study, tmp_path, scale=1.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for stage in (measure, build, training, audit, explain, report):
            stage.run(study, folder)
    table = AuditTable.load(folder.audit / "audit.json")
    assert len(table.names("inconclusive")) >= len(CONTROLS) - 1  # nothing to explain, or too few seeds
    assert not [row.name for row in table.controls if "ended with" in row.remark]
    found = attributions(folder)
    assert not [said for said in found.explanation.left_out.values() if "ended with" in said]
    if network == "Chance":
        assert found.explanation.logit_difference == 0
    assert "nothing can be told from chance" in (folder.report / "index.html").read_text()
