# %% [markdown]
# # Your own network and your own control
#
# You have an idea for a network, and a suspicion against it. Both are a few lines in a file of yours; the package need
# not be touched.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import weakfield as wf
from weakfield.cli import invoke

code = '''
import torch
from torch import nn

from weakfield.audit import Control, Result


class Rings(nn.Module):
    """Log power in shells of the cube, and two layers: a network that cannot see phases at all."""

    def __init__(self, shape, settings):
        super().__init__()
        n = shape[-1]
        axes = torch.fft.fftfreq(n, 1 / n), torch.fft.fftfreq(n, 1 / n), torch.fft.rfftfreq(n, 1 / n)
        k = torch.stack(torch.meshgrid(*axes, indexing="ij")).norm(dim=0)
        shells = [((k >= i - 0.5) & (k < i + 0.5)).float() for i in range(1, n // 2)]
        self.register_buffer("shells", torch.stack([s / s.sum() for s in shells]).flatten(1))
        self.layers = nn.Sequential(nn.Linear(shape[0] * len(shells), 16), nn.GELU(), nn.Linear(16, 1))

    def forward(self, x):
        power = torch.fft.rfftn(x, dim=(-3, -2, -1)).abs().square().flatten(2)
        return self.layers((power @ self.shells.T).clamp_min(1e-12).log().flatten(1))[:, 0]


def mirrored(audit):
    scores = audit.score(audit.altered(lambda pair: torch.flip(pair, dims=[-1])))
    share = audit.share(scores)
    verdict = "clean" if share.low > 0.5 else "shortcut" if share.high < 0.5 else "inconclusive"
    return Result(share, "share of the logit difference left in the mirror", verdict, scores=scores)


MIRRORED = Control("mirrored", "Does the network know left from right?", "A mirrored universe is as good.", mirrored)
'''
written = Path("mine.py").write_text(code)

# %% [markdown]
# A study names both. Everything else of the study stays as it was: data set, baselines, errors, page.

# %%
study = wf.StudyConfig.from_mapping(
    {
        "name": "mine",
        "seeds": {"first": 1, "count": 20},
        "cosmology": {"t_cmb_kelvin": 0.0},
        "simulation": {
            "grid": 16,
            "box_size_mpch": 640.0,
            "transfer": "eisenstein-hu",
            "snapshot_redshifts": [10.0, 1.0],
        },
        "training": {"network": "mine:Rings", "epochs": 10, "mean_kept_too": False},
        "audit": {"controls": ["mine:MIRRORED", "low_pass"]},
    }
)
files = wf.simulate(study, "runs/mine")
for stage in ("dataset", "train", "audit"):
    assert invoke([stage, "runs/mine"]) == 0
run = wf.open("runs/mine")
network = run.networks["cnn"]
print(network)

# %% [markdown]
# The interval tells whether it learned anything, and the baselines whether you needed it.

# %%
figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
network.plot(axes)
plt.show()

# %% [markdown]
# A mirrored cube has the same power, so this network must not notice: all of the difference of the logits is left.

# %%
row = run.audit.loc["mirrored"]
print(row["verdict"], f"{row['value']:.3f}")
assert abs(row["value"] - 1) < 1e-3

# %% [markdown]
# The file is hashed into what decides whether a training has to be done again, and a copy stays in the run folder. Code
# runs with the rights of who runs the study, so a run of somebody else that names code is refused until you trust it.
