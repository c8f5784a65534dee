"""Small networks whose convolutions halve the box themselves, in the manner of the study's first ones.

The study's draft names them and says that they are small and strided; it does not record their widths, which are
chosen here.
"""

from __future__ import annotations

from torch import nn

from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import CircularConvolution, Style, check_box

SIZES: dict[str, tuple[int, int | None]] = {"small": (4, 3), "base": (8, 3), "large": (16, 3)}


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
