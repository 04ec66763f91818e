"""Tables of text, spreadsheets and Arrow files: read as the records that their rows are."""

import datetime as dt
import gzip
import time
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.records import Task

QUOTED = 'question,answer,topic\n"What is a ""cairn""?","A heap\nof stones.",hills\nName a gas.,Helium,\n'


def tasks(path: object) -> list[Task]:
    records = list(read_set(str(path)))
    assert all(isinstance(record, Task) for record in records), records
    return [record for record in records if isinstance(record, Task)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.csv", QUOTED.encode()),
        ("set.csv", b"\xef\xbb\xbf" + QUOTED.encode()),
        ("set.csv", QUOTED.replace(",", ";").encode()),
        ("set.csv", QUOTED.replace(",", "|").encode()),
        ("set.tsv", QUOTED.replace(",", "\t").encode()),
        ("set.csv.gz", gzip.compress(QUOTED.encode(), mtime=0)),
        ("set.csv", QUOTED.rstrip("\n").encode()),
        ("set.csv", QUOTED.replace("Name a gas", "\nName a gas").encode()),
        ("set.csv", QUOTED.replace("Name a gas", ",,\nName a gas").encode()),
        ("set.csv", b"sep=;\r\n" + QUOTED.replace(",", ";").encode()),
        ("set.csv", QUOTED.replace("question,answer,topic", "question, answer, topic").replace(',"A', ', "A').encode()),
    ],
)
def test_a_table_is_its_rows(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    first, second = tasks(tmp_path / name)
    assert first.instruction == 'What is a "cairn"?'
    assert first.instances[0].output == "A heap\nof stones."
    assert first.extra == {"topic": "hills"}
    assert (second.instances[0].output, second.extra) == ("Helium", {"topic": None})


def test_ends_of_lines_of_windows_are_none_of_the_last_cell(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes(b"question,answer\r\nName a gas.,Helium\r\n")
    assert tasks(tmp_path / "set.csv")[0].instances[0].output == "Helium"


def test_a_bad_row_is_rejected_with_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    rows = [b"question,answer", b'"a\nb",c', b"too,many,cells", b"few", b'"torn" quote,x', b"\xff,x", b"last,one", b""]
    (tmp_path / "set.csv").write_bytes(b"\n".join(rows))
    records = list(read_set(str(tmp_path / "set.csv")))
    bad = [(record.place.rpartition(":")[2], record.reason) for record in records if isinstance(record, Unreadable)]
    assert bad == [("4", "broken_row"), ("5", "broken_row"), ("6", "broken_row"), ("7", "not_utf8")]
    assert [record.instruction for record in records if isinstance(record, Task)] == ["a\nb", "last"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"question,question\na,b\n", "column 'question' stands twice"),
        (b",\na,b\n", "no names of columns"),
        (b"\xff\xfeq\x00", "UTF-16"),
        (b"title,body\na,b\n", r"no known layout \(columns title, body\); say which columns"),
        (b'question,answer\n"open,b\n', "no usable record"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes(content)
    with pytest.raises(BadInput, match=says) as raised:
        list(read_set(str(tmp_path / "set.csv")))
    assert "\n" not in str(raised.value)


def test_columns_of_a_table_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("title,body\nName a gas.,Helium\n")
    [task] = read_set(str(tmp_path / "set.csv"), columns=Roles.parse("instruction=title,output=body"))
    assert isinstance(task, Task)
    assert task.instances[0].output == "Helium"


@pytest.mark.parametrize("stream", [True, False])
def test_an_arrow_file_is_read_in_both_its_forms(tmp_path: Path, stream: bool) -> None:  # noqa: FBT001
    import pyarrow as pa

    table = pa.table({"question": ["Name a gas."] * 300, "answer": ["Helium"] * 300})
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(tmp_path / "set.arrow"), "wb") as file, make(file, table.schema) as writer:
        writer.write_table(table)
    assert len(tasks(tmp_path / "set.arrow")) == 300
    assert len(tasks((tmp_path / "set.arrow").rename(tmp_path / "set.feather"))) == 300


def test_a_spreadsheet_is_read_by_its_sheet(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["question", "answer", None])
    book.active.append(["6 * 7?", 42, None])
    book.save(tmp_path / "set.xlsx")
    [task] = tasks(tmp_path / "set.xlsx")
    assert (task.instruction, task.instances[0].output) == ("6 * 7?", "42")
    book.create_sheet("more").append(["question", "answer"])
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(BadInput, match=r"several sheets: it has Sheet, more; write #SHEET"):
        tasks(tmp_path / "two.xlsx")
    assert len(tasks(f"{tmp_path / 'two.xlsx'}#Sheet")) == 1
    with pytest.raises(BadInput, match="no sheet 'none'"):
        tasks(f"{tmp_path / 'two.xlsx'}#none")


def test_one_huge_cell_of_a_small_parquet_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"instruction": ["x" * (200 << 20)], "output": ["y"]})
    pq.write_table(table, tmp_path / "set.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "set.parquet").stat().st_size < 1 << 20
    with pytest.raises(BadInput, match="its columns unpack to 200 MiB, far more than it is"):
        list(read_set(str(tmp_path / "set.parquet")))


@pytest.mark.parametrize("nested", [True, False])
def test_a_text_that_is_referred_to_a_thousand_times_is_refused_early(tmp_path: Path, nested: bool) -> None:  # noqa: FBT001
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, count = "x" * (4 << 20), 5000
    answers = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([text]))
    if nested:
        asked = pa.array([[{"role": "user", "content": "x"}, {"role": "assistant", "content": text}]])
        table = pa.table({"messages": asked.take(pa.array([0] * 40))})
    else:
        table = pa.table({"instruction": ["x"] * count, "output": answers})
    pq.write_table(table, tmp_path / "set.parquet", compression="zstd")
    assert (tmp_path / "set.parquet").stat().st_size < 1 << 20
    began = time.monotonic()
    with pytest.raises(BadInput, match="unpacks to more than 64 MiB, far more than it is"):
        list(read_set(str(tmp_path / "set.parquet")))
    assert time.monotonic() - began < 30


