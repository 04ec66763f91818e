"""A label out of the label space."""

import pytest

from selfinstruct.curate.checks.check_labels import label_in_space, label_space
from selfinstruct.curate.exchanges import Reply


def verdict(output: str, instruction: str) -> str:
    checked = label_in_space(Reply("instance 0", instruction, "", output))
    return checked.verdict if checked else "silent"


@pytest.mark.parametrize(
    ("instruction", "labels"),
    [
        ("Classify the tweet as positive, negative or neutral.", ("positive", "negative", "neutral")),
        ("Classify this sentence as either a question or a statement.", ("question", "statement")),
        ("Sort it. Answer with true or false.", ("true", "false")),
        ('Is it safe? You should respond with "Safe" or "Unsafe".', ("Safe", "Unsafe")),
        ("Is the text formal? (formal/informal)", ("formal", "informal")),
        ("Pick one. Options: red, green, blue", ("red", "green", "blue")),
        ("Categorize the business into one of the categories: food, travel, and health", ("food", "travel", "health")),
    ],
)
def test_the_labels_an_instruction_offers_are_read_from_it(instruction: str, labels: tuple[str, ...]) -> None:
    assert label_space(instruction) == labels


@pytest.mark.parametrize(
    "instruction",
    [
        "Name a river.",
        "Classify each of the words as a noun or a verb.",
        "Classify the following items as plants or animals.",
        "Classify the animal as a mammal or something else.",
        "Classify the animal as a mammal or not.",
        "You can answer questions about Math, Science, Technology and Everyday Life. What is pi?",
        "Write a story about love or hate.",
        "Rate the film on a scale from 1 to 10.",
    ],
)
def test_what_names_no_closed_space(instruction: str) -> None:
    assert label_space(instruction) == ()


@pytest.mark.parametrize(
    ("output", "expected"), [("Positive.", "passed"), ("It is negative", "passed"), ("Happy", "failed")]
)
def test_a_short_answer_must_be_in_the_space(output: str, expected: str) -> None:
    assert verdict(output, "Classify the tweet as positive, negative or neutral.") == expected


def test_a_label_in_another_form_is_the_label() -> None:
    assert verdict("Nouns", "Classify the word as noun or verb.") == "passed"
    assert verdict("formal", "Classify the text as formal or informal.") == "passed"
    assert verdict("casual", "Classify the text as formal or informal.") == "failed"


def test_an_answer_that_explains_is_left_alone() -> None:
    text = "I would call it a happy one, because the person laughs a lot in it."
    assert verdict(text, "Classify the tweet as positive or negative.") == "silent"
