"""Settings of light cones: where an observer sits, how far and in which directions he sees, and what is written."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings

#: what a light cone may hold: metric maps, and particles
ConeOutput = Literal["phi", "chi", "B", "hij", "Gadget2"]
CONE_FIELDS: tuple[ConeOutput, ...] = ("phi", "chi", "B", "hij")

Vector = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class LightCone(Settings):
    """The past light cone of one observation event (EQUATIONS 19)."""

    vertex_mpch: Vector = Field(description="where the observer is, in the box [Mpc/h]")
    redshift: float = Field(0.0, gt=-1, description="when he observes")
    distance_mpch: tuple[float, float] | None = Field(
        None, description="least and largest comoving distance [Mpc/h]; default: 0 and half the box"
    )
    half_angle_deg: float = Field(180.0, gt=0, le=180, description="angle of the cone around its axis; 180: full sky")
    direction: Vector = Field((0.0, 0.0, 1.0), description="axis of the cone, of any length above 0")
    outputs: tuple[ConeOutput, ...] = Field((), description="phi, chi, B, hij: metric maps; Gadget2: particles")
    shell_factor: Positive = Field(1.0, description="shells of a metric map per cell")
    pixel_factor: Positive = Field(0.5, description="pixels of a shell per unit of its area in cells")
    covering: Positive | None = Field(
        None,
        description="thickness of what is mapped in one cycle, in steps; default: 2 + 4 / (Courant factor x shell"
        " factor)",
    )
    nside: tuple[int, int] | None = Field(
        None, description="least and largest resolution of HEALPix, powers of two; default: from 2 to the grid"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not sum(x * x for x in self.direction) > 0.0:
            raise ValueError("direction has no length, expected a vector")
        if self.distance_mpch is not None and not 0.0 <= self.distance_mpch[0] <= self.distance_mpch[1]:
            raise ValueError(
                f"distance_mpch is {self.distance_mpch}, expected the least distance, from 0, and then the largest"
            )
        least, largest = self.nside or (2, 2)
        if not 2 <= least <= largest <= 2**14 or least & (least - 1) or largest & (largest - 1):
            raise ValueError(f"nside is {self.nside}, expected powers of two from 2 to 16384, the lower one first")
        return self


class LightConeSettings(Settings):
    """The light cones of a run, and what is done beyond the reference program."""

    base: str = Field(
        "lightcone", pattern=r"^[^/\\\x00-\x1f]{1,100}$", description="first part of the names of the files"
    )
    cones: tuple[LightCone, ...] = Field((), max_length=1000, description="the cones")
    every_image: bool = Field(
        False,
        description="write every periodic image of a particle that is on the cone; otherwise one a cycle, as the"
        " reference program does",
    )
    clip_distance: bool = Field(
        False,
        description="write particles up to the distances exactly; otherwise these decide about whole cycles, as in the"
        " reference program",
    )
    process_grid: tuple[int, int] = Field(
        (1, 1), description="processes of the reference program (along y, z) whose order of pixels the maps have"
    )

    def require_possible(self, box_size_mpch: float, grid: int) -> None:
        """Raise ``ValueError`` for cones that a simulation of such a box cannot have."""
        for cone in self.cones:
            if not all(0.0 <= x < box_size_mpch for x in cone.vertex_mpch):
                raise ValueError(
                    f"vertex_mpch is {cone.vertex_mpch}, expected numbers from 0 to below {box_size_mpch:g} Mpc/h"
                )
        if any(count < 1 or count > grid for count in self.process_grid):
            raise ValueError(f"process_grid is {self.process_grid}, expected 1 to {grid}")
