"""What the verbs that run stages share: options, the progress line, the report at the end."""

import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from selfinstruct.cli.terminal import say
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from selfinstruct.run.execute import Finished
    from selfinstruct.run.recipe.resolved import Resolved

Verb = TypeVar("Verb", bound=Callable[..., Any])


columns_option = click.option(
    "--columns", default="", metavar="ROLE=COLUMN,...", help="Which column is instruction, output, input, system."
)


def renamed_option(old: str, new: str) -> Callable[[Verb], Verb]:
    """An option that is refused, by the name that it had; the new one is told, and `--help` shows neither."""

    def refuse(context: click.Context, option: click.Parameter, value: str | None) -> None:
        if value is not None:
            raise click.NoSuchOption(old, f"{old} is called {new} now", [new], context)
        del option

    return click.option(old, expose_value=False, hidden=True, callback=refuse)


def run_options(verb: Verb) -> Verb:
    """The options of every verb that makes a run folder."""
    return _with(verb, *_OPTIONS)


def publishing_options(verb: Verb) -> Verb:
    """Those, and `--push`: of verbs that publish a set."""
    return _with(verb, *_OPTIONS, _PUSH)


def _with(verb: Verb, *options: Callable[[Verb], Verb]) -> Verb:
    for option in reversed(options):
        verb = option(verb)
    return verb


_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="The run's folder; runs/NAME-FINGERPRINT if not given.",
    ),
    click.option("--set", "changes", multiple=True, metavar="STAGE.KNOB=VALUE", help="Change a recipe's value."),
    click.option("--dry-run", is_flag=True, help="Print requests and price; send nothing."),
    click.option("--fresh", is_flag=True, help="Make everything again from the journal, which is kept."),
    click.option("--retry-failed", is_flag=True, help="Ask failed calls of finished stages again."),
    click.option("--workers", type=click.IntRange(1, 256), default=1, help="Processes for stages that allow it."),
    click.option("--memory", metavar="SIZE", help="Room for records (512MiB); the rest on disk."),
    click.option("--json", "as_json", is_flag=True, help="Say the result as JSON on stdout."),
)
_PUSH = click.option(
    "--push", metavar="OWNER/NAME", help="Upload the set to the Hub (token: HF_TOKEN, or that of `hf auth login`)."
)


def run_and_report(
    resolved: "Resolved",
    given: dict[str, Any],
    also: "Callable[[Finished], None] | None" = None,
    result: str = "",
) -> int:
    """Run a resolved recipe, or estimate it; returns the exit code.

    `also` is called with what was done, before the result is printed.
    `result`: what the verb is for, by its name in the run folder; empty: the set.
    """
    if given["dry_run"]:
        from selfinstruct.run.dry_run import as_table, estimate_run, unset_variables

        say(as_table(estimate_run(resolved)))
        for unset in unset_variables(resolved):
            say(unset, err=True)
        return 0
    if given.get("push"):
        from selfinstruct.formats.dataset import check_push

        check_push(given["push"], published=resolved.recipe.publish is not None)
    from selfinstruct.cli.progress import ProgressLine
    from selfinstruct.run.execute import Options, execute
    from selfinstruct.store.task_file import MEMORY, memory_of

    memory = memory_of(given["memory"]) if given.get("memory") is not None else MEMORY
    # Records hold no cycles: to look for some among a million of them each time takes a tenth of the time.
    gc.set_threshold(100_000, 50, 100)
    began = time.monotonic()
    with ProgressLine() as line:
        finished = execute(
            resolved,
            Options(
                folder=given["output"],
                fresh=given["fresh"],
                retry_failed=given["retry_failed"],
                workers=given["workers"],
                memory=memory,
                watch=line,
            ),
        )
    _report(finished, resolved, time.monotonic() - began)
    if also is not None:
        also(finished)
    if given.get("push"):
        from selfinstruct.formats.dataset import push_to_hub

        say(f"uploaded: {push_to_hub(finished.dataset, given['push'])}", err=True)
    made = finished.folder / result if result else finished.dataset
    say(_as_json(finished, made) if given["as_json"] else made)
    if given.get("fail_on_contamination") and finished.contaminated:
        say(f"gate failed: {plural(finished.contaminated, 'record')} held some of a benchmark", err=True)
        return 1
    return finished.exit_code


def _report(finished: "Finished", resolved: "Resolved", seconds: float) -> None:
    from selfinstruct.cli.exit_report import records_report, student_report
    from selfinstruct.cli.progress import money

    for line in records_report(finished, resolved):
        say(line, err=True)
    tuned = (finished.folder / "student").is_dir()  # its checks ask it, though through no gate
    asked = (
        f"{plural(finished.requests, 'request')}, {money(finished.spend)}, "
        if finished.requests
        else "no model asked, "
    )
    asked = "" if tuned and not finished.requests else asked
    say(f"{asked}{_clock(seconds)}", err=True)
    for line in rejected_report(finished.folder):
        say(line, err=True)
    for line in student_report(finished.folder):
        say(line, err=True)
    say(f"report: {finished.folder / 'report.html'}", err=True)


def rejected_report(folder: Path) -> list[str]:
    """How many records of the inputs could not be used, and why: a line, or none where all could.

    Of a recipe with arms there is nothing to say: each has its own folder.
    """
    from selfinstruct.run.run_reader import load_run

    lines = []
    for stage in load_run(folder).stages if (folder / "recipe.yaml").is_file() else ():
        if stage.reads_inputs and stage.result.rejected:
            counts = reasons(stage.result.rejected)
            lines.append(f"of the inputs {counts}: {folder / 'rejected.jsonl'}")
    return lines


def reasons(rejected: Mapping[str, int]) -> str:
    """How many were rejected, and how many for which reason.

    >>> reasons({"no_answer": 1, "broken_json": 2})
    '3 records rejected (broken_json 2, no_answer 1)'
    """
    listed = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    total = sum(rejected.values())
    each = ", ".join(f"{reason} {count:,}" for reason, count in listed)
    return f"{plural(total, 'record')} rejected ({each})" if total else "0 records rejected"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _as_json(finished: "Finished", made: Path) -> str:
    import json

    return json.dumps(
        {
            "folder": str(finished.folder),
            "dataset": str(finished.dataset),
            "result": str(made),
            "kept": finished.kept,
            "target": finished.target,
            "reason": finished.reason,
            "note": finished.note,
        }
    )
