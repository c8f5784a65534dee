"""Every Triton kernel compiles for a GPU that is not here, and keeps double precision in what it compiles to.

The interpreter runs code that the compiler refuses; this does not need a GPU, only Triton with its assembler.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'weakfield[test]'")

#: kernels that add to what others add to
DEPOSITS = ("_paint", "_stress_energy", "_t0i", "_paint_pcs", "_project_pcs", "_t0i_pcs")

#: kernel -> arguments before the sizes ("r" of the precision of the run), and constants
PROGRAM = """
import importlib, json, re, warnings
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

warnings.simplefilter("ignore")
PARTICLES = {"column": "*i32", "row": "*i32", "u": "*r"}
COUNTS, MODES, TILE = {"n": "i32", "count": "i32"}, {"n": "i32", "half": "i32"}, {"ROWS": 4, "WIDTH": 64}
D = "*fp64"
KERNELS = {
    "assignment._paint": ({**PARTICLES, "weight": "*r", "numbers": D, "out": "*r", **COUNTS}, {"WEIGHTED": True}),
    "assignment._read": ({**PARTICLES, "field": "*r", "out": "*r", **COUNTS}, {}),
    "assignment._gradient": ({**PARTICLES, "field": "*r", "out": "*r", **COUNTS}, {}),
    "motion._newton": ({**PARTICLES, "q": "*r", "potential": "*r", "numbers": D, **COUNTS}, {}),
    "motion._gr": (
        {**PARTICLES, "q": "*r", "metric": "*r", "numbers": D, **COUNTS},
        {"SECOND": True, "DRAGGING": True, "METRIC": True, "WIDTH": 8, "BLOCK": 64},
    ),
    "pcs._paint_pcs": (
        {**PARTICLES, "weight": "*r", "numbers": D, "out": "*r", **COUNTS}, {"WEIGHTED": True, "BLOCK": 128}
    ),
    "pcs._read_pcs": (
        {**PARTICLES, "fields": "*r", "numbers": D, "out": "*r", **COUNTS}, {"LAST": 3, "WIDE": 4, "BLOCK": 64}
    ),
    "pcs._project_pcs": (
        {**PARTICLES, "q": "*r", "metric": "*r", "numbers": D, "energies": "*r", "out": "*r", **COUNTS},
        {"METRIC": True, "SHIFTED": True, "ENERGIES": True, "BLOCK": 64},
    ),
    "pcs._t0i_pcs": (
        {**PARTICLES, "q": "*r", "metric": "*r", "numbers": D, "out": "*r", **COUNTS}, {"METRIC": True, "BLOCK": 128}
    ),
    "pcs._newton_pcs": ({**PARTICLES, "q": "*r", "slopes": "*r", "numbers": D, **COUNTS}, {"BLOCK": 64}),
    "pcs._kick_drift_pcs": (
        {**PARTICLES, "q": "*r", "metric": "*r", "dragging": "*r", "numbers": D, **COUNTS}, {"BLOCK": 64}
    ),
    "projection._stress_energy": (
        {**PARTICLES, "q": "*r", "phi": "*r", "potential": "*r", "numbers": D, "out": "*r", **COUNTS},
        {"SHIFTED": True, "SECOND": True},
    ),
    "projection._t0i": ({**PARTICLES, "q": "*r", "phi": "*r", "numbers": D, "out": "*r", **COUNTS}, {}),
    "sources._phi_source": (
        {**dict.fromkeys(("packed", "extra", "phi", "chi", "past"), "*r"), "numbers": D, "out": "*r", "n": "i32"},
        {"EXTRA": True, "IMPLICIT": False, "SECOND": True, **TILE},
    ),
    "sources._stress_divergence": ({"packed": "*r", "phi": "*r", "numbers": D, "out": "*r", "n": "i32"}, TILE),
    "sources._pack": ({"phi": "*r", "chi": "*r", "b": "*r", "out": "*r", "n": "i32"}, {"WIDE": 8, **TILE}),
    "spectral._divide": ({"modes": "*r", "table": D, "numbers": D, **MODES}, {"CLEAR": True, **TILE}),
    "spectral._chi": ({"divergence": "*r", "table": D, "out": "*r", **MODES}, TILE),
    "spectral._transverse": (
        {"vector": "*r", "table": D, "numbers": D, "out": "*r", **MODES}, {"ADD": True, **TILE}
    ),
    "spectral._realise": (
        {"unit": D, "strength": D, "window": "*fp32", "numbers": D, "out": "*r", **MODES}, {"WINDOWED": True, **TILE}
    ),
}
found = {}
for name, (signature, constants) in KERNELS.items():
    module, kernel = name.split(".")
    function = getattr(importlib.import_module(f"weakfield.mesh.kernels.cuda.{module}"), kernel)
    if "BLOCK" in function.arg_names:
        constants = {"BLOCK": 256, **constants}
    for real in ("fp32", "fp64"):
        types = {key: kind.replace("*r", f"*{real}") for key, kind in signature.items()}
        divisible = {(i,): [["tt.divisibility", 16]] for i, kind in enumerate(types.values()) if kind[0] == "*"}
        source = ASTSource(
            fn=function, signature={**types, **dict.fromkeys(constants, "constexpr")}, constexprs=constants,
            attrs=divisible,
        )
        compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": True})
        text = compiled.asm["ptx"]
        found[f"{kernel} {real}"] = {
            "rounded": len(re.findall(r"cvt\\.rn\\.f32\\.f64", text)),
            "atomics": sorted(set(re.findall(r"(?:red|atom)\\.global[.a-z0-9]*", text))),
        }
print(json.dumps(found))
"""


@pytest.mark.slow
def test_kernels_compile_for_a_gpu(tmp_path):
    """For compute capability 9.0: doubles are never rounded to floats, and no deposit fences what is around it."""
    environment = {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path), "HOME": str(tmp_path)}
    script = tmp_path / "compile.py"
    script.write_text(PROGRAM)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 40
    for name, entry in found.items():
        if name.endswith("fp64"):
            assert entry["rounded"] == 0, name
        kernel = name.split()[0]
        assert bool(entry["atomics"]) == (kernel in DEPOSITS), name
        assert all("relaxed" in atomic for atomic in entry["atomics"]), name
