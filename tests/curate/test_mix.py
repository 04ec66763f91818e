"""The stage that mixes sources."""

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.measures.measure import estimated_tokens
from selfinstruct.curate.mix import COUNTED_BY, Mix, Share, equal_portions, portions
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Json, Message, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected

weights = st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0])
shares = st.lists(
    st.builds(Share, size=st.integers(0, 500), weight=weights, cap=st.none() | st.integers(0, 300)),
    min_size=1,
    max_size=6,
)
budgets = st.none() | st.integers(1, 1000)


def a_task(text: str, source: str = "a.jsonl", **more: Any) -> Task:
    more.setdefault("instances", (Instance("", "Yes."),))
    return Task(instruction=text, provenance=Provenance(stage="input", source=source), **more)


def some(**sizes: int) -> list[Task]:
    """Tasks of sources with these names, one source after the other."""
    return [a_task(f"Is {number} a number?", name) for name, size in sizes.items() for number in range(size)]


def mixed(records: Sequence[Task], seed: int = 42, **knobs: Any) -> list[Task]:
    """What is kept, in order."""
    return [outcome.record for outcome in Mix(**knobs)(records, Bench(seed=seed)) if isinstance(outcome, Kept)]


def counts(records: Sequence[Task]) -> dict[str, int]:
    return dict(Counter(task.provenance.source for task in records))


def table(records: Sequence[Task], **knobs: Any) -> list[dict[str, Json]]:
    [measured] = [outcome for outcome in Mix(**knobs)(records, Bench()) if isinstance(outcome, Measured)]
    assert measured.name == "mixture"
    assert isinstance(measured.value, list)
    return [row for row in measured.value if isinstance(row, dict)]


def test_without_knobs_everything_is_kept_in_order() -> None:
    records = some(a=5, b=3)
    assert mixed(records) == records


def test_weights_caps_and_budgets_say_how_much_of_each() -> None:
    records = some(a=100, b=40, c=10)
    assert counts(mixed(records, weights={"a": 0.25, "b": 0})) == {"a": 25, "c": 10}
    assert counts(mixed(records, caps={"a": 7, "c": 99})) == {"a": 7, "b": 40, "c": 10}
    assert counts(mixed(records, budget=30)) == {"a": 20, "b": 8, "c": 2}
    assert counts(mixed(records, weights={"a": 0.4}, budget=45)) == {"a": 20, "b": 20, "c": 5}
    assert counts(mixed(records, equal_budget=True, by="rows")) == {"a": 10, "b": 10, "c": 10}


def test_an_equal_budget_counts_tokens() -> None:
    records = [
        *(a_task("Why " * 40 + f"{number}?", "long") for number in range(50)),
        *(a_task(f"Why {number}?", "short") for number in range(50)),
    ]
    rows = {row["source"]: row for row in table(records, equal_budget=True)}
    assert rows["short"]["drawn"] == 50
    whole, part = rows["short"]["tokens"], rows["long"]["tokens"]
    assert isinstance(whole, int)
    assert isinstance(part, int)
    assert whole - 60 < part <= whole, "as many tokens as the other, but for what one more record would have"


def test_a_source_is_named_by_its_set_or_its_file() -> None:
    records = [a_task("One?", extra={"dataset": "dolly"}), a_task("Two?"), a_task("Three?", extra={"dataset": 3})]
    assert [row["source"] for row in table(records)] == ["dolly", "a.jsonl"]


def test_the_table_has_the_columns_of_the_paper() -> None:
    talk = a_task(
        "Who wrote it?",
        "talks",
        system="Be brief.",
        instances=(Instance("", "Ada did."),),
        later=(Message("user", "When?"), Message("assistant", "In 1843.")),
    )
    twice = a_task("Add.", "sums", instances=(Instance("1 + 1", "2"), Instance("2 + 2", "4")))
    bare = a_task("Name a river.", "bare", instances=())
    talks, sums, unanswered = table([talk, twice, bare])
    asked = estimated_tokens("Be brief.") + estimated_tokens("Who wrote it?") + estimated_tokens("When?")
    answered = estimated_tokens("Ada did.") + estimated_tokens("In 1843.")
    assert talks == {
        "source": "talks",
        "rows": 1,
        "drawn": 1,
        "tokens": asked + answered,
        "mean_turns": 2.0,
        "mean_prompt_tokens": asked / 2,
        "mean_completion_tokens": answered / 2,
        "counted_by": COUNTED_BY,
    }
    assert (sums["mean_turns"], sums["mean_completion_tokens"]) == (1.0, 1.0)
    assert sums["mean_prompt_tokens"] == estimated_tokens("Add.") + estimated_tokens("1 + 1")
    assert (unanswered["mean_turns"], unanswered["mean_prompt_tokens"]) == (0.0, None)


