# %% [markdown]
# # Your gevolution settings.ini
#
# You have a `settings.ini` of gevolution. It runs here as it is, and the files that come out have the names, the places
# and the contents that you know. Here is a small one.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import weakfield as wf

settings = """
IC generator       = basic
template file      = sc1_crystal.dat
tiling factor      = 4
seed               = 42
A_s                = 2.215e-9
n_s                = 0.9619
k_pivot            = 0.05

h                  = 0.67556
omega_b            = 0.022032
omega_cdm          = 0.12038
T_cmb              = 2.7255
N_ur               = 3.046

initial redshift   = 100
boxsize            = 320           # Mpc/h
Ngrid              = 16
Courant factor     = 48
time step limit    = 0.04
gravity theory     = GR

output path        = output/
generic file base  = lcdm
snapshot file base = lcdm_snap
snapshot redshifts = 10, 1
snapshot outputs   = phi, chi, B
Pk file base       = lcdm_pk
Pk redshifts       = 10, 1
Pk outputs         = phi, delta
Pk bins            = 16

transfer           = eisenstein-hu  # of weakfield: analytic; leave it out, and CAMB computes the tables
"""
written = Path("settings.ini").write_text(settings)
files = wf.simulate("settings.ini")
for file in files:
    print(file)

# %% [markdown]
# On the command line that is `weakfield simulate settings.ini`. The fields are HDF5, as gevolution writes them; here
# they know their redshift, box and theory as well.

# %%
phi, about = wf.load_field("output/lcdm_snap001_phi.h5")
print({name: about[name] for name in ("redshift", "box_size_mpch", "theory", "units")})
plt.figure(figsize=(4.6, 3.6), layout="constrained")
plt.imshow(phi[0], origin="lower", extent=(0, 320, 0, 320), cmap="viridis")
plt.colorbar(label="phi")
plt.xlabel("x [Mpc/h]")
plt.ylabel("y [Mpc/h]")
plt.show()

# %% [markdown]
# The same seed under Newton is one word away, and the ratio of the two spectra is free of cosmic variance.

# %%
written = Path("newton.ini").write_text(settings.replace("= GR", "= Newton").replace("= output/", "= newton/"))
files = wf.simulate("newton.ini")
(k, gr), (_, newton) = (np.loadtxt(f"{folder}/lcdm_pk001_phi.dat", usecols=(0, 1)).T for folder in ("output", "newton"))
plt.figure(figsize=(5.5, 3.6), layout="constrained")
plt.plot(k, gr / newton - 1, "o-")
plt.axhline(0, color="grey", lw=1)
plt.xlabel("k [h/Mpc]")
plt.ylabel("P(GR) / P(Newton) - 1 of phi")
plt.show()

# %% [markdown]
# Mind what this ratio is. Relativity is even in the waves of the beginning; turn them all over (`inverted` is a key of
# weakfield's own), and what changes its sign in GR - Newton is the mesh's.

# %%
for theory, word in (("output", "GR"), ("newton", "Newton")):
    text = settings.replace("= GR", f"= {word}").replace("= output/", f"= {theory}_inverted/") + "\ninverted = yes\n"
    written = Path(f"{theory}_inverted.ini").write_text(text)
    files = wf.simulate(f"{theory}_inverted.ini")
plus, minus = (
    wf.load_field(f"output{end}/lcdm_snap001_phi.h5")[0] - wf.load_field(f"newton{end}/lcdm_snap001_phi.h5")[0]
    for end in ("", "_inverted")
)
print(f"even part of GR - Newton: rms {float((plus + minus).std() / 2):.1e}")
print(f"odd part:                 rms {float((plus - minus).std() / 2):.1e}")

# %% [markdown]
# The notebook about a pair has the mesh on which it is the other way round.
#
# ## In yt
#
# yt opens any field by its generic loader, if it is installed (`pip install yt`); weakfield does not need it.

# %%
try:
    import yt
except ImportError:
    print("yt is not installed")
else:
    yt.set_log_level("error")
    cube = phi.numpy().T.copy()  # yt has x first
    grid = yt.load_uniform_grid({"phi": cube}, cube.shape, length_unit=(320.0 / 0.67556, "Mpc"))
    print(grid.all_data()["stream", "phi"].std())

# %% [markdown]
# `weakfield import FOLDER` makes a study of runs that gevolution has already done: spectra, data sets, networks and the
# rest then work on them as on runs of weakfield.
