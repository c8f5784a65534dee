"""Where the workers run: as processes of this machine, with a scheduler that is already running, or as jobs of a queue.

Dask does all the work: it schedules, restarts workers that died, and counts how many workers died with each pair.
"""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, WeakfieldError, nearest, shown
from weakfield.base.provenance import cores
from weakfield.config import StudyConfig
from weakfield.config.campaign import CampaignSettings
from weakfield.pairs.security import LOOPBACK, local_credentials, queue_credentials, warn_of_open_scheduler

#: cluster -> class of dask-jobqueue
JOB_CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
}
#: what a job asks for when the options do not say
_JOB: dict[str, Any] = {"cores": 1, "memory": "4GB"}
#: what a cluster class of dask-jobqueue takes and a campaign decides by itself
_OURS = (
    "self", "n_workers", "job_cls", "loop", "security", "silence_logs", "name", "asynchronous", "dashboard_address",
    "host", "scheduler", "scheduler_options", "scheduler_cls", "nanny",
)  # fmt: skip
_CONNECT_S, _CLOSE_S = 30, 5
#: By default Dask makes glibc return freed memory to the system at once, so that every field is allocated anew, page by
#: page: this costs a fifth of the time of a small pair. These thresholds are those that glibc arrives at by itself in a
#: process that works with fields
MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**26, "MALLOC_MMAP_THRESHOLD_": 2**25}


@contextmanager
def connected(study: StudyConfig, logs: Path) -> Iterator[Any]:
    """A client of ``distributed`` with workers where ``study.campaign`` says; what it starts stops when the block ends.

    What it starts accepts connections of this machine alone, or, where a queue runs the workers, of those that have the
    certificate of this campaign. Raises ``BadInput`` for a scheduler that does not answer, and as ``check_options``.
    """
    import dask
    from distributed import Client as _Client

    Client: Any = _Client  # untyped

    _quiet()
    settings = study.campaign
    with dask.config.set(_configuration(settings)):
        if settings.scheduler is not None:
            warn_of_open_scheduler(settings.scheduler)
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
        try:
            with started as cluster, Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            _remove_keys(started)


