"""Lengths and endings are the same for both labels."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.cuts import size
from selfinstruct.fragment.levelling import LevelledText, ends_with_mark, levelled, with_varied_seam

TEXT = st.tuples(st.integers(1, 60), st.booleans()).map(lambda made: " ".join(["word"] * made[0]) + "." * made[1])
TEXTS = st.lists(st.builds(LevelledText, label=st.integers(0, 1), text=TEXT, least=st.integers(1, 3)), max_size=30)
LANGUAGES = st.sampled_from(["en", "zh", ""])


@given(TEXTS, st.integers(0, 9))
def test_each_text_stays_a_beginning_with_at_least_the_words_it_needs(texts: list[LevelledText], seed: int) -> None:
    for before, after in zip(texts, levelled(texts, Random(seed), 40), strict=True):
        assert before.text.startswith(after.text)
        assert min(size(before.text), before.least) <= size(after.text) <= 40
        assert after.open == (after.text != before.text)


def test_long_answers_and_short_rests_get_one_distribution_of_words_and_ends() -> None:
    random = Random(1)
    answers = [" ".join(["It is so."] * random.randint(1, 40)) for _ in range(400)]
    rests = [" ".join(["of"] * random.randint(3, 30)) + "." for _ in range(800)]
    texts = [LevelledText(label=1, text=text, least=1) for text in answers]
    texts += [LevelledText(label=0, text=text, least=3) for text in rests]
    made = levelled(texts, Random(2), 40)
    for part in (0.1, 0.25, 0.5, 0.75, 0.9):
        sizes = [sorted(size(text.text) for text in made if text.label == label) for label in (1, 0)]
        assert abs(sizes[0][int(part * 400)] - sizes[1][int(part * 800)]) <= 2
    shares = [
        sum(ends_with_mark(text.text) for text in own) / len(own)
        for own in ([text for text in made if text.label == label] for label in (1, 0))
    ]
    assert abs(shares[0] - shares[1]) < 0.01


def test_with_one_label_only_the_cap_holds() -> None:
    made = levelled([LevelledText(label=1, text="word " * 90, least=1)], Random(0), 40)
    assert size(made[0].text) == 40


@given(st.text(min_size=1), st.integers(0, 99), st.floats(0, 1), LANGUAGES)
def test_only_white_space_and_the_case_of_one_letter_change(text: str, seed: int, varied: float, language: str) -> None:
    sewed = with_varied_seam(text, Random(seed), varied=varied, language=language).lstrip()
    bare = text.strip()
    assert len(sewed) == len(bare)
    changed = [(old, new) for old, new in zip(bare, sewed, strict=True) if old != new]
    assert len(changed) <= 1
    assert all(old in (new.lower(), new.upper()) or new in (old.lower(), old.upper()) for old, new in changed)


def test_not_varied_the_letters_stay() -> None:
    assert {with_varied_seam("of Spain", Random(seed), varied=0, language="en").strip() for seed in range(50)} == {
        "of Spain"
    }


def test_varied_large_and_small_are_equally_frequent_whatever_they_were() -> None:
    for text in ("of Spain", "Of Spain", '"of" Spain'):
        large = sum(
            with_varied_seam(text, Random(seed), varied=1, language="en").strip('" \n')[0] == "O"
            for seed in range(1000)
        )
        assert 440 < large < 560


def test_capitals_stay_capitals() -> None:
    assert {with_varied_seam("NASA said", Random(seed), varied=1, language="en").strip() for seed in range(50)} == {
        "NASA said"
    }
