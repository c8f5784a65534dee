# %% [markdown]
# # Other people's cubes
#
# Nothing here is tied to Newton and Einstein. Any two sets of periodic cubes can be the two classes: two codes, two
# feedback models, two ways of putting particles on a mesh. Here are two sets of cubes that have the same power spectrum
# and differ in their phases alone.

# %%
from contextlib import redirect_stdout
from io import StringIO

import matplotlib.pyplot as plt
import numpy as np

from weakfield import open as open_run
from weakfield.cli import invoke

CUBES, N = 40, 16


def gaussian(random):
    """A periodic Gaussian field with P(k) ~ k^-2."""
    k = np.fft.fftfreq(N)
    squared = k[:, None, None] ** 2 + k[None, :, None] ** 2 + k[None, None, :] ** 2
    squared[0, 0, 0] = np.inf
    field = np.fft.ifftn(np.fft.fftn(random.standard_normal((N,) * 3)) / np.sqrt(squared)).real
    return field / field.std()


def skewed(field):
    """The phases of the squared field, and the amplitudes of the field itself."""
    squared = np.fft.fftn(field + 0.5 * (field**2 - 1))
    return np.fft.ifftn(np.abs(np.fft.fftn(field)) * np.exp(1j * np.angle(squared))).real


fields = [gaussian(np.random.default_rng(seed)) for seed in range(CUBES)]
np.save("gaussian.npy", np.array(fields, np.float32))
np.save("skewed.npy", np.array([skewed(field) for field in fields], np.float32))

figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for axis, name in zip(axes, ("gaussian", "skewed"), strict=True):
    axis.imshow(np.load(f"{name}.npy")[0, 0], origin="lower", vmin=-3, vmax=3)
    axis.set_title(name)
plt.show()

# %% [markdown]
# By eye it takes a while to see which is which. One command makes a study of them, with the names you give.

# %%
about = ["--names", "gaussian", "skewed", "--box", "160", "--redshift", "1", "--quantity", "density"]
with redirect_stdout(StringIO()):  # it prints the folder of every cube
    assert invoke(["import", "--arrays", "gaussian.npy", "skewed.npy", *about, "--out", "runs/cubes"]) == 0
study = open_run("runs/cubes").study
values = study.model_dump(exclude_none=True)
values["training"] |= {"size": "small", "epochs": 20, "mean_kept_too": False}
values["audit"] |= {"controls": ["low_pass", "log_pk_baseline", "value_histogram"]}
with open("runs/cubes/study.toml", "w") as file:
    file.write(type(study).from_mapping(values).to_toml())

# %%
for stage in ("dataset", "train", "audit"):
    assert invoke([stage, "runs/cubes"]) == 0
run = open_run("runs/cubes")
run.networks["cnn"]

# %% [markdown]
# The power spectrum knows nothing by construction. Statistics of three points do, and a network may.

# %%
figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
run.networks["cnn"].plot(axes)
plt.show()
scores = run.scores
test = scores[(scores["split"] == "test") & (scores["score"] == "auc")].set_index("model")
test.loc[["cnn", "log_pk", "pk_bk"], ["value", "low", "high"]].round(2)

# %% [markdown]
# The audit speaks in your words. What a verdict means is yours to say: between two codes that solve the same equations,
# everything that tells them apart is a shortcut.

# %%
print(run.audit.attrs["summary"])

# %% [markdown]
# Cubes that do not share their initial conditions are imported with `--unpaired`; whatever compares two cubes of the
# same seed is then left out. The page on cubes of other simulators says which files are taken.
