"""The seam tells nothing."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.seams import sewn

LANGUAGES = st.sampled_from(["en", "zh", ""])


@given(st.text(min_size=1), st.integers(0, 99), st.floats(0, 1), LANGUAGES)
def test_only_white_space_and_the_case_of_one_letter_change(text: str, seed: int, varied: float, language: str) -> None:
    sewed = sewn(text, Random(seed), varied=varied, language=language).lstrip()
    bare = text.strip()
    assert len(sewed) == len(bare)
    changed = [(old, new) for old, new in zip(bare, sewed, strict=True) if old != new]
    assert len(changed) <= 1
    assert all(old in (new.lower(), new.upper()) or new in (old.lower(), old.upper()) for old, new in changed)


def test_not_varied_the_letters_stay() -> None:
    assert {sewn("of Spain", Random(seed), varied=0, language="en").strip() for seed in range(50)} == {"of Spain"}


def test_varied_large_and_small_are_equally_frequent_whatever_they_were() -> None:
    for text in ("of Spain", "Of Spain", '"of" Spain'):
        large = sum(sewn(text, Random(seed), varied=1, language="en").strip('" \n')[0] == "O" for seed in range(1000))
        assert 440 < large < 560


def test_capitals_stay_capitals() -> None:
    assert {sewn("NASA said", Random(seed), varied=1, language="en").strip() for seed in range(50)} == {"NASA said"}
