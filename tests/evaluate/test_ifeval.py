"""IFEval: what each kind asks, what strict and loose mean, and which files of prompts are refused."""

import hashlib
import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.ifeval.instruction_ids import KINDS
from selfinstruct.evaluate.ifeval.prompt_records import IfevalPrompt, Instruction, ifeval_prompt, ifeval_prompts
from selfinstruct.evaluate.ifeval.strict_and_loose import following, loosened
from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l
from tests.evaluate.ifeval_answers import AT_LEAST, FOLLOWED, LESS

SEEDS = Path(__file__).parents[2] / "seeds"
FILE = SEEDS / "ifeval.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
TOLD_BY_LANGUAGE = ("language:response_language", "change_case:english_capital", "change_case:english_lowercase")
TEXTS = st.text(alphabet=st.sampled_from(list('ab AB.,*-"[]<>\n1#')), max_size=60)


def instruction(kind: str) -> Instruction:
    return Instruction(kind, KINDS[kind].arguments(FOLLOWED[kind][0], "here"))


def prompt(*kinds: str) -> IfevalPrompt:
    return IfevalPrompt("1", "Ask.", tuple(instruction(kind) for kind in kinds))


def test_there_are_the_25_public_kinds_and_an_example_of_each() -> None:
    assert len(KINDS) == 25
    assert list(FOLLOWED) == list(KINDS)


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind_tells_what_follows_from_what_does_not(kind: str) -> None:
    _, follow, not_follow = FOLLOWED[kind]
    example = instruction(kind)
    assert [said for said in follow if not example.followed(said)] == []
    assert [said for said in not_follow if example.followed(said)] == []


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_empty_answer_follows_nothing(kind: str) -> None:
    outcome = following(prompt(kind), " \n ")
    assert (outcome.strict, outcome.loose) == ((False,), (False,))


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in TOLD_BY_LANGUAGE])
@given(said=TEXTS)
@settings(max_examples=25, deadline=None)
def test_what_is_followed_strictly_is_followed_loosely(kind: str, said: str) -> None:
    outcome = following(prompt(kind), said)
    assert outcome.loose[0] or not outcome.strict[0]


@pytest.mark.parametrize(
    ("kind", "number", "relation", "more"),
    [
        ("keywords:frequency", "frequency", "relation", {"keyword": "a"}),
        ("keywords:letter_frequency", "let_frequency", "let_relation", {"letter": "a"}),
        ("length_constraints:number_words", "num_words", "relation", {}),
        ("length_constraints:number_sentences", "num_sentences", "relation", {}),
        ("change_case:capital_word_frequency", "capital_frequency", "capital_relation", {}),
    ],
)
@given(said=TEXTS, threshold=st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_less_than_and_at_least_are_each_others_contrary(
    kind: str, number: str, relation: str, more: dict[str, Any], said: str, threshold: int
) -> None:
    passed = [KINDS[kind].check(said, **{number: threshold, relation: name}, **more) for name in (LESS, AT_LEAST)]
    assert sorted(passed) == [False, True]


@given(said=TEXTS)
def test_forms_of_an_answer_are_eight_and_begin_with_itself(said: str) -> None:
    forms = list(loosened(said))
    assert len(forms) == 8
    assert forms[0] == said
    assert [form for form in forms[4:] if "*" in form] == []


def test_a_line_before_and_a_line_after_are_forgiven_loosely_and_stars_too() -> None:
    asked = prompt("detectable_format:json_format", "startend:quotation")
    outcome = following(asked, 'Here it is:\n*"12"*\nBye!')
    assert (outcome.strict, outcome.loose) == ((False, False), (True, True))


def test_a_keyword_that_is_no_pattern_is_searched_for_as_written() -> None:
    assert KINDS["keywords:existence"].check("I like C++.", keywords=["c++"])
    assert not KINDS["keywords:forbidden_words"].check("I like C++.", forbidden_words=["c++"])


def row(**more: Any) -> dict[str, Any]:
    told = {
        "key": 7,
        "prompt": "Ask.",
        "instruction_id_list": ["length_constraints:number_words"],
        "kwargs": [{"num_words": 9.0, "relation": "at least", "num_bullets": None}],
    }
    return {**told, **more}


def test_arguments_of_other_kinds_that_are_null_are_left_out_as_the_hub_has_them() -> None:
    read = ifeval_prompt(row(), "here")
    assert (read.key, read.instructions) == (
        "7",
        (Instruction("length_constraints:number_words", {"num_words": 9, "relation": "at least"}),),
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"prompt": None}, "'key' or 'prompt' is missing"),
        ({"key": True}, "'key' or 'prompt' is missing"),
        ({"kwargs": None}, "is no list"),
        ({"kwargs": []}, "1 ids of instructions and 0 kwargs"),
        ({"instruction_id_list": ["length_constraints:letters"]}, "no instruction 'length_constraints:letters'"),
        ({"kwargs": [{"num_words": 9}]}, "no 'relation'"),
        ({"kwargs": [{"num_words": 9.5, "relation": "at least"}]}, "'num_words' is 9.5"),
        ({"kwargs": [{"num_words": 9, "relation": "about"}]}, "'relation' is 'about'"),
        ({"kwargs": [None]}, "no 'num_words'"),
    ],
)
def test_a_row_that_cannot_be_checked_is_refused_with_its_place(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as fault:
        ifeval_prompts([("set.jsonl:3", row(**broken))])
    assert fault.value.place.startswith("set.jsonl:3")
    assert fault.value.fix


def test_a_key_that_stands_twice_and_a_file_without_prompts_are_refused() -> None:
    with pytest.raises(BadInput, match="stands twice"):
        ifeval_prompts([("set.jsonl:1", row()), ("set.jsonl:2", row())])
    with pytest.raises(BadInput, match="no prompt"):
        ifeval_prompts([])


def test_our_prompts_can_be_read_and_have_every_kind_at_least_twice() -> None:
    prompts = ifeval_prompts((f"{FILE.name}:{number}", row) for number, row in enumerate(ROWS, 1))
    assert len(prompts) >= 60
    asked = [instruction.id for prompt in prompts for instruction in prompt.instructions]
    assert {kind: asked.count(kind) for kind in KINDS if asked.count(kind) < 2} == {}


def test_the_readme_names_the_hash_of_our_prompts() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_our_prompts_say_what_is_checked() -> None:
    """Every number, keyword and phrase that the checkers look for stands in the prompt, too."""
    unsaid = []
    for row in ROWS:
        for knobs in row["kwargs"]:
            for name, value in knobs.items():
                values = value if isinstance(value, list) else [value]
                if name not in ("language", "nth_paragraph") and not all(str(part) in row["prompt"] for part in values):
                    unsaid.append((row["key"], name, value))
    assert unsaid == []


def test_no_two_of_our_prompts_are_alike() -> None:
    cut = {row["key"]: words(row["prompt"]) for row in ROWS}
    assert [pair for pair in combinations(cut, 2) if rouge_l(cut[pair[0]], cut[pair[1]]) > 0.72] == []
