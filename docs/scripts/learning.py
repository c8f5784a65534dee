"""Write docs/learning.md: parameters of every network counted, throughput from what the benchmark left.

python benchmarks/learning.py
python docs/scripts/learning.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import symmetric_networks
import torch
from marks import fill

from weakfield.config.search import DEFAULT_SPACE, Range
from weakfield.config.training import Activation, Normalisation, Optimiser, Schedule, Size, TrainingSettings
from weakfield.learning.networks import NETWORKS, build_network

ROOT = Path(__file__).parents[2]
SHAPES = {"slices 256²": (1, 256, 256), "cubes 32³": (1, 32, 32, 32), "cubes 64³": (1, 64, 64, 64)}
ONLY = {"cnn3d": 4, "cnn2d": 3}  # lengths of the shapes that networks of one dimension take

WHAT = {
    "cnn3d": "the demo's: [3³ circular, 2³ stride 2] a block, mean over the box; no normalisation",
    "cnn2d": "the same on slices",
    "camels": "the study's final network: [3 circular, 3 circular, 2 stride 2] a block, batch normalisation, LeakyReLU"
    " 0.2; as many blocks as leave 4 to 7 cells a side, a convolution over these, dense, dropout",
    "racoon": "3 circular of stride 2, mean over the box",
    "penguin": "5 circular of stride 2, then 3 of stride 2, flattened: knows positions",
    "resnet": "pre-activation residual branches scaled instead of normalised",
    "mlp": "mean, ln variance and ln P(k) of the sample, then dense layers",
    "symmetric": "cnn3d with kernels that commute with all 48 symmetries of the cube, or 8 of the square: the same"
    " logit however a sample is turned",
    "correlator": "mean, powers and triangles of learned filters of k: a sum of N-point functions up to order 3, whose"
    " weights of P and B are known exactly",
}

PAGE = """# Networks and their training

Made by `python docs/scripts/learning.py` after `python benchmarks/learning.py`. Every key named here is one of the
table `[training]` of a study, or of `[search]`: [settings.md](settings.md).

## Networks

