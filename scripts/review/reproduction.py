"""Whether reproduced results equal those of a revision."""

from core.errors import UserError
from freshness.dvc_files import outputs_in_git, undeclared
from freshness.revision import Revision
from review.results import METRICS, STATS, read_results
from review.verdict import short


def differences(committed: Revision, made: Revision) -> list[str]:
    """The differences between the results that were `made` in this folder and those `committed`, a
    line each.

    Every output that dvc.yaml declares and git tracks is compared. On the same processor, they are
    identical byte for byte. Another processor may round differently. Then the numbers that evaluate
    measures may differ a little, and whatever follows from them is computed again.

    Raises:
        UserError: there are no results, or they are damaged.
    """
    outputs = outputs_in_git(committed)
    one, other = ({path: each.read(path) for path in outputs} for each in (committed, made))
    missing = {
        path: f"{path} is missing in {name}"
        for files, name in ((one, committed.name), (other, made.name))
        for path in outputs
        if files[path] is None and path != METRICS  # without it there are no results
    }
    differing = [path for path in outputs if one[path] != other[path] and path not in missing]
    said = [*undeclared(outputs), *missing.values()]
    expected, found = read_results(committed), read_results(made)
    if expected is None or found is None:
        raise UserError(f"{(made if expected else committed).name} has no results")
    if missing or STATS in differing or METRICS not in differing or expected.images != found.images:
        return [*said, *_differ(differing)]
    renamed = sorted(expected.mistakes.keys() ^ found.mistakes.keys())
    if renamed:
        return [*said, *(f"{short(name)} is only in one of the two" for name in renamed)]
    from review.judging import MEASURED, Judge  # it imports what draws the page, which takes long

    said += _differ([path for path in differing if path not in MEASURED])
    texts = {path: one[path] or b"" for path in MEASURED if path in outputs}
    return said + Judge(made, found).differences(texts, expected)


def _differ(paths: list[str]) -> list[str]:
    return [f"{path} differs" for path in paths]
