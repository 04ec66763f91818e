"""A large array, piece by piece: however it is cut, the same items and the same complaints, in the same places."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats import json_stream, streams
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_stream import Cursor, Line, array_items, objects

LONGEST = 1 << 10
GOOD = [
    '"a"',
    "1",
    "-2.5e3",
    "null",
    '{"a": [1, {"b": "]}"}]}',
    "[[], {}]",
    '"\\"\\\\"',
    '"é 🎉 \\ud83c\\udf89"',
    '"\\u00e9"',
]
BAD = {
    "nope": "broken_json",
    "tru": "broken_json",
    '{"a": nope}': "broken_json",
    '{"a" 1}': "broken_json",
    '"\\x"': "broken_json",
    "[NaN]": "broken_json",
    '{"a": 1, "a": 2}': "duplicate_key",
    "1e999": "huge_number",
    '["\\ud800"]': "surrogate",
    "[" * 70 + "]" * 70: "too_deep",
    '"' + "[}\\\\" * 400 + '\\""': "too_long",
    '"a\udcff"': "not_utf8",
    '{"a": "\udce9", "b": "}"}': "not_utf8",
}


class SmallPieces(streams.Stream):
    """However much is asked for, `most` bytes come."""

    def __init__(self, content: bytes, most: int) -> None:
        raw = io.BytesIO(content)
        super().__init__(Path(__file__), raw, raw)
        self.most = most

    def piece(self, size: int, place: str) -> bytes:
        return super().piece(min(size, self.most), place)


def walk(content: bytes, most: int = 1 << 20) -> list[tuple[str, object]]:
    """Line, and value or reason, of each item."""
    return [
        (item.place.rpartition(":")[2], item.value if isinstance(item, Line) else f"bad: {item.reason}")
        for item in array_items(Cursor(SmallPieces(content, most), b"", LONGEST))
    ]


@given(
    st.lists(st.sampled_from([*GOOD, *BAD]), max_size=6),
    st.sampled_from(["", " ", "\n", "\n \t"]),
    st.integers(1, 50),
)
@settings(max_examples=150, deadline=None)
def test_bad_items_are_stepped_over_however_the_text_is_cut(items: list[str], space: str, most: int) -> None:
    text = "[" + f",{space}".join(items) + "]"
    values = walk(text.encode("utf-8", "surrogateescape"), most)
    lines = [str(1 + number * space.count("\n")) for number in range(len(items))]
    assert values == [
        (line, f"bad: {BAD[item]}" if item in BAD else json.loads(item))
        for line, item in zip(lines, items, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('["a", "b', "unterminated string"),
        ('["a", {"b": nope]', "expecting ',' or '\\]' at the end"),
        ('["a", "b\n"]', "invalid control character"),
        ('["a", nope', "expecting value"),
        ('["a" "b"]', "expecting ',' or '\\]'"),
        ('["a"', "expecting ',' or '\\]' at the end"),
        ('["a"] "b"', "more text behind the array"),
    ],
)
@pytest.mark.parametrize("most", [1, 7, 1 << 20])
def test_where_the_end_of_an_item_cannot_be_found_the_array_ends(text: str, says: str, most: int) -> None:
    with pytest.raises(BadInput, match=says):
        walk(text.encode(), most)


@pytest.mark.parametrize("most", [1, 2, 1 << 20])
def test_bytes_that_are_no_utf8_are_counted_wherever_they_stand(most: int) -> None:
    """Between items they end the array; an item they spoil is passed over."""
    with pytest.raises(BadInput, match=r":2: not UTF-8 at byte 7 of the file"):
        walk(b'["a"\n \xff, "b"]', most)
    [bad] = array_items(Cursor(SmallPieces('["é\n'.encode()[:-1] + b'\xff"]', most), b"", LONGEST))
    assert isinstance(bad, BadRecord)
    assert bad.what == "not UTF-8 at byte 5 of the file"


def test_a_comma_too_many_is_an_item_that_cannot_be_used() -> None:
    assert walk(b'["a",]') == [("1", "a"), ("1", "bad: broken_json")]


def test_an_item_of_exactly_the_limit_is_read() -> None:
    fits, over = '"' + "a" * (LONGEST - 2) + '"', '"' + "a" * (LONGEST - 1) + '"'
    for most in (100, 1 << 20):
        assert [value for _, value in walk(f"[{fits}, {over}, {fits}]".encode(), most)] == [
            json.loads(fits), "bad: too_long", json.loads(fits)
        ]  # fmt: skip


names = st.text(max_size=4).filter(lambda name: name != "data")
simple = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers() | st.text(max_size=3), max_size=3)


@given(st.lists(st.dictionaries(names, simple, max_size=4), min_size=1, max_size=3), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_objects_are_read_however_many_lines_they_take(written: list[dict[str, object]], most: int) -> None:
    text = "\n".join(json.dumps(value, indent=1, ensure_ascii=False) for value in written)
    records = objects(Cursor(SmallPieces(text.encode(), most), b"", LONGEST))
    assert [record.value for record in records if isinstance(record, Line)] == written


def test_a_list_of_records_is_handed_out_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", 64)
    source = SmallPieces(b'{"data": [' + b'"0123456789",' * 10_000 + b'"end"], "version": 2}', 64)
    records = objects(Cursor(source, b"", LONGEST))
    first = next(records)
    assert isinstance(first, Line)
    assert first.value == "0123456789"
    assert source.total < 1000
    assert sum(1 for _ in records) == 10_000
