"""One cycle of the loop, as the page tells it."""

from dataclasses import dataclass

from selfinstruct.report.found import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleCount:
    """Rounds, stages, a student's score, and what came of it."""

    number: int
    rounds: tuple[int, int]
    """First and last; the last below the first where none was needed."""
    tasks: int
    """Tasks it worked with, those of the cycles before it among them."""
    nearest: float | None
    """Mean ROUGE-L of its new tasks with their nearest neighbours."""
    distinct_2: float | None
    """Of all word pairs in its new instructions, the share of different ones."""
    ifs: Found | None
    """Of the student on the prompts that steer."""
    gain: Found | None
    """Over the cycle before, on the same prompts."""
    decision: str
    """What was decided at its end, in a few words."""
    asks_for: tuple[str, ...]
    """Kinds of instruction of which the next cycle shows more."""
    steers: bool | None
    """Whether it does so, or the failures were only counted; None where nobody said."""
