"""Oracle: `rouge_score`, for every way in which ROUGE-L is computed here."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from rouge_score import scoring
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.dedup.rouge_index import Border, RougeIndex, f_measure, f_measures

SCORER = RougeScorer(["rougeL"], use_stemmer=False)


def expected(common: int, candidate: int, other: int) -> float:
    """The library's own last step."""
    score: float = scoring.fmeasure(common / other, common / candidate)
    return score


def on_the_border() -> Iterator[tuple[int, int, int]]:
    """Every (LCS, m, n) to 200 words whose exact value is 7/10."""
    for candidate in range(1, 201):
        for other in range(1, 201):
            common, left = divmod(7 * (candidate + other), 20)
            if not left and common <= min(candidate, other):
                yield common, candidate, other


def test_every_score_of_up_to_forty_words_has_the_librarys_bits() -> None:
    for candidate in range(1, 41):
        for other in range(1, 41):
            for common in range(min(candidate, other) + 1):
                assert f_measure(common, candidate, other) == expected(common, candidate, other)


def test_many_scores_at_once_have_the_bits_of_one_at_a_time_to_two_hundred_words() -> None:
    for candidate in range(1, 201, 7):
        other, common = (grid.ravel() for grid in np.meshgrid(np.arange(1, 201), np.arange(201)))
        possible = common <= np.minimum(other, candidate)
        other, common = other[possible], common[possible]
        scores = f_measures(common.astype(np.int32), candidate, other)
        assert scores.tolist() == [f_measure(int(c), candidate, int(o)) for c, o in zip(common, other, strict=True)]


def test_on_the_border_compiled_and_plain_scores_fall_on_the_librarys_side() -> None:
    from selfinstruct.dedup import lcs_kernel

    triples = list(on_the_border())
    assert len(triples) > 400
    for common, candidate, other in triples:
        score = expected(common, candidate, other)
        assert f_measure(common, candidate, other) == lcs_kernel.score_of(common, candidate, other) == score
        assert Border().is_crossed(common, candidate, other) == (score > 0.7)
        assert Border(mode="paper").is_crossed(common, candidate, other)


@pytest.mark.parametrize("at", [0.3, 0.5, 0.55, 0.7, 0.85, 0.95])
def test_no_pair_below_the_least_common_words_is_too_similar(at: float) -> None:
    for border in (Border(at), Border(at, "paper")):
        least = border.least_common(80)
        for candidate in range(1, 41):
            for other in range(1, 41):
                for common in range(min(candidate, other) + 1):
                    if border.is_crossed(common, candidate, other):
                        assert common >= least[candidate + other]
                    elif border.mode == "paper":
                        assert common < least[candidate + other]


@pytest.mark.parametrize("compiled_from", [0, 10**9])
def test_texts_of_one_to_four_blocks_of_64_words_score_as_in_the_library(compiled_from: int) -> None:
    draw = Random(5)
    vocabulary = [f"w{number}" for number in range(60)]
    texts = [" ".join(draw.choices(vocabulary, k=size)) for size in (1, 5, 63, 64, 65, 128, 129, 193)]
    index = RougeIndex("program", compiled_from)
    for number, text in enumerate(texts):
        index.add(str(number), text)
    for text in texts:
        mixed = " ".join(draw.sample(text.split(), len(text.split()) * 2 // 3) + draw.choices(vocabulary, k=3))
        scores = [SCORER.score(mixed, other)["rougeL"].fmeasure for other in texts]
        assert index.scores(mixed).tolist() == scores
        nearest = index.nearest(mixed)
        assert nearest is not None
        assert (nearest.rouge_l, nearest.text) == (max(scores), texts[scores.index(max(scores))])


def test_the_known_scores_are_those_of_the_library() -> None:
    pairs = [
        ("写一首关于猫的诗", "写一首关于猫的诗", 0.0),
        ("Write a poem about cats.", "write a POEM about cats", 1.0),
        ("a b c d e f g 1 2 3", "a b c d e f g 4 5 6", 0.7),
        ("a b c d e f g", "a b c d e f g 1 2 3 4 5 6", 0.7000000000000001),
    ]
    for candidate, other, score in pairs:
        index = RougeIndex("program")
        index.add("other", other)
        assert index.scores(candidate).tolist() == [score] == [SCORER.score(candidate, other)["rougeL"].fmeasure]
