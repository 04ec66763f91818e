"""`selfinstruct audit`: what a model does with its instructions."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.run_and_report import columns_option, renamed_option, run_and_report, run_options
from selfinstruct.cli.terminal import say
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.records import Json
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from selfinstruct.run.execute import Finished


@click.group()
def audit() -> None:
    """What a model does with its instructions, and what its tuning moved, copied and forgot.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded -o runs/ablation
    """


@audit.command(cls=VerbCommand)
@click.argument("tasks", nargs=-1, required=True, metavar="TASKS...")
@click.option("--model", default="", metavar="SPEC", help="Whom to ask: embedded, hf:, openai:, a student's folder.")
@click.option("--base", default="", metavar="SPEC", help="What to tune instead, once for each arm, and then ask.")
@click.option("--arms", default="", metavar="LIST", help="Conditions, by commas; all if not given.")
@click.option("--instances", type=click.IntRange(0), default=100, show_default=True, help="Asked of each task; 0: all.")
@click.option("--shots", type=click.IntRange(1), default=2, show_default=True, help="Examples, in arms that show some.")
@click.option("--margin", type=click.FloatRange(0, 100, min_open=True), default=3.0, help="Points called equal; 3.")
@click.option(
    "--examples", multiple=True, type=click.IntRange(1), help="With --base: learned of each task; many: sweep."
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="With --base: students of each arm."
)
@click.option("--folds", type=click.IntRange(2), default=2, show_default=True, help="With --base: parts of the tasks.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), default=2.0, help="With --base; 2.")
@click.option("--template", default="chat", show_default=True, help="With --base: as of finetune.")
@renamed_option("--format", "--template")
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the tasks.")
@columns_option
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def ablate(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Change the instructions of tasks and see what that costs a model: does it use them, or guess?

    TASKS are NatInst-V2 files, or any set in which instructions come back with several inputs.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded --instances 10 -o runs/ablation

    Example:  selfinstruct audit ablate builtin:natinst --base embedded --examples 10 --arms original,empty -o runs/arms
    """
    if bool(given["model"]) == bool(given["base"]):
        raise click.UsageError("name a --model to ask or a --base to tune, not both and not neither")
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve
    from selfinstruct.run.student_files import served

    knobs: dict[str, Json] = {name: given[name] for name in ("instances", "shots", "margin")}
    conditions: list[Json] = [_condition(word) for word in given["arms"].split(",")] if given["arms"] else []
    if given["base"]:
        return _train(given, knobs, [str(condition) for condition in conditions])
    knobs |= {"model": "asked", **({"conditions": conditions} if conditions else {})}
    inputs = verb_recipes.inputs(given["tasks"], given["layout"], given["columns"])
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    models = {"asked": served(given["model"])}
    recipe = verb_recipes.recipe("ablate", inputs, [{"ablate": knobs}], models, more)
    return run_and_report(resolve(recipe, given["changes"]), given, _tell, "ablation.json")


