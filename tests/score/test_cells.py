"""Kinds of instruction, told from the text."""

from selfinstruct.score.cells import subjects

ABOUT = ("river", "soup", "poem", "train", "garden", "piano")
TOLD = {what: [f"{what} {what}side {other}{what}" for other in "abcd"] for what in ABOUT}
TOGETHER = [text for texts in TOLD.values() for text in texts]
ALONE = [f"{word}{word} {word}{word}{word}." for word in ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op")]


def test_texts_on_one_thing_are_one_subject_and_are_called_by_their_words() -> None:
    found = subjects(TOGETHER, len(ABOUT))
    for what, texts in TOLD.items():
        assert {found.of(text) for text in texts} == {f"{what}, {what}side"}


def test_texts_that_share_no_word_take_no_cluster_from_those_that_do() -> None:
    found = subjects([*ALONE, *TOGETHER], len(ABOUT))
    assert len({found.of(text) for text in TOGETHER}) == len(ABOUT)
    assert {found.of(text) for text in ALONE} == {""}


def test_a_cluster_of_what_was_left_over_is_no_subject() -> None:
    rest = [
        f"say {what} {place}" for what in ("something", "nothing", "anything") for place in ("here", "there", "away")
    ]
    found = subjects([*TOLD["river"], *rest * 2], 8)
    assert found.of("a river") == "river, riverside"
    assert "" in {found.of(text) for text in rest}
    sizes = [sum(found.of(text) == name for text in rest * 2) for name in {found.of(text) for text in rest} - {""}]
    assert all(size <= 0.3 * 22 for size in sizes)
