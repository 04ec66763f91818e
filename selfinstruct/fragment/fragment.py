"""One fragment: a prompt, how it goes on, and whether that is an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from selfinstruct.fragment.kinds import KINDS
from selfinstruct.records import Json, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A labelled pair from which a judge learns (arXiv 2307.03692, section 3)."""

    prompt: str
    """I or I_p."""
    continuation: str
    """What follows it: I_c, R, both, or one of the kinds beyond the paper."""
    kind: str
    whole: bool
    """The prompt is a whole instruction."""
    complete: bool
    """The prompt is a cut one that reads as a complete sentence all the same."""
    with_input: bool
    """The instruction has an input."""
    open: bool
    """The continuation was ended early, as a cap on its length would."""
    ic_words: int
    """Words of the I_c in the continuation; 0 where it holds none."""
    source: str
    """Id of the record whose instruction this is."""
    set: str
    """Where that record was read."""
    language: str
    """ISO 639-1; empty where nobody knows."""
    ordinal: int = 0
    """Tells identical siblings apart."""

    @property
    def label(self) -> int:
        """1: answer-like, 0: continuation-like."""
        return KINDS[self.kind].label

    @property
    def id(self) -> str:
        """Content and origin answer for it."""
        return digest("fragment", self.prompt, self.continuation, self.kind, self.source, self.ordinal)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`; label and id are derived again, never trusted."""
        line = {"language": "", **data}
        return cls(**{name: line[name] for name in _FIELDS}, ordinal=data.get("ordinal", 0))

    def as_json(self) -> dict[str, Json]:
        """One line of `train.jsonl`, `validation.jsonl` or `test.jsonl`."""
        line: dict[str, Json] = {
            "id": self.id,
            "prompt": self.prompt,
            "continuation": self.continuation,
            "label": self.label,
            "kind": self.kind,
            "whole": self.whole,
            "complete": self.complete,
            "with_input": self.with_input,
            "open": self.open,
            "ic_words": self.ic_words,
            "source": self.source,
            "set": self.set,
        }
        if self.language:
            line["language"] = self.language
        if self.ordinal:
            line["ordinal"] = self.ordinal
        return line


_FIELDS = (
    "prompt",
    "continuation",
    "kind",
    "whole",
    "complete",
    "with_input",
    "open",
    "ic_words",
    "source",
    "set",
    "language",
)
