"""The one way to the terminal: what a model, a file or an endpoint put into a text is shown, never obeyed."""

import json
import re
from typing import Any

import click

from selfinstruct.text import printable


def say(text: object, *, err: bool = False, end: str = "\n") -> None:
    """Print a text, its line ends as they are and all else that a terminal might obey made visible."""
    parts = re.split("([\n\t])", str(text))
    click.echo("".join(part if part in "\n\t" else printable(part) for part in parts) + end, nl=False, err=err)


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print for programs: in ASCII, so that a terminal is safe from it and every program reads it."""
    click.echo(json.dumps(value))


def with_interval(value: object, ends: object) -> str:
    """A number, and its 95 % interval where it has one."""
    if not isinstance(value, int | float):
        return ""
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
        return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"
    return f"{value:.3f}"
