"""Both theories on the spectral mesh, exact in phi and psi, with a start right at second order (EQUATIONS 16)."""
