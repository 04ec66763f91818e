"""The stage that cuts and pairs."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.fragment.fragment import KINDS, Fragment
from selfinstruct.fragment.make_fragments import MakeFragments
from selfinstruct.records import Message, Task
from selfinstruct.stage import Bench, Built
from selfinstruct.text import one_line
from tests.fragment.builders import Made, make, many, task


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(many(), tmp_path_factory.mktemp("made"))


def joined(line: dict[str, Any]) -> str:
    """Prompt and continuation as one line, without regard to the seam."""
    return one_line(f"{line['prompt']} {line['continuation']}").lower()


def test_every_record_passes_unchanged_and_says_where_it_went(made: Made) -> None:
    assert [kept.record for kept in made.kept] == many()
    of_split = Counter(str(kept.evidence["split"]) for kept in made.kept)
    assert of_split == {"train": 96, "validation": 12, "test": 12}
    counts = Counter(line["source"] for line in made.lines())
    assert all(kept.evidence["fragments"] == counts[kept.record.id] for kept in made.kept)


def test_labels_are_one_to_two_exactly_or_one_to_one(made: Made, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        labels = Counter(line["label"] for line in made.lines(split))
        assert labels[0] == 2 * labels[1]
    assert len(made.lines()) == 6 * 120
    even = make(many(), tmp_path, labels="balanced")
    assert Counter(line["label"] for line in even.lines("train")) == {1: 288, 0: 288}


def test_every_kind_is_there_with_its_label_and_its_prompt(made: Made) -> None:
    lines = made.lines("train")
    assert {line["kind"] for line in lines} == {*KINDS} - {"carries_on"}  # no record says how it might go on
    for line in lines:
        kind = KINDS[line["kind"]]
        assert line["label"] == kind.label
        assert kind.prompt == "either" or line["whole"] == (kind.prompt == "whole")
        assert bool(line["ic_words"]) == kind.continues


def test_what_a_record_says_might_follow_its_instruction_is_a_continuation(tmp_path: Path) -> None:
    said = [
        replace(task, extra={"carries_on": f"I have asked {n} people and none could say."})
        for n, task in enumerate(many())
    ]
    made = make(said, tmp_path)
    lines = [line for line in made.lines("train") if line["kind"] == "carries_on"]
    texts = {task.id: str(task.extra["carries_on"]) for task in said}
    assert len(lines) > 20
    for line in lines:
        assert line["whole"]
        assert line["label"] == 0
        assert texts[line["source"]].lower().startswith(line["continuation"].strip().lower().rstrip("."))


def test_what_a_record_says_might_follow_the_beginning_of_its_instruction_stands_after_that_alone(
    tmp_path: Path,
) -> None:
    said = [
        replace(task, extra={"cut": " ".join(task.instruction.split()[:3]), "carries_on": f"and the number {n} too"})
        for n, task in enumerate(many())
    ]
    cuts = {task.id: str(task.extra["cut"]) for task in said}
    lines = [line for line in make(said, tmp_path).lines("train") if line["kind"] == "carries_on"]
    assert len(lines) > 20
    assert all(line["prompt"] == cuts[line["source"]] and not line["whole"] for line in lines)


def test_an_instruction_that_is_finished_joins_back_to_itself(made: Made) -> None:
    texts = {task.id: f"{task.instruction}\n\n{task.instances[0].input}" for task in many()}
    finished = [line for line in made.lines() if line["kind"] == "finishes"]
    assert sum(not line["open"] for line in finished) > 20
    for line in finished:
        whole = one_line(texts[line["source"]]).lower()
        assert whole.startswith(joined(line)) if line["open"] else whole == joined(line)
        assert line["ic_words"] >= 3
        assert len(line["prompt"].split()) >= 3


def test_what_answers_is_the_records_own_answer_or_that_of_another(made: Made) -> None:
    answers = {task.id: one_line(task.instances[0].output).lower() for task in many()}
    own = [line for line in made.lines() if line["kind"] in ("answer", "answer_to_part")]
    fits = [one_line(line["continuation"]).lower() in answers[line["source"]] for line in own]
    assert sum(fits) / len(fits) > 0.85  # the others begin with a phrase
    others = [line for line in made.lines() if line["kind"] == "other_answer"]
    assert any(one_line(line["continuation"]).lower() not in answers[line["source"]] for line in others)


def test_nothing_of_one_split_is_in_another(tmp_path: Path) -> None:
    tasks = [
        task(f"Describe animal a{n} and the colour c{n} of its skin in words.", f"Answer x{n} is long enough.")
        for n in range(60)
    ]
    fragments = make(tasks, tmp_path, test=0.3, validation=0.2)
    marks = {
        split: {
            word.strip(".:\"'").lower()
            for line in fragments.lines(split)
            for word in f"{line['prompt']} {line['continuation']}".split()
            if word.strip(".:\"'")[1:].isdigit()
        }
        for split in ("train", "validation", "test")
    }
    assert all(marks.values())
    assert not marks["train"] & marks["test"]
    assert not marks["train"] & marks["validation"]
    assert not marks["validation"] & marks["test"]


def test_another_instruction_is_a_near_one(made: Made) -> None:
    lines = [line for line in made.lines("train") if line["kind"] == "another"]
    shared = [{*line["prompt"].lower().split()} & {*line["continuation"].lower().split()} for line in lines]
    assert sum(len(words) >= 2 for words in shared) > 0.9 * len(lines)


def test_no_single_feature_gives_the_label_away(made: Made) -> None:
    shortcuts = made.told["shortcuts"]
    assert shortcuts["first_character"]["balanced"] < 0.65
    assert shortcuts["last_mark"]["balanced"] < 0.55
    assert shortcuts["white_space"]["balanced"] < 0.55
    assert shortcuts["whole_prompt"]["balanced"] < 0.55


def test_without_varied_seams_the_first_character_tells_more(made: Made, tmp_path: Path) -> None:
    plain = make(many(), tmp_path, seam_varied=0)
    assert (
        plain.told["shortcuts"]["first_character"]["balanced"]
        > made.told["shortcuts"]["first_character"]["balanced"] + 0.05
    )


def test_the_counts_close(made: Made) -> None:
    counts, lines = made.told, made.lines()
    assert counts["total"] == len(lines) == sum(part["fragments"] for part in counts["by_split"].values())
    assert counts["records"] == {"seen": 120, "used": 120, "unused": {}}
    for name in KINDS:
        assert sum(counts["by_kind"][name][split] for split in ("train", "validation", "test")) == sum(
            line["kind"] == name for line in lines
        )
    assert counts["by_input"]["with"]["fragments"] == sum(line["with_input"] for line in lines) > 0
    assert counts["cuts"] == {
        "made": sum(not line["whole"] for line in lines),
        "complete": sum(line["complete"] for line in lines),
    }
    about = json.loads((made.folder / "about.json").read_text(encoding="utf-8"))
    assert {**about, **counts} == about
    assert about["knobs"]["labels"] == "paper"


def test_ids_are_unique_and_lines_hold_all_that_was_promised(made: Made) -> None:
    lines = made.lines()
    assert len({line["id"] for line in lines}) == len(lines)
    assert {*lines[0]} == {
        "id",
        "prompt",
        "continuation",
        "label",
        "kind",
        "whole",
        "complete",
        "with_input",
        "open",
        "ic_words",
        "source",
        "set",
        "language",
    }


def test_a_line_gives_the_fragment_back(made: Made) -> None:
    for line in made.lines():
        assert Fragment.from_json(line).as_json() == line


def make_with_knob(tasks: list[Task], scratch: Path, seed: int) -> Path:
    outcomes = MakeFragments(seed=seed)(tasks, Bench(scratch=scratch, stage="fragment", seed=1))
    return next(outcome.path for outcome in outcomes if isinstance(outcome, Built))


def test_the_same_seed_gives_the_same_bytes_from_the_run_or_from_the_knob(tmp_path: Path) -> None:
    first, again = make(many(40), tmp_path / "a"), make(many(40), tmp_path / "b")
    other = make(many(40), tmp_path / "c", seed=7)
    knob = make_with_knob(many(40), tmp_path / "d", 7)
    for name in ("train.jsonl", "validation.jsonl", "test.jsonl", "about.json"):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()
        assert (other.folder / name).read_bytes() == (knob / name).read_bytes()
    assert (first.folder / "train.jsonl").read_bytes() != (other.folder / "train.jsonl").read_bytes()


def test_of_a_conversation_the_first_turn_is_taken(tmp_path: Path) -> None:
    later = (Message("user", "And the secondturn river?"), Message("assistant", "The secondturn Tajo."))
    tasks = [task(f"Name the number {n} of the rivers in Spain.", later=later) for n in range(8)]
    text = (make(tasks, tmp_path).folder / "train.jsonl").read_text(encoding="utf-8")
    assert "secondturn" not in text


def test_chinese_is_cut_between_characters_and_asked_back_in_chinese(tmp_path: Path) -> None:
    tasks = [
        task(f"请写一首关于第{n}个季节的短诗并说明理由。", f"第{n}首诗是春天来了。花开满山。人们都很高兴。")
        for n in range(40)
    ]
    lines = make(tasks, tmp_path).lines()
    assert {line["language"] for line in lines} == {"zh"}
    assert {line["kind"] for line in lines} == {*KINDS} - {"carries_on"}
    heads = [line["prompt"] for line in lines if line["kind"] == "finishes"]
    assert len({*heads}) > 10
    assert all(not line["continuation"].isascii() for line in lines if line["kind"] == "clarifies")


def test_an_unknown_language_has_no_questions_back(tmp_path: Path) -> None:
    tasks = [task(f"כתוב שיר קצר על הר מספר {n} של הארץ.", f"הר מספר {n} גבוה מאוד.") for n in range(12)]
    about = make(tasks, tmp_path).told
    assert about["by_kind"]["clarifies"]["train"] == 0
    assert about["by_split"]["train"]["prevalence"] == pytest.approx(1 / 3, abs=1e-3)


def test_a_set_too_short_to_cut_still_gives_whole_prompts(tmp_path: Path) -> None:
    lines = make([task(f"Name river {n}.", f"River {n} is long.") for n in range(20)], tmp_path).lines()
    assert lines
    assert all(line["whole"] for line in lines)
    labels = Counter(line["label"] for line in lines)
    assert labels[0] == 2 * labels[1]


def test_one_record_alone_gives_what_it_can(tmp_path: Path) -> None:
    lines = make([task("Name two of the long rivers of Spain.")], tmp_path).lines()
    assert {line["label"] for line in lines} == {0, 1}
    assert not {line["kind"] for line in lines} & {"another", "another_and_answers", "other_answer"}


def test_text_that_no_encoding_holds_is_written_escaped(tmp_path: Path) -> None:
    lines = make([task(f"Name the river \ud800 number {n} of all.") for n in range(6)], tmp_path).lines()
    assert any("\ud800" in line["prompt"] for line in lines)


def test_shares_are_knobs(tmp_path: Path) -> None:
    only = {name: 0.0 for name in KINDS if name not in ("answer", "finishes")}
    assert {line["kind"] for line in make(many(40), tmp_path, shares=only).lines()} == {"answer", "finishes"}


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"shares": {"anser": 1}}, "did you mean 'answer'"),
        ({"shares": {"answer": -1}}, "no share"),
        ({"shares": dict.fromkeys([name for name in KINDS if KINDS[name].label], 0)}, "no answer-like kind is left"),
        ({"test": 0.6, "validation": 0.4}, "nothing to train on"),
        ({"seam_varied": 2}, "no share"),
        ({"per_record": 0}, "too few"),
        ({"words_at_most": 9}, "leaves no room"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(knobs: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        MakeFragments(**knobs)


def test_a_set_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of 1 record has an instruction and an answer"):
        make([task("Name a river.", "")], tmp_path)
