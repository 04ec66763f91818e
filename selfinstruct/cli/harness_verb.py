"""`selfinstruct score --suite harness`: tasks of lm-evaluation-harness, and the table that is said at the end."""

from typing import Any

import click

from selfinstruct.cli.terminal import say, say_json


def ask_harness(given: dict[str, Any]) -> int:
    """Every model named, one after another, each into a folder of its own where there are several."""
    from selfinstruct.run.lm_eval_harness import harness

    if given["output"] is None:
        raise click.UsageError("name a folder with -o")
    if given["dry_run"] or given["beside"]:
        raise click.UsageError("--suite harness goes without --dry-run and --beside: score each model, then compare")
    results: dict[str, Any] = harness(
        given["model"],
        [one.strip() for one in given["tasks"].split(",") if one.strip()],
        given["output"],
        task_files=given["task_files"] or "",
        wrapper=given["wrappers"][0] if given["wrappers"] else "auto",
        first=given["first"],
        run_model_code=given["run_model_code"],
    )
    _table(results)
    if given["as_json"]:
        say_json(results)
        return 0
    say(given["output"] / "harness.json")
    return 0


def _table(results: dict[str, Any]) -> None:
    """A line for each number, on stderr."""
    from rich.console import Console
    from rich.table import Table

    table = Table("task", "measure", "value", "questions", "settings", box=None)
    for task, numbers in results["tasks"].items():
        for measure, number in numbers["metrics"].items():
            ends = "" if number["low"] is None else f" [{number['low']:.3f}, {number['high']:.3f}]"
            table.add_row(task, measure, f"{number['value']:.3f}{ends}", str(numbers["questions"]), numbers["settings"])
    Console(stderr=True, markup=False, width=200).print(table)
