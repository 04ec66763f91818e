"""Sets of any layout: what the first records say, and for everything that cannot be used its place and reason."""

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats import detect, json_lines, json_stream
from selfinstruct.formats.read_sets import SeenIds, Unreadable, layout_names, read_set
from selfinstruct.records import Instance, Message, Provenance, Task

ALPACA = {"instruction": "Name a river.", "input": "Scotland", "output": "Tay"}
TURNS = [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "Tay"}]
SAID = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "Tay"}]
NATINST = {
    "Definition": ["Name a river.", "Say the name of a river."],
    "Positive Examples": [{"input": "Wales", "output": "Wye", "explanation": "It is in Wales."}],
    "Instances": [{"id": "t-1", "input": "Scotland", "output": ["Tay", "Dee"]}, {"input": "France", "output": ["Lot"]}],
}


def write(folder: Path, *values: object, name: str = "set.jsonl") -> str:
    path = folder / name
    path.write_text("".join((value if isinstance(value, str) else json.dumps(value)) + "\n" for value in values))
    return str(path)


def both(records: Sequence[Task | Unreadable]) -> tuple[list[Task], list[Unreadable]]:
    tasks = [record for record in records if isinstance(record, Task)]
    return tasks, [record for record in records if isinstance(record, Unreadable)]


