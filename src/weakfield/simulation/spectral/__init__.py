"""Both theories on the spectral mesh, exact in phi and psi, with a start correct to second order (EQUATIONS 16)."""
