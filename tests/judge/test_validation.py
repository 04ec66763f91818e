"""Verdicts beside labels that people gave by reading."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.judge.validation import Labelled, confusions, kappa, labelled_of, validated


class Capitals:
    """Takes what begins with a capital for an answer."""

    version, threshold = "capitals/1", 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        return [float(text.lstrip()[:1].isupper()) for _, text in pairs]


def one(number: int, text: str, label: int, *, whole: bool = True, again: int | None = None) -> Labelled:
    return Labelled(
        prompt="Name a",
        response=text,
        label=label,
        called=(label,) if again is None else (label, again),
        model="small",
        wrapper="none" if number % 2 else "chat",
        whole=whole,
        source=f"s-{number}",
    )


def test_verdicts_are_counted_in_all_and_apart_for_whole_and_cut_prompts_and_each_model() -> None:
    some = [
        one(n, "River." if n < 30 else "river", int(n % 3 > 0), whole=n % 4 > 0, again=int(n % 5 > 0))
        for n in range(60)
    ]
    groups = validated(Capitals(), some, seed=1)["groups"]
    assert isinstance(groups, dict)
    assert list(groups) == ["all", "whole", "cut", "small, chat", "small, none"]
    everyone = groups["all"]
    assert isinstance(everyone, dict)
    assert everyone["confusion"] == {
        "true_positives": 20,
        "false_negatives": 20,
        "true_negatives": 10,
        "false_positives": 10,
    }
    parts = confusions({"groups": groups})
    assert list(parts) == ["all", "whole", "cut"]
    for name in everyone["confusion"]:
        assert parts["all"][name] == parts["whole"][name] + parts["cut"][name]


def test_two_readings_are_compared() -> None:
    some = [one(n, "River.", n % 2, again=n % 2 if n < 8 else 1 - n % 2) for n in range(10)]
    found = validated(Capitals(), some, seed=1)["read_twice"]
    assert isinstance(found, dict)
    assert (found["n"], found["agreement"], found["kappa"]) == (10, 0.8, 0.6)
    assert validated(Capitals(), [one(1, "a", 0), one(2, "A", 1)], seed=1)["read_twice"] is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_kappa_is_at_most_one_and_one_only_where_all_agree(pairs: list[tuple[bool, bool]]) -> None:
    found = kappa(pairs)
    if found is not None:
        assert found <= 1
        assert (found == 1) == all(first == second for first, second in pairs)


def test_a_line_without_a_label_is_named() -> None:
    row = {"prompt": "a", "response": "b", "model": "c", "wrapper": "none", "whole": True, "source": "s"}
    with pytest.raises(BadInput, match=r"set\.jsonl:2"):
        labelled_of([{**row, "label": 1}, row], "set.jsonl")