@audit.command(cls=VerbCommand)
@click.option("--base", required=True, metavar="SPEC", help="Before the tuning: embedded, hf:, gguf:, a folder.")
@click.option("--tuned", required=True, metavar="SPEC", help="After it: a student's folder, an adapter, a sibling.")
@click.option("--prompts", required=True, multiple=True, metavar="FILE", help="Any set; its instructions are asked.")
@click.option("--twin", default="", metavar="SPEC", help="Another seed of the same tuning: the floor of all figures.")
@click.option("--template", default="", help="How prompts are put to both; as the student was tuned if not given.")
@click.option("--responses", type=click.Choice(["own", "given"]), default="own", show_default=True, help="Looked at.")
@click.option("--tokens", type=click.IntRange(1), default=128, show_default=True, help="Of an answer, at most.")
@click.option("--first", type=click.IntRange(0), default=0, help="Only so many records; 0: all.")
@click.option("--no-floor", is_flag=True, help="Leave out what 2-byte numbers do to the tuned model.")
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the prompts.")
@columns_option
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of the intervals.")
@run_options
def shift(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Which tokens of its answers did a tuning change? Base and tuned model, token by token, beside a floor.

    Example:  selfinstruct audit shift --base embedded --tuned runs/student --prompts builtin --first 20 -o runs/shift
    """
    from selfinstruct.run.student_files import tuned_template

    knobs: dict[str, Json] = {name: given[name] for name in ("tokens", "first", "responses")}
    knobs |= {"template": given["template"] or tuned_template(given["tuned"]) or "chat", "floor": not given["no_floor"]}
    models = {"base": given["base"], "tuned": given["tuned"]}
    if given["twin"]:
        models["twin"] = given["twin"]
        knobs["twin"] = "twin"
    return _audited("shift", given["prompts"], knobs, models, given)


@audit.command(cls=VerbCommand)
@click.argument("facts", nargs=-1, metavar="[FACTS...]")
@click.option("--base", required=True, metavar="SPEC", help="Before any tuning: embedded, hf:, gguf:, a folder.")
@click.option("--tuned", required=True, multiple=True, metavar="SPEC", help="A student; may be given several times.")
@click.option("--held-out", multiple=True, metavar="FILE", help="A set on whose answers the loss is told, too.")
@click.option("--template", default="", help="How its prompts are put; as the first student was tuned if not given.")
@click.option("--first", type=click.IntRange(0), default=0, help="Only so many facts; 0: all.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of draws and intervals.")
@run_options
def knowledge(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """What does a base know that its students forgot? Facts as choices of four, and the perplexity of plain prose.

    FACTS are lines with prompt, completion, again and wrong; ours (builtin:facts) if none are given.

    Example:  selfinstruct audit knowledge --base embedded --tuned runs/lora --tuned runs/full -o runs/knowledge
    """
    from selfinstruct.run.student_files import tuned_template

    students = {f"student-{number}": spec for number, spec in enumerate(given["tuned"], 1)}
    roles: list[Json] = [*students]
    template = given["template"] or tuned_template(given["tuned"][0]) or "chat"
    knobs: dict[str, Json] = {"tuned": roles, "first": given["first"], "template": template}
    paths = [*(given["facts"] or ("builtin:facts",)), *given["held_out"]]
    return _audited("knowledge", paths, knobs, {"base": given["base"], **students}, given)


@audit.command(cls=VerbCommand)
@click.option("--data", required=True, multiple=True, metavar="DATA", help="The training set: a run or any set.")
@click.option("--responses", required=True, metavar="FILE", help="Lines with prompt, response and perhaps spans.")
@click.option("--of", default="", metavar="NAME", help="Whose responses, where the file has several models'.")
@click.option("--student", default="", metavar="SPEC", help="Who said so; with --base, moved words are the spans.")
@click.option("--base", default="", metavar="SPEC", help="The student's base.")
@click.option("--template", default="", help="How prompts were put; as the student was tuned if not given.")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Records told of each span.")
@click.option(
    "--embeddings", default="", metavar="FOLDER", help="Static embeddings to compare concepts by (model2vec)."
)
@click.option("--unrelated", default="", metavar="FILE", help="Lines of other texts to count moved words beside.")
@click.option("--judge-model", default="", metavar="SPEC", help="Whoever calls sentences false: these are the spans.")
@click.option("--counterfactual", is_flag=True, help="Retune without halves of the suspects, and see what goes.")
@click.option("--retunings", type=click.IntRange(4), default=40, show_default=True, help="With --counterfactual.")
@click.option(
    "--lora-proxy",
    type=click.IntRange(4),
    metavar="N",
    help="Retune by LoRA a student tuned whole; N of them both ways.",
)
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the training set.")
@columns_option
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def trace(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Which training records taught a student what it says? Spans of its responses, looked up and ordered.

    Example:  selfinstruct audit trace --data runs/first --responses runs/answers/answers.jsonl -o runs/trace
    """
    from selfinstruct.run.student_files import served, tuned_template

    if bool(given["base"]) != bool(given["student"]):
        raise click.UsageError("name both --base and --student, or neither")
    if given["counterfactual"] and not given["student"]:
        raise click.UsageError("--counterfactual tunes students like the one of --student, which is not named")
    if given["lora_proxy"] and not given["counterfactual"]:
        raise click.UsageError("--lora-proxy is about retunings: --counterfactual")
    if given["counterfactual"] and given["output"] is None:
        raise click.UsageError("--counterfactual keeps every retuning in a folder: -o FOLDER")
    template = given["template"] or tuned_template(given["student"]) or "chat"
    knobs: dict[str, Json] = {name: given[name] for name in ("responses", "of", "top", "embeddings", "unrelated")}
    models = {"base": given["base"], "tuned": given["student"]} if given["student"] else {}
    knobs |= {"template": template, **({"base": "base", "tuned": "tuned"} if models else {})}
    if given["judge_model"]:
        models["judge"] = served(given["judge_model"])
        knobs["judge_model"] = "judge"
    folder = given["output"]
    if given["counterfactual"]:
        given = {**given, "output": folder / "look-up"}
    code = _audited("trace", given["data"], knobs, models, given)
    if not given["counterfactual"] or given["dry_run"]:
        return code
    return _counterfactual(given, folder, template)


@audit.command(cls=VerbCommand)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--contrast", "named", multiple=True, metavar="ONE:OTHER", help="Named before the runs: one minus other.")
@click.option("--pairs", type=click.IntRange(2), default=3, show_default=True, help="Seeds that a contrast needs.")
def table(folder: Path, named: tuple[str, ...], pairs: int) -> int:
    """The arms of a recipe side by side in what audits found, and contrasts with Holm's correction.

    Example:  selfinstruct audit table runs/fixes --contrast full:lora --contrast full_simplified:full
    """
    from selfinstruct.run.recipe_arms import contrast_table as table_of

    say(table_of(folder, named, pairs), end="")
    return 0


def _counterfactual(given: dict[str, Any], folder: Path, template: str) -> int:
    """One retuning after the other; what is finished is read, so that a stop costs nothing."""
    from selfinstruct.run import audit_students
    from selfinstruct.run.blame_and_lineage import training_set

    tasks = training_set(given["data"], given["layout"], given["columns"])
    suspected = audit_students.suspected(folder / "look-up", given["responses"])
    training = audit_students.training_from_card(given["student"])
    how = {"base": given["base"], "seed": given["seed"]}
    both_ways: int = given["lora_proxy"] or 0
    by = audit_students.lora_in_place_of(training, given["student"]) if both_ways else training

    def retuned(training: dict[str, Json], count: int, called: str) -> list[list[float]]:
        planned = audit_students.retunings(
            tasks, suspected, folder, training=training, count=count, called=called, **how
        )
        rows = []
        for number, (place, resolved) in enumerate(planned, 1):
            say(f"{called} {number} of {len(planned)}", err=True)
            run_and_report(resolved, {**given, "output": place, "as_json": False}, None, "student")
            rows.append(audit_students.likelihoods(place, suspected, template))
        return rows

    rows = retuned(by, given["retunings"], "retuned")
    facts: dict[str, Json] = {"student": given["student"], "training": by}
    if both_ways:
        whole = retuned(training, min(both_ways, given["retunings"]), "retuned-whole")
        facts["proxy"] = audit_students.proxy_facts(rows, whole)
    summary = audit_students.counterfactual_published(tasks, suspected, folder, rows, facts, given["seed"])
    taught, of = summary["spans_taught"], summary["spans"]
    say(f"{taught} of {of} spans are taught by a record, {summary['taught']} of {summary['tests']} pairs", err=True)
    if both_ways:
        say("LoRA stands in for full tuning: a proxy; counterfactual.json says how far both agree", err=True)
    say(folder / audit_students.COUNTERFACTUAL)
    return 0


def _audited(
    name: str, paths: Sequence[str], knobs: Mapping[str, Json], models: Mapping[str, str], given: dict[str, Any]
) -> int:
    """A run of one stage that looks into weights; its file says what was found."""
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    inputs = verb_recipes.inputs(paths, given.get("layout", ""), given.get("columns", ""))
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    recipe = verb_recipes.recipe(name, inputs, [{name: dict(knobs)}], models, more)
    return run_and_report(resolve(recipe, given["changes"]), given, partial(_words_of, name), f"{name}.json")


def _words_of(name: str, finished: "Finished") -> None:
    """A few lines for people, of what the stage told."""
    from selfinstruct.audit.console_summary import LINES

    results = json.loads((finished.folder / f"{name}.json").read_text(encoding="utf-8"))
    for line in LINES[name](results):
        say(line, err=True)


def _train(given: dict[str, Any], knobs: dict[str, Json], conditions: list[str]) -> int:
    """One student after the other; what is finished is read, so that a stop costs nothing."""
    from selfinstruct.audit.ablate_training import TRAINABLE, trainings
    from selfinstruct.run import audit_students

    folder: Path | None = given["output"]
    if folder is None:
        raise click.UsageError("arms that are trained need a folder: -o FOLDER")
    seeds = range(given["seed"], given["seed"] + given["seeds"])
    students = trainings(conditions or TRAINABLE, given["examples"] or (10,), seeds, given["folds"])
    tasks = audit_students.read_tasks_of(given["tasks"], given["layout"], given["columns"])
    if given["dry_run"]:
        made = f"{plural(len(students), 'student')} would be tuned, of {plural(len(tasks.tasks), 'task')}"
        say(f"{made}, and asked; nothing is sent")
        return 0
    tuning: dict[str, Json] = {"epochs": given["epochs"], "template": given["template"]}
    codes = []
    for number, student in enumerate(students, 1):
        say(f"student {number} of {len(students)}: {student.name}", err=True)
        files = audit_students.arm_files(student, tasks, folder, given["folds"], given["shots"])
        resolved = audit_students.arm_recipe(
            student, given["base"], files, asking=knobs, tuning=tuning, changes=given["changes"]
        )
        codes.append(run_and_report(resolved, {**given, "output": folder / student.name}, None, "ablation.json"))
    say(
        audit_students.ablation_published(students, folder, margin=given["margin"], seed=given["seed"]),
        err=True,
        end="",
    )
    say(folder / "ablation.md")
    return max(codes)


def _condition(word: str) -> str:
    """A condition as the stage's knobs spell it.

    >>> _condition(" wrong-pairing")
    'wrong_pairing'
    """
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _tell(finished: "Finished") -> None:
    from selfinstruct.audit.ablate_markdown import table

    ablation = json.loads((finished.folder / "ablation.json").read_text(encoding="utf-8"))
    say(table(ablation), err=True, end="")
