"""Time of the bispectrum beside BFast (JAX), PolyBin3D and Pylians, in one run on one machine.

    python benchmarks/bispectrum.py                                   ours alone
    python benchmarks/bispectrum.py --peers VENV/bin/python           with what that Python can import
    python benchmarks/bispectrum.py --peers PYTHON --paths DIR DIR    and what lies in these folders
    python benchmarks/bispectrum.py --cases 64 128 --repeat 9

Cases: N=64 with bins of width 1 to N/3, N=128 with width 3, N=256 with the 27 bins of width 3 of the original study.
"first" is a call that counts triples too (after one that compiled kernels), "next" a call for another field of the
same size. BFast computes its normalisation anew in every call, so it stands beside "first". All in turn, medians;
ratios are of the peer to ours. The Pylians row is one pair of sides and nine angles, and ours is the same. The table
goes to the terminal and to benchmarks/results/bispectrum.json; docs/spectra.md quotes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "bispectrum.json"
BOX = 1000.0
CASES = {64: (1.0, 21.0, 1.0), 128: (1.0, 40.0, 3.0), 256: (0.5, 81.5, 3.0)}
PEERS = ("bfast", "bfast double", "polybin3d", "pylians")
ANGLES = 9


def edges_of(n: int) -> Any:
    import numpy as np

    first, last, width = CASES[n]
    return np.arange(first, last + width / 2, width)


def noise(n: int) -> Any:
    import numpy as np

    return np.random.default_rng(1).normal(size=(n, n, n))


def seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measured(n: int, repeat: int) -> dict[str, Any]:
    """Ours in this process: medians of first and next calls, of angles, and the peak of memory."""
    import numpy as np

    from weakfield.fourier.triangles import shell_modes
    from weakfield.spectra import bispectrum, bispectrum_at_angles
    from weakfield.spectra.counts import closed_triangles, given_triangles

    field, edges, theta = noise(n), edges_of(n), np.linspace(0.1, np.pi - 0.1, ANGLES)
    triangles = len(bispectrum(field, BOX, edges).modes)
    times: dict[str, list[float]] = {"first": [], "next": [], "angles": []}
    for _ in range(repeat):
        for cache in (closed_triangles, given_triangles, shell_modes):
            cache.cache_clear()
        times["first"].append(seconds(lambda: bispectrum(field, BOX, edges)))
        times["next"].append(seconds(lambda: bispectrum(field, BOX, edges)))
        times["angles"].append(seconds(lambda: bispectrum_at_angles(field, BOX, (n / 16, n / 8), theta)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"triangles": triangles, "memory_mb": memory} | {name: statistics.median(t) for name, t in times.items()}


def bfast(n: int, repeat: int, double: bool) -> dict[str, Any]:
    """BFast's own top-level function, compiled, warm: bispectrum, power and normalisation."""
    import jax

    jax.config.update("jax_enable_x64", double)
    import jax.numpy as jnp
    from BFast.core.bispectrum import Bk

    field, edges = jnp.asarray(noise(n)), jnp.asarray(edges_of(n))

    def call() -> Any:
        return jax.block_until_ready(Bk(field, BOX, edges))

    triangles = len(call()["Bk"])
    return {"triangles": triangles, "seconds": statistics.median(seconds(call) for _ in range(repeat))}


def polybin3d(n: int, repeat: int) -> dict[str, Any]:
    """PolyBin3D's ideal estimator with FFTW: data and normalisation."""
    import numpy as np
    import PolyBin3D as polybin

    base = polybin.PolyBin3D(BOX, [n, n, n], backend="fftw", nthreads=len(os.sched_getaffinity(0)))
    edges = edges_of(n) * 2 * np.pi / BOX
    edges[0] = max(edges[0], 2 * np.pi / BOX)
    field = noise(n)
    estimator = polybin.BSpec(base, edges, include_partial_triangles=True)

    def call() -> None:
        estimator.compute_fisher_ideal(discreteness_correction=False)
        estimator.Bk_numerator_ideal(field)

    call()
    return {"triangles": int(estimator.N3), "seconds": statistics.median(seconds(call) for _ in range(repeat))}


def pylians(n: int, repeat: int) -> dict[str, Any]:
    """Pylians' bispectrum of one pair of sides at nine angles, counts included."""
    import bispectrum_library
    import numpy as np

    field, unit = noise(n).astype(np.float32), 2 * np.pi / BOX
    theta, threads = np.linspace(0.1, np.pi - 0.1, ANGLES), len(os.sched_getaffinity(0))

    def call() -> None:
        bispectrum_library.Bk(field, BOX, n / 16 * unit, n / 8 * unit, theta, "None", threads)

    call()
    return {"triangles": ANGLES, "seconds": statistics.median(seconds(call) for _ in range(repeat))}


def one(name: str, n: int, repeat: int) -> dict[str, Any]:
    if name == "ours":
        return measured(n, repeat)
    if name.startswith("bfast"):
        return bfast(n, repeat, name.endswith("double"))
    return {"polybin3d": polybin3d, "pylians": pylians}[name](n, repeat)


def in_process(python: str, paths: list[str], name: str, n: int, repeat: int) -> dict[str, Any]:
    """One measurement in a process of its own; ``reason`` where it could not be made."""
    environment = dict(os.environ)
    if name != "ours":
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    done = subprocess.run(
        [python, __file__, "--one", name, str(n), str(repeat)], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        return {"reason": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a case a row; seconds, and in brackets the ratio of the peer to ours."""
    head = ["N", "triangles", "first [s]", "next [s]", "memory [MB]", *PEERS, "angles [s]"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        ours = row["ours"]
        cells = [str(row["n"]), str(ours["triangles"]), f"{ours['first']:.3f}", f"{ours['next']:.3f}"]
        cells.append(f"{ours['memory_mb']:.0f}")
        for name in PEERS:
            peer = row.get(name, {})
            against = ours["angles" if name == "pylians" else "first"]
            cells.append(f"{peer['seconds']:.2f} ({peer['seconds'] / against:.1f})" if "seconds" in peer else "")
        lines.append("| " + " | ".join([*cells, f"{ours['angles']:.3f}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    """What the command does: measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=list(CASES), choices=list(CASES), help="values of N")
    parser.add_argument("--repeat", type=int, default=5, help="calls of which the median is taken")
    parser.add_argument(
        "--peers", metavar="PYTHON", help="a Python that imports the peers; without it they are skipped"
    )
    parser.add_argument("--paths", nargs="*", default=[], metavar="DIR", help="folders added to its import path")
    parser.add_argument("--peers-most", type=int, default=128, help="largest N at which the peers run (default 128)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, n, repeat = options.one
        print(json.dumps(one(name, int(n), int(repeat))))
        return
    rows = []
    for n in options.cases:
        row: dict[str, Any] = {"n": n, "ours": in_process(sys.executable, [], "ours", n, options.repeat)}
        for name in PEERS:
            if options.peers is None or n > options.peers_most:
                row[name] = {"reason": "no --peers given" if options.peers is None else "N above --peers-most"}
            else:
                row[name] = in_process(options.peers, options.paths, name, n, options.repeat)
            if "reason" in row[name]:
                print(f"N={n}: {name} skipped: {row[name]['reason']}")
        rows.append(row)
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    machine = {"processor": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0))}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
