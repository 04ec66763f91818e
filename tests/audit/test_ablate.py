"""The stage `ablate`: whom it asks what, and what it tells."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.audit.ablate import Ablate
from selfinstruct.audit.ablate_markdown import table
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Traits
from tests.audit.ablations import Asking, echoing, obedient, parity, record

RECORDS = [*(record(parity(f"parity-{n}")) for n in range(12)), record(echoing())]


def run(model: Asking, tmp_path: Path, records: list[Task] = RECORDS, **knobs: Any) -> dict[str, Any]:
    bench = Bench(models={"student": model}, scratch=tmp_path, stage="ablate")
    outcomes = list(Ablate(**knobs)(records, bench))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == records
    assert [outcome.name for outcome in outcomes if isinstance(outcome, Built)] == ["ablation.json", "conditions.jsonl"]
    page: dict[str, Any] = json.loads((tmp_path / "ablation.json").read_text(encoding="utf-8"))
    [measured] = [outcome for outcome in outcomes if isinstance(outcome, Measured)]
    assert measured.value == {key: value for key, value in page.items() if key not in ("by_task", "failures")}
    return page


def test_a_model_that_reads_definitions_is_seen_to(tmp_path: Path) -> None:
    page = run(Asking(obedient), tmp_path)
    arms = {arm["name"]: arm for arm in page["arms"]}
    assert arms["original"]["labels"]["exact_match"]["value"] == 100
    assert arms["simplified"]["labels"]["exact_match"]["value"] == 0
    assert arms["original"]["free_text"]["rouge_l"]["value"] == 100
    assert arms["original"]["all"]["by_category"].keys() == {"Parity", "Repeating"}
    assert page["control"]["turned"]["value"] == 100
    assert page["control"]["followed"] is True
    assert page["conclusion"]["verdict"] == "uses the definition"
    assert {baseline["name"] for baseline in page["baselines"]} == {"guess", "majority", "copied_input"}
    assert "uses the definition" in table(page)
    assert page["by_task"]["original"]["parity-3"]["exact_match"] == 100


def test_a_model_that_answers_without_reading_is_not_said_to_use_it(tmp_path: Path) -> None:
    def deaf(text: str) -> str:
        put = text.rsplit("Input: ", 1)[1].split(".\n", maxsplit=1)[0]
        return ["even", "odd"][int(put) % 2] if put.isdigit() else put

    records = [record(parity(f"parity-{n}")) for n in range(30)]
    page = run(Asking(deaf), tmp_path, records)
    assert page["conclusion"]["verdict"] == "cannot tell"  # thirty tasks cannot show three points
    assert page["control"]["turned"]["value"] == 0
    assert run(Asking(deaf), tmp_path, records, margin=10)["conclusion"]["verdict"] == "does not use the definition"


def test_a_model_that_guesses_tells_nothing(tmp_path: Path) -> None:
    page = run(Asking(lambda text: "even"), tmp_path)  # noqa: ARG005
    assert page["beat_guessing"]["labels"] == []
    assert page["conclusion"]["verdict"] == "cannot tell"
    assert {comparison["verdict"] for comparison in page["comparisons"]["labels"]} == {"cannot tell"}


def test_a_prompt_that_conditions_share_is_asked_once_and_counts_in_each(tmp_path: Path) -> None:
    model = Asking(obedient)
    run(model, tmp_path, conditions=("simplified", "empty"))
    prompts = [request.prompt for request in model.asked]
    assert len(prompts) == len(set(prompts))
    lines = [json.loads(line) for line in (tmp_path / "conditions.jsonl").read_text(encoding="utf-8").splitlines()]
    free = [line for line in lines if line["task"] == "doubled"]
    assert len(free) == 16
    assert len({row["request"] for row in free}) == 8


def test_how_a_model_is_asked_depends_on_what_it_is_and_on_the_task(tmp_path: Path) -> None:
    plain = Asking(obedient, traits=Traits(chat=False))
    run(plain, tmp_path, conditions=("original",), instances=1)
    assert {request.stop for request in plain.asked} == {("\n",)}
    assert {request.max_tokens for request in plain.asked} == {24, 128}
    assert len(plain.asked) == 12 + 1 - 11  # tasks of one definition share a prompt
    assert all(isinstance(request.prompt, str) and request.prompt.endswith("Output:") for request in plain.asked)


def test_calls_that_fail_are_listed_and_count_nowhere_and_silence_is_a_wrong_answer(tmp_path: Path) -> None:
    page = run(Asking(lambda text: None if "Input: 3." in text else obedient(text)), tmp_path, conditions=("original",))
    assert page["failed"] == len(page["failures"]) == 12
    assert page["arms"][0]["labels"]["exact_match"]["value"] == 100
    with pytest.raises(BadInput, match="none of"):
        run(Asking(lambda text: None), tmp_path)  # noqa: ARG005


def test_only_tasks_kept_aside_are_asked_where_there_are_such(tmp_path: Path) -> None:
    records = [record(parity("learned")), *(record(parity(f"kept-{n}"), split="test") for n in range(2))]
    page = run(Asking(obedient), tmp_path, records)
    assert set(page["by_task"]["original"]) == {"kept-0", "kept-1"}


def test_any_set_with_a_label_space_will_do(tmp_path: Path) -> None:
    def row(task: int, n: int) -> Task:
        said = f"Task {task}: say even if two divides it, else odd."
        pair = Instance(str(n), ("even", "odd")[n % 2])
        return Task(instruction=said, instances=(pair,), provenance=Provenance(stage="input", source="rows.jsonl"))

    rows = [row(task, n) for task in range(3) for n in range(10)]
    lone = Task(
        instruction="Write a poem.",
        instances=(Instance("", "Rain."),),
        provenance=Provenance(stage="input", source="p"),
    )
    page = run(Asking(obedient), tmp_path, [*rows, lone], conditions=("original", "right_examples", "empty"))
    assert page["tasks"] == {"labels": 3, "free_text": 0}
    assert page["left_out"] == 1
    assert page["instances"] == 3 * 8  # two of each are the examples
    assert page["arms"][1]["labels"]["exact_match"]["value"] == 100


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record(parity())], "1 task"),
        ([], "0 tasks"),
        ([record(echoing("a")), record(echoing("b"))], "none of 2 tasks has a label space"),
        ([record(parity()), record(echoing("parity"))], "two tasks"),
    ],
)
def test_a_set_that_shows_nothing_is_refused_in_a_line(records: list[Task], said: str, tmp_path: Path) -> None:
    if said == "two tasks":  # they are told apart instead
        page = run(Asking(obedient), tmp_path, records, conditions=("original",))
        assert len(page["by_task"]["original"]) == 2
        return
    with pytest.raises(BadInput, match=said):
        run(Asking(obedient), tmp_path, records)


@pytest.mark.parametrize(
    "knobs", [{"conditions": ("orignal",)}, {"conditions": ()}, {"conditions": ("empty", "empty")}, {"shots": 0}]
)
def test_knobs_that_measure_nothing_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Ablate(**knobs)