def worker_environments(study: StudyConfig) -> list[dict[str, str]]:
    """The environment of each worker on this machine: its number of threads, and the one GPU that it sees."""
    settings = study.campaign
    gpus = settings.gpus or _gpus(study)
    count = len(gpus) or settings.asked_for
    each = str(settings.threads or max(1, cores() // count))
    names = ("WEAKFIELD_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    threads = dict.fromkeys(names, each) | {"OMP_WAIT_POLICY": "PASSIVE"}
    if gpus:
        return [threads | {"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus]
    return [threads] * count


def _gpus(study: StudyConfig) -> tuple[str, ...]:
    """The GPUs of this machine, named as in CUDA_VISIBLE_DEVICES, if the study runs on GPUs."""
    from weakfield.mesh.devices import device_for

    if study.simulation.device == "cpu" or device_for(study.simulation.device).type != "cuda":
        return ()
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
    return tuple(name.strip() for name in names if name.strip())


def _processes(study: StudyConfig) -> Any:
    """A scheduler in this process and one process per worker; a nanny restarts a worker that dies."""
    import distributed

    cluster: Any = distributed.SpecCluster  # untyped

    security, here = local_credentials(), f"{LOOPBACK}:0"
    protocol = "tcp://" if security is None else "tls://"
    shared = {"host": LOOPBACK, "protocol": protocol, "security": security, "dashboard_address": here}
    options = {**shared, "nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
    workers = {
        number: {"cls": distributed.Nanny, "options": {**options, "env": environment}}
        for number, environment in enumerate(worker_environments(study))
    }
    scheduler = {"cls": distributed.Scheduler, "options": {**shared, "dashboard": True}}
    return cluster(
        workers=workers, scheduler=scheduler, name="weakfield", silence_logs=logging.CRITICAL, security=security
    )


def check_options(settings: CampaignSettings) -> None:
    """Raise ``BadInput`` without dask-jobqueue, and for an option that its cluster class does not take."""
    if settings.cluster == "local":
        return
    kind = _job_class(settings)
    known = [name for name in _parameters(kind) if name not in _OURS]
    for name in settings.options:
        if name not in known:
            raise BadInput(
                f"campaign.options holds {shown(name)}, expected what {kind.__name__} of dask-jobqueue takes: queue,"
                f" cores, memory, walltime and others{nearest(name, known)}"
            )


def _job_class(settings: CampaignSettings) -> Any:
    try:
        import dask_jobqueue
    except ImportError as error:
        raise BadInput(
            f"cluster is '{settings.cluster}' but dask-jobqueue is not installed, expected pip install"
            " 'weakfield[campaign]'"
        ) from error
    return getattr(dask_jobqueue, JOB_CLASSES[settings.cluster])


def _parameters(kind: Any) -> list[str]:
    """The names of what a cluster class of dask-jobqueue takes by itself and for its jobs."""
    classes = [one for one in (*kind.__mro__, *kind.job_cls.__mro__) if one.__module__.startswith("dask_jobqueue.")]
    names = {name: None for one in classes for name in inspect.signature(one).parameters}
    return [name for name in names if not name.endswith("kwargs")]


def _jobs(settings: CampaignSettings, logs: Path) -> Any:
    """A scheduler in this process and one job of the queue per worker; a job that ends is asked for again."""
    check_options(settings)
    kind, security = _job_class(settings), queue_credentials(settings)
    threads = settings.threads or settings.options.get("cores", _JOB["cores"])
    options: dict[str, Any] = {**_JOB, "log_directory": str(logs), "processes": 1, **settings.options}
    exported = {"WEAKFIELD_THREADS": threads, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, **MEMORY}
    exported["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
    prologue = ["export " + " ".join(f"{name}={value}" for name, value in exported.items())]
    options["job_script_prologue"] = prologue + list(options.get("job_script_prologue", []))
    # what a worker shows of itself to browsers stays on its node; certificates do not guard that
    ours = ["--nthreads", "1", "--dashboard-address", f"{LOOPBACK}:0"]
    options["worker_extra_args"] = [*options.get("worker_extra_args", []), *ours]
    options["scheduler_options"] = {"dashboard_address": f"{LOOPBACK}:0"}
    logs.mkdir(parents=True, exist_ok=True)
    if security is not None:  # jobs read the certificate from files of this user's, removed when the campaign ends
        options = {"shared_temp_directory": str(logs.resolve()), **options, "security": security}
    try:
        cluster = kind(**options)
    except Exception as error:  # whatever dask-jobqueue, the queue or a value of the options leads to
        raise WeakfieldError(f"cluster '{settings.cluster}' could not be started: {error}") from error
    cluster.adapt(minimum_jobs=settings.asked_for, maximum_jobs=settings.asked_for, interval="2s")
    return cluster


def _remove_keys(cluster: Any) -> None:
    """Remove the files from which the jobs read their certificate, which otherwise stay as long as the cluster."""
    for value in vars(cluster).values():
        if isinstance(value, tempfile._TemporaryFileWrapper):
            with suppress(OSError):
                value.close()


def _configuration(settings: CampaignSettings) -> dict[str, Any]:
    """The settings of Dask in a scheduler that we start."""
    return {
        # a pair is returned as failed once this many workers have died with it
        "distributed.scheduler.allowed-failures": settings.tries - 1,
        # a worker gets its next pair only when it has finished one, so the death of a worker costs one pair
        "distributed.scheduler.worker-saturation": 1.0,
        # this relies on the machine's clock, which may jump; a lost worker is recognised by its connection instead
        "distributed.scheduler.worker-ttl": None,
        "distributed.scheduler.work-stealing": False,
        "distributed.worker.daemon": True,
        "distributed.worker.profile.enabled": False,  # would sample the stack a hundred times a second
        "distributed.nanny.pre-spawn-environ": MEMORY,
        "distributed.comm.timeouts.connect": "20s",
        "distributed.admin.tick.limit": "60s",
    }


def _quiet() -> None:
    """Silence Dask about workers that die: we report these deaths ourselves, in one sentence."""
    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.worker", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
