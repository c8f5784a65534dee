# %% [markdown]
# # A pair and its relativity
#
# Two universes begin with the same noise. One follows Newton's law, the other Einstein's equations in the weak-field
# approximation. How do they differ, and how much of that is relativity rather than the computer?

# %%
import matplotlib.pyplot as plt
import numpy as np

import weakfield as wf
from weakfield.cli import invoke

study = wf.StudyConfig.from_mapping(
    {
        "name": "pair",
        "seeds": {"first": 42, "count": 1, "inverted": True},
        "cosmology": {"t_cmb_kelvin": 0.0},  # dust and Lambda: nothing of radiation is in the way
        "simulation": {
            "grid": 32,
            "box_size_mpch": 640.0,
            "transfer": "eisenstein-hu",
            "snapshot_redshifts": [10.0, 1.0],
        },
        "output": {"dtype": "float64"},
        "measure": {"nonlinear": "none"},
    }
)
files = wf.simulate(study, "runs/pair")
run = wf.open("runs/pair")
run

# %% [markdown]
# `inverted` grows the pair a second time with every wave of the beginning turned over: hills become valleys. We need
# that in a moment. First the potential, and what the two theories make different of it.

# %%
pair = run.pairs[42]
newton, difference = pair.phi("newton", z=1), pair.difference(z=1)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
newton.isel(z=0).plot(ax=axes[0])
difference.isel(z=0).plot(ax=axes[1])
axes[0].set_title("phi under Newton")
axes[1].set_title("GR - Newton")
plt.show()
print(f"The difference is {float(difference.std() / newton.std()):.1e} of the potential.")

# %% [markdown]
# A few parts in a hundred thousand, and it looks grainy. Is it relativity? At first order the two theories agree, so
# relativity begins with products of two waves. Turn all waves over, and such products stay as they are. Half the sum of
# the pair and its inverse is therefore relativity's; half their difference is of first or third order, and relativity
# has no first.

# %%
inverse = run.pairs.inverses[42].difference(z=1)
even, odd = (difference + inverse) / 2, (difference - inverse) / 2
theory = run.relativity(42, z=1)  # what general relativity says at second order, for these very waves


def long_waves(field, shortest=5):
    """The field without its mean, and without waves that fit more than ``shortest`` times into the box."""
    n = len(field)
    i = np.fft.fftfreq(n, 1 / n)
    number = np.sqrt(i[:, None, None] ** 2 + i[None, :, None] ** 2 + np.arange(n // 2 + 1)[None, None] ** 2)
    kept = (number > 0) & (number <= shortest)
    return field.copy(data=np.fft.irfftn(np.where(kept, np.fft.rfftn(field.values), 0), s=field.shape, axes=(0, 1, 2)))


figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained", sharey=True)
limit = 2.5 * float(long_waves(theory).std())
for axis, field, name in zip(axes, (theory, even, odd), ("theory, C1", "even part", "odd part"), strict=True):
    long_waves(field).isel(z=0).plot(ax=axis, vmin=-limit, vmax=limit, cmap="RdBu_r", add_colorbar=axis is axes[2])
    axis.set_title(name)
plt.show()

# %% [markdown]
# These are the long waves alone, and the even part is the theory, wave by wave. Among the short ones it is not. Where
# does one end and the other begin? Ask shell by shell in Fourier space.

# %%
assert invoke(["measure", "runs/pair"]) == 0
table = run.table("parity")
shells = table[(table["redshift"] == 1) & table["k_below_hmpc"].isna()]
plt.figure(figsize=(5.5, 3.4), layout="constrained")
plt.plot(shells["k_hmpc"], shells["correlation"], "o-", label="even part: correlation with C1")
plt.plot(shells["k_hmpc"], shells["odd_over_predicted"], "s--", label="odd part: rms over that of C1")
plt.axhline(0.95, color="grey", lw=1, ls=":")
plt.ylim(0, 2)
plt.xlabel("k [h/Mpc]")
plt.legend()
plt.show()
assert shells["correlation"].iloc[0] > 0.95

# %% [markdown]
# Up to the k where the first curve leaves the dotted line you may call the difference relativity. Beyond, you may not,
# however well a network tells the two universes apart. The page on relativity in the documentation has the same for
# other meshes, cells and redshifts.
