"""Only modes above a cut."""

from __future__ import annotations

from weakfield.audit.bands import result, retrainings
from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result


def run(context: Context) -> Result:
    return result(context, "high")


CONTROL = Control(
    name="high_pass",
    question="Does the network live on scales that the lattice shapes?",
    expectation=(
        "Modes above half the Nyquist wavenumber, where the equations are those of the lattice, must carry less than"
        " half of its logit difference."
    ),
    how=(
        "The test cubes keep the modes above a cut, for several cuts: a curve of what the network as trained makes of"
        " them, of logistic regression on log P(k) of these shells, and of networks retrained on such cubes (at half"
        " the Nyquist wavenumber; with --full at every cut)."
    ),
    verdicts=(
        "By the share of the logit difference at half the Nyquist wavenumber. Clean: surely more than half of it comes"
        " from resolved modes. Shortcut: surely less."
    ),
    blind="Filtered cubes are new to the network as trained; where information sits is what the retrained curve shows.",
    run=run,
    needs=retrainings,
)
