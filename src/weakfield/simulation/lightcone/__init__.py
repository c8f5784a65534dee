"""Light cones (EQUATIONS 19): particles and metric as observers see them, written while the universe grows."""

from weakfield.simulation.lightcone.cones import LightCones

__all__ = ["LightCones"]
