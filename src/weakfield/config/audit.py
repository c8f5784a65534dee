"""Settings of the audit."""

from __future__ import annotations

from pydantic import Field

from weakfield.config.settings import Settings

#: controls that rest on what a run folder holds, and on universes as cheap as its own, in the order in which they are
#: run and draw on the budget
DEFAULT_CONTROLS = (
    "labels_shuffled",
    "newton_newton",
    "other_weights",
    "p_matched_retrained",
    "fundamental_removed",
    "low_pass",
    "high_pass",
    "phases_randomised",
    "monopole_only",
    "monopole_kept",
    "monopole_removed",
    "dipole_removed",
    "log_pk_baseline",
    "amplitude_phase_swap",
    "p_matched",
    "amplitude_rescaled",
    "first_order",
    "noise_plane",
    "value_histogram",
    "float_fingerprint",
    "newton_threads",
    "newton_fft",
    "beyond_power",
    "beyond_bispectrum",
    "information",
)
#: controls that grow further universes or train many networks
FULL_CONTROLS = (
    "rescaling_found",
    "step_limit",
    "phi_integrator",
    "mesh",
    "cell_size",
    "other_seeds",
    "other_amplitude",
    "other_redshift",
    "other_cosmology",
)


class AuditSettings(Settings):
    """Controls that could explain a result away."""

    controls: tuple[str, ...] = Field(
        DEFAULT_CONTROLS,
        description="names of controls ('weakfield audit --list' says what each is) or module:NAME of a"
        " weakfield.audit.Control of one's own, in the order in which they draw on the budget",
    )
    full: bool = Field(
        False,
        description="run full_controls too, and retrain at every cut of the bands; 'weakfield audit --full' sets it",
    )
    full_controls: tuple[str, ...] = Field(
        FULL_CONTROLS, description="further controls, which grow universes or train many networks"
    )
    epochs: int | None = Field(None, ge=1, description="epochs of each retraining; default: those of the training")
    retrainings: int = Field(
        12, ge=0, description="budget: retrainings of all controls together; with full as many as they need"
    )
    bootstrap: int = Field(
        2000,
        ge=100,
        le=1_000_000,
        description="bootstrap resamples over seeds; with few of them no alarm can stand among many questions",
    )
    step_limits: tuple[float, ...] = Field(
        (0.4, 0.2, 0.1),
        description="step limits [Hubble times] compared with that of the study (full); if none is finer, half of the"
        " study's own is added",
    )
    a_s_factor: float = Field(1.5, gt=0, description="factor on the primordial amplitude in other_amplitude (full)")
    omega_cdm_factor: float = Field(
        1.1, gt=0, description="factor on the density of dark matter in other_cosmology (full)"
    )
