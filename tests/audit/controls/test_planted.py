"""Each control catches the shortcut made for it, and what differs in phases alone is told from what P(k) explains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.planted import Alter, bent, local_fnl, planted, shell_rescaled, zero_last_bits
from helpers.synthetic import tiny_study, write_run
from weakfield.audit import run as audit
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.controls.rounding import fingerprint
from weakfield.config import RunFolder
from weakfield.dataset import build
from weakfield.learning import training

pytestmark = pytest.mark.slow(minutes=0.5)


def complete(context: AuditRun, name: str) -> dict[str, Any]:
    """The row of a control, as ``audit.json`` has it."""
    return audit.complete(context, name).as_json()


def verdicts(context: AuditRun, *names: str) -> dict[str, dict[str, Any]]:
    return {name: complete(context, name) for name in names}


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    return planted(tmp_path_factory.mktemp("phases"), local_fnl(0.5), epochs=16)


@pytest.fixture(scope="module")
def power(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    return planted(tmp_path_factory.mktemp("power"), shell_rescaled(2.5, 3.5, 1.6), epochs=16)


@pytest.fixture(scope="module")
def amplitude(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    return planted(tmp_path_factory.mktemp("amplitude"), lambda field: 1.3 * field, epochs=12)


@pytest.fixture(scope="module")
def dipole(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    return planted(tmp_path_factory.mktemp("dipole"), shell_rescaled(0.5, 1.2, 2.0), epochs=12)


class TestPhases:
    """GR has Newton's power at every |k| and a local f_NL."""

    def test_there_is_information_beyond_power(self, phases: AuditRun) -> None:
        row = complete(phases, "beyond_power")
        assert (row["beyond"], row["verdict"]) == ("yes", "clean")
        assert row["answer"].startswith("there is information beyond the power spectrum (twins")
        # given P(k), of which the label is independent here, logit and label stay related
        assert row["partial_correlation"]["low"] > 0

    def test_the_verdict_follows_phases_and_survives_equal_power(self, phases: AuditRun) -> None:
        rows = verdicts(phases, "amplitude_phase_swap", "p_matched", "phases_randomised", "amplitude_rescaled")
        assert {name: row["verdict"] for name, row in rows.items()} == dict.fromkeys(rows, "clean")
        assert rows["p_matched"]["value"] == pytest.approx(1, abs=0.05)  # equal already: rounding is all that changes
        assert rows["amplitude_phase_swap"]["phases"]["low"] > 0.5

    def test_bits_are_counted_and_the_sentence_of_the_audit_has_them(self, phases: AuditRun) -> None:
        row = audit.complete(phases, "information")
        rows = {found.test: found for found in row.information}
        assert rows["P(k), pair"].found
        assert rows["P(k), pair"].known < 0.1  # twins have the same power
        assert str(rows["P(k), pair"]) in audit.sentence(phases, [row])

    def test_the_bispectrum_explains_part_of_it(self, phases: AuditRun) -> None:
        row = complete(phases, "beyond_bispectrum")
        assert row["low"] <= row["value"] <= row["high"]
        assert row["left_of_difference"]["value"] < 1


class TestPower:
    """GR is Newton with a louder shell: P(k) and nothing else."""

    def test_there_is_no_information_beyond_power(self, power: AuditRun) -> None:
        for name in ("beyond_power", "beyond_bispectrum"):
            row = complete(power, name)
            assert row["beyond"] != "yes"
        assert complete(power, "beyond_power")["beyond"] == "no"  # twins of equal P(k) are the same

    def test_power_holds_every_bit(self, power: AuditRun) -> None:
        row = audit.complete(power, "information")
        assert not [found.test for found in row.information if found.found]
        assert next(found.known for found in row.information if found.test == "P(k), pair") > 0.5

    def test_the_verdict_follows_amplitudes_and_dies_at_equal_power(self, power: AuditRun) -> None:
        rows = verdicts(power, "amplitude_phase_swap", "p_matched")
        assert {name: row["verdict"] for name, row in rows.items()} == dict.fromkeys(rows, "shortcut")
        assert rows["p_matched"]["value"] == pytest.approx(0, abs=0.02)

    def test_the_curves_point_to_the_shell(self, power: AuditRun) -> None:
        rows = verdicts(power, "low_pass", "high_pass")
        by_cut = {
            side: {round(p["cut_hmpc"] * 160 / (2 * np.pi), 1): p for p in rows[f"{side}_pass"]["curve"]["points"]}
            for side in ("low", "high")
        }
        # the shell lies above the cut at 2.5 k_F: nothing below it is altered
        below, above = by_cut["low"][2.5], by_cut["high"][2.5]
        assert below["share"]["high"] < 0.1
        assert above["share"]["low"] > 0.3
        assert below["log_pk"]["paired_accuracy"]["low"] <= 0.5 <= below["log_pk"]["paired_accuracy"]["high"]
        assert above["log_pk"]["paired_accuracy"]["low"] > 0.5

    def test_waves_of_the_box_are_not_what_is_seen(self, power: AuditRun) -> None:
        assert complete(power, "dipole_removed")["verdict"] == "clean"
        row = complete(power, "noise_plane")
        assert row["verdict"] == "clean"
        # 14 seeds, 12 low modes weigh as much as others
        assert row["power_ratio"]["value"] == pytest.approx(1, abs=0.3)


