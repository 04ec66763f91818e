"""Which cuts read as complete sentences."""

import pytest

from selfinstruct.fragment.sentences import stands_alone


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("Name a river.", " Say where it ends."),
        ("Is it raining?", " Explain."),
        ('He said "stop."', " Translate it."),
        ("请写一首诗。", "主题是春天。"),
        ("Correct the sentence", "\n\nHe go home."),
        ("List three long rivers", " in Spain."),
        ("Write a poem", " about the sea"),
        ("Name a river", " and explain why it matters."),
        ("Thanks. Describe a sunny day", " at the beach."),
    ],
)
def test_what_could_be_a_whole_instruction_is_complete(head: str, tail: str) -> None:
    assert stands_alone(head, tail, "zh" if not head.isascii() else "en")


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("Write a short", " story about a cat."),
        ("Explain how to", " swim."),
        ("What is the capital of", " France?"),
        ("Compare tea", " and coffee."),
        ("Ask Dr.", " Brown about it."),
        ("Use at most 3.", "5 grams of it."),
        ("Put the word (or a better one", " for it) in place."),
        ("Generate a concise", " and clear title."),
        ("Write an essay that focuses", " on the sea."),
        ("Translate the sentence", " into Danish."),
        ("Skriv et kort digt", " om havet."),
        ("Thanks. Please", " in short."),
    ],
)
def test_what_waits_for_more_is_not(head: str, tail: str) -> None:
    assert not stands_alone(head, tail, "da" if head.startswith("Skriv") else "en")
