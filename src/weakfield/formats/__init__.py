"""Files: settings.ini, HDF5 fields and particles, Gadget-2 templates, text tables. Each is loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakfield.formats.fields import load_field, save_field
    from weakfield.formats.gadget import GadgetSnapshot, load_gadget, load_template, save_gadget, save_gadget_files
    from weakfield.formats.hdf5 import load_attributes
    from weakfield.formats.particles import Particles, load_particles, save_particles
    from weakfield.formats.settings_ini import IniRun, read_settings_ini
    from weakfield.formats.spectra_text import SpectrumTable, read_spectrum_text, write_spectrum_text

_HOMES = {
    "GadgetSnapshot": "gadget",
    "IniRun": "settings_ini",
    "Particles": "particles",
    "SpectrumTable": "spectra_text",
    "load_attributes": "hdf5",
    "load_field": "fields",
    "load_gadget": "gadget",
    "load_particles": "particles",
    "load_template": "gadget",
    "read_settings_ini": "settings_ini",
    "read_spectrum_text": "spectra_text",
    "save_field": "fields",
    "save_gadget": "gadget",
    "save_gadget_files": "gadget",
    "save_particles": "particles",
    "write_spectrum_text": "spectra_text",
}

__all__ = [
    "GadgetSnapshot",
    "IniRun",
    "Particles",
    "SpectrumTable",
    "load_attributes",
    "load_field",
    "load_gadget",
    "load_particles",
    "load_template",
    "read_settings_ini",
    "read_spectrum_text",
    "save_field",
    "save_gadget",
    "save_gadget_files",
    "save_particles",
    "write_spectrum_text",
]


def __getattr__(name: str) -> Any:
    """Import a reader or writer when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield.formats' has no attribute '{name}'")
    return getattr(import_module(f"weakfield.formats.{_HOMES[name]}"), name)
