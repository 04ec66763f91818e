"""Oracles: `rouge_score`, with and without its stemmer, and the stemmer itself."""

import json
import re
import string
from importlib import import_module
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.score.overlap import overlap
from selfinstruct.score.stemming import stem
from selfinstruct.text import program_words

SEEDS = Path(__file__).parents[2] / "seeds"
PLAIN, STEMMED = RougeScorer(["rougeL"]), RougeScorer(["rougeL"], use_stemmer=True)
LIBRARY = import_module("nltk.stem.porter").PorterStemmer()  # it publishes no types
BEGINNINGS = re.findall(r"\w+", "hop plan agr skip happ relat cre fl t tr ab cal abil lov sens oper crep see troubl")
ENDINGS = re.findall(
    r"\w+",
    "sses ies ss s eed ed ing y ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism "
    "iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic "
    "able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll lle pped tting lling zzed ied yed eer",
)


def texts() -> list[str]:
    rows = (SEEDS / "self_instruct.jsonl").read_text(encoding="utf-8").splitlines()
    return [pair["output"] for row in rows for pair in json.loads(row)["instances"]]


def test_every_word_of_our_seeds_has_the_librarys_stem() -> None:
    words = {word for text in texts() for word in program_words(text)}
    assert len(words) > 1000
    assert {word: stem(word) for word in words} == {word: LIBRARY.stem(word) for word in words}


def test_every_ending_the_algorithm_knows_comes_off_as_in_the_library() -> None:
    made = [first + last + more for first in BEGINNINGS for last in ENDINGS for more in ("", "s", "ly", "ed", "ing")]
    made += re.findall(r"\w+", "skies sky dying lying tying news innings outing howe proceed exceed succeed ties died")
    made += [*ENDINGS, "ies", "ied", "ss"]  # nothing before them
    assert {word: stem(word) for word in made} == {word: LIBRARY.stem(word) for word in made}


@settings(deadline=None, max_examples=400)
@given(st.text(st.sampled_from("aeiouybdglmnstz" + string.digits[:2]), max_size=12))
def test_whatever_letters_there_are_the_stem_is_the_librarys(word: str) -> None:
    assert stem(word) == LIBRARY.stem(word)


def test_rouge_l_has_the_librarys_bits_with_the_stemmer_and_without() -> None:
    draw = Random(4)
    found = texts()
    for _ in range(150):
        answer, *references = (
            " ".join(draw.sample(draw.choice(found).split()[:80], 1) + draw.choice(found).split()[:80])
            for _ in range(3)
        )
        ours = overlap(answer, references)
        for scorer, number in ((PLAIN, ours.rouge_l), (STEMMED, ours.rouge_l_stemmed)):
            assert number == max(scorer.score(reference, answer)["rougeL"].fmeasure for reference in references)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_score_as_in_the_library_where_there_is_something_to_score(answer: str, reference: str) -> None:
    ours = overlap(answer, [reference])
    if program_words(reference):
        assert ours.rouge_l == PLAIN.score(reference, answer)["rougeL"].fmeasure
        assert ours.rouge_l_stemmed == STEMMED.score(reference, answer)["rougeL"].fmeasure
    else:
        assert (ours.rouge_l, ours.rouge_l_stemmed) == (None, None)
