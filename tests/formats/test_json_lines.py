"""Reading files from strangers: bounded, exact about places, the same however it is packed or cut into pieces."""

import bz2
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats import json_lines, streams
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_lines import read_each, read_text_lines, read_values
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.json_text import object_of_texts, objects_of_texts, parse

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def lines_of(path: Path) -> list[tuple[str, object]]:
    return [(line.place.removeprefix(f"{path}:"), line.value) for line in read_values(path)]


@pytest.mark.parametrize("packed", list(PACK))
@given(st.lists(values, max_size=6), st.sampled_from(["ascii", "utf-8"]))
@settings(max_examples=40, deadline=None)
def test_what_json_wrote_is_read_from_a_jsonl_and_from_an_array(
    tmp_path_factory: pytest.TempPathFactory, packed: str, written: list[object], written_as: str
) -> None:
    folder, ascii_only = tmp_path_factory.getbasetemp(), written_as == "ascii"
    if len(written) == 1 and isinstance(written[0], list):
        written = [*written, None]  # an array alone on its line is the document
    text = "".join(json.dumps(value, ensure_ascii=ascii_only) + "\n" for value in written)
    path = folder / f"a.jsonl{packed}"
    path.write_bytes(PACK[packed](text.encode()))
    assert lines_of(path) == [(str(number), value) for number, value in enumerate(written, 1)]
    path = folder / f"a.json{packed}"
    for indent in (None, 1):
        path.write_bytes(PACK[packed](json.dumps(written, ensure_ascii=ascii_only, indent=indent).encode()))
        assert [value for _, value in lines_of(path)] == written


class SmallPieces(streams.Stream):
    """However much is asked for, `most` bytes come."""

    def __init__(self, path: Path, file: io.BytesIO, most: int) -> None:
        super().__init__(path, file, file)
        self.most = most

    def piece(self, size: int, place: str) -> bytes:
        return super().piece(min(size, self.most), place)


@given(st.lists(values, max_size=6), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_an_array_reads_the_same_in_pieces_of_any_size(written: list[object], size: int) -> None:
    whole = json.dumps(written, ensure_ascii=False, indent=1).encode()
    source = SmallPieces(Path(__file__), io.BytesIO(whole), size)
    lines = list(json_lines._of_stream(source, ".json"))
    assert all(isinstance(line, Line) for line in lines)
    assert [line.value for line in lines if isinstance(line, Line)] == written
    if written:
        assert lines[0].place.endswith(":2")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('[\n"a",\n\n"b" ,"c"\n]\n', ["2", "4", "4"]),
        ("[]", []),
        (" \n[1.5,\n 2e3]", ["2", "3"]),
        ("\ufeff[null]", ["1"]),
    ],
)
def test_an_item_stands_on_the_line_where_it_begins(text: str, places: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    assert [place for place, _ in lines_of(path)] == places


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('["a",\n"b"\n"c"]', r":3: not JSON \(expecting ',' or '\]' at '\"c\"\]'\)"),
        ('["a",\n]', r":2: not JSON \(expecting value at '\]'\)"),
        ('["a"', r":1: not JSON \(expecting ',' or '\]' at the end\)"),
        ('["a"]\n["b"]', r":2: not JSON \(more text behind the array"),
        ('["a",\n{"x": 1,\n"x": 2}]', r":2: key 'x' stands twice"),
        ('["a",\n"b\n"]', r":2: not JSON \(invalid control character"),
        ('["a",\n"b', r":2: not JSON \(unterminated string"),
        ('["a",\n[1, NaN]]', r":2: NaN is no JSON number"),
        ("[1e400]", r":1: the number 1e400 is too large"),
        ("[" * 70 + "]" * 70, r":1: nested deeper than 64"),
        ("[" * 10**6, r":1: nested deeper than 64"),
        ('{\n "a": 1\n', r":3: not JSON \(expecting ',' or '}' at the end\)"),
        ('{\n "a": 1,\n "a": 2}', r":1: key 'a' stands twice"),
        ('{\n "a": 1,\n 2: 2}', r":3: not JSON \(expecting property name"),
        ('{\n "a": 1\n},', r":3: not JSON \(expecting an object at ','"),
    ],
)
def test_what_breaks_an_array_is_named_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"a\.json" + says):
        lines_of(path)


