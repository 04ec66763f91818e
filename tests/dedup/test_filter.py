"""The stage's knobs, evidence and the texts that have no words."""

import pytest

from selfinstruct.dedup.filter import Novelty
from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Pool, Rejected


def task(text: str, number: int = 0) -> Task:
    return Task(instruction=text, provenance=Provenance(stage="propose"), ordinal=number)


def test_copies_of_a_text_without_words_are_caught_by_default() -> None:
    outcomes = list(Novelty()([task("???"), task(" ??? ", 1), task("!!!", 2)], Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Rejected, Kept]


def test_with_the_programs_words_what_could_not_be_compared_is_counted() -> None:
    outcomes = list(Novelty(words="program")([task("写诗"), task("写诗", 1)], Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Kept, Measured]
    assert outcomes[-1] == Measured("never_compared_for_want_of_words", 2)


def test_the_index_outlives_the_round_and_knows_what_was_kept() -> None:
    pool = Pool([task("Name a river.")])
    novelty = Novelty()
    [kept] = novelty([task("Write a poem about rain.")], Bench(pool=pool, stage="novelty"))
    assert isinstance(kept, Kept)
    later = pool.after([kept.record], [kept.record])
    [twin] = novelty([task("Write a poem about rain!", 1)], Bench(pool=later, stage="novelty"))
    assert isinstance(twin, Rejected)
    assert twin.evidence["nearest"] == kept.record.id


def test_a_pool_rebuilt_from_what_was_seen_gives_the_same_evidence() -> None:
    kept = [task("Write a poem about rain."), task("Name a river.", 1)]
    grown, rebuilt = Pool(), Pool(seen=kept)
    list(Novelty()(kept, Bench(pool=grown)))
    asked = [task("Write a poem about snow.", 2)]
    assert list(Novelty()(asked, Bench(pool=grown))) == list(Novelty()(asked, Bench(pool=rebuilt)))


def test_nothing_alike_is_recorded_as_nothing() -> None:
    [outcome] = Novelty()([task("Name a river.")], Bench())
    assert isinstance(outcome, Kept)
    assert outcome.evidence == {"nearest": None, "text": None, "rouge_l": 0.0, "common": 0, "words": [0, 0]}


@pytest.mark.parametrize(
    ("knobs", "word"),
    [
        ({"rouge_l_below": 0.0}, "rouge_l_below"),
        ({"rouge_l_below": 1.0}, "rouge_l_below"),
        ({"rouge_l_below": float("nan")}, "rouge_l_below"),
        ({"mode": "loose"}, "loose"),
        ({"words": "latin"}, "latin"),
    ],
)
def test_a_knob_that_cannot_be_meant_is_refused_by_name(knobs: dict[str, object], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        Novelty(**knobs)  # type: ignore[arg-type] # wrong on purpose


def test_at_one_the_papers_mode_drops_only_the_same_words() -> None:
    tasks = [task("Name a river."), task("name a RIVER", 1), task("Name one river.", 2)]
    kinds = [type(outcome) for outcome in Novelty(rouge_l_below=1.0, mode="paper")(tasks, Bench())]
    assert kinds == [Kept, Rejected, Kept]
