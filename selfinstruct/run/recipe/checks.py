"""What a recipe must have to make sense, checked before a folder is taken and before anything is paid or trained."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from selfinstruct.errors import BadInput
from selfinstruct.formats.layouts import LAYOUTS, layout_of
from selfinstruct.formats.plugin_formats import writable
from selfinstruct.models.make_backend import check_spec, plugin_model
from selfinstruct.needs import Needs
from selfinstruct.run.recipe.keys import PUBLISHED_LAYOUTS, RecipeKeys, built_name, student_role
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import COMMAND_LINE, GENERATE_SET, Path_, YamlFile
from selfinstruct.stage import Stage
from selfinstruct.text import shown

_REPORTED = ("ifs-v1", "ifs-v1:test")  # prompt sets with prompts whose scores are reported
_CHECKED = "ifs-v1:dev"
"""What a training is stopped by."""
_TASTE = "objecqa-v1"
PROMPT_SETS = ("ifs-v1", _TASTE)
"""What checks and scores ask: nothing of it may be in what is trained on."""


def check_order(resolved: Resolved, file: YamlFile) -> None:
    """BadInput for stages in an order, or with models, that cannot work."""
    recipe = resolved.recipe
    if not resolved.rounds and not resolved.stages:
        raise BadInput("no stages", place=file.place(), fix="list them under `rounds` or `stages`")
    asks_sets = all(stage.needs.asks_sets for stage in resolved.stages)
    alone = not resolved.rounds and not recipe.inputs and asks_sets  # what asks a set of prompts needs no records
    if not alone and bool(resolved.rounds) == bool(recipe.inputs):
        raise BadInput("either `rounds` or `inputs`, not both and not neither", place=file.place(), fix="remove one")
    _check_loop(resolved, file)
    _check_tuned(resolved, file)
    for index, stage in enumerate(resolved.rounds):
        if (stage.scope == "source") != (index == 0):
            raise BadInput(
                f"'{stage.name}': the first stage of a round, and only it, makes records",
                place=file.place(("rounds", index)),
                fix="start with `propose`",
            )
    for index, stage in enumerate(resolved.stages):
        if stage.scope == "source":
            raise BadInput(f"'{stage.name}' makes records", place=file.place(("stages", index)), fix="use `rounds`")
    for stage in (*resolved.rounds, *resolved.stages):
        scorer = stage.needs.scorer
        if scorer and scorer not in recipe.models:
            raise BadInput(
                f"stage '{stage.name}' measures with '{shown(scorer)}', which the recipe does not name",
                place=file.place(("models",)),
                fix=f"add `{shown(scorer)}: hf:FOLDER` under `models`",
            )
        lacking = [role for role in stage.needs.models if role not in recipe.models]
        if lacking:
            raise BadInput(
                f"stage '{stage.name}' asks a model '{shown(lacking[0])}' that the recipe does not name",
                place=file.place(("models",)),
                fix=f"add `{shown(lacking[0]) or 'teacher'}: embedded` under `models`",
            )
    _check_weights(recipe.specs, (*resolved.rounds, *resolved.stages), file)


def check_inputs(resolved: Resolved, file: YamlFile) -> None:
    """BadInput for an input that says twice, or wrongly, how it is to be read."""
    for number, entry in enumerate(resolved.recipe.inputs):
        if entry.columns and (entry.layout or entry.compat):
            place = file.place(("inputs", number, "columns"))
            raise BadInput("both a layout (`from`) and `columns`", place=place, fix="leave one of them away")
    _ = resolved.sets  # their columns are checked where they are made


def check_formats(recipe: RecipeKeys, file: YamlFile) -> None:
    """BadInput, at the line that names it, for a format of others that cannot be had."""
    for number, given in enumerate(recipe.inputs):
        if given.layout and given.layout not in LAYOUTS:
            layout_of(given.layout, file.place(("inputs", number, "from")))
    if recipe.publish is not None and recipe.publish.format not in PUBLISHED_LAYOUTS:
        writable(recipe.publish.format, file.place(("publish", "format")))


def check_kinds(specs: Mapping[str, str], file: YamlFile) -> None:
    """BadInput for the first model of a kind that does not exist."""
    for role, spec in specs.items():
        if built_name(spec) is None:
            try:
                check_spec(spec)
                plugin = plugin_model(spec)
                if plugin is not None:
                    plugin[0].load()
            except BadInput as fault:
                if file.name in (COMMAND_LINE, GENERATE_SET):  # whoever typed a model knows nothing of roles
                    raise
                what = f"model '{role}': {fault.what}"
                raise BadInput(what, place=file.place(("models", role)), fix=fault.fix) from None


def _check_weights(models: Mapping[str, str], stages: Iterable[Stage], file: YamlFile) -> None:
    """BadInput for a base that cannot be tuned, and for a model asked before any stage can have built it.

    No file is looked at, so that a recipe can be checked where its models are not.
    """
    from selfinstruct.models.transformers_weights import trainable

    built = list[str]()
    for stage in stages:
        weights = stage.needs.weights
        for role in (*stage.needs.models, *weights):
            if role not in models:
                what = f"stage '{stage.name}' tunes '{shown(role)}', which the recipe does not name"
                fix = f"add `{shown(role)}: hf:FOLDER` under `models`"
                raise BadInput(what, place=file.place(("models",)), fix=fix)
            name = built_name(models[role])
            if name is not None and name not in built:
                what = f"stage '{stage.name}' needs {models[role]}, which no stage before it builds"
                known = ", ".join(built) or "none"
                fix = f"put `finetune` before it, or name a model that is there; students built before it: {known}"
                raise BadInput(what, place=file.place(("models", role)), fix=fix)
            if role in weights and name is None:
                try:
                    trainable(models[role])
                except BadInput as fault:
                    what = f"'{shown(models[role])}' {fault.what}"
                    raise BadInput(what, place=file.place(("models", role)), fix=fault.fix) from None
        built += [name for name in stage.needs.builds if name not in built]


def _check_loop(resolved: Resolved, file: YamlFile) -> None:
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


def _check_feedback(resolved: Resolved, file: YamlFile) -> None:
    """BadInput where feedback would read the prompts that are kept for reporting."""
    for index, stage in enumerate(resolved.stages):
        if not stage.needs.feeds_back:
            continue
        label = stage.needs.label
        scores = [
            (at, scoring.needs)
            for at, scoring in enumerate(resolved.stages)
            if scoring.needs.scores and scoring.needs.label == label
        ]
        read = [scoring for at, scoring in scores if at < index]
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
        reported = next((prompt for prompt in read[-1].prompts if prompt in _REPORTED), "")
        if reported:
            what = f"`feedback` reads a score on {reported}: what steers must not be reported"
            fix = "write prompts: ifs-v1:dev in that score, and give feedback its label"
            raise BadInput(what, place=file.place(("stages", index)), fix=fix)


def _check_student(score: Needs, resolved: Resolved, file: YamlFile, read_at: Path_) -> None:
    """BadInput where a student is tuned, and feedback would read what another model answered."""
    role = next(iter(score.models), "")
    tunes = any(stage.needs.tunes for stage in resolved.stages)
    if tunes and not built_name(resolved.recipe.specs.get(role, "")):
        what = f"`feedback` reads a score that asks '{role}' first, and not the student"
        raise BadInput(what, place=file.place(read_at), fix="write `model: student` in that score, others in `beside`")


def _trains_judge(resolved: Resolved, before: int) -> bool:
    return any(stage.needs.builds_judge for stage in resolved.stages[:before])


def _no_judge_named(score: Needs) -> bool:
    return score.judge is not None and not score.judge.named


def _check_tuned(resolved: Resolved, file: YamlFile) -> None:
    """BadInput where a student could learn the prompts that it is asked."""
    first = next((place for place, stage in enumerate(resolved.stages) if stage.needs.tunes), None)
    if first is None:
        return
    against = {name for stage in (*resolved.rounds, *resolved.stages[:first]) for name in stage.needs.against}
    for asked in _prompt_sets(resolved.stages[first:]):
        whole = asked.partition(":")[0]
        if whole in PROMPT_SETS and not {asked, whole} & against:
            what = f"`finetune` may learn what is asked of its student: nothing is taken out that is like {asked}"
            fix = f"put `decontaminate: {{against: [{', '.join(PROMPT_SETS)}]}}` before it"
            raise BadInput(what, place=file.place(("stages", first)), fix=fix)


def _prompt_sets(stages: Sequence[Stage]) -> Iterator[str]:
    """Sets of prompts that a student is asked, in training and after it."""
    for stage in stages:
        checks = stage.needs.checks
        if checks is not None and checks.tone:
            yield _CHECKED
        if checks is not None and checks.taste:
            yield _TASTE
        yield from stage.needs.prompts