@pytest.mark.parametrize(
    ("value", "instruction", "pairs"),
    [
        (ALPACA, "Name a river.", [("Scotland", "Tay")]),
        ({"instruction": "Name a river.", "input": None, "response": "Tay"}, "Name a river.", [("", "Tay")]),
        ({"instruction": "Name it.", "context": "A river.", "response": "Tay"}, "Name it.", [("A river.", "Tay")]),
        ({"instruction": "Name a river.", "input": "<noinput>", "output": "Tay"}, "Name a river.", [("", "Tay")]),
        ({"instruction": "Name a river.", "most_similar": {}}, "Name a river.", []),
        ({"instruction": "Add.", "instances": [{"input": "1", "output": "2"}]}, "Add.", [("1", "2")]),
        ({"instruction": "Add.", "instances": [{"output": "2"}, {"output": "0"}]}, "Add.", [("", "2"), ("", "0")]),
        ({"messages": TURNS}, "Name a river.", [("", "Tay")]),
        ({"conversations": SAID}, "Name a river.", [("", "Tay")]),
        ({"conversation": TURNS}, "Name a river.", [("", "Tay")]),
        ({"prompt": "Name a river.", "completion": "Tay"}, "Name a river.", [("", "Tay")]),
        ({"prompt": TURNS[:1], "completion": TURNS[1:]}, "Name a river.", [("", "Tay")]),
        ({"text": "<|user|>\nName a river.\n<|assistant|>\nTay</s>"}, "Name a river.", [("", "Tay")]),
        (NATINST, "Name a river.", [("Scotland", "Tay"), ("France", "Lot")]),
        ("Name a river.", "Name a river.", []),
    ],
)
def test_each_layout_is_told_by_its_shape(
    value: object, instruction: str, pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    for source in (write(tmp_path, json.dumps(value)), write(tmp_path, json.dumps([value], indent=1), name="set.json")):
        [task] = read_set(source)
        assert isinstance(task, Task)
        assert task.instruction == instruction
        assert task.instances == tuple(Instance(*pair) for pair in pairs)
        assert task.provenance == Provenance(stage="input", source=Path(source).name)
        assert not task.human


def test_our_own_records_come_back_as_they_were(tmp_path: Path) -> None:
    task = Task(
        instruction="Name a river.",
        instances=(Instance("", "Tay"),),
        later=(Message("user", "Another?"), Message("assistant", "Dee")),
        provenance=Provenance(stage="instances", parents=("a",), model="scripted"),
        human=True,
        extra={"id": "mine"},
        measures={"words": 3.0},
    )
    [record] = read_set(write(tmp_path, task.as_json()))
    assert record == task


@pytest.mark.parametrize(("said", "meant"), [(" Yes", True), ("no", False), ("", None), (None, None), (True, True)])
def test_labels_may_be_words(said: object, meant: object, tmp_path: Path) -> None:
    [task] = read_set(write(tmp_path, {**ALPACA, "is_classification": said}))
    assert isinstance(task, Task)
    assert task.is_classification is meant


def test_the_users_fields_survive_with_their_id(tmp_path: Path) -> None:
    extra = {"id": 7, "topic": "water", "nested": {"a": [1, None]}}
    for value in (ALPACA, {"messages": TURNS}, {"conversations": SAID}, {"prompt": "a", "completion": "b"}):
        [task] = read_set(write(tmp_path, {**value, **extra}))
        assert isinstance(task, Task)
        assert task.extra == extra


BAD: list[tuple[str, str]] = [
    ('{"instruction": "x", "output": ', "broken_json"),
    ('{"instruction": NaN, "output": "x"}', "broken_json"),
    ('{"instruction": "x", "output": "y", "output": "z"}', "duplicate_key"),
    ('{"instruction": "x", "output": "y", "n": 1e400}', "huge_number"),
    ('{"instruction": "x", "output": "y", "n": ' + "9" * 5000 + "}", "huge_number"),
    ('{"instruction": "x", "output": "y", "n": ' + "[" * 70 + "]" * 70 + "}", "too_deep"),
    ('{"instruction": "x", "output": "y", "n": ' + "[" * 100_000 + "]" * 100_000 + "}", "too_deep"),
    ('{"instruction": "x \\ud800", "output": "y"}', "surrogate"),
    ('{"instruction": "x", "output": 7}', "wrong_type"),
    ('{"instruction": ["x"], "output": "y"}', "wrong_type"),
    ('{"instruction": "x", "output": "y", "is_classification": 3}', "wrong_type"),
    ('{"instruction": " ", "output": "y"}', "no_instruction"),
    ('{"instruction": "x", "input": "y"}', "no_answer"),
    ('{"instruction": "x", "output": null}', "no_answer"),
    ('{"instruction": "x", "instances": [{"input": "y"}]}', "missing_key"),
    ('{"instruction": "x", "instances": ["y"]}', "wrong_type"),
    ('{"instruction": "x", "instances": [], "output": "y"}', "ambiguous"),
    ('{"title": "x", "body": "y"}', "unknown_layout"),
    ("17", "unknown_layout"),
    ("[]", "unknown_layout"),
    ('{"messages": []}', "no_instruction"),
    ('{"messages": [{"role": "user", "content": "x"}]}', "no_answer"),
    ('{"messages": [{"role": "assistant", "content": "x"}]}', "turns_out_of_order"),
    ('{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "x"}]}', "turns_out_of_order"),
    ('{"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "x"}]}', "unknown_role"),
    ('{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": null}]}', "wrong_type"),
    ('{"messages": [{"role": "user", "content": "x"}, {"role": "assistant"}]}', "missing_key"),
    ('{"messages": ["x"]}', "wrong_type"),
    ('{"prompt": "x", "completion": ["y"]}', "wrong_type"),
    ('{"prompt": "x", "completion": null}', "no_answer"),
    ('{"prompt": {"a": 1}, "completion": {"a": 1}}', "wrong_type"),
    ('{"Definition": ["x"], "Instances": [{"input": "y", "output": []}]}', "no_answer"),
    ('{"Definition": 3, "Instances": []}', "wrong_type"),
    ('{"Definition": [""], "Instances": []}', "no_instruction"),
    ('{"text": "<|user|> x"}', "unknown_layout"),
    ('{"text": "<|user|>\\nx"}', "no_answer"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_record_has_a_place_and_a_reason_and_the_good_ones_go_on(line: str, reason: str, tmp_path: Path) -> None:
    source = write(tmp_path, ALPACA, line, {**ALPACA, "input": "Wales"})
    tasks, [bad] = both(list(read_set(source)))
    assert len(tasks) == 2
    assert (bad.place, bad.reason) == (f"{source}:2", reason)
    assert bad.problem
    assert bad.problem.isprintable()
    assert len(bad.text) <= 200
    assert line.startswith(bad.text[:2])


@pytest.mark.parametrize(("line", "reason"), [pair for pair in BAD if pair[0] != BAD[0][0]])
def test_in_an_array_too(line: str, reason: str, tmp_path: Path) -> None:
    good = json.dumps(ALPACA)
    source = write(tmp_path, f"[{good},\n{line},\n{good}]", name="set.json")
    tasks, [bad] = both(list(read_set(source)))
    assert len(tasks) == 2
    assert (bad.place, bad.reason) == (f"{source}:2", reason)


@pytest.mark.parametrize("name", ["set.jsonl", "set.json", "set.txt"])
def test_bytes_that_are_no_utf8_spoil_one_record(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    good, bad = b'"Name a river."', b'"Name a \xff\xfe river."'
    parts = [good, bad, good]
    path.write_bytes(b"[" + b",\n".join(parts) + b"]" if name == "set.json" else b"\n".join(parts))
    tasks, [fault] = both(list(read_set(str(path))))
    assert len(tasks) == 2
    assert (fault.place, fault.reason) == (f"{path}:2", "not_utf8")


@pytest.mark.parametrize("name", ["set.jsonl", "set.json"])
def test_a_record_over_16_mib_is_passed_over_in_bounded_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    good = json.dumps(ALPACA).encode()
    with path.open("wb") as file:
        file.write(b"[" if name == "set.json" else b"")
        file.write(good + (b",\n" if name == "set.json" else b"\n") + b'{"instruction": "')
        for _ in range(20):
            file.write(b"abc, [}\\\\" * (1 << 17))
        file.write(b'", "output": "x"}' + (b",\n" if name == "set.json" else b"\n") + good)
        file.write(b"]" if name == "set.json" else b"")
    tracemalloc.start()
    tasks, [bad] = both(list(read_set(str(path))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tasks) == 2
    assert (bad.place, bad.reason) == (f"{path}:2", "too_long")
    assert path.stat().st_size > 20 << 20
    assert peak < 6 * json_lines.LINE_BYTES


def test_what_cannot_be_read_to_its_end_says_so(tmp_path: Path) -> None:
    good = json.dumps(ALPACA)
    path = tmp_path / "set.json"
    for text, says in [
        (f"[{good},\n{good}", "expecting ',' or ']' at the end"),
        (f'[{good},\n{{"instruction": "x', "unterminated string"),
        (f'[{good},\n{{"instruction": "x\n", "output": "y"}},\n{good}]', "invalid control character"),
        (f"[{good}\n{good}]", "expecting ',' or ']'"),
        (f"[{good}]\n{good}", "more text behind the array"),
    ]:
        path.write_text(text)
        with pytest.raises(BadInput, match=r"set\.json:\d+: not JSON \(" + says):
            list(read_set(str(path)))


def test_an_object_over_many_lines_is_one_record_and_a_list_called_data_is_unwrapped(tmp_path: Path) -> None:
    [task] = read_set(write(tmp_path, json.dumps(NATINST, indent=2), name="task1.json"))
    assert isinstance(task, Task)
    assert task.extra["Positive Examples"] == NATINST["Positive Examples"]
    for indent in (None, 1):
        wrapped = json.dumps({"version": 1, "data": [ALPACA, {"x": 1}, ALPACA]}, indent=indent)
        tasks, [bad] = both(list(read_set(write(tmp_path, wrapped, name="set.json"))))
        assert len(tasks) == 2
        assert bad.reason == "unknown_layout"
    both_objects = json.dumps(ALPACA, indent=1) + "\n" + json.dumps({**ALPACA, "input": ""}, indent=1)
    assert len(list(read_set(write(tmp_path, both_objects, name="set.json")))) == 2


def test_an_object_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "DOCUMENT_BYTES", 1 << 16)
    path = write(tmp_path, json.dumps({f"k{n}": "x" * 100 for n in range(2000)}, indent=1), name="set.json")
    with pytest.raises(BadInput, match="one object of more than"):
        list(read_set(path))


def test_a_layout_is_never_guessed(tmp_path: Path) -> None:
    torn = {"instruction": "Name a river.", "prompt": "Q: Name a river.", "response": "Tay"}
    source = write(tmp_path, torn, torn)
    with pytest.raises(BadInput, match=r'set\.jsonl:1: may be alpaca or prompt_completion; say which: layout="alpaca"'):
        list(read_set(source))
    tasks, _ = both(list(read_set(source, layout="prompt_completion")))
    assert {task.instruction for task in tasks} == {"Q: Name a river."}
    tasks, bad = both(list(read_set(write(tmp_path, ALPACA, torn))))
    assert [task.instruction for task in tasks] == ["Name a river."] * 2, "what the other records say decides"
    assert not bad
    mixed = write(tmp_path, ALPACA, {"messages": TURNS}, torn, {"prompt": "a", "completion": "b"})
    tasks, [fault] = both(list(read_set(mixed)))
    assert len(tasks) == 3
    assert (fault.place, fault.reason) == (f"{mixed}:3", "ambiguous")


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        ("nonsense", "layout: no layout 'nonsense'; take one of records, self_instruct, alpaca"),
        ("messages", r"set\.jsonl:1: not in the layout messages"),
    ],
)
def test_a_layout_that_is_wrong_or_unknown_is_one_line(layout: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        list(read_set(write(tmp_path, ALPACA), layout=layout))


def test_the_sets_of_the_camels_paper_are_read_by_name(tmp_path: Path) -> None:
    dolly = {"instruction": "Name it.", "context": "A river.", "response": "Tay", "category": "open_qa"}
    [task] = read_set(write(tmp_path, dolly), layout="dolly")
    assert isinstance(task, Task)
    assert task.extra["dataset"] == "dolly"
    [task] = read_set(write(tmp_path, ALPACA), layout="camels/alpaca")
    assert isinstance(task, Task)
    assert task.extra["dataset"] == "alpaca"
    assert {"dolly", "baize", "camels/sharegpt", "messages"} <= set(layout_names())
    with pytest.raises(BadInput, match="compat"):
        list(read_set(write(tmp_path, ALPACA), compat="camels"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("set.jsonl", b"", "no records"),
        ("set.jsonl", b"\n\n", "no records"),
        ("set.json", b"[]", "no records"),
        ("set.jsonl.gz", b"", "no records"),
        (
            "set.jsonl.gz",
            gzip.compress(json.dumps(ALPACA).encode() * 9, mtime=0)[:-9],
            "the file is torn|cannot be read",
        ),
        ("set.jsonl", b"{oops\n{oops\n", r":1: no usable record \(not JSON"),
        ("set.jsonl", json.dumps(ALPACA).encode("utf-16"), "UTF-16, not UTF-8"),
        ("set.jsonl", b'{"question": "x"}\n', r":1: no known layout \(columns question\); say which columns"),
        ("set.parquet", b"PAR1 nothing", "cannot be read"),
        ("set.parquet", b"", "cannot be read"),
        ("set.csv", b"a,b\n", "no records"),
        ("set.xls", b"a,b\n", r"a \.xls file"),
    ],
)
def test_an_input_that_cannot_be_used_at_all_is_one_line(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=says) as raised:
        list(read_set(str(tmp_path / name)))
    assert str(raised.value).isprintable()


def test_an_id_of_the_user_stands_once(tmp_path: Path) -> None:
    source = write(tmp_path, *[{**ALPACA, "id": mine} for mine in ("a", 1, "1", "a", None, None, True, True, 1)])
    tasks, bad = both(list(read_set(source)))
    assert [(unreadable.place, unreadable.reason) for unreadable in bad] == [
        (f"{source}:4", "duplicate_id"),
        (f"{source}:9", "duplicate_id"),
    ]
    assert len(tasks) == 7
    assert "'a'" in bad[0].problem or '"a"' in bad[0].problem


def test_identical_siblings_have_ids_of_their_own_across_inputs(tmp_path: Path) -> None:
    source, seen = write(tmp_path, ALPACA, ALPACA, {**ALPACA, "id": 1}), SeenIds()
    tasks = [*read_set(source, seen=seen), *read_set(source, seen=seen)]
    assert [task.ordinal for task in tasks if isinstance(task, Task)] == [0, 1, 2, 3, 4, 5]
    assert len({task.id for task in tasks if isinstance(task, Task)}) == 6
    assert list(read_set(source)) == tasks[:3]


def test_a_misspelt_key_is_read_and_told(tmp_path: Path) -> None:
    notices: list[str] = []
    source = write(tmp_path, {"instruction : ": "Name a river.", "Input": "", "output": "Tay"}, ALPACA)
    tasks = list(read_set(source, notice=notices.append))
    assert [task.instruction for task in tasks if isinstance(task, Task)] == ["Name a river."] * 2
    assert notices == [f"{source}:1: key 'instruction :' read as if it were spelt right"]


def test_reading_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({**ALPACA, "input": str(number)}) + "\n" for number in range(1000))
        file.write("x" * (1 << 20))
    records = read_set(str(path))
    first = next(records)
    assert isinstance(first, Task)
    assert first.instances[0].input == "0"


def test_memory_does_not_grow_with_text(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    with path.open("w") as file:
        for number in range(400):
            file.write(json.dumps({**ALPACA, "output": str(number) * 40_000}) + "\n")
    tracemalloc.start()
    assert sum(1 for _ in read_set(str(path))) == 400
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 40 << 20
    assert peak < 12 << 20


TALKS: list[list[dict[str, object]]] = [
    [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "Tay"}],
    [{"role": "user", "content": "Name a lake."}, {"role": "assistant", "content": "Ness", "weight": 0}],
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("set.jsonl", "".join(json.dumps(talk) + "\n" for talk in TALKS)),
        ("set.jsonl", json.dumps(TALKS)),
        ("set.json", json.dumps(TALKS)),
        ("set.json", json.dumps(TALKS, indent=1)),
        ("set.json", json.dumps({"data": TALKS})),
    ],
)
def test_a_list_of_turns_is_a_conversation(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    first, second = [record for record in read_set(str(tmp_path / name)) if isinstance(record, Task)]
    assert (first.instruction, first.instances[0].output, first.unlearned) == ("Name a river.", "Tay", ())
    assert (second.instruction, second.unlearned) == ("Name a lake.", (0,))


@pytest.mark.parametrize("name", ["set.jsonl", "set.json"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_that_is_one_list_of_turns_is_one_conversation(name: str, indent: int | None, tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "Tay"}] * 2
    (tmp_path / name).write_text(json.dumps(turns, indent=indent))
    [task] = read_set(str(tmp_path / name))
    assert isinstance(task, Task)
    assert (task.instruction, task.answers) == ("Name a river.", 2)


def test_one_bad_turn_spoils_its_conversation_alone(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(
        '[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "score": NaN},\n{"role": 1}]'
    )
    with pytest.raises(BadInput, match="NaN is no JSON number"):
        list(read_set(str(path)))
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(TALKS[0]) + '\n[{"role": "user", "content": "x"}]\n[]\n["a", "b"]\n')
    records = list(read_set(str(path)))
    assert [record.reason for record in records if isinstance(record, Unreadable)] == [
        "no_answer",
        "unknown_layout",
        "unknown_layout",
    ]


_SAID = st.sampled_from(
    ["Name a river.", "", " ", "<noinput>", " <NoInput> ", "[1, 2]", "\ud800", "Tay", None, 7, ["Tay"]]
)
_BESIDE = st.sampled_from([{}, {}, {}, {"id": "a"}, {"is_classification": True}, {"weight": 0}, {"history": []}])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_SAID, _SAID, _SAID, _BESIDE), min_size=1, max_size=8))
def test_a_record_of_three_texts_is_read_as_any_other_of_its_layout(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[Any, Any, Any, dict[str, Any]]]
) -> None:
    first = {"instruction": "Name a hill.", "input": "", "output": "Ben Nevis"}
    rows = [{"instruction": first, "input": two, "output": three, **more} for first, two, three, more in said]
    path = tmp_path_factory.mktemp("three") / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [first, *rows, *rows]), encoding="utf-8")
    short = list(read_set(str(path)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detect, "three_texts", lambda *_: None)
        assert list(read_set(str(path))) == short
