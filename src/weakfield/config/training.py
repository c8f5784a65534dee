"""Settings of networks, of their training, and of what is done to know what they are worth."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from weakfield.base.errors import nearest
from weakfield.base.plugins import is_plugin
from weakfield.config.settings import Settings

Size = Literal["small", "base", "large"]
Activation = Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu"]
Normalisation = Literal["batch", "group", "none"]
Optimiser = Literal["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"]
Schedule = Literal["constant", "step", "cosine", "one_cycle", "plateau"]
Loss = Literal["bce", "cross_entropy", "mse", "pair"]


def _or_own(choices: Any) -> AfterValidator:
    """A name must be one of ``choices`` or package.module:NAME."""
    known = get_args(choices)

    def check(name: str) -> str:
        if name not in known and not is_plugin(name):
            raise ValueError(
                f"'{name}' is unknown, expected {', '.join(known)} or package.module:NAME{nearest(name, known)}"
            )
        return name

    return AfterValidator(check)


class TrainingSettings(Settings):
    """A network and how it is trained."""

    network: str = Field(
        "cnn3d",
        description="a name of weakfield.learning.networks, or package.module:Class of an nn.Module of one's own, which"
        " runs with the rights of who runs the study ('weakfield docs learning')",
    )
    size: Size = Field("base", description="preset of channels and blocks of the network")
    channels: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="channels of the first block, doubled from block to block; default: as the size says",
    )
    blocks: int | None = Field(
        None, ge=1, le=32, description="blocks, each halving the grid; default: as the size says"
    )
    activation: Activation | None = Field(
        None, description="activation function after every layer; default: the network's own"
    )
    normalisation: Normalisation | None = Field(
        None,
        description="normalisation after every convolution; default: the network's own (batch for camels, else none)."
        " group erases the amplitude of a sample; batch makes its score depend on the rest of the batch"
        " while training",
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share dropped before the last layer; it hides what differs within a pair"
    )
    classes: int = Field(1, ge=1, le=1000, description="1: one logit, positive for GR; more: a logit a class, softmax")
    loss: Annotated[Loss | str, _or_own(Loss)] = Field(
        "bce",
        description="bce (one logit), cross_entropy (classes), mse of the probability, or pair: the network sees both"
        " members and is asked which is which (bce of the difference of their logits); or package.module:NAME",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="labels are moved this share of the way to 1 / classes")
    epochs: int = Field(40, ge=1, description="passes over the training part; the best by validation is kept")
    early_stopping: int | None = Field(
        None, ge=1, description="stop after this many epochs in a row without a smaller validation loss"
    )
    batch_pairs: int = Field(
        4, ge=1, description="pairs in a batch, over all processes; each brings both of its members"
    )
    optimiser: Annotated[Optimiser | str, _or_own(Optimiser)] = Field(
        "adamw", description="nesterov and momentum are SGD with the momentum below; or package.module:NAME"
    )
    momentum: float = Field(
        0.9, ge=0, lt=1, description="momentum of momentum, nesterov and rmsprop (for which 0.9 is a lot)"
    )
    learning_rate: float = Field(2e-3, gt=0, description="largest learning rate")
    weight_decay: float = Field(1e-2, ge=0, description="decoupled with adamw, else added to the gradient")
    schedule: Annotated[Schedule | str, _or_own(Schedule)] = Field(
        "cosine", description="schedule of the learning rate after the warm-up; or package.module:NAME"
    )
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the training in which the learning rate rises")
    decay_factor: float = Field(0.1, gt=0, lt=1, description="factor on the learning rate at each step or plateau")
    decay_epochs: int = Field(
        10, ge=1, description="epochs between steps, or without a smaller validation loss before a plateau counts"
    )
    gradient_clip: float | None = Field(
        1.0, gt=0, description="largest norm of the gradient, above which it is scaled down"
    )
    augment: bool = Field(True, description="random periodic shifts, reflections and axis permutations")
    augment_alike: bool = Field(True, description="the same symmetry and shift for both members of a pair")
    seed: int = Field(0, ge=0, description="seed of initial weights, order and augmentation")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where networks are trained")
    precision: Literal["auto", "single", "bf16"] = Field(
        "auto",
        description="precision of the layers in training (bf16: autocast); auto measures once on each machine, see"
        " 'weakfield docs learning'",
    )
    layout: Literal["auto", "channels_last", "contiguous"] = Field(
        "auto", description="memory layout of networks; auto measures together with precision"
    )
    loading: Literal["auto", "memory", "workers"] = Field(
        "auto", description="samples all in memory, or read by worker processes; auto: memory if they fit in memory_gib"
    )
    memory_gib: float = Field(4.0, gt=0, description="largest memory for samples if loading is auto [GiB]")
    workers: int = Field(2, ge=1, le=1000, description="worker processes that read samples, if these are not in memory")
    tensorboard: bool = Field(False, description="write event files for TensorBoard too (extra: learn)")
    mean_kept_too: bool = Field(True, description="train the same network also on cubes whose mean is kept")

    @property
    def plugins(self) -> dict[str, str]:
        """What is code of the user's own, by key."""
        names = {key: getattr(self, key) for key in ("network", "loss", "optimiser", "schedule")}
        return {key: name for key, name in names.items() if is_plugin(name)}

    @model_validator(mode="after")
    def _loss_fits(self) -> Self:
        if self.loss == "cross_entropy" and self.classes < 2:
            raise ValueError("loss is 'cross_entropy' with classes = 1, expected classes = 2 or loss = 'bce'")
        if self.loss == "bce" and self.classes > 1:
            raise ValueError(f"loss is 'bce' with classes = {self.classes}, expected classes = 1 or 'cross_entropy'")
        return self


class EvaluationSettings(Settings):
    """How trained networks are evaluated, beyond what is always done."""

    learning_curve: tuple[int, ...] = Field(
        (), description="numbers of training seeds with which the main network is trained again, each a whole training"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        sizes = self.learning_curve
        if any(size < 1 for size in sizes) or list(sizes) != sorted(set(sizes)):
            raise ValueError(f"learning_curve is {list(sizes)}, expected rising whole numbers from 1")
        return self
