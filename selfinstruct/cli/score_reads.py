"""`selfinstruct score --read N FOLDER`, and `--filled SHEET`: a score that a person has looked into."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.saying import say, say_json

if TYPE_CHECKING:
    from selfinstruct.run.score_reads import Read
    from selfinstruct.stats import Estimate

_GOES_WITH = frozenset({"model", "reads", "filled", "wrappers", "output", "as_json"})
_SEED = 42


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
        names = [one.opts[0] for one in context.command.params if one.name in alien]
        raise click.UsageError(f"{'--filled' if given['filled'] else '--read'} goes without {', '.join(names)}")
    return _read_back(given) if given["filled"] else _draw(given)


def _draw(given: Mapping[str, Any]) -> int:
    from selfinstruct.run.score_reads import empty_sheet

    folder = Path(given["model"])
    made = empty_sheet(folder, given["reads"], given["wrappers"], _SEED, given["output"])
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
    from selfinstruct.run.score_reads import read_back

    found = read_back(Path(given["model"]), given["filled"])
    _tell(found)
    if given["as_json"]:
        say_json(found.told)
    else:
        say(found.place)
    return 0


def _tell(found: "Read") -> None:
    """A line for each model and wrapper and one for each difference, on stderr, and how the judge errs."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, markup=False, width=160)
    table = Table("model", "wrapper", "read", "unsure", "disagree", f"by {found.judge}", "by reads", "IFS", box=None)
    for one in found.shares:
        counts = (str(one.read), str(one.unsure), str(one.disagreements))
        table.add_row(*one.side, *counts, *map(_with_interval, (one.by_judge, one.by_reads, one.both)))
    console.print(table)
    for one in found.shares:
        if one.both.how == "reads":
            say(f"{one.label}: {_alone(one.disagreements)}", err=True)
        if one.unsure:
            low, high = one.unsure_as
            say(f"{one.label}: unsure ones as no answers {low:.3f}, as answers {high:.3f}", err=True)
        for stratum, errs in one.errors.items():
            missed = f"misses {errs.missed} of {errs.answers} answers"
            called = f"takes {errs.called_answers} of {errs.others} others for answers"
            say(f"{one.label}, {stratum}: {found.judge} {missed}, {called}", err=True)
    for two in found.differences:
        say(f"{two.of.label} above {two.above.label}: {_with_interval(two.found, signed=True)}", err=True)


def _alone(disagreements: int) -> str:
    from selfinstruct.prediction_powered import FEW_DISAGREEMENTS

    if disagreements < FEW_DISAGREEMENTS:
        return f"fewer than {FEW_DISAGREEMENTS} disagreements do not tell how the judge errs, so the reads speak alone"
    return "with the judge the interval would be no narrower, so the reads speak alone"


def _with_interval(found: "Estimate", *, signed: bool = False) -> str:
    value, low, high = (
        "" if one is None else f"{one:+.3f}" if signed else f"{one:.3f}" for one in (found.value, found.low, found.high)
    )
    return f"{value} [{low}, {high}]" if low else value
