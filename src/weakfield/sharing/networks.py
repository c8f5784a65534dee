"""Trained networks as safetensors, which ``load_network`` reads, and as ONNX."""

from __future__ import annotations

import logging
import shutil
import warnings
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path

import torch

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json
from weakfield.base.optional import from_extra
from weakfield.base.plugins import is_plugin
from weakfield.base.trials import Unsuited, reason, stops
from weakfield.config import RunFolder
from weakfield.config.training import TrainingSettings
from weakfield.dataset import open_dataset
from weakfield.dataset.store import DESCRIPTION
from weakfield.learning.fitting import load_weights
from weakfield.learning.networks import arrange, build_network
from weakfield.learning.results import METRICS, Metrics
from weakfield.learning.trained import TrainedNetwork

ABOUT, WEIGHTS, GRAPH = "network.json", "model.safetensors", "model.onnx"


def write_safetensors(network: TrainedNetwork, folder: Path) -> str:
    """Weights, and what is needed to build the network and its samples anew; returns how it is read, as Markdown."""
    with from_extra("share", "--to safetensors"):
        from safetensors.torch import save_file

    saved = load_weights(network.folder / "weights.pt")
    settings = TrainingSettings.from_mapping(saved["settings"], str(network.folder))
    transforms = network.dataset.description.transforms
    named = {settings.network, *(str(step["kind"]) for step in (*transforms.mean_kept, *transforms.mean_removed))}
    if own := sorted(name for name in named if is_plugin(name)):
        raise Unsuited(
            f"{network.folder} rests on code of your own ({', '.join(own)}), expected a network and transforms of"
            " weakfield, which others have; '--to onnx' exports what a network computes"
        )
    weights = {name: value.detach().clone().contiguous() for name, value in network.network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    about = {"shape": saved["shape"], "layout": saved.get("layout", "channels_last"), "settings": saved["settings"]}
    write_json(folder / ABOUT, {"name": network.name, **about})
    (folder / "dataset").mkdir()
    shutil.copyfile(network.dataset.folder.dataset / DESCRIPTION, folder / "dataset" / DESCRIPTION)
    for name in (METRICS, "scores.json"):
        shutil.copyfile(network.folder / name, folder / name)
    return (
        f"`{WEIGHTS}` has the weights, `{ABOUT}` the architecture, `dataset/{DESCRIPTION}` what is done to cubes before"
        f" the network sees them, `{METRICS}` and `scores.json` what it is worth.\n\n```python\n"
        "from weakfield.sharing import load_network\n\nnetwork = load_network('.')\n"
        "network.logits(cubes, box_size_mpch, redshifts)  # of phi as simulations have it; positive: the second class\n"
        "```\n\nWithout weakfield, `safetensors.torch.load_file` gives the weights by name."
    )


def write_onnx(network: TrainedNetwork, folder: Path) -> str:
    """The graph of the network, compared with PyTorch's before it counts; returns how it is read, as Markdown.

    ``Unsuited`` for a network that ONNX cannot express.
    """
    with from_extra("share", "--to onnx"):
        import onnx  # noqa: F401 (what the export needs)
        import onnxruntime
        import onnxscript  # noqa: F401

    shape = network.dataset.shape
    samples = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of packages that are not needed here
    batch = torch.export.Dim("batch", min=1, max=4096)
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch about itself
            torch.onnx.export(
                arrange(deepcopy(network.network), "contiguous"),
                (samples,),
                folder / GRAPH,
                input_names=["samples"],
                output_names=["logits"],
                dynamic_shapes=({0: batch},),
                dynamo=True,
                verbose=False,
                external_data=False,
            )
        session = onnxruntime.InferenceSession(folder / GRAPH, providers=["CPUExecutionProvider"])
        found = torch.from_numpy(session.run(["logits"], {"samples": samples.numpy()})[0])
    except Exception as error:
        if stops(error):
            raise
        raise Unsuited(
            f"the network '{network.metrics.network}' could not be written as ONNX, since PyTorch's export ended with"
            f" {type(error).__name__}; expected a network of plain layers; '--to safetensors' exports any of weakfield"
        ) from error
    with torch.no_grad():
        expected = network.network(samples)
    apart = float((found - expected).abs().max())
    scale = float(expected.abs().max())
    if not apart <= 1e-3 * (1 + scale):
        raise Unsuited(
            f"the network '{network.metrics.network}' as ONNX differs by {apart:.2g} in its logits, expected rounding"
        )
    chain = network.dataset.chain(network.metrics.mean_kept)
    write_json(
        folder / ABOUT, {"name": network.name, "shape": list(shape), "transforms": chain.as_json(), "apart": apart}
    )
    return (
        f"`{GRAPH}`: `samples` (batch, {', '.join(map(str, shape))}) float32, standardised as `transforms` of `{ABOUT}`"
        " say, to `logits` (batch,), positive for the second class.\n\n```python\nimport onnxruntime\n\n"
        f"session = onnxruntime.InferenceSession('{GRAPH}')\n"
        "logits = session.run(['logits'], {'samples': samples})[0]\n```"
        f"\n\nOn three samples of noise its logits are within {apart:.1e} of PyTorch's."
    )


def load_network(folder: str | Path) -> TrainedNetwork:
    """The network that ``--to safetensors`` exported: as ``run.networks`` has it, with its data set's description.

    Raises ``BadInput`` for a folder that is no such export, or is damaged. The samples of its data set are not there.
    """
    folder = Path(folder)
    if (folder / GRAPH).exists():
        raise BadInput(f"{folder} holds {GRAPH}, expected an export '--to safetensors'; onnxruntime reads this one")
    with from_extra("share", "load_network"):
        from safetensors.torch import load_file

    about = read_json(folder / ABOUT)
    try:
        settings = TrainingSettings.from_mapping(about["settings"], str(folder))
        with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are thrown away
            network = build_network(tuple(about["shape"]), settings)
        network.load_state_dict(load_file(folder / WEIGHTS))
    except Exception as error:  # whatever the libraries raise for files that do not go together
        if stops(error):
            raise
        raise BadInput(f"{folder} is damaged: {reason(error)}; expected an export '--to safetensors'") from error
    made = arrange(network, about["layout"]).eval()
    return TrainedNetwork(folder, made, open_dataset(RunFolder(folder)), Metrics.load(folder / METRICS))
