"""`selfinstruct score --suite`: what is asked, and the table that is said at the end."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selfinstruct.cli.running import carry_out
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.run.run import Finished


def answer_suites(given: dict[str, Any], forms: Sequence[str]) -> int:
    """Ask the suites; `forms`: the wrapper of each model, where the command names none."""
    from selfinstruct.run.compose import ask_suites
    from selfinstruct.run.recipe import resolve

    wrappers: list[Json] = [*(given["wrappers"] or (forms if len({*forms}) > 1 else forms[:1]))]
    knobs: dict[str, Json] = {"wrappers": wrappers, "first": given["first"]}
    recipe = ask_suites(given["suite"], given["model"], given["beside"], knobs)
    return carry_out(resolve(recipe, given["changes"]), given, _tell, "suite.json")


def _tell(finished: "Finished") -> None:
    """A table for each suite, a line for each model, on stderr."""
    from rich.console import Console
    from rich.table import Table

    told = json.loads((finished.folder / "suite.json").read_text(encoding="utf-8"))
    console = Console(stderr=True, markup=False, width=200)
    for suite, asked in told["suites"].items():
        table = Table("model", "wrapper", "answers", "failed", *asked["measures"].values(), box=None, title=suite)
        for model in told["models"]:
            found = model[suite]
            numbers = (_number(found["measures"].get(name)) for name in asked["measures"])
            counts = (str(found[name]) for name in ("answered", "failed"))
            table.add_row(model["model"], model["wrapper"], *counts, *numbers)
        console.print(table)


def _number(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return ""
    ends = "" if told["low"] is None else f" [{told['low']:.3f}, {told['high']:.3f}]"
    return f"{told['value']:.3f}{ends}"
