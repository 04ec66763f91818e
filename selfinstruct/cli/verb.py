"""A verb, as click has commands, that loses nothing of what was typed."""

from collections import Counter

import click


class VerbCommand(click.Command):
    """A command that refuses an option with one value that is given twice: click would keep the last, unsaid."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """UsageError for an option that is given twice."""
        _, _, order = self.make_parser(ctx).parse_args(args=[*args])
        for option, times in Counter(order).items():
            if times > 1 and isinstance(option, click.Option) and not (option.multiple or option.is_flag):
                raise click.UsageError(_twice(option, times), ctx)
        return super().parse_args(ctx, args)


def _twice(option: click.Option, times: int) -> str:
    name = max(option.opts, key=len)
    how = "write them into one, with commas between" if "comma" in (option.help or "") else "give it once"
    return f"{name} is given {times} times, and one alone would count: {how}"
