"""The dataset stage on drawn pairs: what it writes, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from helpers.synthetic import save_phi, tiny_study, write_pair, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json, write_json
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.cosmology import potential_growth
from weakfield.dataset import PARTS, build, open_dataset
from weakfield.formats import load_field

Run = tuple[StudyConfig, RunFolder]


def rewrite(folder: RunFolder, seed: int, name: str, phi: np.ndarray, z: float, box_size: float) -> None:
    """Replace a snapshot by another whole one, known to pair.json."""
    save_phi(folder.pair(seed) / name, phi, z, box_size, name.split("/")[0], seed)
    record = read_json(folder.pair(seed) / "pair.json")
    record["files"][name] |= {"hash": file_hash(folder.pair(seed) / name), "redshift": z}
    write_json(folder.pair(seed) / "pair.json", record)


def test_description(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    summary = build.run(study, folder)
    written = json.loads((folder.dataset / "dataset.json").read_text())
    assert summary == {
        "pairs": 10,
        "train": 6,
        "validation": 2,
        "test": 2,
        "grid": 8,
        "fingerprint": written["fingerprint"],
    }
    assert (written["sample"], written["redshifts"], written["grid"]) == ("difference", [10.0, 1.0], 8)
    assert written["box_size_mpch"] == 160.0
    assert sorted(seed for part in PARTS for seed in written["seeds"][part]) == list(range(3, 13))


def test_sample_is_the_growth_scaled_difference(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    dataset = open_dataset(folder)
    phi = [load_field(folder.member(5, "gr") / f"snap{i:03d}_phi.h5")[0].double() for i in (0, 1)]
    growth = potential_growth(study.cosmology, np.array([10.0, 1.0]))
    expected = phi[0] / growth[0] - phi[1] / growth[1]
    assert torch.equal(dataset.raw(5, "gr"), expected)
    linear = phi[0] / growth[0]
    assert expected.std() < 0.5 * linear.std()  # the common linear field is gone, EVOLUTION = 0.3 of it is left


def test_true_redshifts_are_used(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    for theory in THEORIES:
        phi = load_field(folder.member(5, theory) / "snap000_phi.h5")[0].double().numpy()
        rewrite(folder, 5, f"{theory}/snap000_phi.h5", phi, 9.7, 160.0)
    build.run(study, folder)
    early, late = (load_field(folder.member(5, "gr") / f"snap{i:03d}_phi.h5")[0].double() for i in (0, 1))
    growth = potential_growth(study.cosmology, np.array([9.7, 1.0]))
    assert torch.equal(open_dataset(folder).raw(5, "gr"), early / growth[0] - late / growth[1])


def test_raw_sample_is_phi_at_the_later_output(tmp_path: Path) -> None:
    study = tiny_study(pairs=3, dataset={"sample": "raw"})
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    phi = load_field(folder.member(4, "newton") / "snap001_phi.h5")[0].double()
    assert torch.equal(open_dataset(folder).raw(4, "newton"), phi)


def test_normalised_by_the_training_part_alone(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    dataset = open_dataset(folder)
    train = dataset.pairs(dataset.part("train")).values.double()
    # float32 rounding of values of order one
    assert float(train.mean()) == pytest.approx(0, abs=1e-6)
    assert float(train.std(correction=0)) == pytest.approx(1, abs=1e-6)
    before = read_json(folder.dataset / "dataset.json")["normalisation"]
    held_out = [seed for part in ("validation", "test") for seed in dataset.part(part)]
    for seed in held_out:
        shutil.rmtree(folder.pair(seed))
        write_pair(study, seed, folder, scale=5.0)
    build.run(study, folder)
    assert read_json(folder.dataset / "dataset.json")["normalisation"] == before


def test_mean_removed_and_mean_kept(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    dataset = open_dataset(folder)
    for seed in dataset.part("test"):
        removed = [float(dataset.cube(seed, theory).double().mean()) for theory in THEORIES]
        assert removed == pytest.approx([0, 0], abs=1e-7)  # float32 rounding
        kept = dataset.pairs([seed], keep_mean=True).values.double().mean(dim=(3, 4, 5))[0, :, 0]
        raw = [float(dataset.raw(seed, theory).mean()) for theory in THEORIES]
        std = dataset.description.normalisation.mean_kept.std
        assert float(kept[1] - kept[0]) == pytest.approx((raw[1] - raw[0]) / std, rel=1e-5)
        assert abs(raw[1]) > 1e-8 > 100 * abs(raw[0])  # the planted monopole, against rounding of the stored floats


def test_parts_do_not_share_a_seed_and_order_is_fixed(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    first = (folder.dataset / "dataset.json").read_bytes()
    build.run(study, folder)
    assert (folder.dataset / "dataset.json").read_bytes() == first
    parts = [set(open_dataset(folder).part(part)) for part in PARTS]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 10


def test_slices_by_number(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    dataset = open_dataset(folder)
    number = dataset.index.find(seed=7, theory="gr", redshift=1.0, axis="y", slice=5)
    phi = load_field(folder.member(7, "gr") / "snap001_phi.h5")[0].double()
    assert torch.equal(dataset.phi_slice(number), phi[:, 5, :])
    assert len(dataset.index) == 10 * 2 * 2 * 3 * 8
    assert len(dataset.cube_index) == 20


def test_a_missing_theory_is_named(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    shutil.rmtree(folder.member(6, "gr"))
    with pytest.raises(BadInput, match=r"seed00006 has no 'gr' member, expected both theories"):
        build.run(study, folder)
    assert not folder.dataset.exists()


def test_a_missing_or_unfinished_pair_is_named(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    (folder.pair(9) / "pair.json").unlink()
    with pytest.raises(BadInput, match=r"seed00009 has no pair.json"):
        build.run(study, folder)
    shutil.rmtree(folder.pair(4))
    with pytest.raises(BadInput, match=r"seed00004 is missing"):
        build.run(study, folder)


def test_a_missing_file_is_named(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    (folder.member(6, "gr") / "snap001_phi.h5").unlink()
    with pytest.raises(BadInput, match=r"seed00006/gr/snap001_phi.h5"):
        build.run(study, folder)


def test_nan_is_refused(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    path = folder.member(6, "newton") / "snap000_phi.h5"
    with h5py.File(path, "r+") as file:
        file["data"][0, 0, 0] = np.nan
    record = read_json(folder.pair(6) / "pair.json")
    record["files"]["newton/snap000_phi.h5"]["hash"] = file_hash(path)  # as if it had been written so
    write_json(folder.pair(6) / "pair.json", record)
    with pytest.raises(BadInput, match=r"seed00006/newton/snap000_phi.h5.*NaN"):
        build.run(study, folder)


def test_an_altered_file_is_refused(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    path = folder.member(6, "newton") / "snap000_phi.h5"
    with h5py.File(path, "r+") as file:
        file["data"][0, 0, 0] = 0.0
    with pytest.raises(BadInput, match=r"snap000_phi.h5 has hash"):
        build.run(study, folder)


def test_a_file_replaced_after_the_data_set_was_built_is_refused(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    build.run(study, folder)
    dataset = open_dataset(folder)
    number = dataset.index.find(seed=6, theory="gr", redshift=1.0, axis="y", slice=5)
    name = "gr/snap001_phi.h5"
    phi = load_field(folder.pair(6) / name)[0].double().numpy()
    rewrite(folder, 6, name, 1.1 * phi, 1.0, 160.0)
    for read in (lambda: dataset.pairs([5, 6]), lambda: dataset.phi_slice(number)):
        with pytest.raises(BadInput, match=r"seed00006/gr/snap001_phi\.h5 has hash .* but the data set was built of"):
            read()
    assert dataset.pairs([5, 7]).seeds == (5, 7)
    build.run(study, folder)
    assert torch.equal(open_dataset(folder).phi_slice(number), (1.1 * torch.from_numpy(phi)).float().double()[:, 5, :])


def test_members_must_agree(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    name = "gr/snap001_phi.h5"
    phi = load_field(folder.pair(6) / name)[0].double().numpy()
    rewrite(folder, 6, name, phi, 1.01, 160.0)
    with pytest.raises(BadInput, match=r"at redshift 1.01 but its Newtonian partner is at 1"):
        build.run(study, folder)
    rewrite(folder, 6, name, phi[:4, :4, :4], 1.0, 160.0)
    with pytest.raises(BadInput, match=r"shape \(4, 4, 4\) but its Newtonian partner has \(8, 8, 8\)"):
        build.run(study, folder)


def test_all_pairs_share_one_box(synthetic_run: Run) -> None:
    study, folder = synthetic_run
    for theory in THEORIES:
        for index, z in enumerate((10.0, 1.0)):
            name = f"{theory}/snap{index:03d}_phi.h5"
            rewrite(folder, 8, name, load_field(folder.pair(8) / name)[0].double().numpy(), z, 200.0)
    with pytest.raises(BadInput, match=r"box of 200 Mpc/h, expected"):
        build.run(study, folder)


def test_opening_what_was_not_built(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"dataset\.json is missing"):
        open_dataset(RunFolder(tmp_path))
    write_json(RunFolder(tmp_path).dataset / "dataset.json", {"sample": "difference"})
    with pytest.raises(BadInput, match="lacks 'redshifts'"):
        open_dataset(RunFolder(tmp_path))


def test_too_few_seeds_are_refused_before_anything_is_read() -> None:
    with pytest.raises(BadInput, match="2 seeds, expected at least 3"):
        build.check(tiny_study(pairs=2))
