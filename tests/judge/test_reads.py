"""What readers called completions: labels from up to three readings, and how far two agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.judge.reads import agreement, called_of, decided
from selfinstruct.judge.validation import kappa, labelled_of

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


@given(CALLED, CALLED, CALLED)
def test_two_that_agree_are_sure_and_else_the_third_decides(
    one: int | None, two: int | None, three: int | None
) -> None:
    found = decided([one, two, three])
    assert found.sure == (one is not None and one == two)
    assert found.label == (one if found.sure else three)


def test_readings_are_read_in_order_and_another_label_is_named_with_its_place() -> None:
    row = {**ROW, "first": {"label": "1"}, "second": {"label": "0"}, "third": {"label": "0"}}
    [one] = labelled_of([row], "reads.jsonl")
    assert (one.label, one.called, one.unsure, one.family, one.shape) == (0, (1, 0, 0), True, "base", "short")
    with pytest.raises(BadInput, match=r"reads\.jsonl:1: second: label 'yes'; write '1', '0' or 'u'"):
        called_of({"first": {"label": "1"}, "second": {"label": "yes"}}, "reads.jsonl:1")


def test_rows_that_nobody_read_or_whose_texts_lie_elsewhere_are_left_out() -> None:
    elsewhere = {key: value for key, value in ROW.items() if key not in ("prompt", "response")}
    read = {"first": {"label": "1"}, "second": {"label": "1"}}
    assert labelled_of([ROW, {**elsewhere, **read, "sha256": "0" * 64}], "reads.jsonl") == ()
    [one] = labelled_of([{**ROW, **read}], "reads.jsonl")
    assert (one.label, one.unsure) == (1, False)


def test_agreement_is_told_on_what_neither_reader_calls_unsure() -> None:
    pairs: list[tuple[int | None, int | None]] = [(1, 1)] * 6 + [(0, 0)] * 2 + [(1, 0), (0, 1), (None, 1), (0, None)]
    found = agreement(pairs)
    assert (found["n"], found["agreement"], found["unsure"]) == (10, 0.8, 0.166667)
    assert found["kappa"] == pytest.approx(kappa([(a == 1, b == 1) for a, b in pairs[:10]]), abs=1e-6)
    assert found["ac1"] == pytest.approx((0.8 - 0.42) / 0.58, abs=1e-6)
    assert found["on_answers"] == pytest.approx(12 / 14, abs=1e-6)
    assert found["on_others"] == pytest.approx(4 / 6, abs=1e-6)


@given(st.lists(st.tuples(CALLED, CALLED), min_size=1))
def test_agreement_is_whole_where_none_differs(pairs: list[tuple[int | None, int | None]]) -> None:
    same = agreement([(one, one) for one, _ in pairs])
    if same["n"]:
        assert same["agreement"] == 1
        assert same["ac1"] == 1
