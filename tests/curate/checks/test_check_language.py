"""The language asked for."""

import pytest

from selfinstruct.curate.checks.check_language import language_asked_for
from selfinstruct.curate.exchanges import Reply

FRENCH = "Le chat dort sur le tapis devant la fenêtre, et le chien le regarde sans bouger."
ENGLISH = "The cat sleeps on the rug in front of the window, and the dog looks at it."


def verdict(output: str, instruction: str) -> str:
    checked = language_asked_for(Reply("instance 0", instruction, "", output))
    return checked.verdict if checked else "silent"


@pytest.mark.parametrize(
    ("instruction", "right", "wrong"),
    [
        ("Translate the sentence into Russian.", "Кот спит на ковре.", ENGLISH),
        ("Translate to Chinese: the cat sleeps", "猫在地毯上睡觉。", ENGLISH),
        ("Write a poem in Japanese.", "猫はじゅうたんの上で眠っています。", FRENCH),
        ("Answer in Greek.", "Με λένε γάτα.", "Кот спит на ковре."),
        ("Translate the text into English.", ENGLISH, "Кот спит на ковре."),
    ],
)
def test_other_scripts_are_told_by_their_letters(instruction: str, right: str, wrong: str) -> None:
    assert verdict(right, instruction) == "passed"
    assert verdict(wrong, instruction) == "failed"


def test_a_reply_in_quotation_marks_is_read_without_them() -> None:
    assert verdict("\u201c猫在地毯上睡觉。\u201d", "Translate the sentence into Chinese.") == "passed"


def test_latin_script_is_told_by_the_identifier() -> None:
    assert verdict(FRENCH, "Translate the sentence into French.") == "passed"
    assert verdict(ENGLISH, "Translate the sentence into French.") == "failed"
    assert verdict(FRENCH, "Translate the text into English.") == "failed"


@pytest.mark.parametrize(
    "output",
    ["Chat.", "", 'The French word for cat is "chat".', "Кот (kot) is the word.", "```\nbonjour tout le monde\n```"],
)
def test_short_and_mixed_replies_are_unchecked(output: str) -> None:
    assert verdict(output, "Translate the word into French.") == "unchecked"


@pytest.mark.parametrize(
    "instruction",
    [
        "Name a river.",
        "Translate the French sentence.",
        "How do you say cat in French?",
        "Describe schools in French villages.",
        "Translate it into French and German.",
        "Write a guide to Greek islands.",
        "Write a function in Java.",
        "Say whether the string is in English.",
    ],
)
def test_a_language_that_is_only_mentioned_is_not_asked_for(instruction: str) -> None:
    assert verdict(ENGLISH, instruction) == "silent"
