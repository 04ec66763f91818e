"""Sets written in any layout: what is read again is what was there, the user's own fields with it."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.read_sets import read_set
from selfinstruct.formats.writing import WRITTEN_LAYOUTS, encoded_lines, write_set
from selfinstruct.prompt_templates import user_turn
from selfinstruct.records import Instance, Json, Message, Provenance, Task

ORIGIN = Provenance(stage="input", source="set.jsonl")
CHAT = Task(
    instruction="Name a river.",
    instances=(Instance("", "Tay"),),
    system="Be short.",
    later=(Message("user", "Another?"), Message("assistant", "Dee")),
    provenance=ORIGIN,
    extra={"id": "c1"},
)
TWO = Task(
    instruction="Add.",
    instances=(Instance("1 1", "2"), Instance("2 2", "4")),
    provenance=ORIGIN,
    extra={"id": "t1", "topic": "sums"},
)
READ_AS = {"seeds": "self_instruct", "self_instruct": "prompt_completion"}


def encode(task: Task, index: int) -> tuple[str, str]:
    return f"{task.instruction}\nOutput:", f" {task.instances[index].output}<|endoftext|>"


def again(path: Path, layout: str) -> list[Task]:
    records = list(read_set(str(path), layout=READ_AS.get(layout, layout)))
    assert all(isinstance(record, Task) for record in records), records
    return [record for record in records if isinstance(record, Task)]


def rows(path: Path) -> list[dict[str, Json]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def turns(more: list[tuple[str, str]]) -> tuple[Message, ...]:
    return tuple(turn for asks, says in more for turn in (Message("user", asks), Message("assistant", says)))


numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
jsons: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
names = st.text(max_size=5) | st.sampled_from(["metadata", "source", "topic", "url"])
extras = st.dictionaries(names, jsons, max_size=3)
said = st.text(max_size=30)
asking = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
given_input = said.filter(lambda text: text.strip().lower() != "<noinput>")
one_turn = st.builds(
    lambda instruction, pair, extra, label, system: Task(
        instruction=instruction,
        instances=(Instance(*pair),),
        is_classification=label,
        system=system,
        provenance=ORIGIN,
        extra=extra,
    ),
    asking,
    st.tuples(given_input, said),
    extras,
    st.none() | st.booleans(),
    said,
)
chats = st.builds(
    lambda first, answer, more, extra, system: Task(
        instruction=first,
        instances=(Instance("", answer),),
        system=system,
        later=turns(more),
        provenance=ORIGIN,
        extra=extra,
    ),
    asking,
    said,
    st.lists(st.tuples(said, said), max_size=2),
    extras,
    said,
)


@pytest.mark.parametrize("name", ["set.jsonl", "set.json", "set.jsonl.zst"])
@given(st.lists(one_turn, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_alpaca_comes_back_with_all_its_columns(
    tmp_path_factory: pytest.TempPathFactory, name: str, tasks: list[Task]
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    assert write_set(path, iter(tasks), "alpaca") == len(tasks)
    for back, task in zip(again(path, "alpaca"), tasks, strict=True):
        assert (back.instruction, back.instances, back.is_classification) == (
            task.instruction, task.instances, task.is_classification
        )  # fmt: skip
        assert (back.system, back.extra) == (task.system, task.extra)


@pytest.mark.parametrize("layout", ["messages", "sharegpt"])
@given(st.lists(chats, min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_conversations_come_back_whole(
    tmp_path_factory: pytest.TempPathFactory, layout: str, tasks: list[Task]
) -> None:
    path = tmp_path_factory.getbasetemp() / "set.jsonl"
    assert write_set(path, tasks, layout) == len(tasks)
    for back, task in zip(again(path, layout), tasks, strict=True):
        assert (back.instruction, back.instances, back.later) == (task.instruction, task.instances, task.later)
        assert (back.system, back.extra) == (task.system, task.extra)


@pytest.mark.parametrize("layout", ["seeds", "natinst"])
@given(st.lists(asking, min_size=1, max_size=2), st.lists(st.tuples(said, said), max_size=3), extras)
@settings(max_examples=60, deadline=None)
def test_tasks_with_many_instances_come_back_as_one(
    tmp_path_factory: pytest.TempPathFactory,
    layout: str,
    asked_for: list[str],
    pairs: list[tuple[str, str]],
    extra: dict[str, Json],
) -> None:
    instances = tuple(Instance(*pair) for pair in pairs)
    tasks = [Task(instruction=text, instances=instances, provenance=ORIGIN, extra=extra) for text in asked_for]
    path = tmp_path_factory.getbasetemp() / "set.json"
    assert write_set(path, tasks, layout) == len(tasks)
    for back, task in zip(again(path, layout), tasks, strict=True):
        assert (back.instruction, back.instances) == (task.instruction, task.instances)
        assert {key: back.extra[key] for key in task.extra} == task.extra


@given(st.lists(one_turn, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_prompt_and_completion_come_back(tmp_path_factory: pytest.TempPathFactory, tasks: list[Task]) -> None:
    path = tmp_path_factory.getbasetemp() / "set.jsonl"
    write_set(path, tasks, "prompt_completion")
    for back, task in zip(again(path, "prompt_completion"), tasks, strict=True):
        assert back.instruction == user_turn(task.instruction, task.instances[0].input)
        assert (back.instances[0].output, back.system) == (task.instances[0].output, task.system)
        assert {key: back.extra[key] for key in task.extra} == task.extra


plain = st.text(alphabet="ab c\n", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(plain, plain, st.lists(st.tuples(plain, plain), max_size=2), st.just("") | plain)
@settings(max_examples=60, deadline=None)
def test_tagged_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, first: str, answer: str, more: list[tuple[str, str]], system: str
) -> None:
    later = turns(more)
    task = Task(
        instruction=first, instances=(Instance("", answer),), system=system, later=later, provenance=ORIGIN
    )  # fmt: skip
    path = tmp_path_factory.getbasetemp() / "set.jsonl"
    write_set(path, [task], "tags")
    [back] = again(path, "tags")
    assert (back.instruction, back.instances, back.later, back.system) == (first, task.instances, later, system)


columns = st.dictionaries(
    st.sampled_from(["topic", "score", "tags", "about", "metadata"]),
    st.none() | st.booleans() | numbers | st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2) | jsons,
    max_size=4,
)


@given(st.lists(st.tuples(asking, columns), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_parquet_file_holds_any_columns(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, dict[str, Json]]]
) -> None:
    """Columns of one kind keep it; in others each value is JSON as text."""
    tasks = [
        Task(instruction=text, instances=(Instance("", "x"),), provenance=ORIGIN, extra=extra)
        for text, extra in records
    ]
    path = tmp_path_factory.getbasetemp() / "set.parquet"
    assert write_set(path, tasks, "alpaca") == len(tasks)
    for back, task in zip(again(path, "alpaca"), tasks, strict=True):
        assert back.instruction == task.instruction
        for key, value in task.extra.items():
            came = back.extra[key]
            assert without_null(came) == without_null(value) or (isinstance(came, str) and json.loads(came) == value)


def without_null(value: Json) -> Json:
    """A table has every field in every row."""
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    return [without_null(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("layout", WRITTEN_LAYOUTS)
@pytest.mark.parametrize("name", ["set.jsonl", "set.json", "set.parquet", "set.jsonl.gz"])
def test_same_tasks_same_bytes(layout: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert write_set(path, [TWO], layout, encode=encode) == (1 if layout in ("seeds", "natinst") else 2)
    first = path.read_bytes()
    assert write_set(path, iter([TWO]), layout, encode=encode) > 0
    assert path.read_bytes() == first
    if name == "set.jsonl":
        assert b"".join(encoded_lines([TWO], layout, encode=encode)) == first
    if name == "set.jsonl.gz":
        assert gzip.decompress(first) == b"".join(encoded_lines([TWO], layout, encode=encode))


def test_alpaca_with_more_columns_is_written_as_it_was_read(tmp_path: Path) -> None:
    first = tmp_path / "set.jsonl"
    line = {"instruction": "Add.", "input": "1 1", "output": "2", "id": 7, "topic": ["sums"], "metadata": {"by": "me"}}
    first.write_text(json.dumps(line) + "\n")
    write_set(tmp_path / "again.jsonl", again(first, "alpaca"), "alpaca")
    assert (tmp_path / "again.jsonl").read_bytes() == first.read_bytes()


def test_what_stood_beside_turns_and_instances_goes_back_there(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Name a river.", "name": "Ida"},
        {"role": "assistant", "content": "Tay", "weight": 0},
    ]
    seed = {
        "instruction": "Add.",
        "instances": [{"input": "1", "output": "1", "by": "me"}, {"input": "", "output": "0"}],
    }
    task = {
        "Definition": ["Add.", "Sum up."], "Positive Examples": [], "Negative Examples": [],
        "Instances": [{"id": "a", "input": "1", "output": ["1", "one"]}],
    }  # fmt: skip
    for value, layout in (({"messages": turns}, "messages"), (seed, "seeds"), (task, "natinst")):
        path = tmp_path / "set.jsonl"
        path.write_text(json.dumps(value) + "\n")
        write_set(tmp_path / "again.jsonl", again(path, layout), layout)
        assert rows(tmp_path / "again.jsonl") == [value]


def test_a_file_of_natinst_is_one_object(tmp_path: Path) -> None:
    write_set(tmp_path / "task1.json", [TWO], "natinst")
    assert json.loads((tmp_path / "task1.json").read_text())["Definition"] == ["Add."]
    assert write_set(tmp_path / "all.json", [TWO, TWO], "natinst") == 2
    assert len(json.loads((tmp_path / "all.json").read_text())) == 2


def test_an_id_stands_once_though_a_task_makes_two_rows(tmp_path: Path) -> None:
    write_set(tmp_path / "set.jsonl", [TWO], "alpaca")
    assert [row["id"] for row in rows(tmp_path / "set.jsonl")] == ["t1/0", "t1/1"]
    assert len(again(tmp_path / "set.jsonl", "alpaca")) == 2


def test_measures_and_clashing_names_stand_under_metadata(tmp_path: Path) -> None:
    task = Task(
        instruction="Add.",
        instances=(Instance("", "0"),),
        provenance=ORIGIN,
        extra={"output": "mine", "metadata": {"by": "me"}},
        measures={"words": 1.0},
    )
    write_set(tmp_path / "set.jsonl", [task], "alpaca")
    [row] = rows(tmp_path / "set.jsonl")
    assert row["metadata"] == {"by": "me", "measures": {"words": 1.0}, "extra": {"output": "mine"}}


@pytest.mark.parametrize("layout", ["alpaca", "prompt_completion", "self_instruct", "seeds", "natinst"])
def test_a_conversation_is_cut_only_when_told(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    with pytest.raises(
        BadInput, match=rf"record {CHAT.id[:16]} \('Name a river.'\): a conversation of 2 .*first_turn=True"
    ):
        write_set(path, [CHAT], layout, encode=encode)
    assert write_set(path, [CHAT], layout, encode=encode, first_turn=True) == 1
    [row] = rows(path)
    assert row["system"] == "Be short."
    assert "Dee" not in json.dumps(row)


def test_a_task_without_an_answer_is_not_left_out(tmp_path: Path) -> None:
    bare = Task(instruction="Name a river.", provenance=ORIGIN)
    with pytest.raises(BadInput, match=r"record .* no answer to write; take the layout seeds"):
        write_set(tmp_path / "set.jsonl", [bare], "messages")
    assert write_set(tmp_path / "set.jsonl", [bare], "seeds") == 1
    assert [task.instances for task in again(tmp_path / "set.jsonl", "seeds")] == [()]


@pytest.mark.parametrize(("name", "layout", "says"), [
    ("set.xlsx", "alpaca", r"set\.xlsx: ends in '\.xlsx'"),
    ("set", "alpaca", "ends in ''"),
    ("set.jsonl", "nonsense", "format: no layout 'nonsense'; take one of messages"),
])  # fmt: skip
def test_an_unknown_ending_or_layout_is_one_line(name: str, layout: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        write_set(tmp_path / name, [TWO], layout)


def test_nothing_is_an_empty_file(tmp_path: Path) -> None:
    for name, content in (("set.jsonl", b""), ("set.json", b"[]\n")):
        assert write_set(tmp_path / name, [], "messages") == 0
        assert (tmp_path / name).read_bytes() == content
