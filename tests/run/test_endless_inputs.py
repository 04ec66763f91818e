"""What has no end is refused by its name, wherever a file may be given; so is what lies elsewhere."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from selfinstruct.dedup.novelty import LONGEST, MOST_WORDS, Novelty
from selfinstruct.errors import BadInput
from selfinstruct.formats.read_sets import read_set
from selfinstruct.formats.seeds import read_seeds
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.prices_and_budget import read_prices
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.run.human_sheets import _verdicts
from selfinstruct.run.inputs import place_of
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.stage import Bench, Kept, Rejected
from selfinstruct.store.ledger import read_ledger
from selfinstruct.store.reading import read_lines, read_object

READERS: dict[str, Callable[[Path], object]] = {
    "set": lambda path: list(read_set(str(path))),
    "seeds": read_seeds,
    "prices": read_prices,
    "script": lambda path: make_backend(f"scripted:{path}"),
    "sheet": lambda path: _verdicts(path, []),
    "recipe": read_yaml,
    "recording": lambda path: make_backend(f"replay:{path}"),
    "weights": lambda path: make_backend(f"gguf:{path}"),
    "file of a stage": lambda path: list(read_lines(path)),
    "sealed file": lambda path: read_object(path, "remove it"),
    "ledger": lambda path: list(read_ledger(path)),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_and_a_device_are_no_files(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    for name in ("pipe.jsonl", "zero.jsonl"):
        with pytest.raises(BadInput, match=f"{name}: no file: a device, a pipe or a socket"):
            READERS[reader](tmp_path / name)


@pytest.mark.parametrize(
    "name", ["../x", "../../etc/passwd", "a/b", "/etc/passwd", ".", "x\0y", "self_instruct.jsonl#"]
)
def test_a_built_in_set_is_named_and_no_path(name: str) -> None:
    with pytest.raises(BadInput, match="no built-in set"):
        place_of(f"builtin:{name}")


def test_an_instruction_too_long_to_be_compared_is_rejected_by_name() -> None:
    tasks = [
        Task(
            instruction=f"{number} " + "name a river " * 90_000,
            instances=(Instance("", "x"),),
            provenance=Provenance(stage="input"),
        )
        for number in range(3)
    ]
    outcomes = list(Novelty()(tasks, Bench()))
    assert all(isinstance(outcome, Rejected) and outcome.reason == "too_long" for outcome in outcomes)
    assert all(isinstance(outcome, Rejected) and outcome.evidence["limit"] == LONGEST for outcome in outcomes)
    assert Novelty().objects({"characters": 2 * LONGEST, "limit": LONGEST})


def test_an_instruction_of_too_many_words_to_be_compared_is_rejected_by_name() -> None:
    def made(text: str) -> Task:
        return Task(instruction=text, instances=(Instance("", "x"),), provenance=Provenance(stage="input"))

    many, few = made("a b " * (MOST_WORDS // 2 + 1)), made("river " * (MOST_WORDS - 1))
    assert len(many.instruction) < LONGEST < 2 * len(few.instruction)
    rejected, kept = Novelty()([many, few], Bench())
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "too_long"
    assert rejected.evidence["word_count"] == MOST_WORDS + 2
    assert Novelty().objects(rejected.evidence)
    assert isinstance(kept, Kept)
