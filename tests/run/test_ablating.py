"""The recipe of one student of an ablation, and the files that it reads."""

from pathlib import Path

from selfinstruct.audit.ablate import Ablate
from selfinstruct.audit.ablate_tasks import TaskSet
from selfinstruct.audit.ablate_training import trainings
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.run.audit_students import arm_files, arm_recipe, read_tasks_of
from tests.audit.ablations import studies
from tests.cli.typed import lines


def test_a_student_is_tuned_on_the_other_tasks_and_asked_about_its_own(tmp_path: Path) -> None:
    tasks = TaskSet(studies(5), 0)
    first, *_ = trainings(("original", "empty"), (3,), (7,), 2)
    learned, asked = arm_files(first, tasks, tmp_path, 2, 2)
    made = arm_recipe(
        first, "embedded", [learned, asked], asking={"shots": 2}, tuning={"epochs": 1.0}, changes=["seed=8"]
    )
    tune, ask = made.stages
    assert isinstance(tune, Finetune)
    assert (tune.stop, tune.epochs) == ("none", 1.0)
    assert isinstance(ask, Ablate)
    assert (ask.model, ask.conditions) == ("student", ("original", "inverted"))
    assert made.recipe.seed == 8
    again = read_tasks_of([asked], "", "")
    assert {task.name for task in again.tasks} == {row["Name"] for row in lines(Path(asked))}
    assert len(lines(Path(learned))) == 3 * (6 - len(again.tasks))
    assert all(task.labels for task in again.tasks if task.name.startswith("parity"))
