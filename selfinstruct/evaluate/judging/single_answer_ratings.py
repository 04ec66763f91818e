"""Numbers of answers that a judge rated one at a time: five aspects, or four levels."""

from collections import Counter
from collections.abc import Sequence

from selfinstruct.evaluate.judging.answer_judges import Rated
from selfinstruct.evaluate.judging.verdict_parsing import ASPECTS, LEVELS
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, by_cluster, counted_json, mean, share


def rating_numbers(measure: str, rated: Sequence[tuple[str, Rated]], seed: int) -> dict[str, Json]:
    """Of (source, rating): means of the aspects, or how often each level was given; what failed, by its name.

    >>> rating = Rated(4.0, level="A")
    >>> rating_numbers("user_oriented", [("a", rating), ("b", Rated(None, fault="prose"))], 0)["levels"]
    {'A': 1, 'B': 0, 'C': 0, 'D': 0}
    """
    valued = [(source, rating) for source, rating in rated if rating.value is not None]
    faults = Counter(rating.fault for _, rating in rated if rating.fault)
    numbers: dict[str, Json] = {"rated": len(valued), "faults": dict(faults)}
    if measure == "just_eval":
        numbers |= {name: counted_json(_aspect(name, valued, seed)) for name in ASPECTS}
        return numbers
    levels = Counter(rating.level for _, rating in valued)
    numbers["levels"] = {level: levels[level] for level in LEVELS}
    for name, enough in (("A", "A"), ("A_or_B", "AB")):
        numbers[name] = counted_json(_share([(source, rating.level in enough) for source, rating in valued]))
    return numbers


def _aspect(name: str, valued: Sequence[tuple[str, Rated]], seed: int) -> Estimate | None:
    totals, counts = by_cluster((source, dict(rating.scores)[name], 1) for source, rating in valued)
    return mean(totals, counts, within=(1, 5), seed=seed) if counts else None


def _share(marks: Sequence[tuple[str, bool]]) -> Estimate | None:
    return share(*by_cluster((source, yes, 1) for source, yes in marks))
