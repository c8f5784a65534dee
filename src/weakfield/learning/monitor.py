"""Activations and gradients of every layer, watched in case they vanish or explode."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Norms = dict[str, dict[str, float]]

VANISHED = 1e-5  # share of the largest gradient among the layers; in the networks here they lie within a factor 1e3
EXPLODED_ACTIVATION = 1e4  # rms, where the input has 1: a logit of that size is beyond single precision's exp
EXPLODED_IN_PAIRS = 1e7  # where only differences of logits count: single precision still keeps them to about one
EXPLODED_GRADIENT = 1e4  # norm, beyond which clipping at 1 leaves a direction that one sample decides


class Monitor:
    """Root mean squares of the outputs and of the weight gradients of the layers that have weights."""

    def __init__(self, network: nn.Module) -> None:
        self.layers = {
            name: module
            for name, module in network.named_modules()
            if isinstance(weight := getattr(module, "weight", None), nn.Parameter) and weight.ndim >= 2
        }
        self.activations: dict[str, float] = {}

    @contextmanager
    def listening(self, active: bool = True) -> Iterator[None]:
        """Record the activations of forward passes inside the block."""
        handles: list[Any] = []
        if active:
            self.activations = {}
            for name, module in self.layers.items():
                handles.append(module.register_forward_hook(self._hook(name)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def norms(self) -> Norms:
        """``activation`` (rms), ``gradient`` (norm of the gradient of the weights) of each layer, in order of use.

        Call it after the backward pass and before clipping. Values that are not finite become the largest float.
        """
        found: Norms = {}
        for name, activation in self.activations.items():
            weight = self.layers[name].weight
            gradient = getattr(weight, "grad", None)
            found[name] = {
                "activation": _finite(activation),
                "gradient": _finite(0.0 if gradient is None else float(gradient.float().norm())),
            }
        return found

    def _hook(self, name: str) -> Any:
        def remember(module: nn.Module, arguments: Any, output: Any) -> None:
            if isinstance(output, Tensor):  # a layer of one's own may give several
                self.activations[name] = float(output.detach().float().square().mean().sqrt())

        return remember


def complaints(norms: Norms, of_pairs: bool = False) -> dict[str, str]:
    """What is wrong with these norms, by kind: a sentence that names the layer.

    A loss ``of_pairs`` lets logits grow: what the members of a pair share cancels, however large it is.
    """
    found: dict[str, str] = {}
    if not norms:
        return found
    most = EXPLODED_IN_PAIRS if of_pairs else EXPLODED_ACTIVATION
    loud = [name for name, row in norms.items() if row["activation"] > most]
    if loud:
        value = norms[loud[0]]["activation"]
        found["activations explode"] = (
            f"activations explode from layer {loud[0]} on (rms {value:.1e}); initial weights or learning rate are too"
            " large"
        )
    last = max(norms, key=lambda name: norms[name]["gradient"])
    largest = norms[last]["gradient"]
    if largest > EXPLODED_GRADIENT:
        found["gradients explode"] = (
            f"gradients explode in layer {last} (norm {largest:.1e}); initial weights or learning rate are too large"
        )
    first = min(norms, key=lambda name: norms[name]["gradient"])
    smallest = norms[first]["gradient"]
    if largest > 0 and smallest < VANISHED * largest:
        found["gradients vanish"] = (
            f"gradients vanish in layer {first} (norm {smallest:.1e}, against {largest:.1e} in {last}); fewer layers,"
            " another activation, or normalisation would let it learn"
        )
    return found


def warn(norms: Norms, epoch: int, said: dict[str, str], of_pairs: bool = False) -> None:
    """Warn of each kind of trouble the first time it is seen; ``said`` collects the warnings given."""
    for kind, sentence in complaints(norms, of_pairs).items():
        if kind not in said:
            said[kind] = f"{sentence} [epoch {epoch + 1}]"
            warnings.warn(said[kind], UserWarning, stacklevel=2)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else torch.finfo(torch.float32).max
