"""What is exported is read by numpy, zarr, datasets and onnxruntime alone, and is the same to the bit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import weakfield as wf
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import write_text
from weakfield.cli import invoke
from weakfield.config import RunFolder
from weakfield.dataset import build
from weakfield.learning import training
from weakfield.run import Run
from weakfield.sharing import load_network
from weakfield.spectra.parity import Parity, save_parity

#: packages of the extra ``share`` may be missing where somebody else runs the tests
needs = pytest.importorskip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six pairs and their data set."""
    root = tmp_path_factory.mktemp("shared") / "run"
    study = tiny_study(pairs=6, training={"size": "small", "epochs": 1, "mean_kept_too": False})
    folder = write_run(study, root)
    write_text(folder.study, study.to_toml())
    build.run(study, folder)
    return wf.open(root)


@pytest.fixture(scope="module")
def trained(run: Run) -> Run:
    """The same with a network."""
    training.run(run.study, RunFolder(run.path))
    return wf.open(run.path)


def alone(code: str, folder: Path) -> None:
    """Run code in ``folder`` in a process that has not loaded weakfield, and has no network to reach."""
    checked = f"{code}\nimport sys\nassert not any(name.startswith('weakfield') for name in sys.modules)\n"
    offline = {**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "hf")}
    done = subprocess.run([sys.executable, "-c", checked], cwd=folder, capture_output=True, text=True, env=offline)
    assert done.returncode == 0, done.stderr


def expected(run: Run, path: Path) -> None:
    """What must come out, (seed, theory, redshift, N, N, N), in the precision of the files."""
    fields = [
        [[run.pairs[seed].phi(theory, z).values for z in (10.0, 1.0)] for theory in ("newton", "gr")]
        for seed in run.pairs.seeds
    ]
    np.save(path, np.array(fields))


def parts(run: Run) -> dict[int, str]:
    return {seed: part for part in ("train", "validation", "test") for seed in run.dataset.part(part)}


def test_numpy_alone_reads_the_same_bits(run: Run, tmp_path: Path) -> None:
    expected(run, tmp_path / "expected.npy")
    for to in ("npz", "npy"):
        assert run.export(to, tmp_path / to) == tmp_path / to
    (tmp_path / "parts.json").write_text(json.dumps(parts(run)))
    alone(
        "import csv, json, numpy as np\n"
        "expected, parts = np.load('expected.npy'), json.load(open('parts.json'))\n"
        "for row, (seed, part) in enumerate(sorted(parts.items())):\n"
        "    file = np.load(f'npz/seed{int(seed):05d}.npz')\n"
        "    assert file['phi'].dtype == expected.dtype and file['phi'].tobytes() == expected[row].tobytes()\n"
        "    assert (str(file['seed']), str(file['part'])) == (seed, part)\n"
        "    assert list(file['theory']) == ['newton', 'gr'] and list(file['redshift']) == [10, 1]\n"
        "for i, theory in enumerate(('newton', 'gr')):\n"
        "    for j, z in enumerate((10, 1)):\n"
        "        cubes = np.load(f'npy/phi_{theory}_z{z}.npy', mmap_mode='r')\n"
        "        assert cubes.dtype == expected.dtype and cubes.tobytes() == expected[:, i, j].tobytes()\n"
        "rows = list(csv.DictReader(open('npy/labels.csv')))\n"
        "assert {row['seed']: row['part'] for row in rows} == parts\n"
        "names = open('npy/parameters.txt').readline().split()[1:]\n"
        "values = np.loadtxt('npy/parameters.txt')\n"
        "assert values.shape == (6, len(names)) and set(values[:, names.index('n_s')]) == {0.9619}\n",
        tmp_path,
    )


@pytest.mark.slow
def test_zarr_alone_reads_the_same_bits(run: Run, tmp_path: Path) -> None:
    needs("zarr")
    expected(run, tmp_path / "expected.npy")
    run.export("zarr", tmp_path / "zarr")
    (tmp_path / "parts.json").write_text(json.dumps(parts(run)))
    alone(
        "import json, numpy as np, zarr\n"
        "expected, parts = np.load('expected.npy'), json.load(open('parts.json'))\n"
        "group = zarr.open_group('zarr/universes.zarr', mode='r')\n"
        "assert group['phi'][:].tobytes() == expected.tobytes() and group['phi'].dtype == expected.dtype\n"
        "meanings = group['part'].attrs['flag_meanings'].split()\n"
        "assert {str(s): meanings[p] for s, p in zip(group['seed'][:], group['part'][:])} == parts\n"
        "assert group['phi'].attrs['gauge'] == ['n-body', 'poisson']\n",
        tmp_path,
    )


