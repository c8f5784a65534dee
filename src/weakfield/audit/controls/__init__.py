"""The controls in families, one file each; every file lists its controls in ``CONTROLS``."""
