"""Options of a queue: each of the type that dask-jobqueue takes, under a name that it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.campaigning import run, write_study
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.config import StudyConfig
from weakfield.config.campaign import LISTS, TEXTS, WHOLE_NUMBERS, CampaignSettings
from weakfield.pairs import clusters
from weakfield.pairs.clusters import JOB_CLASSES, check_options


def settings(**options: Any) -> CampaignSettings:
    campaign = {"cluster": "slurm", "options": options, "encrypted": False}  # what makes keys may be absent
    return StudyConfig.from_mapping({"campaign": campaign}).campaign


@pytest.mark.parametrize(("options", "said"), [
    ({"cores": "8"}, "campaign.options: cores is '8', expected a whole number above 0"),
    ({"cores": True}, "cores is True, expected a whole number"),
    ({"cores": 0}, "cores is 0, expected a whole number above 0"),
    ({"memory": 24}, "memory is 24, expected text in quotes, such as \"24GB\""),
    ({"walltime": 8}, "walltime is 8, expected text in quotes, such as \"08:00:00\""),
    ({"queue": ["a"]}, "queue is ['a'], expected text"),
    ({"job_extra_directives": "--exclusive"}, "is '--exclusive', expected a list of texts"),
    ({"job_script_prologue": [1]}, r"is [1], expected a list of texts"),
    ({"account": {"a": 1}}, "account is {'a': 1}, expected text"),
    ({"other": {"a": 1}}, "other is {'a': 1}, expected a number, a text"),
])  # fmt: skip
def test_a_value_of_the_wrong_type(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        settings(**options)
    assert said in str(caught.value)


def test_options_that_are_no_table() -> None:
    with pytest.raises(BadInput, match=r"campaign.options: found 'long', expected a table"):
        StudyConfig.from_mapping({"campaign": {"cluster": "slurm", "options": "long"}})


@pytest.mark.parametrize(("name", "nearest"), [("que", "queue"), ("memry", "memory"), ("walltme", "walltime")])
def test_an_unknown_option_is_named_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(BadInput, match=rf"holds '{name}', expected what SLURMCluster .*; did you mean '{nearest}'\?"):
        check_options(settings(**{name: "x"}))


@pytest.mark.parametrize("cluster", JOB_CLASSES)
def test_options_of_the_page_are_options_of_every_queue(cluster: str) -> None:
    options = {"queue": "long", "cores": 8, "memory": "16GB", "walltime": "08:00:00", "job_extra_directives": ["-x"]}
    if cluster == "htcondor":  # has neither queues nor times
        options = {"cores": 8, "memory": "16GB", "disk": "1GB"}
    check_options(CampaignSettings.from_mapping({"cluster": cluster, "options": options}))


def test_names_whose_types_are_known_are_those_of_dask_jobqueue() -> None:
    import dask_jobqueue

    known = {name for kind in JOB_CLASSES.values() for name in clusters._parameters(getattr(dask_jobqueue, kind))}
    assert {*WHOLE_NUMBERS, *LISTS, *TEXTS} <= known


@pytest.mark.filterwarnings("ignore:campaign.encrypted is false")
def test_an_error_of_the_queue_is_not_taken_for_an_unknown_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TypeError from deep inside has its own words."""
    import dask_jobqueue

    class Broken(dask_jobqueue.SLURMCluster):  # type: ignore[misc, unused-ignore]
        def __init__(self, **options: Any) -> None:
            raise TypeError("unsupported operand type(s) for /: 'str' and 'int'")

    monkeypatch.setattr(dask_jobqueue, "SLURMCluster", Broken)
    with pytest.raises(WeakfieldError, match="could not be started: unsupported operand") as caught:
        clusters._jobs(settings(cores=1), tmp_path)
    assert "does not take" not in str(caught.value)
    monkeypatch.undo()
    with pytest.raises(WeakfieldError, match=r"cluster 'slurm' could not be started: .*'much'"):
        clusters._jobs(settings(cores=1, memory="much"), tmp_path)


def test_the_command_refuses_before_it_makes_the_run_folder(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study.toml", more='[campaign]\ncluster = "slurm"\noptions = { que = "x" }\n')
    code, out, err = run("simulate", study, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.startswith("weakfield: campaign.options holds 'que'")
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()
