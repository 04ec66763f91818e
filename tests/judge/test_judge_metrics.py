""""""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.judge.judge_metrics import Predictions, evaluated, measures
from selfinstruct.judge.read_fragments import LabelledFragment
from selfinstruct.stage import UntriedJudge

ONES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=25)


@dataclass(frozen=True)
class Says(UntriedJudge):
    """A judge that looks for one word."""

    word: str
    version: str = "says"
    threshold: float = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        return [0.9 if self.word in continuation else 0.2 for _, continuation in pairs]


def _fragment(continuation: str, label: int, kind: str, source: str) -> LabelledFragment:
    return LabelledFragment(
        prompt="Name a river.",
        continuation=continuation,
        label=label,
        kind=kind,
        source=source,
        whole=kind == "answer",
        set="mine",
        language="",
    )


def test_accuracy_is_told_by_kind_length_and_prompt_beside_the_rule() -> None:
    metrics: Any = evaluated(
        Says("yes"),
        [
            _fragment("The Elbe, yes", 1, "answer", "a"),
            _fragment("the Elbe, the longest of all", 1, "answer", "b"),
            _fragment("of Spain", 0, "finishes", "b"),
            _fragment("Of Spain, yes", 0, "finishes", "c"),
        ],
        seed=1,
    )
    assert metrics["accuracy"]["value"] == 0.5
    assert metrics["sources"] == 3
    assert metrics["by_kind"] == {"answer": {"n": 2, "accuracy": 0.5}, "finishes": {"n": 2, "accuracy": 0.5}}
    assert metrics["by_length"] == {"1-4": {"n": 3, "accuracy": 0.666667}, "5-8": {"n": 1, "accuracy": 0.0}}
    assert metrics["by_prompt"]["whole"] == {"n": 2, "accuracy": 0.5}
    assert metrics["by_language"] == {}
    assert metrics["first_character"]["accuracy"] == 0.5
    assert metrics["first_character"]["by_length"]["5-8"] == {"n": 1, "accuracy": 0.0}


def predictions(rows: list[tuple[int, int, int]]) -> Predictions:
    numbers: dict[int, int] = {}
    return Predictions(
        np.array([row[0] / 8 for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([numbers.setdefault(row[2], len(numbers)) for row in rows]),
    )


def _value(metrics: dict[str, Any], name: str) -> float | None:
    return None if metrics[name] is None else metrics[name]["value"]


@settings(max_examples=40, deadline=None)
@given(ONES)
def test_the_numbers_are_those_counted_by_hand(rows: list[tuple[int, int, int]]) -> None:
    metrics = measures(predictions(rows), threshold=0.5, seed=1)
    said = [(step >= 4, label == 1) for step, label, _ in rows]
    hit, alarm, miss = said.count((True, True)), said.count((True, False)), said.count((False, True))
    assert _value(metrics, "accuracy") == pytest.approx(sum(label == two for label, two in said) / len(said), abs=1e-6)
    assert _value(metrics, "precision") == (pytest.approx(hit / (hit + alarm), abs=1e-6) if hit + alarm else None)
    assert _value(metrics, "recall") == (pytest.approx(hit / (hit + miss), abs=1e-6) if hit + miss else None)
    ones, zeros = [s for s, label, _ in rows if label], [s for s, label, _ in rows if not label]
    wins = [(above > zero) + (above == zero) / 2 for above, zero in product(ones, zeros)]
    assert _value(metrics, "auroc") == (pytest.approx(sum(wins) / len(wins), abs=1e-6) if wins else None)


@settings(max_examples=30, deadline=None)
@given(ONES)
def test_a_number_lies_in_its_interval_where_nothing_varies_and_all_lie_in_range(
    rows: list[tuple[int, int, int]],
) -> None:
    metrics: dict[str, Any] = measures(predictions(rows), threshold=0.5, seed=1)
    for name in ("accuracy", "precision", "recall", "f1", "auroc", "ece"):
        if metrics[name] is not None and metrics[name]["low"] is not None:
            assert 0 <= metrics[name]["low"] <= metrics[name]["high"] <= 1


def test_one_source_has_no_interval() -> None:
    metrics: Any = measures(predictions([(8, 1, 0), (0, 0, 0)]), threshold=0.5, seed=1)
    assert metrics["accuracy"] == {"value": 1.0, "low": None, "high": None}


def test_the_interval_of_independent_sources_is_that_of_the_binomial() -> None:
    rows = [(8, int(place % 4 != 0), place) for place in range(400)]
    metrics: Any = measures(predictions(rows), threshold=0.5, seed=3)
    assert metrics["accuracy"]["low"] == pytest.approx(0.75 - 1.96 * 0.02165, abs=0.008)
    assert metrics["accuracy"]["high"] == pytest.approx(0.75 + 1.96 * 0.02165, abs=0.008)


def test_copies_of_a_source_do_not_make_the_interval_narrower() -> None:
    rows = [(8, int(place % 4 != 0), place) for place in range(60)]
    once: Any = measures(predictions(rows), threshold=0.5, seed=3)
    often: Any = measures(predictions(rows * 9), threshold=0.5, seed=3)
    assert once["accuracy"] == often["accuracy"]


def test_probabilities_that_mean_what_they_say_have_no_calibration_error() -> None:
    rows = [(2, 1, 0), (2, 0, 1), (2, 0, 2), (2, 0, 3)]
    assert _value(measures(predictions(rows), threshold=0.5, seed=1), "ece") == 0
    assert _value(measures(predictions([(2, 0, place) for place in range(4)]), threshold=0.5, seed=1), "ece") == 0.25


def test_the_same_seed_gives_the_same_report() -> None:
    rows = [(place % 9, int(place % 3 == 0), place % 11) for place in range(80)]
    assert measures(predictions(rows), threshold=0.5, seed=3) == measures(predictions(rows), threshold=0.5, seed=3)
