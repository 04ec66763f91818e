"""Verdicts beside labels that people gave by reading."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.judge.validate_on_reads import (
    Labelled,
    adjudicated,
    agreement,
    confusions,
    labelled_of,
    labels_read,
    validated,
)
from selfinstruct.stage import UntriedJudge
from selfinstruct.stats import kappa

CALLED = st.sampled_from([0, 1, None])
ROW = {
    "id": "r-1",
    "prompt": "Name a",
    "response": " river.",
    "model": "small",
    "lineage": "base",
    "wrapper": "none",
    "whole": False,
    "source": "s-1",
    "shape": "short",
}


class Capitals(UntriedJudge):
    """Takes what begins with a capital for an answer."""

    version, threshold = "capitals/1", 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        return [float(text.lstrip()[:1].isupper()) for _, text in pairs]


def labelled_reply(number: int, text: str, label: int, *, whole: bool = True, again: int | None = None) -> Labelled:
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
        labelled_reply(n, "River." if n < 30 else "river", int(n % 3 > 0), whole=n % 4 > 0, again=int(n % 5 > 0))
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
    some = [labelled_reply(n, "River.", n % 2, again=n % 2 if n < 8 else 1 - n % 2) for n in range(10)]
    read_twice = validated(Capitals(), some, seed=1)["read_twice"]
    assert isinstance(read_twice, dict)
    assert (read_twice["n"], read_twice["agreement"], read_twice["kappa"]) == (10, 0.8, 0.6)
    assert validated(Capitals(), [labelled_reply(1, "a", 0), labelled_reply(2, "A", 1)], seed=1)["read_twice"] is None


def test_a_line_without_a_label_is_named() -> None:
    row = {"prompt": "a", "response": "b", "model": "c", "wrapper": "none", "whole": True, "source": "s"}
    with pytest.raises(BadInput, match=r"set\.jsonl:2"):
        labelled_of([{**row, "label": 1}, row], "set.jsonl")


@given(CALLED, CALLED, CALLED)
def test_two_that_agree_are_sure_and_else_the_third_decides(
    first: int | None, two: int | None, three: int | None
) -> None:
    label = adjudicated([first, two, three])
    assert label.sure == (first is not None and first == two)
    assert label.label == (first if label.sure else three)


def test_readings_are_read_in_order_and_another_label_is_named_with_its_place() -> None:
    row = {**ROW, "first": {"label": "1"}, "second": {"label": "0"}, "third": {"label": "0"}}
    [reading] = labelled_of([row], "reads.jsonl")
    assert (reading.label, reading.called, reading.unsure) == (0, (1, 0, 0), True)
    assert (reading.family, reading.shape) == ("base", "short")
    with pytest.raises(BadInput, match=r"reads\.jsonl:1: second: label 'yes'; write '1', '0' or 'u'"):
        labels_read({"first": {"label": "1"}, "second": {"label": "yes"}}, "reads.jsonl:1")


def test_rows_that_nobody_read_or_whose_texts_lie_elsewhere_are_left_out() -> None:
    elsewhere = {key: value for key, value in ROW.items() if key not in ("prompt", "response")}
    read = {"first": {"label": "1"}, "second": {"label": "1"}}
    assert labelled_of([ROW, {**elsewhere, **read, "sha256": "0" * 64}], "reads.jsonl") == ()
    [reading] = labelled_of([{**ROW, **read}], "reads.jsonl")
    assert (reading.label, reading.unsure) == (1, False)


def test_agreement_is_told_on_what_neither_reader_calls_unsure() -> None:
    pairs: list[tuple[int | None, int | None]] = [(1, 1)] * 6 + [(0, 0)] * 2 + [(1, 0), (0, 1), (None, 1), (0, None)]
    agreed = agreement(pairs)
    assert (agreed["n"], agreed["agreement"], agreed["unsure"]) == (10, 0.8, 0.166667)
    assert agreed["kappa"] == pytest.approx(kappa(*zip(*pairs[:10], strict=True)), abs=1e-6)
    assert agreed["ac1"] == pytest.approx((0.8 - 0.42) / 0.58, abs=1e-6)
    assert agreed["on_answers"] == pytest.approx(12 / 14, abs=1e-6)
    assert agreed["on_others"] == pytest.approx(4 / 6, abs=1e-6)


@given(st.lists(st.tuples(CALLED, CALLED), min_size=1))
def test_agreement_is_whole_where_none_differs(pairs: list[tuple[int | None, int | None]]) -> None:
    same = agreement([(label, label) for label, _ in pairs])
    if same["n"]:
        assert same["agreement"] == 1
        assert same["ac1"] == 1
