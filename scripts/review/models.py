"""The changes of each model between two revisions: the images that it fixed and broke."""

from dataclasses import dataclass, field, replace

import numpy as np

from evaluation.significance import ALPHA, accuracy_interval, difference_interval, holm, mcnemar
from review.results import Mistake, Results


@dataclass(frozen=True)
class ModelChange:
    """A model and its changes since the base.

    Attributes:
        name: of the model.
        kind: "compared", "new" or "removed".
        old_name: its name in the base, if it was renamed.
        mistakes, base_mistakes: wrong predictions here and in the base, by the number of the image.
        correct, base_correct: the known confidences of correct predictions, in the same way.
        place: of the model among those here, in the order of its metrics; None where it is removed.
        accuracy, low, high: the accuracy and its 95 % interval; of a removed model, in the base.
        fixed, broken: the images that it classifies correctly only here, or only in the base.
        difference, difference_low, difference_high: of the accuracies, with its 95 % interval.
        p_value: of the exact McNemar test, with Holm's correction for all models whose
            mistakes changed.
    """

    name: str
    kind: str
    mistakes: dict[int, Mistake]
    base_mistakes: dict[int, Mistake]
    accuracy: float
    low: float
    high: float
    old_name: str = ""
    correct: dict[int, float] = field(default_factory=dict)
    base_correct: dict[int, float] = field(default_factory=dict)
    place: int | None = None
    fixed: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    difference: float = 0.0
    difference_low: float = 0.0
    difference_high: float = 0.0
    p_value: float = 1.0

    @property
    def before(self) -> float | None:
        """The accuracy in the base; None of a new model."""
        known = {"compared": self.accuracy - self.difference, "removed": self.accuracy}
        return known.get(self.kind)

    @property
    def outcome(self) -> str:
        """The outcome: "better", "worse", "chance", "same", "new" or "removed"."""
        if self.kind != "compared":
            return self.kind
        if not self.fixed and not self.broken:
            return "same"
        if self.p_value >= ALPHA:
            return "chance"
        return "better" if self.difference > 0 else "worse"


def compare_models(base: Results, here: Results) -> list[ModelChange]:
    """Each model, ranked as on the comparison page, and then those that were removed."""
    old_names = _old_names(base, here)
    changes = []
    for place, (name, mistakes) in enumerate(here.mistakes.items()):
        old_name = old_names.get(name, name)
        if old_name in base.mistakes:
            renamed = old_name if old_name != name else ""
            change = _compared(name, renamed, mistakes, base.mistakes[old_name], here.images)
            change = replace(change, base_correct=base.correct.get(old_name, {}))
        else:
            change = _alone(name, "new", mistakes, here.images)
        changes.append(replace(change, correct=here.correct.get(name, {}), place=place))
    known = {*here.mistakes, *old_names.values()}
    removed = [name for name in base.mistakes if name not in known]
    gone = [
        replace(
            _alone(name, "removed", base.mistakes[name], base.images),
            base_correct=base.correct.get(name, {}),
        )
        for name in removed
    ]
    changes.sort(
        key=lambda change: (len(change.mistakes), here.losses.get(change.name, 0.0), change.name)
    )
    return [*_corrected(changes), *gone]


def _old_names(base: Results, here: Results) -> dict[str, str]:
    """The old names of renamed models: those whose mistakes are exactly the same."""
    gone = [name for name in base.mistakes if name not in here.mistakes]
    new = [name for name in here.mistakes if name not in base.mistakes]
    found: dict[str, str] = {}
    for name in new:
        same = [old for old in gone if base.mistakes[old] == here.mistakes[name]]
        if len(same) == 1 and here.mistakes[name] and same[0] not in found.values():
            found[name] = same[0]
    return found


def _alone(name: str, kind: str, mistakes: dict[int, Mistake], images: int) -> ModelChange:
    right = images - len(mistakes)
    interval = accuracy_interval(right, images)
    base_mistakes = mistakes if kind == "removed" else {}
    return ModelChange(name, kind, mistakes, base_mistakes, right / images, *interval)


def _compared(
    name: str, old_name: str, mistakes: dict[int, Mistake], base: dict[int, Mistake], images: int
) -> ModelChange:
    fixed, broken = sorted(base.keys() - mistakes), sorted(mistakes.keys() - base)
    both = images - len(base.keys() | mistakes)
    low, high = difference_interval(len(fixed), len(broken), both, images)
    return replace(
        _alone(name, "compared", mistakes, images),
        old_name=old_name,
        base_mistakes=base,
        fixed=fixed,
        broken=broken,
        difference=(len(fixed) - len(broken)) / images,
        difference_low=low,
        difference_high=high,
    )


def _corrected(changes: list[ModelChange]) -> list[ModelChange]:
    """`changes` with the p-values of the models whose mistakes changed."""
    tested = [change for change in changes if change.fixed or change.broken]
    counts = np.array([(len(each.fixed), len(each.broken)) for each in tested], int).reshape(-1, 2)
    p_values = dict(
        zip((each.name for each in tested), holm(mcnemar(*counts.T)).tolist(), strict=True)
    )
    return [replace(each, p_value=p_values.get(each.name, 1.0)) for each in changes]
