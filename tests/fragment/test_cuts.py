"""Where a text is cut, and how long its parts are."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.cuts import can_be_cut, cut, edges, first_words, places, size, stands_alone

WORDS = st.sampled_from(
    ["Name", "two", "long", "rivers", "e.g.", "-", "don't", "用", "写诗。", "GPT模型", "กำลัง", "\n\n", "  ", "🎉"]
)
TEXTS = st.one_of(
    st.text(max_size=80), st.lists(WORDS, max_size=20).map(" ".join), st.lists(WORDS, max_size=20).map("".join)
)


@given(TEXTS, st.integers(0, 5), st.integers(1, 4), st.sampled_from(["uniform", "length"]))
def test_head_and_tail_join_back_to_the_text_with_enough_words_on_each_side(
    text: str, seed: int, least: int, by: str
) -> None:
    pieces = cut(text, Random(seed), by=by, least=least)  # type: ignore[arg-type] # one of the two names
    assert (pieces is not None) == can_be_cut(text, least)
    if pieces:
        assert pieces.head + pieces.tail == text
        assert size(pieces.head) >= least
        assert size(pieces.tail) >= least
        assert pieces.head
        assert not pieces.head[-1].isspace()


@given(TEXTS)
def test_the_words_on_both_sides_of_every_place_are_all_the_words(text: str) -> None:
    cuts = places(text)
    assert [place.at for place in cuts] == edges(text)
    assert all(place.before + place.after == size(text) for place in cuts)
    assert [place.before for place in cuts] == sorted(place.before for place in cuts)


@given(TEXTS, st.integers(1, 9))
def test_the_first_words_are_a_beginning_with_that_many_words(text: str, many: int) -> None:
    head = first_words(text, many)
    assert text.startswith(head)
    assert size(head) == min(many, size(text))
    cuts = [place for place in places(text) if place.before == many and place.after]
    assert head == (text[: cuts[0].at] if cuts else text)


def test_words_with_spaces_are_never_parted() -> None:
    text = "Don't re-use the old e-mail address (it is closed)."
    assert [text[: place.at] for place in places(text)] == [
        "Don't",
        "Don't re-use",
        "Don't re-use the",
        "Don't re-use the old",
        "Don't re-use the old e-mail",
        "Don't re-use the old e-mail address",
        "Don't re-use the old e-mail address (it",
        "Don't re-use the old e-mail address (it is",
    ]


def test_a_script_without_spaces_is_cut_between_characters_but_not_before_a_mark() -> None:
    text = "写诗\uff0c好吗\uff1f"
    assert [text[:at] for at in edges(text)] == ["写", "写诗\uff0c", "写诗\uff0c好"]


def test_no_part_begins_with_a_vowel_or_a_tone_that_belongs_to_the_letter_before_it() -> None:
    thai, kana = "กำลังเขียน", "きょう"
    assert [thai[at:] for at in edges(thai)] == ["ลังเขียน", "งเขียน", "เขียน", "ยน", "น"]
    assert [kana[at:] for at in edges(kana)] == ["う"]


def test_three_words_on_each_side_need_six() -> None:
    assert cut("Name two rivers of Spain.", Random(0)) is None
    pieces = cut("Name two long rivers of Spain.", Random(0))
    assert pieces is not None
    assert (pieces.head, pieces.tail) == ("Name two long", " rivers of Spain.")


def test_every_place_is_drawn_about_as_often() -> None:
    text = " ".join(f"w{number}" for number in range(16))
    heads = [pieces.head for seed in range(2200) if (pieces := cut(text, Random(seed)))]
    counts = [heads.count(head) for head in dict.fromkeys(heads)]
    assert len(counts) == 11
    assert min(counts) > 140
    assert max(counts) < 260


def test_by_length_the_rest_of_a_long_text_is_short_or_long_alike() -> None:
    text = " ".join(f"w{number}" for number in range(400))
    rests = [size(pieces.tail) for seed in range(400) if (pieces := cut(text, Random(seed), by="length", most=40))]
    assert min(rests) == 3
    assert max(rests) == 40
    assert 180 < sum(rest <= 21 for rest in rests) < 240


@pytest.mark.parametrize("seed", range(12))
def test_a_cut_that_is_no_sentence_is_preferred_where_that_is_asked(seed: int) -> None:
    text = "Name a river. Say where the long river ends."
    pieces = cut(text, Random(seed), avoid_complete=True)
    assert pieces is not None
    assert not pieces.complete
    only = cut("Name a river. Say why not.", Random(seed), avoid_complete=True)
    assert only is not None
    assert only.complete


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
