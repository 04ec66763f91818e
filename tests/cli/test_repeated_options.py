"""What is typed twice is never half forgotten."""

from collections.abc import Iterator

import click
import pytest

from selfinstruct.cli.main import desk
from tests.cli.typed import command


def verbs(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        assert verb is not None
        if isinstance(verb, click.Group):
            yield from verbs(verb, *words, name)
        else:
            yield (*words, name), verb


def test_every_option_of_every_verb_adds_up_or_is_refused() -> None:
    tried = 0
    for words, verb in verbs(desk):
        for option in verb.params:
            if isinstance(option, click.Option) and not (option.multiple or option.is_flag or option.hidden):
                for name in option.opts:
                    with pytest.raises(click.UsageError, match=f"{option.opts[-1]} is given 2 times"):
                        verb.make_context(words[-1], [name, "1", name, "2"])
                    tried += 1
    assert tried > 150


def test_a_list_is_told_to_be_written_as_one() -> None:
    ended = command("curate", "a.jsonl", "--rules", "curate", "--rules", "secrets", "--dry-run")
    assert ended.returncode == 2
    assert "--rules is given 2 times, and one alone would count: write them into one, with commas" in ended.stderr
    ended = command("curate", "a.jsonl", "-o", "a", "--output", "b")
    assert "--output is given 2 times, and one alone would count: give it once" in ended.stderr


def test_what_adds_up_is_taken_and_a_switch_may_be_repeated() -> None:
    words = ("run", "smoke", "--set", "count=2", "--set", "seed=1", "--dry-run", "--dry-run")
    assert command(*words).returncode == 0
