"""The trained network on universes of other settings, and a network trained there on those of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weakfield.audit.context import Context
from weakfield.audit.contract import Result, Verdict, tells
from weakfield.audit.universes import cubes_of, grow_pairs
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Pairs, PairTensor, Part
from weakfield.learning import Estimate, Scores
from weakfield.pairs.manifest import settings_hash


@dataclass(frozen=True)
class Elsewhere:
    """Universes to go to: the study that grows them, what they are called, and (other seeds only) which seeds."""

    study: StudyConfig
    label: str
    seeds: tuple[int, ...] | None = None
    redshifts: tuple[float, ...] | None = None
    #: a folder that holds the pairs already, instead of growing them
    folder: RunFolder | None = None


def grown(context: Context, control: str, place: Elsewhere, seeds: Sequence[int]) -> PairTensor:
    """The cubes of ``seeds`` there."""
    folder = place.folder or grow_pairs(context, control, place.study, seeds)
    return cubes_of(context, place.study, folder, seeds, place.redshifts)


def transfer(context: Context, control: str, places: Sequence[Elsewhere], reverse: bool = False) -> Result:
    """The network, as trained, on the test seeds of every place; the row is about the last.

    With ``reverse`` a network is also trained on the last place, all parts of which are grown, and tested on the
    study's own test cubes. The share compares the sums over the seeds of twins' logit differences, there and here.
    """
    rows, said = [], []
    for place in places:
        cubes = grown(context, control, place, place.seeds or context.dataset.part("test"))
        scores = context.score(cubes)
        share = _share(context, scores, place)
        rows.append(
            {
                "label": place.label,
                "share": share.as_json(),
                "unpaired_auc": context.unpaired_auc(scores).as_json(),
                "paired_accuracy": context.paired(scores).as_json(),
            }
        )
        said.append(
            f"{place.label}: twins in order in {context.paired(scores)}, AUC between universes"
            f" {context.unpaired_auc(scores)}"
        )
    remark = "; ".join(said) + "."
    if reverse and context.may_retrain:
        there: dict[Part, Pairs] = {
            part: grown(context, control, places[-1], context.dataset.part(part)) for part in PARTS
        }
        # a network of other settings, such as a coarser last step limit, is not this one
        at = f"trained_{settings_hash(places[-1].study)}"
        back = context.retrain(control, there | {"test": context.cubes["test"]}, at)
        remark += (
            f" Trained on {places[-1].label} and tested on the study's own cubes: twins in order in"
            f" {context.paired(back)}, AUC between universes {context.unpaired_auc(back)}."
        )
        rows.append(
            {
                "label": f"trained on {places[-1].label}, tested here",
                "unpaired_auc": context.unpaired_auc(back).as_json(),
                "paired_accuracy": context.paired(back).as_json(),
            }
        )
    return Result(
        share,
        f"logit difference of twins in {places[-1].label}, share of that in the study",
        verdict(context, scores, share),
        remark=remark,
        scores=scores,
        more={"transfer": rows},
    )


def verdict(context: Context, scores: Scores, share: Estimate) -> Verdict:
    """Clean when the network tells the theories apart there as here, a shortcut when more than half surely is gone."""
    if not tells(context, context.scores()):
        return "inconclusive"
    if share.high < 0.5:
        return "shortcut"
    return "clean" if share.low > 0.5 and tells(context, scores) else "inconclusive"


def _share(context: Context, scores: Scores, place: Elsewhere) -> Estimate:
    """Over the same seeds both sums are resampled together; over others the study's mean is taken as it is."""
    if place.seeds is None:
        return context.share(scores)
    own = context.scores()
    here = (own.gr - own.newton).mean()
    return context.ratio(scores.gr - scores.newton, here + 0.0 * scores.gr)
