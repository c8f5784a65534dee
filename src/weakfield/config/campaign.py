"""Settings of a campaign: where and how pairs are grown. Neither results nor hashes of pairs depend on them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings

Cluster = Literal["local", "slurm", "pbs", "lsf", "htcondor"]
Option = bool | int | float | str | list[str]


class CampaignSettings(Settings):
    """Where pairs are grown: by how many workers, on which machines. The pairs do not depend on it."""

    workers: int = Field(1, ge=1, description="pairs grown at once; 1 on this machine is a plain loop without Dask")
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
    scheduler: str | None = Field(None, description="address of a Dask scheduler that is running, tcp://HOST:PORT")
    cluster: Cluster = Field("local", description="processes of this machine, or jobs of a queue, one worker a job")
    options: dict[str, Option] = Field(
        {},
        description="options of the queue, as the cluster class of dask-jobqueue takes them: queue, account, cores,"
        " memory, walltime, job_extra_directives, job_script_prologue",
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
            raise ValueError(f"scheduler is '{self.scheduler}', expected an address such as tcp://HOST:PORT")
        if self.gpus and (self.scheduler is not None or self.cluster != "local"):
            raise ValueError("gpus are those of this machine, expected neither scheduler nor cluster with them")
        if self.options and self.cluster == "local":
            raise ValueError("options are for a queue, expected cluster = slurm, pbs, lsf or htcondor with them")
        return self

    @property
    def plain(self) -> bool:
        """Whether pairs are grown one after the other in this process."""
        return self.workers == 1 and not self.gpus and self.scheduler is None and self.cluster == "local"
