"""The logit of a network for GR, and its gradient, sample by sample, within a memory budget.

The network is copied once, put into eval mode and not changed after that: explaining it changes neither its mode nor
its gradients.
"""

from __future__ import annotations

import copy
from itertools import chain

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.learning.losses import log_odds

#: memory that the gradients of one batch may take [bytes]
MEMORY = 2**30


class Response(nn.Module):
    """A copy of a network that returns only the logit for GR and can be differentiated.

    ``network`` maps (batch, C, N, N[, N]) to logits (batch,), (batch, 1) or (batch, classes), where class 1 is GR; with
    several classes, the log-odds of GR are used. Each sample has to be treated independently: no normalisation over the
    batch in eval mode. ``dtype`` is the precision in which the network is used; ``memory`` [bytes] bounds the batches.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype = torch.float64, memory: int = MEMORY) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).to(dtype)
        self.eval().requires_grad_(False)
        for module in self.network.modules():
            if getattr(module, "inplace", False) is True:
                module.inplace = False  # type: ignore[assignment]  # hooks look at what it would overwrite
        held = next(chain(self.network.parameters(), self.network.buffers()), None)
        self.device = torch.device("cpu") if held is None else held.device
        self.dtype, self.memory = dtype, memory
        self._sizes: dict[tuple[int, ...], int] = {}

    def forward(self, samples: Tensor) -> Tensor:
        """Logits (batch,) of samples in the network's own precision, on its device."""
        output: Tensor = self.network(samples.clone())  # a network may change its input in place
        if output.shape == (len(samples),):
            return output
        if output.shape == (len(samples), 1):
            return output[:, 0]
        if output.ndim == 2 and len(output) == len(samples) and output.shape[1] > 1:
            return log_odds(output)
        found = f"the network answers {tuple(output.shape)} to {len(samples)} samples"
        raise BadInput(f"{found}, expected (batch,), (batch, 1) or (batch, classes)")

    def logits(self, samples: Tensor) -> Tensor:
        """Logits (B,) float64 of samples (B, C, N, N[, N])."""
        with torch.no_grad():
            parts = [self(self._moved(part)) for part in torch.split(samples, self.batch(samples))]
        return torch.cat(parts).double().cpu()

    def gradients(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B,) and d logit / d cell (B, C, N, N[, N]), both float64 on the CPU."""
        answers, found = [], []
        for part in torch.split(samples, self.batch(samples)):
            with torch.enable_grad():
                inputs = self._moved(part).requires_grad_()
                answer = self(inputs)
                (gradient,) = torch.autograd.grad(answer.sum(), inputs)
            answers.append(answer.detach().double().cpu())
            found.append(gradient.double().cpu())
        return torch.cat(answers), torch.cat(found)

    def batch(self, samples: Tensor) -> int:
        """How many samples of this shape fit into memory at once; what autograd keeps of one sample is measured."""
        shape = tuple(samples.shape[1:])
        if shape not in self._sizes:
            kept: dict[int, int] = {}

            def pack(tensor: Tensor) -> Tensor:
                kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
                return tensor

            with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                self(self._moved(samples[:1]).requires_grad_())
            one = samples[0].numel() * torch.finfo(self.dtype).bits // 8
            self._sizes[shape] = 2 * sum(kept.values()) + 4 * one  # the backward pass needs about as much again
        return max(1, self.memory // max(1, self._sizes[shape]))

    def panels(self, samples: Tensor) -> int:
        """How many contributions of the shape of a sample, with their spectra, fit into a quarter of the memory."""
        return max(1, self.memory // (4 * 8 * 4 * samples[0].numel()))

    def _moved(self, part: Tensor) -> Tensor:
        return part.detach().to(self.device, self.dtype, copy=True)


def checked_samples(samples: Tensor, name: str = "samples") -> Tensor:
    """Samples (B, C, N, N[, N]) in float64 on the CPU, from a batch or from a single one (C, N, N[, N]).

    Four axes, of which the last three are equal, are one cube; otherwise they are a batch of planes. ``BadInput`` for
    another shape, for NaN or infinity.
    """
    values = samples.detach()
    if values.ndim == 3 or (values.ndim == 4 and len(set(values.shape[1:])) == 1):
        values = values[None]
    if values.ndim not in (4, 5) or len(set(values.shape[2:])) != 1 or 0 in values.shape or values.is_complex():
        found = f"{samples.dtype} of shape {tuple(samples.shape)}"
        raise BadInput(f"{name} are {found}, expected real (samples, channels, N, N[, N])")
    values = values.to("cpu", torch.float64).contiguous()
    if not bool(torch.isfinite(values).all()):
        raise BadInput(f"{name} hold NaN or infinity, expected finite numbers")
    return values
