"""Kinds of prompt, told from the text."""

from collections import Counter

from selfinstruct.evaluate.feedback import Feedback
from selfinstruct.evaluate.feedback_prompt_kinds import kinds_of, subjects
from selfinstruct.run.seeds_and_benchmarks import prompt_set
from selfinstruct.tone.prompt_sets import prompts_of

ABOUT = ("river", "soup", "poem", "train", "garden", "piano")
TOLD = {what: [f"{what} {what}side {other}{what}" for other in "abcd"] for what in ABOUT}
TOGETHER = [text for texts in TOLD.values() for text in texts]
ALONE = [f"{word}{word} {word}{word}{word}." for word in ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op")]


def test_texts_on_one_thing_are_one_subject_and_are_called_by_their_words() -> None:
    groups = subjects(TOGETHER, len(ABOUT))
    for what, texts in TOLD.items():
        assert {groups.of(text) for text in texts} == {f"{what}, {what}side"}


def test_texts_that_share_no_word_take_no_cluster_from_those_that_do() -> None:
    groups = subjects([*ALONE, *TOGETHER], len(ABOUT))
    assert len({groups.of(text) for text in TOGETHER}) == len(ABOUT)
    assert {groups.of(text) for text in ALONE} == {""}


def test_a_cluster_of_what_was_left_over_is_no_subject() -> None:
    prompts = [task.instruction for task in prompt_set("ifs-v1:dev")][:100]
    groups = subjects(prompts, 8)
    sizes = Counter(map(groups.of, prompts))
    assert sizes.pop("") > 30  # most of a hundred prompts are about different things
    assert len(sizes) >= 5
    assert max(sizes.values()) <= 30


def test_sixty_instructions_are_enough_for_every_length_to_steer() -> None:
    whole = [prompt.text for prompt in prompts_of(prompt_set("ifs-v1:dev")) if prompt.whole][:60]
    groups = subjects(whole, 8)
    sizes = Counter(kinds_of(prompt, groups)["length"] for prompt in whole)
    assert len(sizes) == 3
    assert min(sizes.values()) * 2 >= Feedback().least  # each is asked whole and cut
