"""The final network of the study, taken from the CAMELS multifield data set (arXiv:2109.10915)."""

from __future__ import annotations

from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import CircularConvolution, Style, as_logits, check_box, convolution

#: channels of the first block are 2h; base is the study's h = 6
SIZES: dict[str, tuple[int, int | None]] = {"small": (4, None), "base": (12, None), "large": (24, None)}

LEAST, MOST = 4, 7  # cells per side that the last convolution may span


class Camels(nn.Module):
    """Blocks of [3^d circular convolution, 3^d circular convolution, 2^d convolution of stride 2], then one that
    spans what is left of the box, one dense layer, dropout and the logits.

    There are 2h channels in the first block; they double in every further block and once more in the last convolution.
    The dense layer has as many units as the last block has channels. Every convolution has a bias and is followed by
    batch normalisation (or what the settings say) and LeakyReLU 0.2. On slices of 256^2 it is the network of the study:
    six blocks, channels 2h ... 64h, a 4x4 convolution to 128h, dense 64h. Smaller grids get as many blocks as leave 4
    to 7 cells per side. Raises ``BadInput`` for a grid that cannot be halved to that.
    """

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box("camels", shape)
        style = Style.of(shape, settings, SIZES, normalisation="batch")
        blocks = style.blocks or halvings(style.grid)
        left = style.halved("camels", blocks)
        if not 1 <= left <= MOST:
            raise BadInput(
                f"training.blocks is {blocks} but the {style.noun} have {style.grid} cells a side, {left} after the"
                f" blocks; expected blocks of network camels that leave at most {MOST}"
            )
        channels = shape[0]
        layers: list[nn.Module] = []
        for block in range(blocks):
            out = style.channels * 2**block
            layers += [CircularConvolution(style.dims, channels, out), *style.after(out)]
            layers += [CircularConvolution(style.dims, out, out), *style.after(out)]
            layers += [convolution(style.dims, out, out, kernel=2, stride=2), *style.after(out)]
            channels = out
        layers += [convolution(style.dims, channels, 2 * channels, kernel=left), *style.after(2 * channels)]
        self.features = nn.Sequential(*layers)
        self.head = style.head(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(self.features(x).flatten(1)))


def halvings(grid: int) -> int:
    """How often a grid is halved until 4 to 7 cells per side are left; ``BadInput`` when that is not possible."""
    blocks, left = 0, grid
    while left > MOST and left % 2 == 0:
        blocks, left = blocks + 1, left // 2
    if not LEAST <= left <= MOST or blocks == 0:
        raise BadInput(
            f"network camels was given samples of {grid} cells a side, expected {LEAST} to {MOST} times a power of 2,"
            f" from {2 * LEAST}; or set training.blocks"
        )
    return blocks
