"""Settings of the explanation."""

from __future__ import annotations

from pydantic import Field

from weakfield.config.settings import Settings


class ExplainSettings(Settings):
    """Saliency of one test pair."""

    pair: int = Field(0, ge=0, description="which test pair, in the order of the data set")