def test_a_json_file_that_is_jsonl_inside_is_read_as_that(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('\n{"a": 1}\n\n{"a": 2}')
    assert lines_of(path) == [("2", {"a": 1}), ("4", {"a": 2})]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_bytes_that_are_no_utf8_are_counted(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    before = "[" if name == "a.json" else ""
    path.write_bytes(f'{before}"é",\n"ab'.encode() + b'\xff"]' if before else b'"a"\n"ab\xff"\n')
    with pytest.raises(BadInput, match=r":2: not UTF-8 at byte " + ("11 of the file" if before else "4;")):
        lines_of(path)


def test_every_half_character_is_refused_and_every_whole_one_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for half in (0xD800, 0xDBFF, 0xDC00, 0xDFFF):
        path.write_text(f'"ok"\n{{"k": ["\\u{half:04x}x"]}}\n')
        with pytest.raises(BadInput, match=rf"a\.jsonl:2: half of a character \(U\+{half:04X}"):
            lines_of(path)
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for ascii_only in (True, False):
        path.write_text(json.dumps(every, ensure_ascii=ascii_only), encoding="utf-8")
        assert lines_of(path) == [("1", every)]


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_file_torn_anywhere_is_named_and_never_taken_for_whole(packed: str, tmp_path: Path) -> None:
    text = "".join(f'"line {number * 7919}"\n' for number in range(40)).encode()
    half = len(text) // 2 + text[len(text) // 2 :].index(b"\n") + 1
    first, second = PACK[packed](text[:half]), PACK[packed](text[half:])
    path = tmp_path / f"a.jsonl{packed}"
    path.write_bytes(first + second)
    assert len(lines_of(path)) == 40
    whole = len(first + second)
    for cut in [*range(1, whole, 7), whole - 1]:
        if cut == len(first):
            continue  # a file that ends between two packed parts is not torn
        path.write_bytes((first + second)[:cut])
        with pytest.raises(BadInput, match=rf"a\.jsonl\{packed}:\d+: (ends in the middle|cannot be read)"):
            lines_of(path)


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_bomb_is_known_before_its_records_are_read(packed: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{packed}"
    line = b'{"instruction": "Name a river.", "output": "The Tay."}\n'
    path.write_bytes(PACK[packed](line * ((70 << 20) // len(line))))
    read: list[Line] = []
    with pytest.raises(BadInput, match=rf"a\.jsonl\{packed}:\d+: unpacks to more than 64 MiB"):
        read.extend(read_values(path))
    assert len(read) < (2 << 20) // len(line)


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_little_file_of_much_the_same_lines_is_no_bomb(packed: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{packed}"
    path.write_bytes(PACK[packed](b'"a river"\n' * (200 << 10)))
    assert sum(1 for _ in read_values(path)) == 200 << 10


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_bomb_goes_off_outside(packed: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{packed}"
    line = b'"' + b"a" * 1022 + b'"\n'
    path.write_bytes(PACK[packed](line * (100 << 10)))
    with pytest.raises(BadInput, match=rf"a\.jsonl\{packed}:\d+: unpacks to more than 64 MiB"):
        sum(1 for _ in read_text_lines(path))


def test_a_long_line_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: takes no room
    with pytest.raises(BadInput, match=r"a\.jsonl:1: a line over 16 MiB"):
        lines_of(path)
    path = tmp_path / "a.json"
    path.write_bytes(b'["' + b"a" * ((16 << 20) + 9))
    with pytest.raises(BadInput, match=r"a\.json:1: (an item over 16 MiB|not JSON)"):
        lines_of(path)


def test_a_line_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LINE_BYTES", 8)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'"12345"\n"123456"')
    assert [value for _, value in lines_of(path)] == ["12345", "123456"]
    path.write_bytes(b'"1234567"')
    with pytest.raises(BadInput, match="a line over"):
        lines_of(path)


def test_the_twin_among_very_many_keys_is_found_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    keys = ", ".join(f'"k{number}": 1' for number in range(200_000))
    path.write_text(f'{{{keys}, "k199999": 2}}')
    with pytest.raises(BadInput, match="key 'k199999' stands twice"):
        lines_of(path)


def test_a_message_steers_no_terminal_and_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\nb.jsonl"
    path.write_text('{"\\u001b[2J\\n": 1, "\\u001b[2J\\n": 2}')
    with pytest.raises(BadInput) as raised:
        lines_of(path)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.jsonl.gz", "x\0y.jsonl", ".", "n" * 300])
def test_a_path_that_cannot_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        lines_of(tmp_path / name)


@given(st.sampled_from(["a.jsonl", "a.json", "a.jsonl.gz", "a.json.zst", "a.txt"]), st.binary(max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_bytes_under_any_name_are_values_or_one_complaint(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    try:
        list(read_text_lines(path) if name == "a.txt" else read_values(path))
    except BadInput as fault:
        assert str(fault).startswith(str(path))
        assert str(fault).isprintable()


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_a_flipped_byte_in_a_packed_file_is_never_read_as_something_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, byte: int
) -> None:
    whole = json.dumps({"a": noise.hex()}).encode()
    packed = bytearray(gzip.compress(whole, mtime=0))
    packed[at % len(packed)] = byte
    path = tmp_path_factory.getbasetemp() / "flipped.jsonl.gz"
    path.write_bytes(packed)
    try:
        values = [line.value for line in read_values(path)]
    except BadInput as fault:
        assert "flipped.jsonl.gz" in str(fault)
    else:
        assert values == [json.loads(whole)]


@pytest.mark.parametrize("ending", ["jsonl", "json", "jsonl.gz"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_one_array_on_a_single_line_is_a_set(ending: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / f"set.{ending}"
    text = json.dumps([{"n": 1}, {"n": 2}]) + end
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    assert [line.value for line in read_values(path)] == [{"n": 1}, {"n": 2}]


def test_a_fault_in_a_field_rejects_the_object_and_not_those_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text('{\n"a": NaN,\n"b": [1, Infinity]\n}\n{\n"a": 1\n}\n')
    bad, good = read_each(path)
    assert isinstance(bad, BadRecord)
    assert "NaN is no JSON number" in bad.what
    assert isinstance(good, Line)
    assert good.value == {"a": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"{}\n", mtime=0), "packed by gzip, and its name does not say so; let it end in .gz"),
        (zstandard.ZstdCompressor().compress(b"{}\n"), "packed by zstd"),
        (lzma.compress(b"{}\n"), "packed by xz"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"ARROW1\0\0\xff", "an Arrow file"),
        ('{"a": 1}\n'.encode("utf-16"), "UTF-16, not UTF-8"),
    ],
)
def test_what_a_misnamed_file_is_is_said(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        list(read_each(tmp_path / "set.jsonl"))


def test_unpacking_takes_no_more_memory_than_a_bound(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(b"{}\n"))
    (tmp_path / "set.jsonl.xz").write_bytes(packed)
    assert list(read_each(tmp_path / "set.jsonl.xz"))
    begin, end = 12, 12 + 4 * (packed[12] + 1)  # the header of the first block, its checksum at its end
    packed[begin + 4] = 40  # a dictionary of 4 GiB
    packed[end - 4 : end] = zlib.crc32(packed[begin : end - 4]).to_bytes(4, "little")
    (tmp_path / "set.jsonl.xz").write_bytes(packed)
    with pytest.raises(BadInput, match=r"cannot be read \(Memory usage limit exceeded\)"):
        list(read_each(tmp_path / "set.jsonl.xz"))


def test_json_in_a_file_of_plain_text_is_not_taken_for_instructions(tmp_path: Path) -> None:
    (tmp_path / "set.txt").write_text('{"instruction": "Name a river."}\n')
    with pytest.raises(BadInput, match=r"records as JSON in a file of plain text; let its name end in \.jsonl"):
        list(read_text_lines(tmp_path / "set.txt"))
    (tmp_path / "set.txt").write_text("{Name a river.}\nName a lake.\n")
    assert [line.value for line in read_text_lines(tmp_path / "set.txt")] == ["{Name a river.}", "Name a lake."]


KEYS = st.sampled_from(["a", "b", "role", "content", 'a\\"b', "\\u0061", "a\\/b", "\u00e9", ""])
TEXTS = st.sampled_from(
    ["x", "a", "role", "\\n", "\\ud800", "\\u00e9", "\u00e9", "\t", "\x7f", "\\/", "[" * 70, '\\"a\\"', "\x01"]
)
OTHERS = st.sampled_from(
    ["null", "true", "1", "1e999", "123456789012345678901", "NaN", "[]", "{}", "", "-0", "9" * 5000, "1.0", "-7"]
)
WRITTEN = st.recursive(
    TEXTS.map('"{}"'.format) | OTHERS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(KEYS, inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"
        )
    ),
    max_leaves=8,
)


@given(WRITTEN, st.sampled_from(["", " ", "x", "\x0b", "\n", ",", "\ufeff", "\xa0"]))
def test_what_is_read_fast_is_read_as_it_is_read_with_care(text: str, behind: str) -> None:
    value = object_of_texts((text + behind).encode())
    if value is not None:
        carefully = parse(text + behind, "")
        assert (carefully, repr(carefully)) == (value, repr(value))


LINES = st.builds(
    lambda pairs, before, behind: (
        before + "{" + ", ".join(f'"{key}": "{value}"' for key, value in pairs) + "}" + behind
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "a\\u0062"]), st.sampled_from(["", "x", "a", '\\"a\\"', "}{", "\ud800", "\n"])
        )
    ),
    st.sampled_from(["", "", "", " ", "\n", '{"a": "x"}']),
    st.sampled_from(["", "", "", " ", "\r", ",", '{"a": "x"}']),
)


@given(st.lists(LINES | st.just('{"a": "x", "b": "y"}'), min_size=1, max_size=4))
def test_lines_that_are_read_together_are_read_as_each_is_read_with_care(texts: list[str]) -> None:
    lines = [(line + "\n").encode("utf-8", "surrogatepass") for text in texts for line in text.split("\n")]
    found = objects_of_texts(lines)
    if found is not None:
        assert found == [parse(line.decode("utf-8"), "") for line in lines]


def test_lines_of_a_set_are_read_together() -> None:
    rows = [
        {"instruction": f"Name {count} rivers.", "input": "", "output": '"instruction"\u00e9'} for count in range(9)
    ]
    assert objects_of_texts([json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]) == rows


def test_what_stands_before_a_fault_in_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl.gz"
    whole = gzip.compress(b"".join(b'{"a": "%d"}\n' % number for number in range(100_000)), mtime=0)
    path.write_bytes(whole[: len(whole) // 2])
    found: list[object] = []
    with suppress(BadInput):
        for line in read_values(path):
            found.append(line.value)  # noqa: PERF401 - what was read before the fault stays
    assert len(found) > 10_000
    assert found == [{"a": str(number)} for number in range(len(found))]


def test_most_lines_of_a_set_are_read_fast() -> None:
    rows = [
        {"instruction": "Name a river.", "input": "", "output": 'The "Po".\n\u00e9'},
        {"messages": [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "The Po."}]},
    ]
    for row in rows:
        assert object_of_texts(json.dumps(row, ensure_ascii=False).encode() + b"\n") == row
    assert object_of_texts(b'{"a":' * 100_000) is None
    assert object_of_texts(json.dumps({f"key {n}": "" for n in range(100_000)}).encode()) is None  # at once
    assert object_of_texts(b'{"a": "\xff"}') is None
    assert object_of_texts(b'{"a": "\xed\xa0\x80"}') is None
