"""Small networks whose convolutions themselves halve the box, in the manner of the study's first networks.

The study's draft names them and says that they are small and strided; it does not record their widths, which were
chosen here.
"""

from __future__ import annotations

from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import CircularConvolution, Style, as_logits, check_box, mean_over_box

SIZES: dict[str, tuple[int, int | None]] = {"small": (4, 3), "base": (8, 3), "large": (16, 3)}

MOST_FEATURES = 2**16  # into the dense layer of Penguin; more means a mistake in the number of blocks


class Strided(nn.Module):
    """``blocks`` circular convolutions of stride 2, the first of which spans ``first`` cells and the others 3.

    Channels double from block to block. Raises ``BadInput`` for a grid that does not divide by 2^blocks.
    """

    name = "strided"
    first = 3

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box(self.name, shape)
        self.style = style = Style.of(shape, settings, SIZES)
        blocks = style.blocks or 1
        self.left = style.halved(self.name, blocks)
        channels = shape[0]
        layers: list[nn.Module] = []
        for block in range(blocks):
            out = style.channels * 2**block
            kernel = self.first if block == 0 else 3
            layers += [CircularConvolution(style.dims, channels, out, kernel, stride=2), *style.after(out)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.channels = channels


class Racoon(Strided):
    """The smallest network: circular 3^d convolutions of stride 2, mean over the box, one dense layer.

    It is invariant under shifts by whole strides.
    """

    name = "racoon"

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__(shape, settings)
        self.head = self.style.head(self.channels, self.channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(mean_over_box(self.features(x))))


class Penguin(Strided):
    """A circular 5^d convolution of stride 2, then 3^d ones of stride 2, flattened into two dense layers.

    The dense layers see positions, so that the network is not invariant under shifts unless it learns to be
    (augmentation). Raises ``BadInput`` when the blocks leave more than 2^16 features.
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
