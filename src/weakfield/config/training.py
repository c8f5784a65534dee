"""Settings of networks and their training."""

from __future__ import annotations

from pydantic import Field

from weakfield.config.settings import Settings


class TrainingSettings(Settings):
    """A 3-D convolutional network and how it is trained."""

    network: str = Field("cnn3d", description="a name of weakfield.learning.networks")
    channels: int = Field(8, ge=1, description="channels of the first block, doubled by each next one")
    blocks: int = Field(3, ge=1, description="pairs of convolutions, each halving the grid")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share dropped before the last layer; it hides what differs in twins"
    )
    epochs: int = Field(40, ge=1, description="passes over the training part; the best by validation is kept")
    batch_pairs: int = Field(4, ge=1, description="pairs a batch; each brings both of its cubes")
    learning_rate: float = Field(2e-3, gt=0, description="of AdamW")
    weight_decay: float = Field(1e-2, ge=0, description="of AdamW")
    warmup: float = Field(0.1, gt=0, lt=1, description="share of the training in which the learning rate rises")
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    augment: bool = Field(
        True, description="random periodic shifts, reflections and axis permutations, alike for a pair"
    )
    seed: int = Field(0, ge=0, description="of initial weights, order and augmentation")
    mean_kept_too: bool = Field(True, description="train the same network also on cubes whose mean is kept")
