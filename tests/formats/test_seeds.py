"""Seed files: the shapes people have, and anything else in one clear line."""

import gzip
import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.records import Instance

SEED = {
    "id": "seed_task_0",
    "name": "river",
    "instruction": "Name a river.",
    "instances": [{"input": "", "output": "The Tay."}],
    "is_classification": False,
}


def write(folder: Path, *lines: object, name: str = "seeds.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def test_the_published_schema_loads_and_the_users_fields_survive(tmp_path: Path) -> None:
    [task] = read_seeds(write(tmp_path, SEED))
    assert (task.instruction, task.instances, task.is_classification, task.human) == (
        "Name a river.",
        (Instance("", "The Tay."),),
        False,
        True,
    )
    assert task.extra == {"id": "seed_task_0", "name": "river"}


def test_our_own_seeds_load() -> None:
    assert len(read_seeds(builtin_seeds())) >= 175


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.jsonl", '{"instruction": "Name a river.", "input": "", "output": "Tay"}\n'),
        ("s.json", '[{"instruction": "Name a river.", "output": "Tay"}]'),
        ("s.json", '["Name a river."]'),
        ("s.jsonl", '"Name a river."\n'),
        ("s.jsonl", '\ufeff{"instruction": "Name a river."}\n\n'),
        ("s.txt", "Name a river.\n\n"),
        ("s.jsonl", '{"instruction": "Name a river.", "instances": [{"input": "", "output": ""}]}\n'),
    ],
)
def test_other_shapes_load_as_they_are(name: str, text: str, tmp_path: Path) -> None:
    [task] = read_seeds(write(tmp_path, text, name=name))
    assert task.instruction == "Name a river."


def test_a_compressed_file_loads_and_a_torn_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl.gz"
    packed = gzip.compress((json.dumps(SEED) + "\n").encode() * 3)
    path.write_bytes(packed[:-12])
    with pytest.raises(BadInput, match=r"seeds\.jsonl\.gz:\d+: (ends|cannot|id)"):
        read_seeds(path)
    path.write_bytes(gzip.compress((json.dumps(SEED) + "\n").encode()))
    assert len(read_seeds(path)) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{not json}", r"seeds\.jsonl:2: not JSON"),
        ('{"instruction": 7}', r"seeds\.jsonl:2: key 'instruction': a number, not text"),
        ('{"text": "x"}', r"seeds\.jsonl:2: key 'instruction' is missing"),
        ('{"instruction": " "}', r"seeds\.jsonl:2: key 'instruction' is empty"),
        ('{"instruction": "a b", "instances": [1]}', r"seeds\.jsonl:2: key 'instances'"),
        ('{"instruction": "a b", "instances": [], "output": ""}', r"seeds\.jsonl:2: has both"),
        ('{"instruction": "a b", "input": "x"}', r"seeds\.jsonl:2: key 'output' is missing"),
        ('{"instruction": "a b", "is_classification": "yes"}', r"seeds\.jsonl:2: key 'is_classification'"),
        ('{"instruction": "a", "instruction": "b"}', r"seeds\.jsonl:2: key 'instruction' stands twice"),
        ('{"instruction": NaN}', r"seeds\.jsonl:2: NaN is no JSON"),
        ('{"instruction": "\\ud800"}', r"seeds\.jsonl:2: half of a character"),
        ("[" * 100 + "]" * 100, r"seeds\.jsonl:2: nested deeper"),
        ("[" * 100_000, r"seeds\.jsonl:2: (nested|not JSON)"),
        ("9" * 5000, r"seeds\.jsonl:2: a number of 5000 digits"),
        (
            '{"id": "seed_task_0", "instruction": "Another one."}',
            r"seeds\.jsonl:2: id .seed_task_0. stands twice",
        ),
        ("17", r"seeds\.jsonl:2: a number, no task"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_place(line: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        read_seeds(write(tmp_path, SEED, line + "\n"))


@pytest.mark.parametrize("key", ["1", '"a"', '"\\u00e6"'])
def test_an_id_of_the_user_stands_once_whatever_its_type(key: str, tmp_path: Path) -> None:
    line = f'{{"instruction": "Name a river.", "id": {key}}}\n'
    with pytest.raises(BadInput, match=r"seeds\.jsonl:2: id .+ stands twice, first at .*seeds\.jsonl:1;"):
        read_seeds(write(tmp_path, line, line))


def test_a_number_and_a_text_are_different_ids_and_null_is_none(tmp_path: Path) -> None:
    ids = [1, "1", True, True, None, None]
    assert len(read_seeds(write(tmp_path, *[{"instruction": "Name a river.", "id": key} for key in ids]))) == len(ids)


def test_what_instances_say_besides_is_kept(tmp_path: Path) -> None:
    pairs = [{"input": "", "output": "Tay", "score": 3}, {"output": "Dee"}]
    [task] = read_seeds(write(tmp_path, {"instruction": "Name a river.", "instances": pairs}))
    assert task.instances == (Instance("", "Tay"), Instance("", "Dee"))
    assert task.extra == {"instances": [{"score": 3}, {}]}


def test_an_input_that_says_there_is_none_is_empty(tmp_path: Path) -> None:
    [task] = read_seeds(write(tmp_path, {"instruction": "Add.", "input": "<noinput>", "output": "2"}))
    assert task.instances == (Instance("", "2"),)


def test_the_bad_item_of_instances_is_named(tmp_path: Path) -> None:
    pairs = [{"input": "", "output": "Tay"}, {"input": 3, "output": "Dee"}]
    with pytest.raises(BadInput, match=r"seeds\.jsonl:1: 'instances', item 2, 'input': a number, not text"):
        read_seeds(write(tmp_path, {"instruction": "Name a river.", "instances": pairs}))


def test_a_line_that_never_ends_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    with pytest.raises(BadInput, match=r"seeds\.jsonl:1: a line over 16 MiB"):
        read_seeds(path)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_file_without_tasks_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no tasks"):
        read_seeds(write(tmp_path, text))


def test_twins_are_told_apart_by_their_ordinal(tmp_path: Path) -> None:
    twin = {"instruction": "Name a river."}
    tasks = read_seeds(write(tmp_path, twin, twin, twin))
    assert [task.ordinal for task in tasks] == [0, 1, 2]
    assert len({task.id for task in tasks}) == 3


@pytest.mark.parametrize(("count", "twins"), [(1, 0), (3, 5000)])
def test_ids_differ_however_many_twins_there_are(count: int, twins: int, tmp_path: Path) -> None:
    line = {"instruction": "Name a river."}
    tasks = read_seeds(write(tmp_path, *[line] * twins, *[{"instruction": f"Name {n}."} for n in range(count)]))
    assert len({task.id for task in tasks}) == twins + count
    assert read_seeds(tmp_path / "seeds.jsonl") == tasks
