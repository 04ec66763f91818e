"""Which instances stay."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate import reference_program
from selfinstruct.generate.prepare import Prepare, sort_out
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Kept, Rejected
from tests.generate.builders import raw, seed, task

TEXT = st.sampled_from(["", "a", "b", "c:", "d"])
PAIRS = st.lists(st.builds(Instance, TEXT, TEXT), max_size=9)


def reasons(*pairs: tuple[str, str]) -> list[str]:
    return [dropped.reason for dropped in sort_out([Instance(*pair) for pair in pairs], 5, "default").dropped]


def test_each_fault_has_its_name() -> None:
    assert reasons(("a", "a"), ("a", ""), ("a", "b:"), ("x", "1"), ("x", "2"), ("", "o"), ("", "o")) == [
        "same_as_input",
        "empty_output",
        "ends_with_colon",
        "conflicting_outputs",
        "conflicting_outputs",
        "exact_duplicate",
    ]
    assert reasons(*((str(number), "o") for number in range(7))) == ["beyond_limit"] * 2


def test_a_conflict_costs_its_own_input_or_in_the_reference_profile_the_task() -> None:
    text = raw("Example 1/Input: a/Output: b/Example 2/Input: a/Output: c/Example 3/Input: q/Output: r")
    read_pairs = reference_program.pairs(text)
    assert sort_out(read_pairs, 5, "default").kept == (Instance("q", "r"),)
    assert sort_out(read_pairs, 5, "reference").kept == ()
    # Empty inputs never conflict.
    assert len(sort_out([Instance("", "a"), Instance("", "b")], 5, "reference").kept) == 2


def test_an_input_may_end_in_a_colon_by_default() -> None:
    pair = Instance("Complete the list:", "red, green")
    assert sort_out([pair], 5, "default").kept == (pair,)
    assert sort_out([pair], 5, "reference").kept == ()


@given(PAIRS, st.integers(1, 6), st.sampled_from(["default", "reference"]))
def test_every_instance_is_kept_or_dropped(pairs: list[Instance], limit: int, profile: str) -> None:
    sorted_out = sort_out(pairs, limit, "reference" if profile == "reference" else "default")
    assert len(sorted_out.kept) + len(sorted_out.dropped) == len(pairs)
    assert len(set(sorted_out.kept)) == len(sorted_out.kept) <= limit
    again = sort_out(sorted_out.kept, limit, "reference" if profile == "reference" else "default")
    assert again.kept == sorted_out.kept


@given(PAIRS)
def test_the_reference_keeps_what_the_plain_reading_of_its_rules_keeps(pairs: list[Instance]) -> None:
    good = [p for p in pairs if p.input != p.output and p.output and not (p.output + p.input).endswith(":")]
    good = [p for p in good if not p.output.endswith(":")]
    clash = any(p.input and p.input == q.input and p.output != q.output for p in good for q in good)
    expected = set() if clash else set(good)
    assert set(sort_out(pairs, 99, "reference").kept) == expected


def test_dropped_instances_are_evidence_and_an_empty_task_is_rejected() -> None:
    spoilt, bare, fine = task("A", ("x", "x"), ("y", "z")), task("B"), task("C", ("y", "z"))
    first, second, third, fourth = Prepare()([spoilt, bare, fine, seed("S", "x", "x")], Bench())
    assert isinstance(first, Kept)
    assert first.record.instances == (Instance("y", "z"),)
    assert first.evidence == {"dropped": [{"reason": "same_as_input", "input": "x", "output": "x"}]}
    assert isinstance(second, Rejected)
    assert second.reason == "no_instance"
    assert isinstance(third, Kept)
    assert third.record is fine
    assert isinstance(fourth, Kept)
    [last] = Prepare()([task("A", ("x", "x"))], Bench())
    assert isinstance(last, Rejected)
    assert last.reason == "no_instance_left"


def test_an_answer_that_repeats_the_instruction_or_says_none_is_dropped_but_a_label_may_be_none() -> None:
    def faults(output: str, *, label: bool = False) -> list[object]:
        origin = Provenance(stage="propose", request="k.0/0")
        pairs = (Instance("some text", output),)
        record = Task(
            instruction="The world is a beautiful place.", instances=pairs, is_classification=label, provenance=origin
        )
        [outcome] = Prepare()([record], Bench())
        if isinstance(outcome, Kept):
            return []
        assert isinstance(outcome, Rejected)
        dropped = outcome.evidence["dropped"]
        assert isinstance(dropped, list)
        return [item["reason"] for item in dropped if isinstance(item, dict)]

    assert faults("the world is a  beautiful place.") == ["same_as_instruction"]
    assert faults("None.") == ["says_none"]
    assert faults("none", label=True) == []
    assert faults("none of them") == []
