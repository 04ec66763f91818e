"""Training arms: what each student learns and is asked, and what all of them show together."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.audit.ablate import Ablate
from selfinstruct.audit.ablate_markdown import curve, table
from selfinstruct.audit.ablate_training import TRAINABLE, Training, fold_of, kept_aside, lessons, together, trainings
from selfinstruct.errors import BadInput
from selfinstruct.formats.layouts import natinst
from selfinstruct.records import Provenance
from selfinstruct.stage import Bench
from tests.audit.ablations import Asking, obedient, studies

TASKS = studies(7)


def student(arm: str, fold: int = 0, examples: int = 4) -> Training:
    return Training(arm=arm, examples=examples, seed=1, fold=fold)


def test_every_arm_learns_as_much_and_no_task_that_it_is_asked_about() -> None:
    for fold in range(2):
        learned = {arm: lessons(student(arm, fold), TASKS, 2, shots=2) for arm in TRAINABLE}
        assert len({len(rows) for rows in learned.values()}) == 1
        asked = {row["Name"] for row in kept_aside(student("original", fold), TASKS, 2)}
        assert len(learned["original"]) == 4 * (len(TASKS) - len(asked))
        right = [row["output"] for row in learned["original"]]
        wrong = [row["output"] for row in learned["wrong_pairing"]]
        assert not [pair for pair in zip(right, wrong, strict=True) if pair[0] == pair[1]]
        assert [row["instruction"] for row in learned["wrong_pairing"]] == [
            row["instruction"] for row in learned["original"]
        ]
        assert all([row["output"] for row in learned[arm]] == right for arm in TRAINABLE if arm != "wrong_pairing")


def test_over_the_folds_each_task_is_asked_about_once_and_each_kind_is_spread() -> None:
    asked = [str(row["Name"]) for fold in range(3) for row in kept_aside(student("empty", fold), TASKS, 3)]
    assert sorted(asked) == sorted(task.name for task in TASKS)
    labelled = [fold_of(task, TASKS, 3) for task in TASKS if task.labels]
    assert sorted(labelled) == [0, 0, 0, 1, 1, 2, 2]


def test_what_an_arm_is_asked_under() -> None:
    asked = {arm: student(arm).asked for arm in TRAINABLE}
    assert asked["original"] == ("original", "inverted")
    assert asked["delusive_examples"] == ("right_examples",)
    assert asked["wrong_pairing"] == ("original",)
    assert asked["simplified"] == ("simplified",)


def test_the_design_names_every_student_once_and_refuses_what_cannot_be_trained() -> None:
    made = trainings(("original", "empty"), (5, 50), (1, 2), 2)
    assert len({training.name for training in made}) == len(made) == 16
    for arms, folds in ((("inverted",), 2), ((), 2), (("empty", "empty"), 2), (("empty",), 1)):
        with pytest.raises(BadInput):
            trainings(arms, (5,), (1,), folds)


def test_students_that_learned_to_read_are_told_from_those_that_did_not(tmp_path: Path) -> None:
    trained: list[tuple[Training, dict[str, Any]]] = []
    for training in trainings(("original", "simplified", "empty", "wrong_pairing"), (4,), (1, 2), 2):
        rows = kept_aside(training, TASKS, 2)
        records = [natinst(row, Provenance(stage="input", source="asked.jsonl")) for row in rows]

        def says(text: str, arm: str = training.arm) -> str:
            said = obedient(text)
            return {"even": "odd", "odd": "even"}.get(said, said) if arm == "wrong_pairing" else said

        bench = Bench(models={"student": Asking(says)}, scratch=tmp_path / training.name)
        list(Ablate(conditions=training.asked)(records, bench))
        trained.append((training, json.loads((tmp_path / training.name / "ablation.json").read_text(encoding="utf-8"))))
    page: Any = together(trained, margin=3, seed=0)
    arms = {arm["name"]: arm["labels"]["exact_match"]["value"] for arm in page["arms"]}
    assert arms == {"original": 100, "simplified": 0, "empty": 0, "wrong_pairing": 0}
    assert page["tasks"] == {"labels": 7, "free_text": 1}
    assert {row["condition"]: row["against"] for row in page["comparisons"]["labels"]}["wrong_pairing"] == "original"
    assert page["control"]["followed"] is True
    assert page["conclusion"]["verdict"] == "uses the definition"
    assert "| wrong pairing" in table(page)
    fewer = {**page, "arms": [arm for arm in page["arms"] if arm["name"] != "empty"]}
    labelled, _, _ = curve({2: fewer, 4: page}).partition("Tasks for free text")
    lines = [line.split("|")[1:-1] for line in labelled.splitlines() if line.startswith("|")]
    along = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in lines}
    assert along["arm"] == ["2", "4"]
    assert [cell.partition(" ")[0] for cell in along["original"]] == ["100.0", "100.0"]
    assert along["empty"][0] == "-"  # no student of that arm learned so few
    assert along["guess"][0].startswith("50.0")