def test_xarray_reads_the_zarr_with_its_axes(run: Run, tmp_path: Path) -> None:
    needs("zarr")
    xarray = needs("xarray")
    run.export("zarr", tmp_path / "out")
    found = xarray.open_zarr(tmp_path / "out" / "universes.zarr", consolidated=False)
    phi = run.pairs[5].phi("gr", 1.0)
    one = found["phi"].sel(seed=5, redshift=1.0).isel(theory=1)
    np.testing.assert_array_equal(one.values, phi.values)
    np.testing.assert_array_equal(one.x, phi.x)


@pytest.mark.slow
def test_datasets_alone_loads_it_without_a_network(run: Run, tmp_path: Path) -> None:
    needs("datasets")
    expected(run, tmp_path / "expected.npy")
    run.export("huggingface", tmp_path / "out")
    (tmp_path / "parts.json").write_text(json.dumps(parts(run)))
    alone(
        "import json, numpy as np\nfrom datasets import load_dataset\n"
        "expected, parts = np.load('expected.npy'), json.load(open('parts.json'))\n"
        "found = load_dataset('out').with_format('numpy')\n"
        "assert set(found) == {'train', 'validation', 'test'}\n"
        "seen = 0\n"
        "for part, rows in found.items():\n"
        "    assert rows.features['theory'].names == ['newton', 'gr']\n"
        "    for row in rows:\n"
        "        assert parts[str(row['seed'])] == part and row['n_s'] == 0.9619\n"
        "        fields = expected[sorted(map(int, parts)).index(row['seed']), row['theory']]\n"
        "        assert row['phi'].dtype == fields.dtype and row['phi'].tobytes() == fields.tobytes()\n"
        "        seen += 1\n"
        "assert seen == 12\n",
        tmp_path,
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "data", "study.toml"]


@pytest.mark.slow
def test_a_network_loaded_elsewhere_says_the_same_to_the_bit(trained: Run, tmp_path: Path) -> None:
    needs("safetensors")
    trained.export("safetensors", tmp_path / "net")
    network, original = load_network(tmp_path / "net"), trained.networks["cnn"]
    cubes = [trained.pairs[4].phi("gr", z) for z in (10.0, 1.0)]
    np.testing.assert_array_equal(network.logits(cubes), original.logits(cubes))
    assert network.metrics == original.metrics
    assert network.dataset.split == original.dataset.split
    np.testing.assert_array_equal(network.scores["test"].gr, original.scores["test"].gr)
    alone("from safetensors.numpy import load_file\nassert load_file('model.safetensors')", tmp_path / "net")
    (tmp_path / "net" / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match="is damaged"):
        load_network(tmp_path / "net")
    with pytest.raises(BadInput, match="is missing"):
        load_network(tmp_path)


@pytest.mark.slow
def test_onnxruntime_alone_gives_the_logits(trained: Run, tmp_path: Path) -> None:
    for package in ("onnx", "onnxruntime", "onnxscript"):
        needs(package)
    original = trained.networks["cnn"]
    layout = [parameter.stride() for parameter in original.network.parameters()]
    trained.export("onnx", tmp_path / "net")
    assert [parameter.stride() for parameter in original.network.parameters()] == layout
    samples = torch.randn(5, *original.dataset.shape, generator=torch.Generator().manual_seed(3))
    np.save(tmp_path / "samples.npy", samples.numpy())
    with torch.no_grad():
        np.save(tmp_path / "logits.npy", original.network(samples).numpy())
    alone(
        "import numpy as np, onnxruntime\n"
        "session = onnxruntime.InferenceSession('net/model.onnx', providers=['CPUExecutionProvider'])\n"
        "logits = session.run(['logits'], {'samples': np.load('samples.npy')})[0]\n"
        # single precision, sums in another order
        "np.testing.assert_allclose(logits, np.load('logits.npy'), rtol=1e-4, atol=1e-5)\n",
        tmp_path,
    )
    with pytest.raises(BadInput, match="onnxruntime reads this one"):
        load_network(tmp_path / "net")


def test_the_card_says_what_it_must(run: Run, tmp_path: Path) -> None:
    run.export("npy", tmp_path / "out", licence="cc-by-4.0")
    card = (tmp_path / "out" / "README.md").read_text()
    head, text = yaml.safe_load(card.split("---\n")[1]), card.split("---\n", 2)[2]
    assert head["license"] == "cc-by-4.0"
    for said in (
        "newton: n-body, gr: poisson", "phi, dimensionless, float32", "160 Mpc/h", "train, 4 seeds", "cc-by-4.0.",
        "z = 1: up to k = 0.047 h/Mpc", "@software{weakfield,",
    ):  # fmt: skip
        assert said in text
    # the code on the card runs as it stands
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    alone(f"{code}\nassert cubes.shape == (6, 8, 8, 8)", tmp_path / "out")
    assert wf.StudyConfig.from_toml(tmp_path / "out" / "study.toml") == run.study


def test_the_card_has_what_the_run_has_measured(run: Run, tmp_path: Path) -> None:
    """Shells at k = 0.01, 0.02, 0.03 h/Mpc, of which the first two hold C1 alone; the last entry is the band."""
    folder = _copy(run, tmp_path / "run")
    sums = np.ones((5, 2, 4))
    sums[0, :, 2] = 4.0  # |even|^2
    k = np.array([0.01, 0.02, 0.03, 0.02])
    save_parity(folder / "spectra" / "parity.h5", [Parity(1.0, 0.03, k, np.ones(4, np.int64), (3, 4), sums)])
    wf.open(folder).export("npy", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- z = 1: up to k = 0.02 h/Mpc. Measured by this run from 2 seeds" in card
    assert "- z = 10: up to k = 0.047 h/Mpc. Not measured here" in card


def test_imported_cubes_keep_their_names(tmp_path: Path) -> None:
    cubes = np.random.default_rng(1).normal(size=(2, 4, 8, 8, 8)).astype(np.float32)
    for name, cube in zip("ab", cubes, strict=True):
        np.save(tmp_path / f"{name}.npy", cube)
    about = ["--names", "CIC 1", "PCS", "--box", "80", "--redshift", "2", "--quantity", "density", "--units", "mean"]
    files = [str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]
    assert invoke(["import", "--arrays", *files, *about, "--out", str(tmp_path / "run")]) == 0
    wf.open(tmp_path / "run").export("npy", tmp_path / "out")
    for name, cube in zip(("density_CIC_1_z2", "density_PCS_z2"), cubes, strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{name}.npy"), cube)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Cubes of density of two classes, CIC 1 and PCS" in card
    assert "density, mean, float32" in card
    assert "CIC 1: unstated" in card
    assert "relativity" not in card.split("## How to cite")[0].replace("weak-field", "")


def test_what_exists_is_refused_and_left_as_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    for out, said in (("out", "exists"), ("new", "expected one of npz, npy, zarr")):
        with pytest.raises(BadInput, match=said):
            run.export("npz" if out == "out" else "npzz", tmp_path / out)
    with pytest.raises(BadInput, match="has no trained network"):
        wf.Run(_copy(run, tmp_path / "copy")).export("onnx", tmp_path / "new")
    with pytest.raises(BadInput, match="--network is given"):
        run.export("npy", tmp_path / "new", network="cnn")
    with pytest.raises(BadInput, match="expected an identifier such as"):
        run.export("npy", tmp_path / "new", licence="mine: all of it")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_export_that_fails_leaves_nothing(run: Run, tmp_path: Path) -> None:
    folder = _copy(run, tmp_path / "copy")
    (tmp_path / "place").mkdir()
    file = next((folder / "pairs" / "seed00008" / "gr").glob("*.h5"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BadInput, match="seed00008"):
        wf.open(folder).export("npz", tmp_path / "place" / "out")
    assert list((tmp_path / "place").iterdir()) == []


def test_the_command_prints_the_folder(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _copy(run, tmp_path / "mine")
    assert invoke(["export", str(folder), "--to", "npz"]) == 0
    assert Path(capsys.readouterr().out.strip()) == tmp_path / "mine-npz"
    assert (tmp_path / "mine-npz" / "seed00003.npz").exists()
    assert invoke(["export", str(folder), "--to", "npz"]) == 2
    assert "mine-npz exists, expected the name of a folder to be made" in capsys.readouterr().err


def _copy(run: Run, path: Path) -> Path:
    """A run folder of the same study and pairs, with nothing that later stages made."""
    write_text(write_run(run.study, path).study, run.study.to_toml())
    return path
