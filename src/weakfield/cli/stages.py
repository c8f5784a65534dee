"""A command for each stage of a run folder after the growth of its pairs, and one for the search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from weakfield.base.errors import BadInput
from weakfield.cli.app import Json, Run, Trust, app
from weakfield.cli.resolving import one_stage, run_stages, with_learning_curve


@app.command()
def measure(folder: Run, trusted: Trust = False, json_lines: Json = False) -> None:
    """Measure spectra and bispectra, beside theory.

    Slices, power spectra and bispectra of both theories and of their difference. Reads pairs/, writes spectra/:
    figures; tables of means, errors and theory (spectra.csv, bispectra.csv, significance.csv); every seed as HDF5. If
    the run has inverted seeds (seeds.inverted), also the odd and the even part of GR - Newton and, shell by shell, the
    response and the correlation with relativity's own part (parity.csv): how much of the difference is relativity.

    \b
    weakfield measure runs/demo
    """
    one_stage(folder, "measure", json_lines, trusted)


@app.command()
def dataset(
    folder: Run,
    partial: Annotated[
        bool, typer.Option("--partial", help="Use the pairs that are whole by now; sets dataset.partial in study.toml.")
    ] = False,
    trusted: Trust = False,
    json_lines: Json = False,
) -> None:
    """Build the data set: samples, their index, the split by seed.

    Reads pairs/, writes dataset/dataset.json. Nothing is copied: samples are cut from the fields of the pairs when they
    are read. The table [dataset] of study.toml says what a sample is, what is done to it and how seeds are split: whole
    cubes, slices or sub-cubes (shape); differences, phi at one redshift or several, gradients (sample,
    channel_redshifts, derivative); bands, noise, a rescaled theory (transforms). Every file is read and checked once.

    With --partial, other processes may still be growing pairs. Each seed then falls into its part by itself and stays
    there when more arrive; the same command, run again, adds the pairs that have become whole.

    \b
    weakfield dataset runs/demo
    weakfield dataset runs/demo --partial
    """
    from weakfield.pairs.runfolder import load_study

    study = load_study(folder, trusted)
    if partial:
        study = study.model_copy(update={"dataset": study.dataset.model_copy(update={"partial": True})})
    run_stages(study, folder, "dataset", json_lines)


@app.command()
def train(
    folder: Run,
    learning_curve: Annotated[
        str | None,
        typer.Option(
            "--learning-curve", help="Train with these numbers of seeds too, such as 8,16,32; kept in study.toml."
        ),
    ] = None,
    trusted: Trust = False,
    json_lines: Json = False,
) -> None:
    """Train the networks and their baselines.

    Reads dataset/ and pairs/, writes training/MODEL/ with metrics.json and the weights. A snapshot that is not the one
    the data set was built from is refused. Under torchrun all processes train together, each on its share of a batch.
    --learning-curve trains the main network again with fewer seeds and writes training/learning_curve/; it sets the key
    evaluation.learning_curve, and a change of that key repeats the whole stage.

    \b
    weakfield train runs/demo
    weakfield train runs/demo --learning-curve 7,14
    torchrun --nproc-per-node 2 -m weakfield train runs/demo
    """
    from weakfield.pairs.runfolder import load_study

    study = load_study(folder, trusted)
    if learning_curve is not None:
        study = with_learning_curve(study, learning_curve)
    run_stages(study, folder, "train", json_lines)


@app.command()
def search(
    folder: Run,
    trials: Annotated[
        int | None, typer.Option("--trials", help="Number of trainings in all; default: search.trials.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Trainings at the same time.")] = None,
    trusted: Trust = False,
    json_lines: Annotated[bool, typer.Option("--json", help="Print best.json instead of sentences.")] = False,
) -> None:
    """Search for better settings of the training.

    Trains with settings drawn from the table search.space of the study, judges them by the validation part alone, and
    tests the best once. Reads dataset/ and pairs/, writes search/: every trial, best.json and best.toml. The same
    command continues a search, also with more trials.

    \b
    weakfield search runs/demo --trials 20 --workers 2
    """
    from weakfield.cli.search import look

    best, said = look(folder, trials, workers, trusted)
    print(json.dumps(best) if json_lines else said)


@app.command()
def audit(
    folder: Annotated[Path | None, typer.Argument(metavar="RUN", help="Run folder with trained networks.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Run the controls that grow further universes too; hours for a large study.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print what every control asks and does, and exit.")] = False,
    trusted: Trust = False,
    json_lines: Json = False,
) -> None:
    """Run the controls that could explain the result away.

    Labels shuffled, Newton against Newton, the cube mean, bands of k, amplitudes and phases exchanged, pairs of equal
    P(k), bits of floats, and more: a verdict on each (clean, shortcut, inconclusive), and on whether the network knows
    more than the power spectrum. Finished controls are not run again.

    Reads dataset/, training/ and pairs/, writes audit/audit.json. --full is kept in study.toml as audit.full.

    \b
    weakfield audit runs/demo
    weakfield audit runs/demo --full      step limits, cell size, other seeds, redshift and cosmology too
    weakfield audit --list                what each control asks
    """
    if listed:
        from weakfield.audit.listing import page

        print(page(), end="")
        return
    if folder is None:
        raise BadInput("RUN is not given, expected a run folder; 'weakfield audit --list' needs none")
    from weakfield.pairs.runfolder import load_study

    study = load_study(folder, trusted)
    if full:
        study = study.model_copy(update={"audit": study.audit.model_copy(update={"full": True})})
    run_stages(study, folder, "audit", json_lines)


@app.command()
def explain(folder: Run, trusted: Trust = False, json_lines: Json = False) -> None:
    """Find what the network looked at, and whether to trust it.

    Attributions of test pairs in cells, by Fourier shell and by triangle; then tests that a map fails if it does not
    depend on the network. Settings are in [explain]: methods, pairs, memory_mib; trust = false for a quick look.

    Reads dataset/ and training/, writes explain/: explain.json, trust.json, maps.npz. Each seed is kept when done.

    \b
    weakfield explain runs/demo
    """
    one_stage(folder, "explain", json_lines, trusted)


@app.command()
def report(folder: Run, trusted: Trust = False, json_lines: Json = False) -> None:
    """Put the figures and tables of all stages on one page.

    Reads every other folder of the run, writes report/index.html.

    \b
    weakfield report runs/demo
    """
    one_stage(folder, "report", json_lines, trusted)


@app.command()
def export(
    folder: Run,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help="npz, npy, zarr, huggingface; safetensors, onnx for a network."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to make; default: the run's name and the format, beside it.")
    ] = None,
    network: Annotated[str | None, typer.Option("--network", help="Which network; default: the first.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Licence of the data, for the card: an identifier like cc-by-4.0.")
    ] = None,
    trusted: Trust = False,
) -> None:
    """Write pairs or a network in a format for others, with a card.

    Pairs as npz (a file a seed), npy (an array for each theory and redshift), zarr or a data set of Hugging Face, which
    are read without weakfield; a trained network as safetensors or onnx. README.md in the folder is the card: what it
    is, units, gauge, seeds, up to which k the difference is relativity, how to cite. Prints the folder.

    \b
    weakfield export runs/demo --to npy
    weakfield export runs/demo --to huggingface --out demo --licence cc-by-4.0
    weakfield export runs/demo --to safetensors --network cnn
    """
    from weakfield.config import RunFolder
    from weakfield.pairs.runfolder import load_study
    from weakfield.sharing import export as write

    print(write(load_study(folder, trusted), RunFolder(folder), to, out, network, licence))
