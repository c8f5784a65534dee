"""Settings of the audit."""

from __future__ import annotations

from pydantic import Field

from weakfield.config.settings import Settings


class AuditSettings(Settings):
    """Controls that could explain a result away."""

    controls: tuple[str, ...] = Field(
        ("labels_shuffled", "monopole_only", "monopole_removed", "newton_newton", "log_pk_baseline"),
        description="names of weakfield.audit.controls",
    )
    epochs: int | None = Field(None, ge=1, description="epochs of each retraining; default: those of the training")
    bootstrap: int = Field(2000, ge=100, description="bootstrap resamples over seeds")
