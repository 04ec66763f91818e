"""`selfinstruct score`, `compare`: does a model answer, or carry on? Suites, reads of a score, scores side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.run_and_report import columns_option, run_and_report, run_options
from selfinstruct.cli.terminal import say, say_json, with_interval
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.records import Json

if TYPE_CHECKING:
    from rich.console import Console

    from selfinstruct.run.execute import Finished
    from selfinstruct.run.human_sheets import FilledSheet
    from selfinstruct.stats import Estimate


_GOES_WITH = frozenset({"model", "reads", "filled", "wrappers", "output", "as_json"})
_SEED = 42


@click.command(cls=VerbCommand)
@click.argument("model", required=False, metavar="[MODEL]")
@click.option("--beside", multiple=True, metavar="SPEC", help="A further model, scored on the same prompts.")
@click.option("--responses", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="JSONL, no model.")
@click.option(
    "--judge",
    default="",
    metavar="NAME",
    help="ifs-v2, ifs-v2-linear, ifs-v1, or a folder.",
)
@click.option(
    "--wrapper",
    "wrappers",
    multiple=True,
    metavar="W",
    help="none, suffix, alpaca, chat, few-shot:K, tags, ifs, self_instruct; else a student's own.",
)
@click.option(
    "--first", type=click.IntRange(0), default=0, help="Only so many of the 500 instructions; with --on, of each file."
)
@click.option("--on", metavar="SET", help="Answer the test split of SET, and compare.")
@columns_option
@click.option("--gold", default="", metavar="FILE", help="With --on: tasks with answers that people wrote.")
@click.option("--held-out", default="", metavar="FILE", help="With --on: seeds held out; else SET's own.")
@click.option("--max-tokens", type=click.IntRange(1), default=256, show_default=True, help="With --on: of an answer.")
@click.option(
    "--suite",
    default="",
    metavar="NAME,...",
    help="ifeval, user_oriented, superni=FOLDER, pairwise, just_eval; or harness, with --tasks.",
)
@click.option("--tasks", default="", metavar="NAME,...", help="With harness: mmlu, gsm8k ... or lm-eval's own.")
@click.option(
    "--task-files", type=click.Path(path_type=Path), metavar="FOLDER", help="With harness: tasks of your own."
)
@click.option("--run-model-code", is_flag=True, help="With harness: tasks may run what it wrote.")
@click.option("--judge-model", default="", metavar="SPEC", help="With --suite: who judges answers, if it can.")
@click.option("--likelihood", default="", metavar="SPEC", help="With pairwise: an hf: model as likelihood judge.")
@click.option("--objecqa", is_flag=True, help="Also the questions of taste.")
@click.option("--temperature", type=click.FloatRange(0), default=0.0, help="Above 0 with --samples.")
@click.option("--samples", type=click.IntRange(1), default=1, help="Responses to each prompt.")
@click.option("--read", "reads", type=click.IntRange(1), metavar="N", help="A sheet of N responses of FOLDER.")
@click.option("--filled", type=click.Path(path_type=Path), metavar="SHEET", help="That sheet, filled in: IFS by both.")
@run_options
def score(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """The Instruction Following Score of models or of responses; answers to a set; suites; reads of a score.

    Example:  selfinstruct score embedded --wrapper none --wrapper chat -o runs/score

    Example:  selfinstruct score STUDENT --on runs/mine/dataset -o runs/answers

    Example:  selfinstruct score --read 60 runs/score
    """
    if given["reads"] or given["filled"]:
        return read_or_draw(given)
    if bool(given["model"]) == bool(given["responses"]):
        raise click.UsageError("name a model or --responses FILE, not both and not neither")
    if not given["on"] and (given["gold"] or given["held_out"]):
        raise click.UsageError("--gold and --held-out go with --on SET")
    if given["on"] and (given["responses"] or given["objecqa"] or given["samples"] > 1):
        raise click.UsageError("--on SET goes without --responses, --objecqa and --samples")
    if given["suite"] and any(given[name] for name in ("on", "responses", "objecqa", "judge")):
        raise click.UsageError("--suite goes without --on, --responses, --objecqa and --judge")
    if not given["suite"] and (given["judge_model"] or given["likelihood"]):
        raise click.UsageError("--judge-model and --likelihood go with --suite; the judge of tone is --judge")
    if given["responses"]:
        return _score_files(given)
    if given["suite"]:
        return _ask_suites(given)
    given["model"], given["beside"] = _served(given["model"]), [_served(spec) for spec in given["beside"]]
    if given["on"]:
        return _answer_set(given)
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    beside = {f"beside{number}": spec for number, spec in enumerate(given["beside"], 1)}
    asks: dict[str, Json] = {"model": "scored", "beside": list(beside)}
    knobs: dict[str, Json] = {name: given[name] for name in ("judge", "first", "temperature", "samples")}
    wrappers: list[Json] = [*given["wrappers"]] or [_tuned_template(given["model"]) or "none"]
    stages: list[Json] = [{"score": {**asks, **knobs, "wrappers": wrappers}}]
    stages += [{"objecqa": asks}] if given["objecqa"] else []
    models = {"scored": given["model"], **beside}
    recipe = verb_recipes.recipe("score", [], stages, models, {"publish": None})
    return run_and_report(resolve(recipe, given["changes"]), given, _say_scores, "score.json")


def _ask_suites(given: dict[str, Any]) -> int:
    if given["suite"] == "harness":
        from selfinstruct.cli.harness_verb import ask_harness

        return ask_harness(given)
    if _holds_answers(given["model"]):
        return _judge_kept(given)
    given["model"], given["beside"] = _served(given["model"]), [_served(spec) for spec in given["beside"]]
    return answer_suites(given, [_tuned_template(spec) or "auto" for spec in (given["model"], *given["beside"])])


def _holds_answers(folder: str) -> bool:
    """A folder of `score --suite`, and not one of a student."""
    return (Path(folder) / "suite.jsonl").is_file() and not (Path(folder) / "student").is_dir()


def _judge_kept(given: dict[str, Any]) -> int:
    """Judge what folders hold; no model is asked for an answer again."""
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    if given["wrappers"] or not all(map(_holds_answers, given["beside"])):
        raise click.UsageError("answers that are kept go without --wrapper, and beside other folders of --suite alone")
    say("judging the answers that are kept: no model is asked for them again", err=True)
    recipe = verb_recipes.judge_kept(
        given["suite"], [given["model"], *given["beside"]], given["first"], _judging(given)
    )
    return run_and_report(resolve(recipe, given["changes"]), given, _say_suites, "judged.json")


def _judging(given: Mapping[str, Any]) -> dict[str, str]:
    named = {"judge": given["judge_model"], "likelihood": given["likelihood"]}
    return {role: spec for role, spec in named.items() if spec}


def _served(spec: str) -> str:
    from selfinstruct.run.student_files import served

    faster = served(spec)
    if faster != spec:
        notice = f"{spec} is asked as {faster}, by the embedded engine, some six times faster"
        say(f"{notice} (as its adapter, by transformers: hf:{spec})", err=True)
    return faster


def _tuned_template(spec: str) -> str:
    """The wrapper that a student was tuned in, said; empty for another model."""
    from selfinstruct.run.student_files import tuned_template

    template = tuned_template(spec)
    if template:
        say(f"{spec} was tuned in the template '{template}', and is asked in it (--wrapper says otherwise)", err=True)
    return template


def _answer_set(given: dict[str, Any]) -> int:
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    knobs: dict[str, Json] = {name: given[name] for name in ("gold", "judge", "first", "temperature", "max_tokens")}
    templates = [_tuned_template(spec) or "auto" for spec in (given["model"], *given["beside"])]
    wrappers: list[Json] = [*given["wrappers"]] or [*(templates if {*templates} != {"auto"} else ["auto"])]
    knobs |= {"held_out_seeds": given["held_out"], "wrappers": wrappers}
    recipe = verb_recipes.answer_set(given["on"], given["model"], given["beside"], knobs, given["columns"])
    return run_and_report(resolve(recipe, given["changes"]), given, _tell_answers, "evaluation.json")


def _tell_answers(finished: "Finished") -> None:
    """A line for each model and what its answers were compared with, on stderr."""
    import json

    from rich.console import Console
    from rich.table import Table

    from selfinstruct.tone.tone_metrics import IFS

    evaluation = json.loads((finished.folder / "evaluation.json").read_text(encoding="utf-8"))
    numbers = ("rouge_l", "exact_match", "words", "unique_words", IFS.key)
    heads = ("model", "wrapper", "answers show", "n", "ROUGE-L", "exact", "words", "unique", IFS.short)
    table = Table(*heads, box=None)
    for model in evaluation["models"]:
        for against, count in evaluation["questions"].items():
            if count:
                values = (model[against][name] for name in numbers)
                shares = (
                    with_interval(value and value["value"], value and (value.get("low"), value.get("high")))
                    for value in values
                )
                name = against.replace("_", " ")
                table.add_row(model["model"], model["wrapper"], name, str(model[against]["n"]), *shares)
    Console(stderr=True, markup=False, width=200).print(table)


def _score_files(given: dict[str, Any]) -> int:
    from selfinstruct.run.score_without_run import score_files

    if given["output"] is None:
        raise click.UsageError("name a folder with -o")
    scores = score_files(given["responses"], given["judge"], given["output"])
    _table(scores)
    say(_as_json(scores) if given["as_json"] else given["output"] / "score.json")
    return 0


def _say_scores(finished: "Finished") -> None:
    import json

    _table(json.loads((finished.folder / "score.json").read_text(encoding="utf-8")))


def _table(scores: Mapping[str, Any]) -> None:
    """A line for each model and wrapper, on stderr."""
    from rich.console import Console
    from rich.table import Table

    from selfinstruct.tone.tone_metrics import IFS, columns_of

    metrics = columns_of("score")
    heads = ("model", "wrapper", "n", *(metric.short for metric in metrics), "judge's error too")
    table = Table(*heads, box=None)
    judges = dict.fromkeys(str((entry.get("judge") or {}).get("version", "")) for entry in scores["scores"])
    for entry in scores["scores"]:
        ends = entry.get("intervals") or {}
        shares = (with_interval(entry.get(metric.key), ends.get(metric.key)) for metric in metrics)
        wide = (entry.get("with_judge_error") or {}).get(IFS.key) or {}
        reach = f"{wide['low']:.3f} to {wide['high']:.3f}" if wide.get("low") is not None else ""
        table.add_row(
            str(entry.get("model", "")), str(entry.get("wrapper", "")), str(entry.get("n", "")), *shares, reach
        )
    Console(stderr=True, markup=False, width=170).print(table)
    say(f"judge: {', '.join(filter(None, judges))}", err=True)


def _as_json(scores: Mapping[str, Any]) -> str:
    import json

    return json.dumps(scores)


def answer_suites(given: dict[str, Any], templates: Sequence[str]) -> int:
    """Ask the suites; `templates`: the wrapper of each model, where the command names none."""
    from selfinstruct.run.recipe.resolve import resolve
    from selfinstruct.run.recipe.verb_recipes import ask_suites

    wrappers: list[Json] = [*(given["wrappers"] or (templates if len({*templates}) > 1 else templates[:1]))]
    knobs: dict[str, Json] = {"wrappers": wrappers, "first": given["first"]}
    recipe = ask_suites(given["suite"], given["model"], given["beside"], knobs, _judging(given))
    return run_and_report(resolve(recipe, given["changes"]), given, _say_suites, "suite.json")


def _say_suites(finished: "Finished") -> None:
    """A table for each suite, a line for each model, on stderr."""
    from rich.console import Console
    from rich.table import Table

    page = finished.folder / "suite.json"
    suites_json = json.loads(page.read_text(encoding="utf-8")) if page.is_file() else {"suites": {}}
    console = Console(stderr=True, markup=False, width=200)
    for suite, asked in suites_json["suites"].items():
        table = Table("model", "wrapper", "answers", "failed", *asked["measures"].values(), box=None, title=suite)
        for model in suites_json["models"]:
            marks = model[suite]
            numbers = (_number(marks["measures"].get(name)) for name in asked["measures"])
            counts = (str(marks[name]) for name in ("answered", "failed"))
            table.add_row(model["model"], model["wrapper"], *counts, *numbers)
        console.print(table)
    judged = finished.folder / "judged.json"
    if judged.is_file():
        _say_judged(json.loads(judged.read_text(encoding="utf-8")), console)


def _say_judged(judged: Mapping[str, Any], console: "Console") -> None:
    """Win rates by every judge, then ratings; that a judge is only a baseline stands beside its name."""
    from rich.table import Table

    judges = {judge["judge"]: judge for judge in judged.get("judges", ())}
    if judges:
        heads = ("model", "judge", "pairs", "win rate", "length-controlled", "unique-token-controlled", "")
        table = Table(*heads, box=None, title=f"pairwise, against {judged['reference']}")
        for model in judged["models"]:
            for name, results in model.get("pairwise", {}).items():
                rates = ("win_rate", "length_controlled_winrate", "unique_token_controlled_winrate")
                note = "" if judges[name]["believed"] else "baseline, no judge"
                table.add_row(
                    model["model"], name, str(results["n_total"]), *(_number(results[rate]) for rate in rates), note
                )
        console.print(table)
    for measure in ("just_eval", "user_oriented"):
        rated = [model for model in judged["models"] if measure in model]
        if not rated:
            continue
        names = [name for name, value in rated[0][measure].items() if name not in {"rated", "faults", "levels"}]
        table = Table("model", "rated", *(name.replace("_", " ") for name in names), "failed", box=None, title=measure)
        for model in rated:
            ratings = model[measure]
            faults = ", ".join(f"{name} {count}" for name, count in ratings["faults"].items())
            table.add_row(model["model"], str(ratings["rated"]), *(_number(ratings[name]) for name in names), faults)
        console.print(table)


def _number(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return ""
    ends = "" if estimate["low"] is None else f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return f"{estimate['value']:.3f}{ends}"


def read_or_draw(given: Mapping[str, Any]) -> int:
    """Draw a sheet, or read one back."""
    context = click.get_current_context()
    typed = [name for name in given if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]
    if given["reads"] and given["filled"]:
        raise click.UsageError("--read draws a sheet, --filled reads it back: give one of them")
    if not given["model"]:
        raise click.UsageError("name the folder of a score")
    alien = [name for name in typed if name not in _GOES_WITH]
    if given["filled"]:
        alien += [name for name in ("wrappers", "output") if name in typed]
    if alien:
        names = [param.opts[0] for param in context.command.params if param.name in alien]
        raise click.UsageError(f"{'--filled' if given['filled'] else '--read'} goes without {', '.join(names)}")
    return _read_back(given) if given["filled"] else _draw(given)


def _draw(given: Mapping[str, Any]) -> int:
    from selfinstruct.run.human_sheets import score_sheet

    folder = Path(given["model"])
    made = score_sheet(folder, given["reads"], given["wrappers"], _SEED, given["output"])
    of = f" of {made.sides} models and wrappers, shuffled" if made.sides > 1 else ""
    silent = f"; {made.silent} more said nothing, and count as no answers" if made.silent else ""
    say(f"{made.rows} responses{of}{silent}", err=True)
    say(f"read them by {made.guide}: does each answer its prompt? yes, no, or unsure (counts half)", err=True)
    say(f"then: selfinstruct score --filled {made.place} {folder}", err=True)
    if given["as_json"]:
        say_json({"sheet": str(made.place), "rows": made.rows, "silent": made.silent, "guide": str(made.guide)})
    else:
        say(made.place)
    return 0


def _read_back(given: Mapping[str, Any]) -> int:
    from selfinstruct.run.human_sheets import read_score_sheet

    reads = read_score_sheet(Path(given["model"]), given["filled"])
    _say_reads(reads)
    if given["as_json"]:
        say_json(reads.page)
    else:
        say(reads.place)
    return 0


def _say_reads(reads: "FilledSheet") -> None:
    """A line for each model and wrapper and one for each difference, on stderr, and how the judge errs."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, markup=False, width=160)
    table = Table("model", "wrapper", "read", "unsure", "disagree", f"by {reads.judge}", "by reads", "IFS", box=None)
    for share in reads.shares:
        counts = (str(share.read), str(share.unsure), str(share.disagreements))
        table.add_row(*share.side, *counts, *map(_read_interval, (share.by_judge, share.by_reads, share.both)))
    console.print(table)
    for share in reads.shares:
        if share.both.how == "reads":
            say(f"{share.label}: {_alone(share.disagreements)}", err=True)
        if share.unsure:
            low, high = share.unsure_as
            say(f"{share.label}: unsure ones as no answers {low:.3f}, as answers {high:.3f}", err=True)
        for stratum, errs in share.errors.items():
            missed = f"misses {errs.missed} of {errs.answers} answers"
            called = f"takes {errs.called_answers} of {errs.others} others for answers"
            say(f"{share.label}, {stratum}: {reads.judge} {missed}, {called}", err=True)
    for two in reads.differences:
        say(f"{two.of.label} above {two.above.label}: {_read_interval(two.estimate, signed=True)}", err=True)