def test_who_is_not_drawn_is_rejected_with_the_portion() -> None:
    outcomes = list(Mix(caps={"a": 2})(some(a=5), Bench()))
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    assert len(rejected) == 3
    assert {outcome.reason for outcome in rejected} == {"not_drawn"}
    assert rejected[0].evidence["source"] == "a"
    assert rejected[0].evidence["portion"] == {"rows": 2}


knobs = st.fixed_dictionaries(
    {},
    optional={
        "weights": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([0, 0.3, 1.0])),
        "caps": st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 30)),
        "budget": st.integers(1, 40),
        "by": st.sampled_from(["rows", "tokens"]),
        "equal_budget": st.booleans(),
        "shuffle": st.booleans(),
    },
)


@given(st.integers(1, 20), st.integers(1, 20), knobs, st.integers(0, 3))
def test_every_record_has_one_fate_and_the_table_tells_the_same(
    first: int, second: int, chosen: dict[str, Any], seed: int
) -> None:
    records = some(a=first, b=second)
    outcomes = list(Mix(**chosen)(records, Bench(seed=seed)))
    decisions = [outcome.record for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert sorted(record.id for record in decisions) == sorted(record.id for record in records)
    kept = [outcome.record for outcome in outcomes if isinstance(outcome, Kept)]
    measured = outcomes[-1]
    assert isinstance(measured, Measured)
    assert isinstance(measured.value, list)
    drawn = {row["source"]: row["drawn"] for row in measured.value if isinstance(row, dict)}
    assert {name: count for name, count in drawn.items() if count} == counts(kept)
    if not chosen.get("shuffle"):
        assert kept == [record for record in records if record in kept]
    if chosen.get("budget") and chosen.get("by") == "rows":
        assert len(kept) <= chosen["budget"]
    assert kept == mixed(records, seed, **chosen), "the same seed, the same mixture"


def test_another_seed_draws_others_and_a_stage_may_have_its_own() -> None:
    records = some(a=200)
    assert mixed(records, 1, caps={"a": 20}) != mixed(records, 2, caps={"a": 20})
    own = Mix(caps={"a": 20}, seed=7)
    first, second = (
        [outcome for outcome in own(records, Bench(seed=run)) if isinstance(outcome, Kept)] for run in (1, 2)
    )
    assert first == second


def test_what_a_source_gives_does_not_depend_on_other_sources() -> None:
    alone = mixed(some(a=50), caps={"a": 10})
    beside = mixed(some(b=30, a=50), caps={"a": 10})
    assert [task for task in beside if task.provenance.source == "a"] == alone


@pytest.mark.parametrize("by", ["rows", "tokens"])
def test_a_smaller_mixture_is_part_of_a_larger_one(by: str) -> None:
    records = some(a=60)
    small = mixed(records, caps={"a": 15}, by=by)
    assert {task.id for task in small} <= {task.id for task in mixed(records, caps={"a": 40}, by=by)}


def test_every_record_has_the_same_chance() -> None:
    records = some(a=20)
    seen = Counter(task.id for seed in range(400) for task in mixed(records, seed, caps={"a": 5}))
    assert sum(seen.values()) == 2000
    chi_square = sum((seen[task.id] - 100) ** 2 / 100 for task in records)
    assert chi_square < 43.8, "19 degrees of freedom: one fair draw in a thousand is further off"


def test_shuffled_sources_are_mingled() -> None:
    records = some(a=100, b=100)
    order = [task.provenance.source for task in mixed(records, shuffle=True)]
    assert sorted(order) == ["a"] * 100 + ["b"] * 100
    changes = sum(one != other for one, other in pairwise(order))
    assert 60 < changes < 140


class OnDisk(Sequence[Task]):
    """Records that are made anew each time they are read, as from a file."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        if index >= self._size:
            raise IndexError
        return a_task(f"Is {index} a number? " + "x" * 20_000)


def test_texts_are_not_held() -> None:
    records = OnDisk(200)
    tracemalloc.start()
    for _ in Mix(budget=100, shuffle=True)(records, Bench()):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000, "the texts alone are four million characters"


@pytest.mark.parametrize(
    ("knobs_given", "complaint"),
    [
        ({"weights": {"a": 1.5}}, "would repeat records"),
        ({"weights": {"a": -0.5}}, "is no weight"),
        ({"weights": {"a": float("nan")}}, "is no weight"),
        ({"caps": {"a": -1}}, "less than nothing"),
        ({"budget": 0}, "leaves nothing"),
        ({"weights": {"dolyl": 0.5}}, r"no source 'dolyl' \(did you mean 'dolly'\?\)"),
        ({"caps": {"x": 5}}, "sources: dolly"),
    ],
)
def test_knobs_that_cannot_be_meant_are_refused(knobs_given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        list(Mix(**knobs_given)([a_task("Who?", extra={"dataset": "dolly"})], Bench()))


def test_nothing_in_nothing_out() -> None:
    assert mixed([], weights={"a": 0.5}) == []
    assert table([]) == []


def test_a_weight_is_the_number_that_was_written() -> None:
    assert portions([Share(size=100, weight=0.29)]) == [29]
    assert portions([Share(size=30, weight=0.1)]) == [3]


@given(shares)
def test_without_a_budget_each_source_gives_its_weight_up_to_its_cap(given_shares: list[Share]) -> None:
    for share, part in zip(given_shares, portions(given_shares), strict=True):
        assert part == min(share.size * round(share.weight * 100) // 100, share.there)


@given(shares, budgets)
def test_nobody_gives_more_than_is_there_and_a_budget_is_met_exactly(
    given_shares: list[Share], budget: int | None
) -> None:
    free, bounded = portions(given_shares), portions(given_shares, budget)
    assert all(0 <= part <= share.there for part, share in zip(bounded, given_shares, strict=True))
    if budget is not None and sum(free) >= budget:
        assert sum(bounded) == budget
        for part, alone in zip(bounded, free, strict=True):
            assert abs(part - budget * alone / sum(free)) <= 1 + len(given_shares) / sum(free) * budget


@given(shares, st.integers(1, 1000), st.integers(1, 1000))
def test_a_larger_budget_takes_from_nobody_more_than_a_rounding(
    given_shares: list[Share], one: int, other: int
) -> None:
    small, large = portions(given_shares, min(one, other)), portions(given_shares, max(one, other))
    assert all(less <= more + 1 for less, more in zip(small, large, strict=True))


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6))
def test_equal_portions_are_what_the_smallest_has(sizes: list[int]) -> None:
    assert equal_portions([Share(size=size) for size in sizes]) == [min(sizes)] * len(sizes)


@given(shares, budgets)
def test_equal_portions_stay_within_the_budget_and_what_is_there(given_shares: list[Share], budget: int | None) -> None:
    parts = equal_portions(given_shares, budget)
    assert all(0 <= part <= share.there for part, share in zip(parts, given_shares, strict=True))
    assert budget is None or sum(parts) <= budget


def test_weights_of_equal_portions_may_be_over_one() -> None:
    assert equal_portions([Share(size=90, weight=3), Share(size=100)]) == [90, 30]


def test_sources_that_are_left_out_or_empty_do_not_make_the_others_smaller() -> None:
    sizes = [Share(size=0), Share(size=50, cap=0), Share(size=5, weight=0), Share(size=40), Share(size=60)]
    assert equal_portions(sizes) == [0, 0, 0, 40, 40]
    assert equal_portions(sizes[:3]) == [0, 0, 0]


def test_rounding_gives_the_whole_budget_to_somebody() -> None:
    assert portions([Share(size=10)] * 3, budget=10) == [4, 3, 3]
    assert equal_portions([Share(size=10)] * 3, budget=10) == [4, 3, 3]
