"""The few errors a person may see, each a plain sentence with the place and the next step.

SelfInstructError
|-- BadInput    what was given cannot be used            exit 2
|   |-- RecordingEnded  a recording has no answer to what is asked next
|-- Stopped     the run ended early and can be resumed   exit 3
    |-- Capped        a cap on money or tokens was reached
    |-- ProviderDown  calls keep failing, or can never succeed
    |-- Owned         another process holds the run folder
    |-- NoRoom        the disk is full, read-only or failing
"""

from selfinstruct.advice import in_python


class SelfInstructError(Exception):
    """Anything a person should read as one line instead of a traceback.

    What to do is written as one types it (`--fresh`); as a text it says what one writes in Python (`fresh=True`).
    """

    exit_code = 2

    def __str__(self) -> str:
        """For a caller in Python.

        >>> str(Stopped("the cap is reached; raise --max-cost and run the same command again"))
        'the cap is reached; raise max_cost and run the same call again'
        """
        return in_python(self.typed)

    @property
    def typed(self) -> str:
        """For a person at the command line.

        >>> Stopped("the cap is reached; raise --max-cost and run the same command again").typed
        'the cap is reached; raise --max-cost and run the same command again'
        """
        return super().__str__()


class BadInput(SelfInstructError):
    """A file, a line, a key or an option cannot be used.

    >>> str(BadInput("not JSON", place="seeds.jsonl:7", fix="remove the line"))
    'seeds.jsonl:7: not JSON; remove the line'
    """

    def __init__(self, what: str, *, place: str = "", fix: str = "") -> None:
        self.what, self.place, self.fix = what, place, fix
        super().__init__((f"{place}: " if place else "") + what + (f"; {fix}" if fix else ""))


class RecordingEnded(BadInput):
    """A recording has no answer to anything that is asked next."""


class Stopped(SelfInstructError):
    """The run ended before its target; the same command continues it."""

    exit_code = 3


class Capped(Stopped):
    """The next request could pass a cap on money or tokens, so it was not sent."""


class ProviderDown(Stopped):
    """A model's endpoint refuses or fails so often that going on would only waste money."""


class Owned(Stopped):
    """Another process holds this run folder."""


class NoRoom(Stopped):
    """The disk is full, read-only or failing."""