def test_a_row_longer_than_a_line_may_be_is_rejected(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"instruction": ["x", "y"], "output": ["z", "z" * (17 << 20)]})
    pq.write_table(table, tmp_path / "set.parquet", compression="none")
    assert [record.reason for record in read_set(str(tmp_path / "set.parquet")) if isinstance(record, Unreadable)] == [
        "too_long"
    ]


def test_other_packings_have_names(tmp_path: Path) -> None:
    import zstandard

    (tmp_path / "set.jsonl.zstd").write_bytes(zstandard.compress(b'{"question": "x", "answer": "y"}\n'))
    assert len(tasks(tmp_path / "set.jsonl.zstd")) == 1
    (tmp_path / "set.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(BadInput, match=r"a packed \.parquet file; unpack it first"):
        tasks(tmp_path / "set.parquet.gz")


def test_what_has_no_end_is_no_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.jsonl")
    for given in (tmp_path / "pipe.jsonl", "/dev/zero"):
        with pytest.raises(BadInput, match="no file: a device, a pipe or a socket"):
            tasks(given)


def test_line_ends_of_old_macs_end_lines(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes(b'question,answer\r"a\rb",c\r\rd,e\rtoo,many,cells')
    records = list(read_set(str(tmp_path / "set.csv")))
    assert [record.instruction for record in records if isinstance(record, Task)] == ["a\rb", "d"]
    assert [record.place.rpartition(":")[2] for record in records if isinstance(record, Unreadable)] == ["6"]


def test_every_line_that_a_missing_quote_swallows_is_rejected_by_its_number(tmp_path: Path) -> None:
    rows = ["question,answer", "a,b", '"open,c', "d,e", 'f,"g"', "h,i", '"never,closed', "j,k"]
    (tmp_path / "set.csv").write_text("\n".join(rows))
    records = list(read_set(str(tmp_path / "set.csv")))
    assert [record.instruction for record in records if isinstance(record, Task)] == ["a", "h"]
    bad = [record for record in records if isinstance(record, Unreadable)]
    assert [unreadable.place.rpartition(":")[2] for unreadable in bad] == ["3", "4", "5", "7", "8"]
    assert {unreadable.reason for unreadable in bad} == {"broken_row"}
    assert bad[1].problem == "in a quote that opens in line 3"
    assert bad[1].text == "d,e"


def test_names_that_hold_another_delimiter_in_quotes_are_names(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text('"question, in short, please";"answer, too"\nName a gas.;Helium\n')
    columns = Roles.of({"instruction": "question, in short, please", "output": "answer, too"})
    [task] = read_set(str(tmp_path / "set.csv"), columns=columns)
    assert isinstance(task, Task)
    assert task.instances[0].output == "Helium"


def test_empty_sheets_are_none_and_a_day_is_a_day(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["question", "answer", "asked"])
    book.active.append(["Name a gas.", "Helium", dt.date(2024, 2, 29)])
    book.active.append([None, None, None])
    book.active.append(["Name a salt.", "Halite", dt.datetime(2024, 2, 29, 6, 30)])  # noqa: DTZ001 - a sheet knows no zones
    book.create_sheet("more")
    book.save(tmp_path / "set.xlsx")
    assert [task.extra["asked"] for task in tasks(tmp_path / "set.xlsx")] == ["2024-02-29", "2024-02-29T06:30:00"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.csv", b'"What, then,\nis clay?",Earth.,mud\nWhat is slip?,Wet clay.,\n'),
        ("set.csv", b'\xef\xbb\xbf"What, then,\nis clay?";Earth.;mud\r\nWhat is slip?;Wet clay.;\r\n'),
        ("set.tsv", b'"What, then,\nis clay?"\tEarth.\tmud\nWhat is slip?\tWet clay.\t\n'),
    ],
)
def test_columns_of_a_table_without_names_are_numbered(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    first, second = read_set(str(tmp_path / name), columns=Roles.parse("instruction=#1,output=#2"))
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert (first.instruction, first.instances[0].output) == ("What, then,\nis clay?", "Earth.")
    assert (second.instruction, second.instances[0].output) == ("What is slip?", "Wet clay.")
    assert (first.extra, second.extra) == ({"#3": "mud"}, {"#3": None})


def test_rows_of_a_sheet_without_names_are_numbered_too(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["What is clay?", "Earth."], ["What is slip?", "Wet clay."]):
        book.active.append(row)
    book.save(tmp_path / "set.xlsx")
    records = list(read_set(str(tmp_path / "set.xlsx"), columns=Roles.parse("instruction=#1,output=#2")))
    assert [record.instruction for record in records if isinstance(record, Task)] == ["What is clay?", "What is slip?"]


def test_a_table_without_names_is_told_how_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("What is clay?,Earth.\nWhat is slip?,Wet clay.\n")
    with pytest.raises(BadInput, match=r'where line 1 is a record: columns={"instruction": "#1", "output": "#2"}'):
        list(read_set(str(tmp_path / "set.csv")))
    with pytest.raises(BadInput, match="no column '#3'; it has #1, #2"):
        list(read_set(str(tmp_path / "set.csv"), columns=Roles.parse("instruction=#3")))
    with pytest.raises(BadInput, match="'#1' is a number beside names"):
        Roles.parse("instruction=#1,output=answer")
