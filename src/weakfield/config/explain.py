"""Settings of the explanation."""

from __future__ import annotations

from pydantic import Field

from weakfield.config.settings import Settings


class ExplainSettings(Settings):
    """Attribution of the main network's answers to test pairs, and whether it can be trusted."""

    pair: int = Field(0, ge=0, description="which test pair is shown, in the order of the data set")
    pairs: int = Field(
        4, ge=1, description="number of test pairs in averages and their errors; all of them if there are fewer"
    )
    methods: tuple[str, ...] = Field(
        (
            "gradient",
            "gradient_x_input",
            "smoothgrad",
            "integrated",
            "pair_integrated",
            "grad_cam",
            "guided_grad_cam",
            "occlusion",
            "deeplift",
        ),
        min_length=1,
        description="names of methods, see 'weakfield docs explanation', or module:NAME of a function of one's own",
    )
    steps: int = Field(
        8, ge=2, description="nodes of the path between the members of a pair at first; more where the sum needs them"
    )
    tolerance: float = Field(
        1e-4, gt=0, description="what the sum over a path may miss of the difference of the logits"
    )
    integrated_steps: int = Field(16, ge=1, description="nodes of integrated gradients from the mean field")
    draws: int = Field(8, ge=1, description="noisy copies of the sample in SmoothGrad")
    noise: float = Field(0.1, gt=0, description="noise of those copies, in units of the rms of the sample")
    block: int | None = Field(
        None, ge=1, description="cells a side of an occluded block; default: a quarter of the grid"
    )
    triangle_shells: int = Field(4, ge=0, description="shells whose triangles the decision is divided among; 0: none")
    memory_mib: float = Field(
        1024.0, gt=0, description="memory that a batch of samples may take on its way through a network [MiB]"
    )
    trust: bool = Field(True, description="run the tests that say whether the attributions can be trusted")
    trust_methods: tuple[str, ...] = Field(
        ("gradient", "pair_integrated", "grad_cam"), min_length=1, description="methods that these tests are applied to"
    )
    trust_epochs: int = Field(
        8,
        ge=1,
        description="epochs of the networks trained for comparison, at most those of the training",
    )
    networks: int = Field(1, ge=0, description="networks trained from other initial weights, for comparison")
    perturbations: int = Field(8, ge=1, description="draws for infidelity; half as many for sensitivity and symmetries")
    fractions: int = Field(16, ge=2, description="steps of the deletion and insertion curves")