`training.network` is one of these, or a class of your own ([below](#code-of-your-own)). `size` presets `channels` and
`blocks`, which may be given instead. All but cnn2d and cnn3d take slices and cubes, with any number of
channels; convolutions wrap around the box.

{networks}

Parameters with one channel and one logit, `size` {sizes}:

{counts}

`activation`: {activations}. `normalisation`: {normalisations}.
Why the demo has none: one that standardises each sample erases the amplitude, which is what the theories differ in;
one that averages over a batch makes the score of a sample depend on its company in training. Dropout hides from the
last layer what differs within a pair, so it is off by default.

## Networks that know the symmetry

`symmetric` is a group convolution (Cohen & Welling, [arXiv:1602.07576](https://arxiv.org/abs/1602.07576); in three
dimensions Winkels & Cohen, [arXiv:1804.04656](https://arxiv.org/abs/1804.04656)) on the six directions of the axes: a
kernel that takes direction $q$ at offset $x$ to direction $p$ obeys $K(gp, gq, gx) = K(p, q, x)$ for all 48 symmetries
$g$, so that of the 972 entries of a 3³ kernel 36 are free. Under every symmetry the logit stays what it is to 1e-6 of
its scatter in single precision and 1e-12 in double (`pytest tests/learning/test_symmetric.py`). The channels of a
sample are scalars to it; those of a gradient are not.

`correlator` is in the manner of C3NN (Gong et al., [arXiv:2402.09526](https://arxiv.org/abs/2402.09526)): learned
filters of $|k|$ make fields $f_i$, and the logit is

```math
c + w \\langle\\delta\\rangle + \\sum_{{i \\le j}} w_{{ij}} \\langle f_i f_j\\rangle
+ \\sum_{{i \\le j \\le l}} w_{{ijl}} \\langle f_i f_j f_l\\rangle
= c + w \\langle\\delta\\rangle + \\sum_s a_s P_s + \\sum_T w_T B_T .
```

`power_weights()` and `triangle_weights(triangles)` of the trained network are $a_s$ and $w_T$ without any fit, for
shells one $k_F$ wide (`edges`) up to N/3, beyond which three wavenumbers could close modulo the grid. It has all
symmetries and shifts, can learn nothing else, and what [`triangle_response`](explanation_fourier.md) says of it can be
checked.

`python docs/scripts/symmetric_networks.py`: how many pairs they need where a weak local $f_{{\\rm NL}}$ is planted.

<!-- symmetric: written by docs/scripts/symmetric_networks.py -->
<!-- /symmetric -->

## Training

- **Loss**: `bce`, `cross_entropy` (`classes` = 2), `mse` of the probability, or `pair`: the network sees both members
  of a pair and is asked which is which (cross-entropy of the difference of the logits), so that what they share
  cancels. The loss says which epoch is kept; with `pair` the zero of the logit means nothing, so accuracy does not
  either, and AUC and paired accuracy are what to read. `label_smoothing` moves labels towards their mean.
- **Optimiser**: {optimisers}; `weight_decay` is decoupled with adamw only. `gradient_clip` limits the norm.
- **Schedule**: {schedules}, after a linear `warmup` (one cycle: a cosine). Plateaus and `early_stopping` count epochs
  without a smaller validation loss.
- **Augmentation**: the 48 symmetries of the cube or the 8 of the square with periodic shifts, drawn from (seed, epoch,
  sample); values are moved, never interpolated, so P(k) is the same to the bit. `augment_alike` = false moves the
  members of a pair apart.
- **Watched layers**: the first batch of every epoch leaves the rms of the activations and the norm of the gradients
  of every layer in `log.jsonl`; a layer in which they vanish or explode is named in a warning and in `history.json`.
- **Checkpoints** are written after the first epoch and then after epochs that end a second or more apart. They are
  whole or absent, and carry a hash, as weights do. One that is damaged gives way to the one before, and the training
  starts again where that is damaged too; a warning says so, and the result is the same. Stopped anywhere, the same
  command ends with the same bytes on a CPU with the same number of threads, whatever the optimiser, schedule or loss.
- **TensorBoard**: `tensorboard` = true, `pip install 'weakfield[learn]'`,
  `tensorboard --logdir runs/demo/training`.

## Code of your own

`network`, `loss`, `optimiser` and `schedule` may be `package.module:NAME` of what you wrote, in Python's path or in the
working directory:

```python
# mine.py
import torch
from torch import nn


class Net(nn.Module):  # training.network = "mine:Net"; or a constructor without arguments
    def __init__(self, shape, settings):  # (channels, N, N, N) or (channels, N, N); the table [training]
        super().__init__()
        self.layer, self.last = nn.Conv3d(shape[0], 8, 3), nn.Linear(8, 1)

    def forward(self, x):  # (batch, *shape) to logits (batch,), positive for GR, or (batch, classes)
        return self.last(torch.relu(self.layer(x)).mean(dim=(2, 3, 4)))[:, 0]


def hinge(newton, gr):  # training.loss = "mine:hinge": log-odds of both members, (n,) each, to the loss of each pair
    return torch.relu(1 + newton) + torch.relu(1 - gr)


def adagrad(parameters, settings):  # training.optimiser = "mine:adagrad": a torch.optim.Optimizer
    return torch.optim.Adagrad(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def harmonic(settings, progress, losses):  # training.schedule = "mine:harmonic": the learning rate at every step,
    return settings.learning_rate / (1 + settings.epochs * progress)  # progress in (0, 1], validation losses so far
```

The file is hashed into what decides whether a training has to be done again, and copied to
`training/<model>/plugins/`: a run is opened, evaluated, audited and explained without it, by the source it was trained
with. The copy is that one file; what it imports has to be installed. A transform of samples is in
[dataset.md](dataset.md#what-is-done-to-it).

**A study that names code runs it with your rights**: whoever wrote the study.toml, or the run folder, decides what is
done on your machine. This holds for every key that takes `module:NAME`: networks, losses, optimisers, schedules,
transforms, controls, methods, and the `space` of a search. `weakfield run` names them when it begins a run folder. A
study, a run folder or a network that lies outside the working directory and names code is refused, also where a
symbolic link in the working directory leads to it. Read that code, and then give `--trust` (every command that may run
it has that option), `wf.open(folder, trust=True)` or `TrainedNetwork.load(folder, trusted=True)`;
`WEAKFIELD_TRUST=/scratch/me` in the environment trusts whatever lies in a folder of yours, several being separated as
in PATH.

## A trained network on cubes of your own

```python
from weakfield.learning import TrainedNetwork

network = TrainedNetwork.load("runs/demo/training/cnn")
print(network)  # what it is, what it was trained on, its test AUC
network.plot()  # beside its baselines
network.logits(phi, box_size_mpch=1280.0, redshifts=(10.0, 1.0))  # phi: ([universes,] redshifts, N, N, N), z, y, x
```

`phi` is what a simulation stores, neither scaled nor normalised: `logits` does all that the data set does to its own
fields. Labelled fields (`xarray.DataArray`, or a list with one for each redshift) bring box and redshifts with them.
Cubes of another grid, box or redshift (also in another order), or in other units, are refused. All scores of a run as a
table, one row each: `weakfield.learning.scores_table`.

## Precision, layout, loading

`precision` and `layout` = "auto" choose between float32 and bf16 autocast, channels last and contiguous, by timing
steps on the real shape. Trainings that end in seconds are not measured: they are float32, channels last. A measurement
is made once a machine, network, shape, batch and number of threads, and kept in `~/.cache/weakfield/variants`, so that
the same seed gives the same bits there; the choice stands in `history.json` and goes with a checkpoint. For the same
bits on other machines of the same kind, set both. Scores are always single precision.

`loading`: samples that fit into `memory_gib` are read once and stay in memory, on a GPU if they fit in half of what is
free there; others are read and augmented by `workers` processes, two batches ahead each, through pinned memory if
there is a GPU. Order, batches and symmetries are the same in every case.

`python benchmarks/learning.py`, {machine}: samples a second of our loop beside the same network fed from memory in a
bare loop, both with the fastest variant (a share above one is the noise of timing); then milliseconds a sample of a
training step, by variant.

{throughput}

## Several processes

    torchrun --nproc-per-node 2 -m weakfield train runs/demo

One process runs the command, the others take their shares of every batch of each training in it (the audit's too,
with `weakfield run`). `batch_pairs` is that of all together, so the curve is that of one process to 1e-5: this is
tested on gloo (`pytest -m slow tests/learning/test_distributed.py`), for networks without batch normalisation, which
averages over what lies in one process, and without the dropout of SELU networks. On GPUs the processes talk through
NCCL, one to a GPU, and batch normalisation is over all of them; that has not been run yet.

The processes send each other objects that run code when they are unpacked. On one machine they meet through a private
file and talk over the loopback interface alone; the port on which torchrun itself listens is not used then. On several
machines use a network that you trust.

## Search

    weakfield search runs/demo --trials 20 --workers 2

`pip install 'weakfield[learn]'`. Trains with settings drawn from `[search.space]`, several at once, in the store
`search/journal.log`; gives up what is worse than the median of the others (`prune`); judges by the validation part
(`judge`); then tests the best network, once. `search/best.json` says what was found, and how often a test part was
looked at: more than once only if the search was continued and found something better. `search/best.toml` is the
table `[training]` to put into a study. A space of your own replaces the default one, which is

    [search.space]
{space}
"""


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def counts() -> str:
    """Parameters of every network, shape and size."""
    sizes = get_args(Size)
    rows = []
    for name in NETWORKS:
        cells = [f"`{name}`"]
        for shape in SHAPES.values():
            if len(shape) != ONLY.get(name, len(shape)):
                cells.append("")
                continue
            with torch.device("meta"):  # shapes without numbers
                made = [build_network(shape, TrainingSettings(network=name, size=size)) for size in sizes]
            cells.append(" / ".join(f"{sum(p.numel() for p in network.parameters()):,}" for network in made))
        rows.append(cells)
    return table(["network", *SHAPES], rows)


def throughput(rows: list[dict]) -> str:
    """Samples a second, and milliseconds of every precision and layout, as a table."""
    variants = list(rows[0]["milliseconds_a_sample"])
    head = [
        "samples",
        "network",
        "bare [1/s]",
        "ours [1/s]",
        "ours / bare",
        *(f"{v.replace('_', ' ')} [ms]" for v in variants),
    ]
    cells = []
    for found in rows:
        rate, took = found["samples_a_second"], found["milliseconds_a_sample"]
        side = found["shape"][1]
        cells.append(
            [
                f"{side}{'³' if len(found['shape']) == 4 else '²'}",
                f"`{found['network']}`",
                f"{rate['bare']:.1f}",
                f"{rate['ours']:.1f}",
                f"{found['share']:.2f}",
                *(f"{took[variant]:.2f}" for variant in variants),
            ]
        )
    return table(head, cells)


def space() -> str:
    lines = []
    for key, choices in DEFAULT_SPACE.items():
        if isinstance(choices, Range):
            text = f"{{ low = {choices.low:g}, high = {choices.high:g}, log = {str(choices.log).lower()} }}"
        else:
            text = json.dumps(list(choices))
        lines.append(f"    {key} = {text}")
    return "\n".join(lines)


def main() -> None:
    """What the command does: make what this file is for."""
    found = json.loads((ROOT / "benchmarks" / "results" / "learning.json").read_text())
    machine = found["machine"]
    page = PAGE.format(
        networks=table(["network", "what it is"], [[f"`{name}`", WHAT[name]] for name in NETWORKS]),
        sizes=" / ".join(get_args(Size)),
        counts=counts(),
        activations=", ".join(get_args(Activation)),
        normalisations=", ".join(get_args(Normalisation)),
        optimisers=", ".join(f"`{name}`" for name in get_args(Optimiser)),
        schedules=", ".join(f"`{name}`" for name in get_args(Schedule)),
        machine=f"{machine['cores']} cores of {machine['processor']}, PyTorch {machine['torch']}",
        throughput=throughput(found["rows"]),
        space=space(),
    )
    path = ROOT / "docs" / "learning.md"
    path.write_text(page)
    fill(path, "symmetric", symmetric_networks.SCRIPT, symmetric_networks.recorded())


if __name__ == "__main__":
    main()