def _alone(disagreements: int) -> str:
    from selfinstruct.prediction_powered import FEW_DISAGREEMENTS

    if disagreements < FEW_DISAGREEMENTS:
        return f"fewer than {FEW_DISAGREEMENTS} disagreements do not tell how the judge errs, so the reads speak alone"
    return "with the judge the interval would be no narrower, so the reads speak alone"


def _read_interval(estimate: "Estimate", *, signed: bool = False) -> str:
    value, low, high = (
        "" if number is None else f"{number:+.3f}" if signed else f"{number:.3f}"
        for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]" if low else value


@click.command(cls=VerbCommand)
@click.argument("folders", nargs=-1, required=True, metavar="[NAME=]FOLDER...")
@click.option("--against", default="", metavar="ROW", help="Differences in pairs against this row.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A folder for compare.json, .txt, .md, .tex and .html."
)
@click.option("--markdown", is_flag=True, help="The table in Markdown.")
@click.option("--latex", is_flag=True, help="The table in LaTeX (booktabs).")
@click.option("--json", "as_json", is_flag=True, help="Say everything as JSON on stdout.")
def compare(
    folders: tuple[str, ...], against: str, output: Path | None, *, markdown: bool, latex: bool, as_json: bool
) -> int:
    """What folders of `score` hold, in one table with intervals: rows models, columns measures.

    A measure told by two judges, or on two sets of prompts, has a column for each.

    Example:  selfinstruct compare base=runs/base tuned=runs/suite --against base -o runs/table
    """
    import json

    from selfinstruct.evaluate.compare_render import as_latex, as_markdown, as_text
    from selfinstruct.run.score_without_run import compare_folders as compared
    from selfinstruct.run.score_without_run import write_comparison

    if markdown + latex + as_json > 1:
        raise click.UsageError("one of --markdown, --latex and --json")
    table = compared(folders, against)
    for note in table.notes:
        say(f"note: {note}", err=True)
    if output is not None:
        write_comparison(table, output)
        say(f"page: {output / 'compare.html'}", err=True)
    if as_json:
        say(json.dumps(table.as_json(), ensure_ascii=False))
        return 0
    write = as_markdown if markdown else as_latex if latex else as_text
    say(write(table).rstrip("\n"))
    return 0
