"""What a loop must have to make sense, checked before anything runs."""

from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.run.roles import built_name
from selfinstruct.run.yaml_file import Path_, YamlFile

if TYPE_CHECKING:
    from selfinstruct.run.recipe import Recipe, Resolved

_REPORTED = ("ifs-v1", "ifs-v1:test")  # prompt sets with prompts whose scores are reported


def check_loop(resolved: "Resolved", file: YamlFile) -> None:
    """BadInput for cycles that nothing is learned between, a student that cannot teach, and feedback that peeks."""
    recipe = resolved.recipe
    _check_feedback(resolved, file)
    if recipe.cycles > 1 and not (resolved.rounds and any(stage.needs.feeds_back for stage in resolved.stages)):
        what = "`cycles` without `rounds` and a stage `feedback`: no cycle would learn from the one before"
        raise BadInput(what, place=file.place(("cycles",)), fix="add `feedback` after `score`, or leave cycles out")
    if not recipe.student_teaches:
        return
    if recipe.cycles == 1 or not student_role(recipe):
        what = "`student_teaches` needs a second cycle, and a model `built:student`"
        raise BadInput(what, place=file.place(("student_teaches",)), fix="write cycles: 2 and models.student")
    for prompt in resolved.rounds[0].needs.demonstrations:
        if 2 * prompt.machine > prompt.shown:
            what = (
                f"{prompt.machine} of {prompt.shown} demonstrations by machine: human seeds stay at least half of them"
            )
            raise BadInput(what, place=file.place(("rounds", 0)), fix=f"machine_demonstrations: {prompt.shown // 2}")


def _check_feedback(resolved: "Resolved", file: YamlFile) -> None:
    """BadInput where feedback would read the prompts that are kept for reporting."""
    for index, stage in enumerate(resolved.stages):
        if not stage.needs.feeds_back:
            continue
        label = stage.needs.label
        scores = [
            (at, one.needs) for at, one in enumerate(resolved.stages) if one.needs.scores and one.needs.label == label
        ]
        read = [one for at, one in scores if at < index]
        named = f"with the label '{label}'" if label else "without a label"
        if not read:
            what = f"`feedback` reads a score {named}, and none stands before it"
            raise BadInput(what, place=file.place(("stages", index)), fix="give it the label of that score")
        if scores[-1][0] > index:
            what = f"two scores {named}, one on each side of `feedback`: the later takes the place of the one it read"
            raise BadInput(what, place=file.place(("stages", scores[-1][0])), fix="give the score that is read a label")
        _check_student(read[-1], resolved, file, read_at=("stages", index))
        if resolved.recipe.cycles > 1 and _no_judge_named(read[-1]) and _trains_judge(resolved, index):
            what = "`feedback` compares cycles by a judge that each of them trains anew"
            fix = "write `judge: ifs-v2-linear` in the score it reads"
            raise BadInput(what, place=file.place(("stages", index)), fix=fix)
        reported = next((one for one in read[-1].prompts if one in _REPORTED), "")
        if reported:
            what = f"`feedback` reads a score on {reported}: what steers must not be reported"
            fix = "write prompts: ifs-v1:dev in that score, and give feedback its label"
            raise BadInput(what, place=file.place(("stages", index)), fix=fix)


def _check_student(score: Needs, resolved: "Resolved", file: YamlFile, read_at: Path_) -> None:
    """BadInput where a student is tuned, and feedback would read what another model answered."""
    role = next(iter(score.models), "")
    tunes = any(stage.needs.tunes for stage in resolved.stages)
    if tunes and not built_name(resolved.recipe.specs.get(role, "")):
        what = f"`feedback` reads a score that asks '{role}' first, and not the student"
        raise BadInput(what, place=file.place(read_at), fix="write `model: student` in that score, others in `beside`")


def _trains_judge(resolved: "Resolved", before: int) -> bool:
    return any(stage.needs.builds_judge for stage in resolved.stages[:before])


def _no_judge_named(score: Needs) -> bool:
    return score.judge is not None and not score.judge.named


def student_role(recipe: "Recipe") -> str:
    """The role that the recipe's student has: the first with a spec `built:NAME`; empty where it does not teach."""
    roles = (role for role, spec in recipe.specs.items() if built_name(spec))
    return next(roles, "") if recipe.student_teaches else ""
