"""How a language is told, and what is said in it."""

from random import Random

import pytest

from selfinstruct.fragment.stock_phrases import LANGUAGES, language_of, phrases


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a list of the things that you see.", "en"),
        ("Schreibe einen Text und nenne die Gründe für das Wetter.", "de"),
        ("Écris un poème sur la mer et le vent.", "fr"),
        ("Escribe un poema para una de las ciudades y el mar.", "es"),
        ("Skriv et digt om havet, og sig hvad det er, der ikke kan ses af alle.", "da"),
        ("用中文写一首关于春天的诗。", "zh"),
        ("春についての詩を書いてください。", "ja"),
        ("봄에 대한 시를 써 주세요.", "ko"),
        ("Напишите стихотворение на эту тему.", "ru"),
        ("Γράψε ένα ποίημα.", "el"),
        ("print(x)", ""),
        ("", ""),
    ],
)
def test_a_script_or_common_words_tell_the_language(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_quoted_word_in_another_script_does_not_make_the_language() -> None:
    assert language_of("What does the sign 出口 mean when you see it in a station of the city?") == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_phrases_of_every_sort(language: str) -> None:
    own = phrases(language)
    assert own is not None
    for lines in (own.opening, own.cut, own.ask, own.closing, own.answer, own.next):
        assert len(lines) >= 2
        assert len({*lines}) == len(lines)
        assert all(line == line.strip() and line for line in lines)
    assert any("{end}" in line for line in own.cut)


def test_english_has_several_dozen_questions_back() -> None:
    own = phrases("en")
    assert own is not None
    assert len(own.cut) + len(own.ask) >= 50
    asked = {own.question("Write a short poem about the", Random(seed), whole=False) for seed in range(300)}
    assert len(asked) > 200
    assert not [text for text in asked if "{" in text]


def test_a_language_without_phrases_has_none_and_an_unknown_one_is_taken_for_english() -> None:
    assert phrases("th") is None
    assert phrases("") == phrases("en")


def test_a_question_quotes_the_end_of_the_prompt() -> None:
    own = phrases("zh")
    assert own is not None
    asked = [own.question("请写一首关于春", Random(seed), whole=False) for seed in range(40)]
    assert any("“关于春”" in text or "“于春”" in text for text in asked)
