"""The rules, and the stage that applies them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.rules.filter_instructions import Filter, expanded
from selfinstruct.curate.rules.instruction_rules import RULES, SETS
from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept, Rejected


def judged(instruction: str, stage: Filter | None = None, *, human: bool = False) -> str:
    """The reason, or nothing for a task that is kept."""
    record = Task(instruction=instruction, human=human, provenance=Provenance(stage="propose"))
    [outcome] = (stage or Filter())([record], Bench())
    assert isinstance(outcome, Kept | Rejected)
    assert outcome.record is record
    return outcome.reason if isinstance(outcome, Rejected) else ""


REFERENCE = Filter(rules=("reference",))
ALPACA = Filter(rules=("alpaca",))


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("", "empty"),
        ("Name a river.", "program_too_short"),
        ("Name a long river.", ""),
        ("word " * 150, ""),
        ("word " * 151, "program_too_long"),
        ("Describe the movie plot in short.", "asks_for_media"),
        ("Go  to the shop and buy", ""),
        ("Please go to the shop", "asks_for_media"),
        ("Write about a drawing, a paragraph, a profile", ""),
        ("Write a program that sorts", "write_a_program"),
        ("write a program that sorts", ""),
        ("'Tis the season to be", "starts_with_punctuation"),
        ("\u00c9cris un po\u00e8me court ici", "starts_with_non_ascii"),
        ("Review the video for me", ""),
    ],
)
def test_the_reference_set_decides_as_the_program(instruction: str, reason: str) -> None:
    assert judged(instruction, REFERENCE) == reason


def test_alpaca_adds_five_terms() -> None:
    for term in ("video", "audio", "music", "flowchart", "diagram"):
        assert judged(f"Please review the {term} here", ALPACA) == "asks_for_more_media"
        assert judged(f"Please review the {term} here", REFERENCE) == ""


@pytest.mark.parametrize(
    "instruction",
    [
        "\u5199\u4e00\u9996\u5173\u4e8e\u6625\u5929\u7684\u8bd7",
        "\u0627\u0643\u062a\u0628 \u0642\u0635\u064a\u062f\u0629 \u0639\u0646 \u0627\u0644\u0645\u0637\u0631",
        "\u00c9cris un po\u00e8me sur la pluie",
        "\u00bfQu\u00e9 es un volc\u00e1n activo?",
        "\u00d8nsk brudeparret tillykke p\u00e5 vers",
        "\u0e40\u0e02\u0e35\u0e22\u0e19\u0e1a\u0e17\u0e01\u0e27\u0e35",
        "Describe a \U0001f469\u200d\U0001f373 at work \U0001f389",
        "Write a function that reads a file and plots a graph",
        "Translate this sentence to French:",
        '"To be or not to be": who wrote it',
    ],
)
def test_the_default_set_lets_every_language_pass(instruction: str) -> None:
    assert judged(instruction) == ""


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Here is the list of 8 new, different tasks:", "meta_talk"),
        ("To write a dialogue between a customer and a baker, is a task 4.", "meta_talk"),
        ("Sort the words. Task 10: Name a river.", "echoed_markup"),
        ("Output: a list of words here", "echoed_markup"),
        ("<|im_start|>user says hi", "echoed_markup"),
        ("12 + 12 = 24", "no_letters"),
        ("Write to [Your Name] about it", "placeholder"),
        ("tell a story and tell a story and tell a story and", "repeats_itself"),
        ("Sort the\x00 words by length", "control_characters"),
        ("Sort the \ufffd words by length", "control_characters"),
        ("Describe what the attached picture shows", "needs_media"),
        ("- Sort the words by length", "starts_with_list_mark"),
        ("Sort the words, the letters,", "torn"),
        ("Sort them", "too_short"),
        ("   ", "empty"),
    ],
)
def test_the_default_set_stops_what_small_models_leave_behind(instruction: str, reason: str) -> None:
    assert judged(instruction) == reason


def test_what_a_person_wrote_passes_unread() -> None:
    assert judged("Sort.", human=True) == ""


def test_the_numbers_of_words_are_knobs() -> None:
    assert judged("Sort them", Filter(words_at_least=2)) == ""
    assert judged("Sort the words by length", Filter(words_at_most=4)) == "too_long"


def test_an_unknown_rule_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(BadInput, match=r"no rule 'tosh_short' \(did you mean 'too_short'\?\).*repeats_itself"):
        judged("Sort them.", Filter(rules=("tosh_short",)))


def test_every_name_in_a_set_is_a_rule() -> None:
    assert [name for names in SETS.values() for name in names if name not in RULES] == []
    assert not set(SETS) & set(RULES)
    assert expanded(("default",)) == SETS["default"]


@given(st.text())
def test_no_text_makes_a_rule_raise(text: str) -> None:
    assert all(isinstance(rule(text), str) for rule in RULES.values())
