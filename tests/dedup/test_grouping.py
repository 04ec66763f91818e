"""Who hangs together with whom: every pair above the limit, by RapidFuzz and by compiled loops alike."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.dedup.grouping import Groups, SimilarityLimit, jaccard_from, join_alike, rouge_l_above
from selfinstruct.text.rouge_l import rouge_l

TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), max_size=20)


def shared(one: Sequence[str], other: Sequence[str]) -> float:
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def roots(texts: Sequence[Sequence[str]], limit: SimilarityLimit, compiled_from: int = 10**9) -> list[int]:
    groups = Groups(len(texts))
    join_alike(groups, texts, limit, compiled_from)
    return [groups.root(number) for number in range(len(texts))]


def expected(texts: Sequence[Sequence[str]], alike: Callable[[Sequence[str], Sequence[str]], bool]) -> list[int]:
    """Every pair looked at, by the definition."""
    groups = Groups(len(texts))
    for number, text in enumerate(texts):
        for earlier in range(number):
            if alike(text, texts[earlier]):
                groups.join(number, earlier)
    return [groups.root(number) for number in range(len(texts))]


@settings(deadline=None)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.7, 0.9]))
def test_rouge_l_joins_just_the_pairs_above_the_border(texts: list[list[str]], border: float) -> None:
    wanted = expected(texts, lambda one, other: rouge_l(one, other) > border)
    assert roots(texts, rouge_l_above(border)) == wanted


@settings(deadline=None)
@given(TEXTS, st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_jaccard_joins_just_the_pairs_at_the_limit_and_above(texts: list[list[str]], limit: float) -> None:
    assert roots(texts, jaccard_from(limit)) == expected(texts, lambda one, other: shared(one, other) >= limit)


def sayings(count: int) -> list[list[str]]:
    """Texts of a few patterns, some of them long, with slips."""
    draw = Random(3)
    vocabulary = [f"w{number}" for number in range(90)]
    patterns = [draw.choices(vocabulary, k=size) for size in (3, 6, 9, 14, 30, 70, 130) for _ in range(6)]
    made = []
    for _ in range(count):
        text = [word if draw.random() > 0.12 else draw.choice(vocabulary) for word in draw.choice(patterns)]
        made.append(text)
    return made


@pytest.mark.parametrize("limit", [rouge_l_above(0.7), rouge_l_above(0.5), jaccard_from(0.8), jaccard_from(0.6)])
def test_compiled_loops_join_what_a_comparison_of_each_with_each_does(limit: SimilarityLimit) -> None:
    texts = sayings(300)
    plain = roots(texts, limit)
    assert roots(texts, limit, compiled_from=0) == plain
    assert 1 < len(set(plain)) < len(texts)


def test_a_chain_is_one_group_whatever_its_order() -> None:
    chain = [list("abcdefgh"), list("bcdefghi"), list("cdefghij"), list("defghijk")]
    for texts in (chain, chain[::-1], [chain[2], chain[0], chain[3], chain[1]]):
        assert roots(texts, rouge_l_above(0.8)) == [0, 0, 0, 0]


def test_texts_without_words_are_like_no_other() -> None:
    assert roots([[], [], ["a"]], jaccard_from(0.8)) == [0, 1, 2]
    assert roots([[], []], jaccard_from(0.8), compiled_from=0) == [0, 1]
