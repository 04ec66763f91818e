"""The front desk: the verbs, and how a run ends for the shell."""

import errno
import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from selfinstruct.cli.terminal import say
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.version import __version__

VERBS = {
    "run": "run_verbs",
    "generate": "run_verbs",
    "curate": "set_verbs",
    "simplify": "set_verbs",
    "verify": "set_verbs",
    "convert": "set_verbs",
    "mix": "set_verbs",
    "fragment": "train_verbs",
    "train-judge": "train_verbs",
    "finetune": "train_verbs",
    "score": "score_verbs",
    "audit": "audit_verbs",
    "blame": "blame_verbs",
    "forget": "blame_verbs",
    "compare": "score_verbs",
    "show": "run_folder_verbs",
    "why": "run_folder_verbs",
    "report": "run_folder_verbs",
    "check": "setup_verbs",
    "schema": "setup_verbs",
    "init": "setup_verbs",
    "reconsider": "run_folder_verbs",
    "review": "run_folder_verbs",
    "fetch": "setup_verbs",
    "plugins": "setup_verbs",
}
"""Verb and the module it lives in: imported only when it is called or its help is asked for."""


_TOO_MANY = (errno.EMFILE, errno.ENFILE)


class Terminated(KeyboardInterrupt):
    """SIGTERM, told like Ctrl-C."""


class Desk(click.Group):
    """A group that imports a verb when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of the work."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"selfinstruct.cli.{VERBS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing one."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, SAYS[verb]) for verb in VERBS])


SAYS = {
    "run": "a whole recipe (YAML)",
    "generate": "seed tasks -> new tasks -> a published set",
    "curate": "any sets -> one clean one, every removal with its reason",
    "simplify": "responses cut to what is helpful and factual",
    "verify": "outputs that can be shown to be wrong, dropped",
    "convert": "one layout or file format into another",
    "mix": "sets mixed by weights, caps or budgets (YAML)",
    "fragment": "labelled pairs for a judge of tone",
    "train-judge": "the response tone classifier",
    "finetune": "a set and a base -> a student, stopped where its IFS settles",
    "score": "does a model answer, or carry on? (IFS, ObjecQA)",
    "audit": "what did a tuning do? ablations, token shift, knowledge, tracing",
    "blame": "which training records taught this sentence",
    "forget": "a set without some records and all that was made of them",
    "compare": "folders of score in one table, with intervals and differences",
    "show": "what a run folder holds",
    "why": "the life of one record, from the seeds to its end",
    "report": "the HTML page of a run, made again",
    "check": "is this recipe right? prints it with every knob, and what each means",
    "schema": "what a recipe may say, as JSON Schema for editors",
    "init": "a starting folder with seeds and recipes",
    "reconsider": "decide again with other thresholds, without asking a model",
    "review": "a sheet to read and judge by hand, and the rates it gives",
    "fetch": "weights: the embedded model's, or those of a base model, gemma",
    "plugins": "what installed packages add: stages, rules, formats, models",
}


@click.group(cls=Desk, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="selfinstruct")
def desk() -> None:
    """From a few seed tasks and any language model to an instruction set with every record accounted for.

    Start with:  selfinstruct generate --model embedded --count 20 -o runs/hello
    """


def main() -> NoReturn:
    """Run one verb; errors a person can act on become one line and an exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = desk.main(standalone_mode=False)
    except SelfInstructError as error:
        _say(error.typed)
        sys.exit(error.exit_code)
    except click.exceptions.Abort as abort:
        ended = isinstance(abort.__context__, Terminated) or isinstance(abort.__cause__, Terminated)
        _say(f"{'terminated' if ended else 'interrupted'}; to go on: {typed()}")
        _leave(143 if ended else 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except (FileExistsError, NotADirectoryError) as error:
        _say(f"{error.filename}: is a file, where a folder is wanted; choose another folder with -o")
        sys.exit(BadInput.exit_code)
    except IsADirectoryError as error:
        _say(f"{error.filename}: is a folder, where a file is wanted; name a file")
        sys.exit(BadInput.exit_code)
    except OSError as error:
        way = "raise `ulimit -n` (256 is enough)" if error.errno in _TOO_MANY else "make room or permit it"
        _say(f"{error.filename or 'the disk'}: {error.strerror or error}; {way}, then: {typed()}")
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)


def typed() -> str:
    """The command as it was typed, fit to be typed again."""
    import shlex

    return shlex.join(["selfinstruct", *sys.argv[1:]])


def _leave(code: int) -> NoReturn:
    """End now: everything paid for is on disk, and a model computing inside this process cannot be broken off."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(line: str) -> None:
    say("selfinstruct: " + " ".join(filter(None, map(str.strip, line.splitlines()))), err=True)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated
