"""Two sets of other people's cubes as the two classes of a run folder."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.text import Text

import weakfield as wf
from helpers.synthetic import gaussian
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.classes import ClassSettings
from weakfield.formats.cubes import open_cubes
from weakfield.pairs.importing_arrays import Box, import_arrays
from weakfield.study import run_study

PAIRED = ClassSettings(names=("CIC", "PCS"), quantity="density")
UNPAIRED = PAIRED.model_copy(update={"paired": False})
BOX = Box(640.0, 1.0)


def cubes(count: int = 3, grid: int = 4, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """(count, N, N, N) of white noise."""
    return np.random.default_rng(seed).standard_normal((count, *(grid,) * 3)).astype(dtype)


def stored(path: Path, values: np.ndarray) -> Path:
    """The array in a file of the kind that its suffix says."""
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, cubes=values)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("group/cubes", data=values, chunks=(1, *values.shape[1:]), compression="gzip")
    else:
        path.mkdir()
        for number, cube in enumerate(values):
            np.save(path / f"cube{number:03d}.npy", cube)
    return path


@pytest.mark.parametrize("kind", ["a.npy", "a.npz", "a.h5", "folder"])
def test_cubes_of_every_kind(tmp_path, kind):
    values = cubes()
    found = open_cubes(stored(tmp_path / kind, values))
    assert (found.count, found.grid, found.dtype) == (3, 4, "float32")
    assert all(np.array_equal(found.read(index), values[index]) for index in range(3))


def test_a_list_of_files_and_other_kinds_of_numbers(tmp_path):
    values = cubes(2, dtype="float64")
    files = [tmp_path / "b.npy", tmp_path / "a.npy"]
    for file, cube in zip(files, values, strict=True):
        np.save(file, cube)
    assert np.array_equal(open_cubes(files).read(0), values[0])  # in the order of the list, not of names
    whole = np.arange(64).reshape(1, 4, 4, 4)
    for dtype, kept in ((">f4", "float32"), ("f2", "float32"), ("i8", "float64"), ("u1", "float64")):
        found = open_cubes(stored(tmp_path / f"{kept}{dtype[-2:]}.npy", whole.astype(dtype)))
        assert found.dtype == kept
        assert np.array_equal(found.read(0), whole[0])


def test_zarr_is_read_or_its_extra_named(tmp_path):
    path, values = tmp_path / "a.zarr", cubes()
    if find_spec("zarr") is None:
        path.mkdir()
        with pytest.raises(BadInput, match=r"reading .*a\.zarr needs what is not installed .*weakfield\[arrays\]"):
            open_cubes(path)
        return
    import zarr

    array = zarr.open(str(path), mode="w", shape=values.shape, dtype="float32", chunks=(1, 4, 4, 4))
    array[:] = values
    assert np.array_equal(open_cubes(path).read(2), values[2])


def several(path: Path) -> None:
    np.savez(path, a=cubes(), b=cubes())


def pickled(path: Path) -> None:
    np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def several_datasets(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["delta"], file["phi"] = cubes(), cubes()


def linked_dataset(path: Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["cubes"] = cubes()
    with h5py.File(path, "w") as file:
        file["cubes"] = h5py.ExternalLink("other.h5", "cubes")


def link(path: Path) -> None:
    np.save(path.with_name("real.npy"), cubes())
    path.symlink_to("real.npy")


def damaged(path: Path) -> None:
    np.save(path, cubes())
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.npz", several, r"a\.npz holds a, b, expected one array, or --keys to name it"),
        ("a.h5", several_datasets, r"a\.h5 holds delta, phi, expected one array, or --keys"),
        ("a.h5", linked_dataset, r"a\.h5 holds no arrays, expected one array"),
        ("a.npy", pickled, r"a\.npy cannot be read as \.npy without pickled objects"),
        ("a.npy", link, r"a\.npy is a link, and import follows none"),
        ("a.npy", damaged, r"a\.npy cannot be read as \.npy"),
        ("a.txt", lambda path: path.write_text("1"), r"a\.txt is of an unknown kind, expected \.npy"),
        ("a.npy", lambda path: None, r"a\.npy: no such file"),
        ("a", lambda path: path.mkdir(), r"a holds no file of cubes, expected \.npy"),
        ("a.npy", lambda path: np.save(path, np.zeros((4, 4, 4))), r"has shape \(4, 4, 4\), expected \(n, N, N, N\)"),
        ("a.npy", lambda path: np.save(path, np.zeros((1, 4, 4, 5))), r"holds boxes of \(4, 4, 5\) cells"),
        ("a.npy", lambda path: np.save(path, np.zeros((0, 4, 4, 4))), r"expected at least one cube"),
        ("a.npy", lambda path: np.save(path, np.zeros((1, 4, 4, 4), complex)), r"holds complex128"),
    ],
)  # fmt: skip
def test_what_is_no_set_of_cubes(tmp_path, name, make, message):
    make(tmp_path / name)
    with pytest.raises(BadInput, match=message):
        open_cubes(tmp_path / name)


def test_files_of_a_folder_are_alike(tmp_path):
    folder = stored(tmp_path / "folder", cubes())
    np.save(folder / "cube001.npy", cubes(grid=8)[0])
    with pytest.raises(BadInput, match=r"cube001\.npy has shape \(8, 8, 8\), expected \(4, 4, 4\)"):
        open_cubes(folder)
    np.save(folder / "cube001.npy", cubes(dtype="float64")[0])
    with pytest.raises(BadInput, match=r"cube001\.npy holds float64, expected float32"):
        open_cubes(folder)
    (folder / "cube001.npy").unlink()
    (folder / "cube001.npy").symlink_to(folder / "cube000.npy")
    with pytest.raises(BadInput, match=r"cube001\.npy is a link"):
        open_cubes(folder)


def test_an_array_is_named_by_its_key(tmp_path):
    np.savez(tmp_path / "a.npz", a=cubes(), b=cubes(seed=1))
    assert np.array_equal(open_cubes(tmp_path / "a.npz", "b").read(1), cubes(seed=1)[1])
    with pytest.raises(BadInput, match=r"has no array 'c', found a, b"):
        open_cubes(tmp_path / "a.npz", "c")


def test_cubes_with_nan_leave_no_pair_behind(tmp_path):
    values = cubes()
    values[1, 0, 0, 0] = np.nan
    files = stored(tmp_path / "a.npy", cubes()), stored(tmp_path / "b.npy", values)
    with pytest.raises(BadInput, match=r"b\.npy\[1\] holds NaN or infinity, expected finite numbers"):
        import_arrays(files, PAIRED, BOX, RunFolder(tmp_path / "run"))
    assert not RunFolder(tmp_path / "run").pair(1).exists()


def test_pairs_of_a_run_folder(tmp_path):
    first, second = cubes(dtype="float64"), cubes(seed=1, dtype="float64")
    files, folder = (stored(tmp_path / "a.npy", first), stored(tmp_path / "b.npz", second)), RunFolder(tmp_path / "run")
    paths = import_arrays(files, PAIRED, BOX, folder)
    assert paths == [folder.pair(seed) / "pair.json" for seed in range(3)]
    field, attributes = wf.load_field(folder.pair(2) / "gr" / "snap000_phi.h5")
    assert np.array_equal(field.numpy(), second[2])
    assert {key: attributes[key] for key in ("theory", "class", "seed", "quantity", "redshift")} == {
        "theory": "gr", "class": "PCS", "seed": 2, "quantity": "density", "redshift": 1.0,
    }  # fmt: skip
    manifest = read_json(paths[2])
    assert manifest["imported"] == {"newton": f"{tmp_path / 'a.npy'}[2]", "gr": f"{tmp_path / 'b.npz'}:cubes[2]"}
    assert manifest["files"]["gr/snap000_phi.h5"]["hash"] == file_hash(folder.pair(2) / "gr" / "snap000_phi.h5")
    run = wf.open(folder.root)
    assert np.array_equal(run.pairs[1].difference().values, second[1] - first[1])
    assert run.pairs[1].phi("newton").attrs["gauge"] == "unstated"
    with pytest.raises(BadInput, match=r"were imported, expected a run whose initial modes are known"):
        run.linear_potential(1, 1.0)
    study = StudyConfig.from_toml(folder.study)
    assert (study.classes, study.seeds.all, study.dataset.sample) == (PAIRED, (0, 1, 2), "raw")
    assert "3 cubes each of CIC and PCS, paired" in repr(study)
    (outcome,) = run_study(study, folder.root, only="simulate")
    assert outcome.summary == {"pairs": 3, "grown": 0}
    before = paths[0].read_bytes()
    assert import_arrays(files, PAIRED, BOX, folder) == paths  # again: the same, and an edited study stays
    assert paths[0].read_bytes() == before
    with pytest.raises(BadInput, match=r"study\.toml is a study of another grid, box or redshift"):
        import_arrays(files, PAIRED, Box(320.0, 1.0), folder)
    with pytest.raises(BadInput, match=r"study\.toml is a study of other classes than the cubes"):
        import_arrays(files, UNPAIRED, BOX, folder)


def test_lost_cubes_are_not_grown(tmp_path):
    files, folder = [stored(tmp_path / name, cubes()) for name in ("a.npy", "b.npy")], RunFolder(tmp_path / "r")
    import_arrays(files, PAIRED, BOX, folder)
    (folder.pair(1) / "gr" / "snap000_phi.h5").unlink()
    with pytest.raises(
        BadInput, match=r"snap000_phi\.h5 is missing; the cubes of .* were imported and cannot be grown"
    ):
        run_study(StudyConfig.from_toml(folder.study), folder.root, only="simulate")


def test_sets_that_do_not_go_together(tmp_path):
    first, folder = stored(tmp_path / "a.npy", cubes()), RunFolder(tmp_path / "run")
    with pytest.raises(BadInput, match=r"b\.npy has cubes of 8 cells a side but .*a\.npy of 4, expected one grid"):
        import_arrays((first, stored(tmp_path / "b.npy", cubes(grid=8))), PAIRED, BOX, folder)
    longer = stored(tmp_path / "c.npy", cubes(5, dtype="float64"))
    with pytest.warns(UserWarning, match="last bits"), pytest.raises(BadInput, match=r"3 cubes and .*c\.npy 5,"):
        import_arrays((first, longer), PAIRED, BOX, folder)
    with pytest.warns(UserWarning, match=r"of the 5 cubes of .*c\.npy the first 3 are taken"):
        import_arrays((first, longer), UNPAIRED, BOX, folder)
    assert StudyConfig.from_toml(folder.study).paired is False
    assert wf.load_field(folder.pair(0) / "gr" / "snap000_phi.h5")[0].element_size() == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--box", "10"], "--box is given without --arrays"),
        ([], "FOLDER is not given, expected a folder with runs, or --arrays"),
        (["--arrays", "a.npy", "a.npy"], "--names is not given, expected it beside --arrays"),
        (["--arrays", "a.npy", "a.npy", "--names", "A", "B"], "--box is not given"),
        (["folder", "--arrays", "a.npy", "a.npy"], "--arrays is given beside a folder of runs"),
        (["--arrays", "a.npy", "a.npy", "--names", "A", "A", "--box", "10"], "both names are 'A'"),
        (["--arrays", "a.npy", "a.npy", "--names", "A", "B", "--box", "-1"], "simulation.box_size_mpch"),
    ],
)
def test_options_of_the_command(tmp_path, monkeypatch, capsys, options, message):
    stored(tmp_path / "a.npy", cubes())
    monkeypatch.chdir(tmp_path)
    assert invoke(["import", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_loss_of_pairs_needs_pairs():
    values = {"classes": UNPAIRED.model_dump(), "training": {"loss": "pair"}}
    with pytest.raises(BadInput, match=r"training\.loss is 'pair' but classes\.paired is false"):
        StudyConfig.from_mapping(values)


CHEAP = ("labels_shuffled", "newton_newton", "monopole_only", "low_pass", "dipole_removed", "p_matched", "first_order",
         "noise_plane", "value_histogram", "float_fingerprint")  # fmt: skip


def prose(page: str) -> str:
    """What a reader sees of a page: without tags, styles, scripts and the settings."""
    return re.sub(r"<(style|script|pre)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_two_classes_through_every_stage(tmp_path, monkeypatch, paired):
    random, grid = np.random.default_rng(3), 16
    first = np.stack([gaussian(grid, random) for _ in range(12)]).astype("float32")
    second = (1.2 * first).astype("float32") if paired else np.stack([1.2 * gaussian(grid, random) for _ in range(13)])
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", first)
    np.save("b.npy", second)
    about = ["--names", "code A", "code B", "--box", "320", "--redshift", "0.5", "--quantity", "density"]
    about += ["--out", "run"]
    about += [] if paired else ["--unpaired"]
    assert invoke(["import", "--arrays", "a.npy", "b.npy", *about]) == 0
    folder = RunFolder("run")
    values = StudyConfig.from_toml(folder.study).model_dump(exclude_none=True)
    values["training"] |= {"epochs": 2, "channels": 4, "blocks": 2}
    values["audit"] |= {"controls": CHEAP, "bootstrap": 200, "epochs": 1}
    values["explain"] |= {"pairs": 1, "trust_epochs": 1, "perturbations": 1, "triangle_shells": 2, "draws": 1}
    values["explain"] |= {"trust_methods": ("gradient",), "networks": 0}
    folder.study.write_text(StudyConfig.from_mapping(values).to_toml())
    assert invoke(["run", "run"]) == 0
    opened = wf.open("run")
    for shown in (opened.dataset, opened.networks["cnn"]):
        assert not re.findall(r"\b(?:Newton\w*|GR|theor(?:y|ies)|Phi|\N{GREEK CAPITAL LETTER PHI})\b", repr(shown))
    labels = " ".join(text.get_text() for text in opened.networks["cnn"].plot().get_figure().findobj(Text))
    assert not re.findall(r"\b(?:Newton\w*|GR|theor(?:y|ies))\b", labels)
    audit = (folder.audit / "audit.json").read_text()
    page = prose((folder.report / "index.html").read_text())
    known = read_json(folder.audit / "audit.json")
    left_out = {"newton_newton", "first_order", "noise_plane"} | (set() if paired else {"p_matched"})
    assert set(known["left_out"]) == left_out
    assert {row["name"] for row in known["controls"]} == set(CHEAP) - left_out
    for text in (audit, page):
        assert not re.findall(r"\b(?:Newton\w*|GR|Einstein|relativit\w+|theor(?:y|ies)|potential)\b", text)
    assert {said for said in ("code A or code B?", "density", *left_out) if said not in page} == set()
    if not paired:
        assert not re.findall(r"\b(?:[Tt]wins?|paired accurac\w+|[Pp]airs?|seeds?)\b", page.replace("not paired", ""))
        assert "it compares cubes two by two, and the classes are not paired" in audit
