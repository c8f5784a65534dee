"""Data and networks for others: exported in formats that need no weakfield to be read, each with a card."""

from weakfield.sharing.export import FORMATS, export
from weakfield.sharing.networks import load_network

__all__ = ["FORMATS", "export", "load_network"]
