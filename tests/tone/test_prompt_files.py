"""The two shipped files of prompts: what a score of `ifs-v1` rests on."""

import hashlib
import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l
from selfinstruct.tone.objecqa_share import objecqa_tasks, questions_of
from selfinstruct.tone.prompt_sets import ifs_tasks, is_sentence

SEEDS = Path(__file__).parents[2] / "seeds"
LIKE = 0.6
TEN_OF_THE_PAPER = re.compile(
    r"ice[- ]cream|\bteas?\b|coffee|\bcats?\b|\bdogs?\b|beach|mountain|city or|countryside|e-?book|films?\b|movie"
    r"|\bgenre|sunrise|sunset|\bsummer|winter or",
    re.IGNORECASE,
)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SEEDS / name).read_text(encoding="utf-8").splitlines()]


INSTRUCTIONS, QUESTIONS = rows("ifs_instructions.jsonl"), rows("objecqa.jsonl")


@pytest.mark.parametrize("name", ["ifs_instructions.jsonl", "objecqa.jsonl"])
def test_the_file_is_the_one_whose_hash_is_stated(name: str) -> None:
    stated = hashlib.sha256((SEEDS / name).read_bytes()).hexdigest()
    assert stated in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_there_are_five_hundred_instructions_with_ids_in_order() -> None:
    assert [row["id"] for row in INSTRUCTIONS] == [f"ifs-{number:03d}" for number in range(1, 501)]
    assert {tuple(row) for row in INSTRUCTIONS} == {("id", "instruction", "cut", "topic")}


def test_every_cut_is_a_beginning_at_a_space_with_three_words_on_either_side_and_no_sentence() -> None:
    for row in INSTRUCTIONS:
        rest = row["instruction"].removeprefix(row["cut"])
        assert row["instruction"] == row["cut"] + rest
        assert rest.startswith(" ")
        assert min(len(row["cut"].split()), len(rest.split())) >= 3, row
        assert not is_sentence(row["cut"]), row


def test_no_two_instructions_are_alike_and_none_is_like_a_seed_task() -> None:
    ours = [words(row["instruction"]) for row in INSTRUCTIONS]
    seeds = [words(row["instruction"]) for row in rows("self_instruct.jsonl")]
    alike = [(first, other) for first, other in combinations(ours, 2) if rouge_l(first, other) > LIKE]
    alike += [(our, seed) for our in ours for seed in seeds if rouge_l(our, seed) > LIKE]
    assert alike == []


def test_the_instructions_vary_in_topic_opening_and_length() -> None:
    lengths = sorted(len(row["instruction"].split()) for row in INSTRUCTIONS)
    assert len({row["topic"] for row in INSTRUCTIONS}) == 62
    assert len({words(row["instruction"])[0] for row in INSTRUCTIONS}) >= 100
    assert lengths[25] < 8
    assert lengths[-25] >= 19


def test_the_prompt_set_holds_each_instruction_whole_and_cut_under_one_source() -> None:
    tasks = ifs_tasks(INSTRUCTIONS)
    assert len(tasks) == 1000
    assert len({task.id for task in tasks}) == 1000
    assert sum(task.extra["whole"] is True for task in tasks) == 500
    assert not any(task.extra["complete"] for task in tasks)
    assert tasks[0].extra["source"] == tasks[1].extra["source"] == "ifs-001"


def test_there_are_a_hundred_questions_of_taste_in_four_phrasings_none_of_them_the_papers() -> None:
    texts = [text for row in QUESTIONS for text in (row["question"], *row["phrasings"])]
    assert [row["id"] for row in QUESTIONS] == [f"taste-{number:03d}" for number in range(1, 101)]
    assert len(set(texts)) == len(texts) == 400
    assert [text for text in texts if not re.fullmatch(r"[A-Z].*[.?]", text)] == []
    assert [text for text in texts if TEN_OF_THE_PAPER.search(text)] == []
    assert len(questions_of(objecqa_tasks(QUESTIONS))) == 400
