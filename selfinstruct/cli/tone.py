"""`selfinstruct fragment`, `train-judge`, `score`: does a model answer, or carry on?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.running import carry_out, columns_option, run_options
from selfinstruct.cli.saying import say
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.run.run import Finished

_METRICS = ("accuracy", "f1", "auroc", "ece")  # the line of a set; all of them are in the judge's folder


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--from", "shape", default="", metavar="SHAPE", help="Force the layout of the inputs.")
@columns_option
@click.option(
    "--labels",
    type=click.Choice(["balanced", "paper"]),
    default="paper",
    show_default=True,
    help="1:1, or the paper's 1:2.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def fragment(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Cut instructions and responses into labelled pairs, from which a judge of tone learns.

    Example:  selfinstruct fragment pairs.jsonl -o runs/fragments
    """
    from selfinstruct.run import compose
    from selfinstruct.run.recipe import resolve

    inputs = compose.inputs(given["inputs"], given["shape"], given["columns"])
    stages: list[Json] = [{"fragment": {"labels": given["labels"]}}]
    recipe = compose.recipe("fragment", inputs, stages, {}, {"publish": None, "seed": given["seed"]})
    return carry_out(resolve(recipe, given["changes"]), given)


@click.command("train-judge")
@click.argument("fragments", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The judge's folder.")
@click.option("--backend", default="linear", show_default=True, help="linear: seconds, NumPy; encoder: extra `train`.")
@click.option("--encoder", default="", metavar="NAME", help="For encoder: a Hub name or folder.")
@click.option("--response-only", is_flag=True, help="Judge the response alone, as the paper does.")
@click.option(
    "--held-out", default="", metavar="NAME", help="Of the sets in FOLDER, one not to train but to measure on."
)
def train_judge(
    fragments: Path, output: Path, backend: str, encoder: str, held_out: str, *, response_only: bool
) -> int:
    """Train the response tone classifier on fragments, and measure it.

    Example:  selfinstruct train-judge runs/fragments -o runs/judge
    """
    from selfinstruct.run.scoring import train_judge as train

    told = train(fragments, output, backend=backend, encoder=encoder, pair_aware=not response_only, held_out=held_out)
    for name, metrics in told.items():
        say(f"{name}: {', '.join(_metric(one, metrics[one]) for one in _METRICS if metrics.get(one))}", err=True)
    say(f"all numbers: {output / 'metrics.json'}, {output / 'README.md'}", err=True)
    say(output)
    return 0


@click.command()
@click.argument("model", required=False, metavar="[MODEL]")
@click.option("--beside", multiple=True, metavar="SPEC", help="A further model, scored on the same prompts.")
@click.option("--responses", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="JSONL, no model.")
@click.option(
    "--judge",
    default="",
    metavar="NAME",
    help="ifs-v2 (default with extra `train`), ifs-v2-linear, ifs-v1, a folder.",
)
@click.option(
    "--wrapper",
    "wrappers",
    multiple=True,
    metavar="W",
    help="none, suffix, alpaca, chat, few-shot:K, tags, ifs, self_instruct; by default a student's own, else none.",
)
@click.option(
    "--first", type=click.IntRange(0), default=0, help="Only so many of the 500 instructions; with --on, of each file."
)
@click.option("--on", metavar="SET", help="Answer the test split of this set instead, and compare with its answers.")
@columns_option
@click.option("--gold", default="", metavar="FILE", help="With --on: tasks with answers that people wrote.")
@click.option("--held-out", default="", metavar="FILE", help="With --on: seeds held out; those of SET's run, if any.")
@click.option("--max-tokens", type=click.IntRange(1), default=256, show_default=True, help="With --on: of an answer.")
@click.option(
    "--suite", default="", metavar="NAME,...", help="ifeval, user_oriented, superni=FOLDER: ask these instead."
)
@click.option("--objecqa", is_flag=True, help="Also the questions of taste.")
@click.option(
    "--temperature", type=click.FloatRange(0), default=0.0, help="Above 0 with --samples, for mean and spread."
)
@click.option("--samples", type=click.IntRange(1), default=1, help="Responses to each prompt.")
@click.option(
    "--read", "reads", type=click.IntRange(1), metavar="N", help="A sheet of N responses of a score's FOLDER."
)
@click.option("--filled", type=click.Path(path_type=Path), metavar="SHEET", help="That sheet, filled in: IFS by both.")
@run_options
def score(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """The Instruction Following Score of models or of responses; answers to a set; suites; reads of a score.

    Example:  selfinstruct score embedded --wrapper none --wrapper chat -o runs/score

    Example:  selfinstruct score STUDENT --on runs/mine/dataset -o runs/answers

    Example:  selfinstruct score --read 60 runs/score
    """
    if given["reads"] or given["filled"]:
        from selfinstruct.cli.score_reads import read_or_draw

        return read_or_draw(given)
    if bool(given["model"]) == bool(given["responses"]):
        raise click.UsageError("name a model or --responses FILE, not both and not neither")
    if not given["on"] and (given["gold"] or given["held_out"]):
        raise click.UsageError("--gold and --held-out go with --on SET")
    if given["on"] and (given["responses"] or given["objecqa"] or given["samples"] > 1):
        raise click.UsageError("--on SET goes without --responses, --objecqa and --samples")
    if given["suite"] and any(given[name] for name in ("on", "responses", "objecqa", "judge")):
        raise click.UsageError("--suite goes without --on, --responses, --objecqa and --judge")
    if given["responses"]:
        return _score_files(given)
    given["model"], given["beside"] = _served(given["model"]), [_served(spec) for spec in given["beside"]]
    if given["on"]:
        return _answer_set(given)
    if given["suite"]:
        from selfinstruct.cli.suite import answer_suites

        return answer_suites(given, [_form(spec) or "auto" for spec in (given["model"], *given["beside"])])
    from selfinstruct.run import compose
    from selfinstruct.run.recipe import resolve

    beside = {f"beside{number}": spec for number, spec in enumerate(given["beside"], 1)}
    asks: dict[str, Json] = {"model": "scored", "beside": list(beside)}
    knobs: dict[str, Json] = {name: given[name] for name in ("judge", "first", "temperature", "samples")}
    wrappers: list[Json] = [*given["wrappers"]] or [_form(given["model"]) or "none"]
    stages: list[Json] = [{"score": {**asks, **knobs, "wrappers": wrappers}}]
    stages += [{"objecqa": asks}] if given["objecqa"] else []
    models = {"scored": given["model"], **beside}
    recipe = compose.recipe("score", [], stages, models, {"publish": None})
    return carry_out(resolve(recipe, given["changes"]), given, _tell, "score.json")


def _served(spec: str) -> str:
    from selfinstruct.run.tuning import served

    faster = served(spec)
    if faster != spec:
        told = f"{spec} is asked as {faster}, by the embedded engine, some six times faster"
        say(f"{told} (as its adapter, by transformers: hf:{spec})", err=True)
    return faster


def _form(spec: str) -> str:
    """The wrapper that a student was tuned in, said; empty for another model."""
    from selfinstruct.run.tuning import tuned_form

    form = tuned_form(spec)
    if form:
        say(f"{spec} was tuned in the form '{form}', and is asked in it (--wrapper says otherwise)", err=True)
    return form


def _answer_set(given: dict[str, Any]) -> int:
    from selfinstruct.run import compose
    from selfinstruct.run.recipe import resolve

    knobs: dict[str, Json] = {name: given[name] for name in ("gold", "judge", "first", "temperature", "max_tokens")}
    forms = [_form(spec) or "auto" for spec in (given["model"], *given["beside"])]
    wrappers: list[Json] = [*given["wrappers"]] or [*(forms if {*forms} != {"auto"} else ["auto"])]
    knobs |= {"held_out_seeds": given["held_out"], "wrappers": wrappers}
    recipe = compose.answer_set(given["on"], given["model"], given["beside"], knobs, given["columns"])
    return carry_out(resolve(recipe, given["changes"]), given, _tell_answers, "evaluation.json")


def _tell_answers(finished: "Finished") -> None:
    """A line for each model and what its answers were compared with, on stderr."""
    import json

    from rich.console import Console
    from rich.table import Table

    told = json.loads((finished.folder / "evaluation.json").read_text(encoding="utf-8"))
    numbers = ("rouge_l", "exact_match", "words", "unique_words", "ifs")
    table = Table("model", "wrapper", "answers show", "n", "ROUGE-L", "exact", "words", "unique", "IFS", box=None)
    for model in told["models"]:
        for against, count in told["questions"].items():
            if count:
                found = (model[against][name] for name in numbers)
                shares = (
                    _with_interval(one and one["value"], one and (one.get("low"), one.get("high"))) for one in found
                )
                name = against.replace("_", " ")
                table.add_row(model["model"], model["wrapper"], name, str(model[against]["n"]), *shares)
    Console(stderr=True, markup=False, width=200).print(table)


def _score_files(given: dict[str, Any]) -> int:
    from selfinstruct.run.scoring import score_files

    if given["output"] is None:
        raise click.UsageError("name a folder with -o")
    told = score_files(given["responses"], given["judge"], given["output"])
    _table(told)
    say(_as_json(told) if given["as_json"] else given["output"] / "score.json")
    return 0


def _tell(finished: "Finished") -> None:
    import json

    _table(json.loads((finished.folder / "score.json").read_text(encoding="utf-8")))


def _table(told: Mapping[str, Any]) -> None:
    """A line for each model and wrapper, on stderr."""
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "wrapper", "n", "IFS", "partial", "full", "gap", "clean", "judge's error too", box=None)
    judges = dict.fromkeys(str((one.get("judge") or {}).get("version", "")) for one in told["scores"])
    for one in told["scores"]:
        ends = one.get("intervals") or {}
        names = ("ifs", "ifs_partial", "ifs_full", "gap", "ifs_clean")
        shares = (_with_interval(one.get(name), ends.get(name)) for name in names)
        wide = (one.get("with_judge_error") or {}).get("ifs") or {}
        reach = f"{wide['low']:.3f} to {wide['high']:.3f}" if wide.get("low") is not None else ""
        table.add_row(str(one.get("model", "")), str(one.get("wrapper", "")), str(one.get("n", "")), *shares, reach)
    Console(stderr=True, markup=False, width=170).print(table)
    say(f"judge: {', '.join(filter(None, judges))}", err=True)


def _with_interval(value: object, ends: object) -> str:
    """A number, and its 95 % interval where it has one."""
    if not isinstance(value, int | float):
        return ""
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
        return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"
    return f"{value:.3f}"


def _metric(name: str, told: Mapping[str, Any]) -> str:
    return f"{name} {_with_interval(told.get('value'), (told.get('low'), told.get('high')))}"


def _as_json(told: Mapping[str, Any]) -> str:
    import json

    return json.dumps(told)
