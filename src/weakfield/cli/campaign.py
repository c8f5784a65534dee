"""The options of campaigns: where pairs are grown, which ones, and what that will take."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

from weakfield.base.errors import BadInput, shown
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.campaign import CampaignSettings
from weakfield.config.settings import read_toml


def campaign_settings(
    study: StudyConfig, profile: Path | None, workers: str | None, scheduler: str | None, cluster: str | None
) -> CampaignSettings:
    """Settings from the study, then a profile, then the command line; the last of these that sets a value decides."""
    values = study.campaign.model_dump()
    source = "campaign"
    if profile is not None:
        table = read_toml(profile)
        given = table.get("campaign", table)
        if not isinstance(given, dict):
            raise BadInput(f"{profile}: key 'campaign' is {shown(given)}, expected a table")
        values |= given
        source = str(profile)
    if workers is not None:
        if workers != "auto" and not (workers.isdecimal() and int(workers) > 0):
            raise BadInput(f"--workers is '{workers}', expected a whole number above 0 or auto")
        values["workers"] = workers if workers == "auto" else int(workers)
    if scheduler is not None or cluster is not None:
        values |= {"scheduler": scheduler, "cluster": cluster or "local"}
        if cluster in (None, "local"):
            values["options"] = {}  # these belong to the queue that the study names
    return CampaignSettings.from_mapping(values, source)


def chosen_seeds(study: StudyConfig, given: str | None) -> tuple[int, ...] | None:
    """The seeds of FIRST:END, excluding END; ``None`` stands for all seeds of the study."""
    if given is None:
        return None
    first, last = study.seeds.all[0], study.seeds.all[-1]
    match = re.fullmatch(r"(\d+):(\d+)", given)
    if match is None or not first <= int(match[1]) < int(match[2]) <= last + 1:
        raise BadInput(f"--seeds is '{given}', expected FIRST:END within the seeds of the study, {first}:{last + 1}")
    return tuple(range(int(match[1]), int(match[2])))


def print_estimate(study: StudyConfig, folder: Path, seeds: tuple[int, ...] | None, as_json: bool) -> None:
    """Print the disk space and the time that the missing pairs need on standard output."""
    from weakfield.pairs.cost import estimate
    from weakfield.pairs.status import duration, size

    found = estimate(study, RunFolder(folder), study.seeds.draws_of(seeds or study.seeds.all))
    if as_json:
        print(json.dumps({**asdict(found), "bytes": found.bytes, "seconds": found.seconds}))
        return
    print(f"pairs   {found.missing} of {found.pairs} are missing")
    print(f"disk    {size(found.bytes)} ({size(found.bytes_of_pair)} a pair), {size(found.free)} free")
    print(
        f"time    {duration(found.seconds)} ({found.seconds_of_pair:.3g} s a pair, {found.workers} at once);"
        f" from {found.source}"
    )
