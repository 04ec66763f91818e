"""One fragment: a prompt, how it goes on, whether that is an answer; and the table of kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from selfinstruct.records import Json, digest

PromptCut: TypeAlias = Literal["whole", "part", "either", "said"]
ANSWER_LIKE, CONTINUATION_LIKE = 1, 0
"""The two labels."""


@dataclass(frozen=True, slots=True)
class FragmentKind:
    """One row of the table."""

    name: str
    label: int
    prompt: PromptCut
    """Whole instructions (I), cut ones (I_p), half and half, or whichever the record says."""
    share: float
    """Of all fragments with its label, unless the knob `shares` says otherwise."""
    continues: bool = False
    """Holds an I_c: the rest of a cut instruction, or another instruction."""


# A record that says how its instruction might go on does so after the whole of it, as a rule.
# Within each label half of the prompts are whole, or a cut prompt alone would tell the label.
KINDS: dict[str, FragmentKind] = {
    kind.name: kind
    for kind in (
        # The six of arXiv 2307.03692, section 3.
        FragmentKind("answer", ANSWER_LIKE, "whole", 0.28),
        FragmentKind("answer_to_part", ANSWER_LIKE, "part", 0.28),
        FragmentKind("finishes", CONTINUATION_LIKE, "part", 0.22, continues=True),
        FragmentKind("another", CONTINUATION_LIKE, "whole", 0.12, continues=True),
        FragmentKind("finishes_and_answers", CONTINUATION_LIKE, "part", 0.20, continues=True),
        FragmentKind("another_and_answers", CONTINUATION_LIKE, "whole", 0.10, continues=True),
        # Beyond the paper: off topic is no sign of carrying on, and there are other ways not to answer.
        FragmentKind("other_answer", ANSWER_LIKE, "either", 0.16),
        FragmentKind("clarifies", ANSWER_LIKE, "either", 0.10),
        # Small models answer first and lose the thread then: that is for `ifs_clean` to see, the tone is an answer's.
        FragmentKind("repeats", ANSWER_LIKE, "either", 0.09),
        FragmentKind("runs_on", ANSWER_LIKE, "either", 0.09),
        FragmentKind("carries_on", CONTINUATION_LIKE, "said", 0.20, continues=True),
        FragmentKind("echo", CONTINUATION_LIKE, "either", 0.06),
        FragmentKind("empty_list", CONTINUATION_LIKE, "either", 0.04),
        FragmentKind("loop", CONTINUATION_LIKE, "either", 0.06),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A labelled pair from which a judge learns (arXiv 2307.03692, section 3)."""

    prompt: str
    """I or I_p: the instruction, whole or cut."""
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
    """ISO 639-1; empty where unknown."""
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
