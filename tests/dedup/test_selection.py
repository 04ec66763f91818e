"""The pass over a large list keeps what the stage keeps, at any length, threshold, mode and number of threads."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.dedup import selection
from selfinstruct.dedup.index import CUTTERS, Border, Mode
from selfinstruct.dedup.novelty import Novelty
from selfinstruct.dedup.selection import select
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept
from tests.dedup.subsequence import longest_common_subsequence

LONG, SHORT = 110, 10


def related_texts(draw: Random, count: int) -> list[str]:
    """Short and long ones, about a third of them a changed copy of an earlier one."""
    vocabulary = [f"w{number}" for number in range(200)]
    texts: list[str] = []
    for _ in range(count):
        words = draw.choices(vocabulary[: draw.choice((12, 200))], k=draw.choice((3, SHORT, 40, LONG)))
        if texts and draw.random() < 0.4:
            words = draw.choice(texts).split()
            for _ in range(len(words) // draw.choice((2, 4, 16))):
                words[draw.randrange(len(words))] = draw.choice(vocabulary)
        texts.append(" ".join(words))
    return texts


def stage_keeps(texts: list[str], **knobs: float | str) -> list[int]:
    tasks = [Task(instruction=text, provenance=Provenance(stage="input"), ordinal=n) for n, text in enumerate(texts)]
    outcomes = Novelty(**knobs)(tasks, Bench())  # type: ignore[arg-type] # knobs of several types, by name
    return [outcome.record.ordinal for outcome in outcomes if isinstance(outcome, Kept)]


@pytest.mark.parametrize("mode", ["strict", "paper"])
@pytest.mark.parametrize("rouge_l_below", [0.35, 0.5, 0.7, 0.85])
def test_it_keeps_what_the_stage_keeps(monkeypatch: pytest.MonkeyPatch, mode: Mode, rouge_l_below: float) -> None:
    monkeypatch.setattr(selection, "_BLOCK", 64)  # several blocks, without thousands of texts
    texts = related_texts(Random(11), 500)
    expected = stage_keeps(texts, mode=mode, rouge_l_below=rouge_l_below)
    assert 20 < len(expected) < 480
    one, three = (select(texts, mode=mode, rouge_l_below=rouge_l_below, workers=workers) for workers in (1, 3))
    assert one.kept.tolist() == expected
    assert one.neighbour.tolist() == three.neighbour.tolist()


def test_what_is_dropped_names_a_kept_text_that_comes_before_and_is_too_similar() -> None:
    texts = related_texts(Random(2), 300)
    chosen = select(texts)
    kept = set(chosen.kept.tolist())
    cut = CUTTERS["unicode"]
    for place, other in enumerate(chosen.neighbour.tolist()):
        if place not in kept:
            assert other in kept
            assert other < place
            first, second = cut(texts[place]), cut(texts[other])
            assert Border().is_crossed(longest_common_subsequence(first, second), len(first), len(second))


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=9).map(" ".join), max_size=40), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_on_any_small_list_too(texts: list[str], workers: int) -> None:
    assert select(texts, mode="paper", rouge_l_below=0.6, workers=workers).kept.tolist() == stage_keeps(
        texts, mode="paper", rouge_l_below=0.6
    )


@pytest.mark.parametrize("texts", [[], ["", ""], ["?!", "?!", "..."], ["one"]])
def test_nothing_and_wordless_texts_are_no_special_case(texts: list[str]) -> None:
    assert select(texts).kept.tolist() == stage_keeps(texts)
    assert len(select(texts, words="program").kept) == len(texts)
