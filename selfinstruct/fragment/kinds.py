"""The kinds of fragments: which prompt goes with which continuation, and what the pair is called."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Shape: TypeAlias = Literal["whole", "part", "either", "said"]

ANSWER_LIKE, CONTINUATION_LIKE = 1, 0
"""The two labels."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table."""

    name: str
    label: int
    prompt: Shape
    """Whole instructions (I), cut ones (I_p), half and half, or whichever the record says."""
    share: float
    """Of all fragments with its label, unless the knob `shares` says otherwise."""
    continues: bool = False
    """Holds an I_c: the rest of a cut instruction, or another instruction."""


# A record that says how its instruction might go on does so after the whole of it, as a rule.
# Within each label half of the prompts are whole, or a cut prompt alone would tell the label.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        # The six of arXiv 2307.03692, section 3.
        Kind("answer", ANSWER_LIKE, "whole", 0.28),
        Kind("answer_to_part", ANSWER_LIKE, "part", 0.28),
        Kind("finishes", CONTINUATION_LIKE, "part", 0.22, continues=True),
        Kind("another", CONTINUATION_LIKE, "whole", 0.12, continues=True),
        Kind("finishes_and_answers", CONTINUATION_LIKE, "part", 0.20, continues=True),
        Kind("another_and_answers", CONTINUATION_LIKE, "whole", 0.10, continues=True),
        # Beyond the paper: off topic is no sign of carrying on, and there are other ways not to answer.
        Kind("other_answer", ANSWER_LIKE, "either", 0.16),
        Kind("clarifies", ANSWER_LIKE, "either", 0.10),
        # Small models answer first and lose the thread then: that is for `ifs_clean` to see, the tone is an answer's.
        Kind("repeats", ANSWER_LIKE, "either", 0.09),
        Kind("runs_on", ANSWER_LIKE, "either", 0.09),
        Kind("carries_on", CONTINUATION_LIKE, "said", 0.20, continues=True),
        Kind("echo", CONTINUATION_LIKE, "either", 0.06),
        Kind("empty_list", CONTINUATION_LIKE, "either", 0.04),
        Kind("loop", CONTINUATION_LIKE, "either", 0.06),
    )
}
