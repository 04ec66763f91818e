"""`selfinstruct score --suite harness`: tasks of lm-evaluation-harness, and the table that is said at the end."""

from typing import Any

import click

from selfinstruct.cli.terminal import say, say_json


def ask_harness(given: dict[str, Any]) -> int:
    """Every model named, one after another, each into a folder of its own where there are several."""
    from selfinstruct.run.lm_eval_harness import harness, limits_of

    if given["output"] is None:
        raise click.UsageError("name a folder with -o")
    if given["beside"]:
        raise click.UsageError("--suite harness goes without --beside: score each model, then compare")
    told: dict[str, Any] = harness(
        given["model"],
        [one.strip() for one in given["tasks"].split(",") if one.strip()],
        given["output"],
        task_files=given["task_files"] or "",
        wrapper=given["wrappers"][0] if given["wrappers"] else "auto",
        first=given["first"],
        run_model_code=given["run_model_code"],
        limits=limits_of(given["changes"]),
        dry_run=given["dry_run"],
    )
    if given["dry_run"]:
        _say_plan(told, as_json=given["as_json"])
        return 0
    _table(told)
    if told["spent"] is not None:
        cost = "an unknown price" if told["spent"]["cost"] is None else f"${told['spent']['cost']}"
        say(f"{told['spent']['tokens']:,} tokens, {cost}", err=True)
    if given["as_json"]:
        say_json(told)
        return 0
    say(given["output"] / "harness.json")
    return 0


def _say_plan(told: dict[str, Any], *, as_json: bool) -> None:
    """What would be sent."""
    if as_json:
        say_json(told)
        return
    say(f"{told['requests']:,} requests to {told['model']}, about {told['prompt_tokens']:,} tokens of prompts")
    say(f"at most {told['completion_tokens_most']:,} tokens of answers; US dollars: {told['cost']}")
    say("nothing was sent")


def _table(told: dict[str, Any]) -> None:
    """A line for each number, on stderr."""
    from rich.console import Console
    from rich.table import Table

    table = Table("task", "measure", "value", "questions", "settings", box=None)
    for task, found in told["tasks"].items():
        for measure, number in found["metrics"].items():
            ends = "" if number["low"] is None else f" [{number['low']:.3f}, {number['high']:.3f}]"
            table.add_row(task, measure, f"{number['value']:.3f}{ends}", str(found["questions"]), found["settings"])
    Console(stderr=True, markup=False, width=200).print(table)
