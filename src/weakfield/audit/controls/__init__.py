"""One control a file, each with a ``CONTROL``."""
