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
    results: dict[str, Any] = harness(
        given["model"],
        [task.strip() for task in given["tasks"].split(",") if task.strip()],
        given["output"],
        task_files=given["task_files"] or "",
        wrapper=given["wrappers"][0] if given["wrappers"] else "auto",
        first=given["first"],
        run_model_code=given["run_model_code"],
        limits=limits_of(given["changes"]),
        dry_run=given["dry_run"],
    )
    if given["dry_run"]:
        _say_plan(results, as_json=given["as_json"])
        return 0
    _table(results)
    if results["spent"] is not None:
        cost = "an unknown price" if results["spent"]["cost"] is None else f"${results['spent']['cost']}"
        say(f"{results['spent']['tokens']:,} tokens, {cost}", err=True)
    if given["as_json"]:
        say_json(results)
        return 0
    say(given["output"] / "harness.json")
    return 0


def _say_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """What would be sent."""
    if as_json:
        say_json(plan)
        return
    say(f"{plan['requests']:,} requests to {plan['model']}, about {plan['prompt_tokens']:,} tokens of prompts")
    say(f"at most {plan['completion_tokens_most']:,} tokens of answers; US dollars: {plan['cost']}")
    say("nothing was sent")


def _table(results: dict[str, Any]) -> None:
    """A line for each number, on stderr."""
    from rich.console import Console
    from rich.table import Table

    table = Table("task", "measure", "value", "questions", "settings", box=None)
    for task, scores in results["tasks"].items():
        for measure, number in scores["metrics"].items():
            ends = "" if number["low"] is None else f" [{number['low']:.3f}, {number['high']:.3f}]"
            table.add_row(task, measure, f"{number['value']:.3f}{ends}", str(scores["questions"]), scores["settings"])
    Console(stderr=True, markup=False, width=200).print(table)
