# %% [markdown]
# # Train, audit, explain
#
# Can a network tell Newton from Einstein? And if it says yes, should you believe it? This notebook takes a study
# through all its stages, at a size that ends in seconds. So few universes teach a network nothing, and every stage says
# so: watch what is asked, not what is answered.

# %%
import matplotlib.pyplot as plt

import weakfield as wf
from weakfield.cli import invoke

PAIRS = 20  # 48 in `weakfield run demo`
study = wf.StudyConfig.from_mapping(
    {
        "name": "small",
        "seeds": {"first": 1, "count": PAIRS},
        "cosmology": {"t_cmb_kelvin": 0.0},
        "simulation": {
            "grid": 16,
            "box_size_mpch": 640.0,
            "transfer": "eisenstein-hu",
            "snapshot_redshifts": [10.0, 1.0],
        },
        "dataset": {"transforms": [{"kind": "band", "k_max_hmpc": 0.045}]},  # where a pair differs by relativity
        "training": {"loss": "pair", "size": "small", "epochs": 8, "mean_kept_too": False},
        "audit": {"controls": ["monopole_only", "low_pass", "high_pass", "log_pk_baseline"]},
        "explain": {"pairs": 2, "trust": False},
    }
)
files = wf.simulate(study, "runs/small")
print(f"{len(files)} files, the last {files[-1]}")

# %% [markdown]
# From here on the stages are commands; `weakfield run` does them all, one after the other.

# %%
for stage in ("dataset", "train", "audit", "explain"):
    assert invoke([stage, "runs/small"]) == 0
run = wf.open("runs/small")

# %% [markdown]
# ## What is it worth?
#
# Never ask what a network scores; ask what it scores beside something simple. Baselines see the mean, the variance, the
# power spectrum, the bispectrum. The interval is over seeds, because the seeds are the independent draws.

# %%
network = run.networks["cnn"]
print(network)
figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
network.plot(axes)
plt.show()

# %% [markdown]
# ## What else could it be?
#
# A network may live on a flaw of the simulation. Each control takes one suspect away, or leaves nothing but the
# suspect, and asks again.

# %%
audit = run.audit
print(audit.attrs["summary"])
audit[["verdict", "value", "low", "high"]].round(2)

# %% [markdown]
# *Inconclusive* is an honest word: four test seeds cannot decide more.
#
# ## What did it look at?
#
# The difference of the logits of a pair is a sum over Fourier shells. That is where in k the decision is made, if
# there is one: a network at chance decides nothing, and then a sentence takes the place of the picture.

# %%
figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
run.explain.plot(axes)
plt.show()

# %% [markdown]
# Where there are shells to see, compare them with where the difference of a pair is relativity (the notebook about a
# pair): a network that looks elsewhere has found the mesh. `weakfield report runs/small` puts all of this on one page.
