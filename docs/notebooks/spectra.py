# %% [markdown]
# # Spectra and bispectra, with errors
#
# One universe is one draw. Here are eight, under both theories, and what can be said of them.

# %%
import matplotlib.pyplot as plt
import numpy as np

import weakfield as wf
from weakfield.cli import invoke

SEEDS = 8  # more seeds, smaller errors
study = wf.StudyConfig.from_mapping(
    {
        "name": "spectra",
        "seeds": {"first": 1, "count": SEEDS, "inverted": True},
        "cosmology": {"t_cmb_kelvin": 0.0},
        "simulation": {
            "grid": 24,
            "box_size_mpch": 480.0,
            "transfer": "eisenstein-hu",
            "snapshot_redshifts": [10.0, 1.0],
        },
        "output": {"dtype": "float64"},
        "measure": {"nonlinear": "none"},
    }
)
files = wf.simulate(study, "runs/spectra")
run = wf.open("runs/spectra")

# %% [markdown]
# ## The power spectrum
#
# `power_spectrum` knows the box from the field. Spectra add up, and their sum has the scatter of the seeds as an error.

# %%
spectra = {theory: [wf.power_spectrum(phi) for phi in run.pairs.phi(theory, z=1)] for theory in ("newton", "gr")}
mean = sum(spectra["newton"])
print(mean)
figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
mean.plot(axes)
plt.show()

# %% [markdown]
# The error of a single theory is cosmic variance: with so few waves in a shell, seeds scatter. But a pair shares its
# waves. Divide first and average afterwards, and the scatter is gone.

# %%
ratio = wf.paired_ratio(spectra["newton"], spectra["gr"])
figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ratio.plot(axes)
plt.show()
gain = np.nanmedian(ratio.ratio_error_unpaired / ratio.ratio_error)
print(f"Pairs make the error of the ratio {gain:.0f} times smaller.")
assert gain > 10

# %% [markdown]
# A small error does not make it relativity. Every seed was grown with its waves turned over too, so the part of
# GR - Newton that is odd in the waves, which relativity does not have at this order, can be told from the even one.

# %%
assert invoke(["measure", "runs/spectra"]) == 0
parity = run.table("parity")
columns = ["k_hmpc", "response", "response_error", "odd_over_predicted", "odd_over_predicted_error"]
shells = parity[(parity["redshift"] == 1) & parity["k_below_hmpc"].isna()]
print(shells[columns].round(3).head(6).to_string(index=False))

# %% [markdown]
# `response` is 1 where the even part is what relativity says; `odd_over_predicted` is the size of the odd part beside
# it.
#
# ## The bispectrum
#
# Three waves whose wavevectors close to a triangle are independent in a Gaussian field; gravity ties them together. The
# edges of the shells are in units of the longest wave of the box.

# %%
edges = [0.5, 1.5, 2.5, 3.5, 4.5]
triangles = {
    theory: sum(wf.bispectrum(phi, 480.0, edges) for phi in run.pairs.phi(theory, z=1)) for theory in ("newton", "gr")
}
print(triangles["newton"])
figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
triangles["newton"].plot(axes)
plt.show()

# %% [markdown]
# Every triangle as a row of a table, with the error from the scatter of the seeds:

# %%
table = triangles["gr"].to_pandas()
table["signal_to_noise"] = table["value"] / table["scatter_error"]
table.head()

# %% [markdown]
# `weakfield measure` has done all this for the whole run, beside linear, non-linear and tree-level theory averaged over
# the same waves, and has kept every seed. The page on spectra in the documentation has conventions and formulas.
