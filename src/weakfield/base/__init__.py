"""The lowest layer: errors, safe files, progress. It imports nothing from the layers above."""
