"""Settings of a campaign: where and how pairs are grown. Neither results nor hashes of pairs depend on them."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from weakfield.base.errors import shown
from weakfield.base.provenance import cores
from weakfield.config.settings import Settings

Cluster = Literal["local", "slurm", "pbs", "lsf", "htcondor"]
Option = bool | int | float | str | list[str]

#: options of dask-jobqueue with the type that it takes and does not check; others may be of any type in ``Option``
WHOLE_NUMBERS = ("cores", "processes", "job_cpu", "ncpus", "mem", "death_timeout")
LISTS = ("job_extra_directives", "job_script_prologue", "job_directives_skip", "worker_extra_args")
TEXTS = (
    "queue", "account", "project", "memory", "walltime", "job_mem", "resource_spec", "disk", "lsf_units", "interface",
    "local_directory", "log_directory", "shared_temp_directory", "job_name", "python", "shebang", "worker_command",
    "protocol", "config_name",
)  # fmt: skip
#: examples of texts that people write as something else
_EXAMPLES = {"memory": '"24GB"', "job_mem": '"24GB"', "disk": '"24GB"', "walltime": '"08:00:00"'}


def _checked(options: Any) -> Any:
    """Options of the queue with values of the types that it takes."""
    if not isinstance(options, dict):
        raise ValueError(f'found {shown(options)}, expected a table such as {{ queue = "long", cores = 8 }}')
    for name, value in options.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if name in WHOLE_NUMBERS and not (whole and value > 0):
            raise ValueError(f"{name} is {shown(value)}, expected a whole number above 0, such as 8 without quotes")
        if name in TEXTS and not isinstance(value, str):
            raise ValueError(f"{name} is {shown(value)}, expected text in quotes, such as {_EXAMPLES.get(name, '...')}")
        if name in LISTS and not (isinstance(value, list) and all(isinstance(line, str) for line in value)):
            raise ValueError(f'{name} is {shown(value)}, expected a list of texts, such as ["--exclusive"]')
        if not isinstance(value, bool | int | float | str | list):
            raise ValueError(f"{name} is {shown(value)}, expected a number, a text, true, false or a list of texts")
    return options


class CampaignSettings(Settings):
    """Where pairs are grown: by how many workers, on which machines. The pairs do not depend on it."""

    workers: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = Field(
        "auto",
        description="pairs grown at once, and controls, attributions, baselines and figures made at once; auto: one a"
        " core (WEAKFIELD_WORKERS overrides the number of cores) as far as memory allows, and large meshes one after"
        " the other with all threads; 1: a plain loop; other numbers: pairs by as many workers of Dask",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="threads of each worker; default: an even share of the cores of this machine, or of a job",
    )
    gpus: tuple[str, ...] = Field(
        (),
        description="GPUs of this machine as CUDA_VISIBLE_DEVICES names them, one worker each instead of `workers`;"
        " default: none; with `workers` above 1 and simulation.device on a GPU, all that are visible",
    )
    scheduler: str | None = Field(
        None,
        description="address of a Dask scheduler that is running: tls://HOST:PORT, or tcp://HOST:PORT, which asks"
        " nobody who they are, as a warning says",
    )
    cluster: Cluster = Field("local", description="processes of this machine, or jobs of a queue, one worker a job")
    options: Annotated[dict[str, Option], BeforeValidator(_checked)] = Field(
        {},
        description="options of the queue, as the cluster class of dask-jobqueue takes them: texts (queue, account,"
        ' project, memory = "24GB", walltime = "08:00:00"), whole numbers (cores, job_cpu), lists of texts'
        " (job_extra_directives, job_script_prologue), true or false",
    )
    encrypted: bool = Field(
        True,
        description="workers of a queue and their scheduler prove to each other by certificates of this campaign (TLS)"
        " who they are; false: whoever reaches a port of theirs can run code as you, which a warning says",
    )
    scratch: str | None = Field(
        None,
        description="folder of each worker where pairs grow before they are copied, such as $TMPDIR;"
        " default: in the run folder",
    )
    tries: int = Field(3, ge=1, description="how often a pair may fail, or lose its worker, before it is set aside")
    patience_s: float = Field(600.0, gt=0, description="seconds without any worker after which a campaign gives up")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.scheduler is not None and self.cluster != "local":
            raise ValueError(
                f"scheduler is '{self.scheduler}' and cluster is '{self.cluster}', expected one of the two"
            )
        if self.scheduler is not None and "://" not in self.scheduler:
            raise ValueError(
                f"scheduler is '{self.scheduler}', expected an address such as tcp://HOST:PORT or tls://HOST:PORT"
            )
        if self.gpus and (self.scheduler is not None or self.cluster != "local"):
            raise ValueError("gpus are those of this machine, expected neither scheduler nor cluster with them")
        if self.options and self.cluster == "local":
            raise ValueError("options are for a queue, expected cluster = slurm, pbs, lsf or htcondor with them")
        return self

    @property
    def needs_dask(self) -> bool:
        """Whether pairs are grown by workers of Dask: as many as were asked for, on GPUs, or on other machines."""
        elsewhere = bool(self.gpus) or self.scheduler is not None or self.cluster != "local"
        return elsewhere or self.workers not in (1, "auto")

    @property
    def asked_for(self) -> int:
        """The number of workers of Dask: 1 where none was given."""
        return 1 if self.workers == "auto" else self.workers

    @property
    def here(self) -> int:
        """How many processes of this machine may work at once."""
        if self.workers == "auto" or self.scheduler is not None or self.cluster != "local":
            return int(os.environ.get("WEAKFIELD_WORKERS", "0")) or cores()
        return self.workers
