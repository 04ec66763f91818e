"""Reading ease."""

import pytest

from selfinstruct.curate.simplification.readability import flesch_reading_ease, looks_english, syllables


def test_short_words_in_short_sentences_are_easier() -> None:
    easy = flesch_reading_ease("The dog ran to the man. He was glad to see it.")
    hard = flesch_reading_ease(
        "The organisation of international communication necessitates considerable administrative coordination of the"
        " participating institutions."
    )
    assert easy is not None
    assert hard is not None
    assert hard < 20
    assert easy > 90


def test_the_formula_is_the_published_one() -> None:
    # 10 words, 2 sentences, 10 syllables
    assert flesch_reading_ease("The cat is on the mat. It is so fat.") == pytest.approx(
        206.835 - 1.015 * 10 / 2 - 84.6 * 10 / 10
    )


@pytest.mark.parametrize(
    "text", ["", "42", "Der Hund lief zu dem Mann.", "今天天气很好。", "El perro corre por la casa."]
)
def test_what_is_no_english_prose_has_no_reading_ease(text: str) -> None:
    assert not looks_english(text)
    assert flesch_reading_ease(text) is None


@pytest.mark.parametrize(("word", "count"), [("a", 1), ("water", 2), ("simple", 2), ("hope", 1), ("necessity", 4)])
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count
