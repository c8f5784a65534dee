"""Strided convolutions that begin with a wide one and end in dense layers which know where in the box a feature is."""

from __future__ import annotations

from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import as_logits
from weakfield.learning.networks.strided import Strided

MOST_FEATURES = 2**16  # into the dense layer; more is a mistake in the number of blocks


class Penguin(Strided):
    """A circular 5^d convolution of stride 2, then 3^d ones of stride 2, flattened into two dense layers.

    The dense layers see positions: not invariant under shifts unless it learns to be (augmentation). Raises
    ``BadInput`` when the blocks leave more than 2^16 features.
    """

    name = "penguin"
    first = 5

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__(shape, settings)
        features = self.channels * self.left**self.style.dims
        if features > MOST_FEATURES:
            raise BadInput(
                f"network penguin would flatten {features} features of {self.left} cells a side, expected at most"
                f" {MOST_FEATURES}: raise training.blocks"
            )
        self.head = self.style.head(features, 8 * self.style.channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(self.features(x).flatten(1)))
