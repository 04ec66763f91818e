"""What a reader says of a record that it cannot use: where it stands, how it begins, and what is wrong with it."""

from dataclasses import dataclass

from selfinstruct.errors import BadInput


class BadRecord(BadInput):
    """One record of an input cannot be used; those behind it still can.

    >>> str(BadRecord("not JSON", reason="broken_json", place="tasks.jsonl:7", fix="remove the line"))
    'tasks.jsonl:7: not JSON; remove the line'
    """

    def __init__(self, what: str, *, reason: str, place: str = "", fix: str = "", text: str = "") -> None:
        self.reason, self.text = reason, text
        """Its name in one word, as rules have one; and how the record begins, made fit to be shown."""
        super().__init__(what, place=place, fix=fix)

    def at(self, place: str, text: str) -> "BadRecord":
        """The same complaint where the place and the beginning of the record are known."""
        return BadRecord(self.what, reason=self.reason, place=place, fix=self.fix, text=text)

    @property
    def unreadable(self) -> "Unreadable":
        """The complaint as a result."""
        return Unreadable(self.place, self.text, self.reason, self.what)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of an input that became no task; the good ones go on."""

    place: str
    """`file:line`."""
    text: str
    """How it begins, made fit to be shown."""
    reason: str
    """Its name in one word, as rules have one."""
    problem: str
    """What is wrong with it, as a sentence without a full stop."""
