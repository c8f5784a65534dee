"""Page 2: our network on few and on many planted pairs, beside the best classifier there is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from marks import table

from theory_figures.universes import best_scores, planted, real_modes
from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.config.training import TrainingSettings
from weakfield.learning import Task, fit, score
from weakfield.learning.bound import gaussian_auc, global_factor_auc
from weakfield.learning.metrics import log_loss, unpaired_auc

GRID, EXCESS = 8, 0.15
FEW, MANY, TEST = 8, 512, 300
#: nothing is left to what is fastest on a machine, so that the numbers can be had again
OPTIONS = {
    "channels": 4, "blocks": 2, "learning_rate": 5e-3,
    "device": "cpu", "precision": "single", "layout": "contiguous", "loading": "memory",
}  # fmt: skip


def trained(pairs: int, tiny: bool, **settings: Any) -> dict[str, Any]:
    """Curves of one training on ``pairs`` pairs, and the losses of the epoch kept and of the last one."""
    settings = {**OPTIONS, **settings, **({"epochs": 3} if tiny else {})}
    test = 20 if tiny else TEST
    parts = {
        "train": planted(GRID, range(10_000, 10_000 + pairs), EXCESS),
        "validation": planted(GRID, range(20_000, 20_000 + test), EXCESS),
        "test": planted(GRID, range(30_000, 30_000 + test), EXCESS),
    }
    with tempfile.TemporaryDirectory() as scratch:
        network = fit(Task(TrainingSettings.from_mapping(settings), parts, f"planted {pairs}"), Path(scratch))
        history = json.loads((Path(scratch) / "history.json").read_text())
    rows, best = history["epochs"], history["best_epoch"]
    found = score(network, parts["test"])
    return {
        "pairs": pairs, "train": [row["train_loss"] for row in rows],
        "validation": [row["validation_loss"] for row in rows], "best_epoch": best + 1,
        "test_loss": log_loss(found), "test_auc": unpaired_auc(found),
        "parameters": sum(p.numel() for p in network.parameters()),
        "bound_loss": log_loss(best_scores(parts["test"], EXCESS)),
        "bound_auc": unpaired_auc(best_scores(parts["test"], EXCESS)),
    }  # fmt: skip


CASES = {
    "few pairs": (FEW, {"augment": False, "epochs": 80}),
    "few pairs, 48 symmetries and shifts": (FEW, {"augment": True, "epochs": 80}),
    "many pairs": (MANY, {"augment": False, "epochs": 20}),
    "many pairs, steps too small": (MANY, {"augment": False, "epochs": 20, "learning_rate": 2e-5}),
}


def measure(tiny: bool) -> dict[str, Any]:
    return {
        name: trained(min(pairs, 8) if tiny else pairs, tiny, **dict(extra)) for name, (pairs, extra) in CASES.items()
    }


def draw(results: dict[str, Any]) -> Any:
    """The picture, of what was measured."""
    figure, axes = new_figure(columns=len(results), size=(3.6, 3.3), sharey=True)
    for panel, (name, case) in zip(axes[0], results.items(), strict=True):
        epochs = np.arange(1, len(case["train"]) + 1)
        panel.plot(epochs, case["train"], color=OTHERS[1], label="training")
        panel.plot(epochs, case["validation"], color=OTHERS[2], label="validation")
        panel.plot(
            case["best_epoch"], case["validation"][case["best_epoch"] - 1], "o", ms=5, color=OTHERS[0], label="kept"
        )
        panel.axhline(case["bound_loss"], color=GREY, lw=1, ls=":", label="best classifier")
        panel.axhline(np.log(2), color=GREY, lw=1, ls="--", label="ln 2")
        panel.set(xlabel="epoch", ylim=(0, 1.3))
        panel.set_title(name, fontsize=9)
    axes[0, 0].set_ylabel("binary cross-entropy [nat]")
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def text(results: dict[str, Any]) -> str:
    """The lines of the page that quote what was measured."""
    head = ("training", "pairs", "training loss, last epoch", "validation loss, last epoch", "epoch kept",
            "validation loss there", "test loss", "test AUC")  # fmt: skip
    rows = [
        (name, str(case["pairs"]), f"{case['train'][-1]:.3f}", f"{case['validation'][-1]:.3f}",
         str(case["best_epoch"]), f"{case['validation'][case['best_epoch'] - 1]:.3f}", f"{case['test_loss']:.3f}",
         f"{case['test_auc']:.2f}")
        for name, case in results.items()
    ]  # fmt: skip
    first = next(iter(results.values()))
    return "\n".join([
        f"Network `cnn3d` with {first['parameters']} parameters on cubes of {GRID}³, the GR member {1 + EXCESS:g} "
        f"times its twin in each of {real_modes(GRID)} Gaussian modes. The best classifier has test loss "
        f"{first['bound_loss']:.3f} and AUC {first['bound_auc']:.2f} on the same {TEST} pairs; "
        f"expected are {gaussian_auc([(1 + EXCESS) ** 2], [real_modes(GRID)]):.3f}, and Φ(d'/√2) = "
        f"{global_factor_auc(EXCESS, real_modes(GRID)):.3f} to first order.",
        "",
        table(head, rows),
    ])  # fmt: skip
