"""The stage: what models are asked of suites, how answers are marked, and what the numbers are made of."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.suites.suite import Suite
from selfinstruct.evaluate.suites.suite_files import ifeval_tasks, superni_tasks, user_tasks
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Traits
from selfinstruct.superni import natinst_task
from tests.evaluate.fakes import Speaker, task, text_of

ROWS: list[dict[str, Any]] = [
    {"key": 1, "prompt": "Say it.", "instruction_id_list": ["startend:quotation"], "kwargs": [{}]},
    {
        "key": 2,
        "prompt": "Say more.",
        "instruction_id_list": ["startend:quotation", "punctuation:no_comma"],
        "kwargs": [{}, {}],
    },
    {
        "key": 3,
        "prompt": "Auf Deutsch.",
        "instruction_id_list": ["language:response_language"],
        "kwargs": [{"language": "de"}],
    },
]
TASKS = [
    natinst_task(
        {
            "Definition": [f"Name river {number}."],
            "Categories": ["Title Generation" if number else "Word Analogy"],
            "Instances": [{"input": f"place {place}", "output": ["The Tay", "Dee"]} for place in range(3)],
        },
        f"task{number}",
    )
    for number in range(2)
]


def run(
    stage: Suite, folder: Path, *models: Speaker, benchmarks: dict[str, Sequence[Task]] | None = None
) -> tuple[list[Outcome], dict[str, Any], list[dict[str, Any]]]:
    there = benchmarks or {"ifeval-v1": ifeval_tasks(ROWS, "set.jsonl"), "ni": tuple(superni_tasks(TASKS, 2))}
    bench = Bench(models=dict(zip(("student", "base"), models, strict=False)), benchmarks=there, scratch=folder)
    outcomes = list(stage([task("Kept.")], bench))
    built = {outcome.name: outcome.path for outcome in outcomes if isinstance(outcome, Built)}
    lines = built["suite.jsonl"].read_text(encoding="utf-8").splitlines()
    return outcomes, json.loads(built["suite.json"].read_text(encoding="utf-8")), [json.loads(line) for line in lines]


def test_ifeval_is_asked_greedily_and_told_by_prompt_by_instruction_and_by_kind(tmp_path: Path) -> None:
    speaker = Speaker(lambda prompt: '"Yes, it is."' if "Say" in prompt else "Der Fluss ist sehr lang und kalt.")
    outcomes, page, lines = run(Suite(), tmp_path, speaker)
    assert [outcome.record.instruction for outcome in outcomes if isinstance(outcome, Kept)] == ["Kept."]
    assert {(request.temperature, request.max_tokens, request.purpose) for request in speaker.asked} == {
        (0.0, 1280, "suite")
    }
    numbers = page["models"][0]["ifeval"]
    assert numbers["answered"] == 3
    assert numbers["measures"]["prompt_strict"]["value"] == pytest.approx(2 / 3)
    assert numbers["measures"]["instruction_strict"]["value"] == pytest.approx(3 / 4)
    assert numbers["measures"]["instruction_strict"]["n"] == 4
    assert numbers["by_category"]["startend:quotation"]["instruction_loose"]["value"] == 1.0
    assert numbers["by_category"]["punctuation:no_comma"]["instruction_strict"]["value"] == 0.0
    assert [line["marks"]["prompt_strict"] for line in lines] == [[1.0, 1], [0.0, 1], [1.0, 1]]
    assert lines[0]["response"] == '"Yes, it is."'


def test_superni_is_asked_by_definition_alone_and_told_by_category_with_intervals_by_task(tmp_path: Path) -> None:
    speaker = Speaker(lambda prompt: "the tay." if "river 1" in prompt else "a lake")
    _, page, lines = run(Suite(suites=("superni",), superni="ni"), tmp_path, speaker)
    assert {request.max_tokens for request in speaker.asked} == {128}
    asked = "Definition: Name river 0.\n\nNow complete the following example -\nInput: place 0.\nOutput:"
    assert text_of(speaker.asked[0]) == asked
    numbers = page["models"][0]["superni"]
    assert (numbers["answered"], numbers["measures"]["exact_match"]["value"]) == (4, 0.5)
    assert (numbers["measures"]["rouge_l"]["sources"], numbers["measures"]["rouge_l"]["n"]) == (2, 4)
    assert numbers["by_category"]["Title Generation"]["rouge_l"]["value"] == 1.0
    assert len({line["id"] for line in lines}) == 4


def test_user_oriented_tasks_are_asked_and_left_for_people_to_mark(tmp_path: Path) -> None:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("set.jsonl:1", {"id": "u1", "instruction": "Sort.", "instances": [{"input": "b a", "output": ""}]}),
        ("set.jsonl:2", {"id": "u2", "instruction": "Greet.", "input": ""}),
    ]
    speaker = Speaker(lambda _: "a b")
    there: dict[str, Sequence[Task]] = {"user-v1": user_tasks(rows, "set.jsonl")}
    _, page, lines = run(Suite(suites=("user_oriented",)), tmp_path, speaker, benchmarks=there)
    assert [text_of(request) for request in speaker.asked] == ["Sort.\n\nb a", "Greet."]
    assert (page["models"][0]["user_oriented"]["answered"], page["models"][0]["user_oriented"]["measures"]) == (2, {})
    assert [line["source"] for line in lines] == ["u1", "u2"]
    with pytest.raises(BadInput, match="no user-oriented task"):
        user_tasks([("set.jsonl:1", {"id": "u1"})], "set.jsonl")


def test_our_user_oriented_tasks_can_be_read_and_their_hash_stands_in_the_readme() -> None:
    file = Path(__file__).parents[2] / "seeds" / "user_oriented.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len({question.instruction for question in user_tasks((("", row) for row in rows), file.name)}) == 28
    assert hashlib.sha256(file.read_bytes()).hexdigest() in (file.parent / "README.md").read_text(encoding="utf-8")


def test_models_stand_side_by_side_and_failed_calls_are_counted_apart_from_silence(tmp_path: Path) -> None:
    broken = Speaker(lambda prompt: None if "more" in prompt else '"Yes"', name="scripted:base")
    silent = Speaker(lambda _: None, fails="only_thinking")
    outcomes, page, lines = run(Suite(beside=("base",)), tmp_path, silent, broken)
    assert [(model["ifeval"]["answered"], model["ifeval"]["failed"]) for model in page["models"]] == [(3, 0), (2, 1)]
    assert page["models"][0]["ifeval"]["measures"]["prompt_loose"]["value"] == 0.0
    assert [failure["question"] for failure in page["failures"]] == [lines[1]["id"]]
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert isinstance(measured, dict)
    assert measured["failed"] == 1


def test_a_model_without_a_template_is_asked_bare(tmp_path: Path) -> None:
    bare = Speaker(lambda _: "x", traits=Traits(chat=False))
    _, page, _ = run(Suite(first=1, max_tokens=9), tmp_path, bare)
    assert [request.max_tokens for request in bare.asked] == [page["suites"]["ifeval"]["max_tokens"]] == [9]
    assert (page["models"][0]["wrapper"], page["suites"]["ifeval"]["questions"]) == ("none", 1)


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    stage = Suite(suites=("ifeval", "superni"), superni="ni")
    for name in ("a", "b"):
        run(stage, tmp_path / name, Speaker(lambda prompt: prompt[:9]))
    for name in ("suite.json", "suite.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"suites": ("mmlu",)}, "no suite 'mmlu'"),
        ({"suites": ("superni", "harness")}, "suite 'harness' asks by itself; ask it alone"),
        ({"suites": ()}, "none is named"),
        ({"suites": ("ifeval", "ifeval")}, "one twice"),
        ({"wrappers": ("nothing",)}, "nothing"),
        ({"instances": 0}, "below 1"),
    ],
)
def test_knobs_that_measure_nothing_are_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Suite(**knobs)


def test_no_answer_at_all_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of 3 questions"):
        run(Suite(), tmp_path, Speaker(lambda _: None))


def test_what_marks_answers_is_loaded_before_the_first_question_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def rouge(said: str, references: Sequence[str]) -> float:
        seen.append(said)
        return float(said in references)

    monkeypatch.setattr("selfinstruct.evaluate.suites.suite_questions.package_rouge_l", rouge)

    def says(_prompt: str) -> str:
        seen.append("asked")
        return "The Tay"

    run(Suite(suites=("superni",), superni="ni", wrappers=("none",)), tmp_path, Speaker(says))
    assert seen[:3] == ["", "asked", "The Tay"]
