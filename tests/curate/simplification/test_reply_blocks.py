"""Replies cut into blocks and sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.simplification.reply_blocks import (
    blocks,
    flesch_reading_ease,
    looks_english,
    sentences,
    skeleton,
    syllables,
)

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "Some prose here.",
            "# Heading",
            "- item",
            "  more of it",
            "1. first",
            "```python",
            "```",
            "x = 1",
            "    indented",
            "| a | b |",
            "> said",
            "Anna: hello",
            " ",
            "\t",
        ]
    ),
    max_size=14,
).map("\n".join)


@given(st.one_of(LINES, st.text(max_size=200)))
def test_blocks_and_their_gaps_are_the_reply(text: str) -> None:
    assert "".join(block.text + block.gap for block in blocks(text)) == text


@given(st.one_of(LINES, st.text(alphabet="aB. !?\n:3\u3002", max_size=60), st.text(max_size=200)))
def test_sentences_and_their_gaps_are_the_paragraph(text: str) -> None:
    assert "".join(span.text + span.gap for span in sentences(text)) == text


@given(LINES)
def test_a_blank_line_at_the_end_does_not_change_the_skeleton(text: str) -> None:
    assert skeleton(text.rstrip()) == skeleton(text.rstrip() + "\n\n")


def test_what_stands_in_a_fence_is_code_whatever_it_looks_like() -> None:
    parts = blocks("Look:\n```\n# not a heading\n- no item\n\n| no | table |\n```\nDone here.")
    assert [block.kind for block in parts] == ["prose", "code", "prose"]
    assert skeleton("```\n# no\n- no\n```").headings == 0


def test_an_open_fence_runs_to_the_end() -> None:
    assert [block.kind for block in blocks("```\na\n\nb")] == ["code"]


def test_lists_tables_quotes_talk_and_verse_are_told_from_prose() -> None:
    text = (
        "Two things:\n- one\n- two\n\n| a | b |\n|---|---|\n\n> quoted\n\nAnna: hi\nBen: hello\n\n"
        "Roses are red\nviolets blue\nsugar is sweet\n\nThe end of it."
    )
    kinds = [block.kind for block in blocks(text)]
    assert kinds == ["prose", "list", "table", "quote", "dialogue", "verse", "prose"]


def test_a_line_below_a_list_item_belongs_to_it() -> None:
    assert {block.kind for block in blocks("1. one\nstill one\n\n   and more\n2. two")} == {"list"}
    assert skeleton("1. one\nstill one\n2. two").items == 2


def test_decimals_abbreviations_and_initials_end_no_sentence() -> None:
    assert len(sentences("It costs 3.50 at J. Smith, e.g. on St. Mary road.")) == 1


def test_full_stops_of_other_scripts_end_sentences() -> None:
    assert [span.text for span in sentences("今天天气很好。我们去公园吧。")] == ["今天天气很好。", "我们去公园吧。"]


def test_short_words_in_short_sentences_are_easier() -> None:
    easy = flesch_reading_ease("The dog ran to the man. He was glad to see it.")
    hard = flesch_reading_ease(
        "The organisation of international communication necessitates considerable administrative coordination of the"
        " participating institutions."
    )
    assert easy is not None
    assert hard is not None
    assert hard < 20
    assert easy > 90


def test_the_formula_is_the_published_one() -> None:
    # 10 words, 2 sentences, 10 syllables
    assert flesch_reading_ease("The cat is on the mat. It is so fat.") == pytest.approx(
        206.835 - 1.015 * 10 / 2 - 84.6 * 10 / 10
    )


@pytest.mark.parametrize(
    "text", ["", "42", "Der Hund lief zu dem Mann.", "今天天气很好。", "El perro corre por la casa."]
)
def test_what_is_no_english_prose_has_no_reading_ease(text: str) -> None:
    assert not looks_english(text)
    assert flesch_reading_ease(text) is None


@pytest.mark.parametrize(("word", "count"), [("a", 1), ("water", 2), ("simple", 2), ("hope", 1), ("necessity", 4)])
def test_the_syllables_of_a_word_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize(
    "text",
    [
        "It is drawn in Fig. 3 on p. 12 of the guide. It is small.",
        "He said \u201cStop!\u201d and left the room. Nobody spoke.",
        "Wait... what is that? A cat.",
    ],
)
def test_a_stop_within_a_sentence_ends_none(text: str) -> None:
    spans = sentences(text)
    assert len(spans) == 2
    assert "".join(span.text + span.gap for span in spans) == text


@given(st.text("ab .!?\n\r\t\"'):\u3002\u2028", max_size=40))
def test_the_pieces_together_are_the_text(text: str) -> None:
    assert "".join(span.text + span.gap for span in sentences(text)) == text
