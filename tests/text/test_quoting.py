"""Fast JSON is the standard library's JSON: in what it writes byte for byte, in what it reads value for value."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.text.quoting import finite_json_text, json_bytes, json_text, parsed, quoted, quoted_ascii

ANY = st.text(alphabet=st.characters())  # half characters too
WHOLE = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
NUMBERS = (
    st.integers() | st.floats() | st.integers(-(2**70), 2**70) | st.sampled_from([1e16, 1e-5, -0.0, 1e300, 5e-324])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Equal, of the same types, signs of zero and NaN included."""
    return repr(one) == repr(other)


@given(ANY)
def test_ids_are_made_of_the_same_ascii(text: str) -> None:
    assert quoted_ascii(text) == json.dumps(text).encode("ascii")


@given(WHOLE)
def test_texts_are_written_with_the_same_escapes(text: str) -> None:
    assert quoted(text) == json.dumps(text, ensure_ascii=False).encode("utf-8")


def test_every_character_is_escaped_alike() -> None:
    whole = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert quoted(whole) == json.dumps(whole, ensure_ascii=False).encode("utf-8")
    assert quoted_ascii(whole) == json.dumps(whole).encode("ascii")


def test_half_a_character_is_refused_so_that_the_whole_line_is_escaped() -> None:
    with pytest.raises(UnicodeEncodeError):
        quoted("\ud800")


@given(VALUES)
def test_values_are_written_alike_exponents_and_infinities_included(value: Any) -> None:
    assert json_text(value) == json.dumps(value, ensure_ascii=False)


@given(VALUES)
def test_values_as_bytes_are_those_of_the_standard_library(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= char <= "\udfff" for char in text):
        with pytest.raises(UnicodeEncodeError):
            json_bytes(value)
    else:
        assert json_bytes(value) == text.encode("utf-8")


@given(st.floats(1e-4, 1e16, exclude_max=True) | st.sampled_from([0.0001, 9999999999999998.0, 0.1 + 0.2]))
def test_floats_of_the_usual_size_are_written_alike_by_the_library(value: float) -> None:
    assert msgspec.json.encode(value) == json_bytes(value) == repr(value).encode()


def test_what_the_other_library_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nan|compliant"):
        json_bytes({"a": float("nan")}, by_library=finite_json_text)


@given(VALUES)
def test_what_is_written_is_read_alike(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        content = text.encode("utf-8", "surrogatepass")
        try:
            expected = json.loads(content)
        except ValueError:
            with pytest.raises(ValueError, match=r"."):
                parsed(content)
        else:
            assert same(parsed(content), expected)


@pytest.mark.parametrize(
    "content",
    [
        b"18446744073709551616",
        b"-9223372036854775809",
        b"123456789012345678901234567890",
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"NaN",
        b"-Infinity",
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'{"a": 1, "a": 2}',
        b"\xef\xbb\xbf{}",
        b"-0",
        b"100000000000000000000.0",
        b"0.1",
    ],
)
def test_where_libraries_differ_the_standard_one_decides(content: bytes) -> None:
    assert same(parsed(content), json.loads(content))


@pytest.mark.parametrize("content", [b"", b"{", b"[1,]", b'"\t"', b"1 2", b"01", b"'a'", b'{"a" 1}', b"\xff"])
def test_what_is_no_json_is_a_value_error_in_both(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json.loads(content)
    with pytest.raises(ValueError, match=r"."):
        parsed(content)


def test_too_deep_is_an_error_and_not_a_crash() -> None:
    with pytest.raises((RecursionError, ValueError)):
        parsed(b"[" * 100_000 + b"]" * 100_000)


def test_the_library_writes_some_floats_in_another_way_which_is_why_it_writes_none() -> None:
    assert msgspec.json.encode(1e16) == b"1e16"
    assert json_text(1e16) == "1e+16"


def test_no_json_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"PosixPath|WindowsPath"):
        json_text({"a": tmp_path})
