"""The controls in families, a file each; every file has its controls in ``CONTROLS``."""
