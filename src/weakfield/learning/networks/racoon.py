"""The smallest network: strided convolutions and the mean over the box."""

from __future__ import annotations

from torch import Tensor

from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import as_logits, mean_over_box
from weakfield.learning.networks.strided import Strided


class Racoon(Strided):
    """Circular 3^d convolutions of stride 2, mean over the box, one dense layer: invariant under whole strides."""

    name = "racoon"

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__(shape, settings)
        self.head = self.style.head(self.channels, self.channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(mean_over_box(self.features(x))))
