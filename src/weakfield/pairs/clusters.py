"""Where the workers are: processes of this machine, a scheduler that runs already, jobs of a queue.

All of it is Dask's: scheduling, starting again what died, counting the deaths a pair has seen.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, WeakfieldError, nearest
from weakfield.base.provenance import cores
from weakfield.config import StudyConfig
from weakfield.config.campaign import CampaignSettings

#: cluster -> class of dask-jobqueue
JOB_CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
}
#: what a job asks for if the options do not say
_JOB: dict[str, Any] = {"cores": 1, "memory": "4GB"}
_CONNECT_S, _CLOSE_S = 30, 5
#: Dask has freed memory given back to the system at once, and every field taken from it anew, page by page: a fifth of
#: the time of a small pair. These are the bounds that glibc arrives at by itself in a process that works with fields
MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**26, "MALLOC_MMAP_THRESHOLD_": 2**25}


@contextmanager
def connected(study: StudyConfig, logs: Path) -> Iterator[Any]:
    """A client of ``distributed`` with workers where ``study.campaign`` says; what was started ends with the block.

    Raises ``BadInput`` for a scheduler that does not answer, a queue that is not there or an option it does not know.
    """
    import dask
    from distributed import Client as _Client

    Client: Any = _Client  # untyped

    _quiet()
    settings = study.campaign
    with dask.config.set(_configuration(settings)):
        if settings.scheduler is not None:
            try:
                client = Client(settings.scheduler, timeout=_CONNECT_S, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                raise BadInput(
                    f"scheduler {settings.scheduler} does not answer, expected one that 'dask scheduler' started"
                ) from error
            try:
                yield client
            finally:
                client.close(timeout=_CLOSE_S)  # the scheduler may be gone
            return
        started = _jobs(settings, logs) if settings.cluster != "local" else _processes(study)
        with started as cluster, Client(cluster, set_as_default=False) as client:
            yield client


def worker_environments(study: StudyConfig) -> list[dict[str, str]]:
    """The environment of each worker on this machine: its threads, and the one GPU it sees."""
    settings = study.campaign
    gpus = settings.gpus or _gpus(study)
    count = len(gpus) or settings.workers
    each = str(settings.threads or max(1, cores() // count))
    names = ("WEAKFIELD_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    threads = dict.fromkeys(names, each) | {"OMP_WAIT_POLICY": "PASSIVE"}
    if gpus:
        return [threads | {"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus]
    return [threads] * count


def _gpus(study: StudyConfig) -> tuple[str, ...]:
    """The GPUs of this machine if the study runs on them, by the names CUDA_VISIBLE_DEVICES gives them."""
    from weakfield.mesh.devices import device_for

    if study.simulation.device == "cpu" or device_for(study.simulation.device).type != "cuda":
        return ()
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
    return tuple(name.strip() for name in names if name.strip())


def _processes(study: StudyConfig) -> Any:
    """A scheduler in this process and a process a worker, which a nanny starts again when it dies."""
    import distributed

    cluster: Any = distributed.SpecCluster  # untyped

    options = {"nthreads": 1, "memory_limit": 0, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    workers = {
        number: {"cls": distributed.Nanny, "options": {**options, "env": environment}}
        for number, environment in enumerate(worker_environments(study))
    }
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {"host": "127.0.0.1", "dashboard": True, "dashboard_address": "127.0.0.1:0"},
    }
    return cluster(workers=workers, scheduler=scheduler, name="weakfield", silence_logs=logging.CRITICAL)


def _jobs(settings: CampaignSettings, logs: Path) -> Any:
    """A scheduler in this process and a job of the queue a worker, asked for again when one is gone."""
    try:
        import dask_jobqueue
    except ImportError as error:
        raise BadInput(
            f"cluster is '{settings.cluster}' but dask-jobqueue is not installed, expected pip install"
            " 'weakfield[campaign]'"
        ) from error
    kind = getattr(dask_jobqueue, JOB_CLASSES[settings.cluster])
    threads = settings.threads or settings.options.get("cores", _JOB["cores"])
    options: dict[str, Any] = {**_JOB, "log_directory": str(logs), "processes": 1, **settings.options}
    exported = {"WEAKFIELD_THREADS": threads, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, **MEMORY}
    exported["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
    prologue = ["export " + " ".join(f"{name}={value}" for name, value in exported.items())]
    options["job_script_prologue"] = prologue + list(options.get("job_script_prologue", []))
    options["worker_extra_args"] = [*options.get("worker_extra_args", []), "--nthreads", "1"]
    logs.mkdir(parents=True, exist_ok=True)
    try:
        cluster = kind(**options)
    except TypeError as error:
        unknown = str(error).rpartition("argument ")[2].strip("'")
        raise BadInput(
            f"campaign.options holds {unknown!r}, which {JOB_CLASSES[settings.cluster]} of dask-jobqueue does not take"
            + nearest(unknown, ("queue", "account", "cores", "memory", "walltime", "job_extra_directives"))
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise WeakfieldError(f"cluster '{settings.cluster}' could not be started: {error}") from error
    cluster.adapt(minimum_jobs=settings.workers, maximum_jobs=settings.workers, interval="2s")
    return cluster


def _configuration(settings: CampaignSettings) -> dict[str, Any]:
    """What Dask shall do by itself, in a scheduler of ours."""
    return {
        # a pair whose worker died so many times is given back as failed
        "distributed.scheduler.allowed-failures": settings.tries - 1,
        # a worker gets its next pair when it is done with one: the death of one costs one pair
        "distributed.scheduler.worker-saturation": 1.0,
        # by the clock of this machine, which may jump; that a worker is gone is known from its connection
        "distributed.scheduler.worker-ttl": None,
        "distributed.scheduler.work-stealing": False,
        "distributed.worker.daemon": True,
        "distributed.worker.profile.enabled": False,  # looks at the stack a hundred times a second
        "distributed.nanny.pre-spawn-environ": MEMORY,
        "distributed.comm.timeouts.connect": "20s",
        "distributed.admin.tick.limit": "60s",
    }


def _quiet() -> None:
    """Deaths of workers are told by us, in a sentence."""
    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.worker", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