class TestAmplitude:
    """GR is Newton times 1.3."""

    def test_one_number_is_all_the_network_sees(self, amplitude: AuditRun) -> None:
        row = complete(amplitude, "amplitude_rescaled")
        assert row["verdict"] == "shortcut"
        assert row["value"] == pytest.approx(1, abs=0.01)

    def test_the_alarm_stands_among_twenty_questions(self, amplitude: AuditRun) -> None:
        settings = amplitude.study.audit.model_copy(update={"bootstrap": 2000})
        more = audit.open_audit(amplitude.study.model_copy(update={"audit": settings}), amplitude.folder)
        assert 20 * complete(more, "amplitude_rescaled")["p"] < 0.05 < complete(more, "value_histogram")["p"]

    def test_values_without_places_are_freed_of_it(self, amplitude: AuditRun) -> None:
        assert complete(amplitude, "value_histogram")["verdict"] != "shortcut"


@pytest.mark.slow
class TestDipole:
    """GR has another dipole."""

    def test_without_it_nothing_is_left(self, dipole: AuditRun) -> None:
        assert complete(dipole, "fundamental_removed")["verdict"] == "inconclusive"  # would it find anything?
        assert complete(dipole, "other_weights")["verdict"] == "clean"  # it would
        rows = verdicts(dipole, "dipole_removed", "fundamental_removed")
        assert {row["verdict"] for row in rows.values()} == {"shortcut"}
        assert rows["dipole_removed"]["value"] == pytest.approx(0, abs=0.02)


@pytest.mark.slow
class TestValues:
    """GR is a bent Newton: the histogram of values is enough."""

    def test_it_is_found(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        def bend(field: np.ndarray) -> np.ndarray:
            return field + 0.4 * (field**2 - (field**2).mean())

        context = planted(tmp_path_factory.mktemp("values"), bend, epochs=1)
        assert complete(context, "value_histogram")["verdict"] == "shortcut"


@pytest.mark.slow
class TestParity:
    """Seeds with their inverses: what GR - Newton is made of is told from what it is worth to the network."""

    @staticmethod
    def row(root: Path, alter: Alter, epochs: int = 16, **tables: dict[str, object]) -> dict[str, Any]:
        tables = {"seeds": {"inverted": True}, **tables}
        context = planted(root, alter, epochs=epochs, **tables)
        row = complete(context, "first_order")
        assert (row["seeds"], row["cost"]["simulations"]) == (14, 0)  # the run has the inverses
        if row["logit_difference"]["value"] != 0:
            assert row["value"] + row["even"]["value"] == pytest.approx(1)
        return row

    def test_a_difference_of_first_order_is_a_shortcut(self, tmp_path: Path) -> None:
        row = self.row(tmp_path, lambda field: 1.3 * field)
        assert row["verdict"] == "shortcut"
        assert row["value"] == pytest.approx(1, abs=1e-3)  # files hold seven digits
        assert row["odd_of_square"]["low"] > 0.999
        assert row["paired_accuracy"]["low"] > 0.5  # Newton plus the odd part against Newton

    @pytest.mark.slow
    def test_a_factor_that_the_study_puts_on_one_theory_is_of_first_order(self, tmp_path: Path) -> None:
        scaled = {"transforms": [{"kind": "scale", "theory": "gr", "factor": 1.3}]}
        row = self.row(tmp_path, lambda field: field, dataset=scaled)
        assert (row["verdict"], row["value"]) == ("shortcut", pytest.approx(1, abs=1e-3))

    def test_a_difference_of_second_order_is_not(self, tmp_path: Path) -> None:
        row = self.row(tmp_path, bent(0.5))
        assert row["verdict"] == "clean"
        assert row["value"] == pytest.approx(0, abs=1e-3)
        assert row["odd_of_square"]["high"] < 1e-3

    def test_a_network_that_knows_nothing_has_nothing_to_share_out(self, tmp_path: Path) -> None:
        row = self.row(tmp_path, lambda field: field, epochs=1)
        assert row["verdict"] == "inconclusive"
        assert "nothing to share out" in row["remark"]


class TestBits:
    def test_bits_of_floats_are_counted(self) -> None:
        found = fingerprint(np.array([1.0, -1.0, 0.0, 1.5], np.float32))
        assert found[0] == 1.0  # all end in four zero bits
        assert list(found[16:]) == [1.0, 0.75, 0.25]  # round, distinct magnitudes 0, 1, 1.5, zeros
        odd = np.nextafter(np.float64(1), 2)
        assert fingerprint(np.array([odd]))[1] == 1.0

    @pytest.mark.parametrize("zeroed", [True, False])
    def test_zeroed_last_bits_are_found(self, tmp_path_factory: pytest.TempPathFactory, zeroed: bool) -> None:
        study = tiny_study(
            pairs=20, training={"epochs": 1, "mean_kept_too": False}, dataset={"fractions": (0.4, 0.2, 0.4)}
        )
        folder: RunFolder = write_run(study, tmp_path_factory.mktemp("bits") / "run", mean=0.0)
        if zeroed:
            zero_last_bits(study, folder)
        build.run(study, folder)
        training.run(study, folder)
        row = complete(AuditRun(study, folder), "float_fingerprint")
        assert (row["verdict"] == "shortcut") == zeroed
