"""What simplification did to a set, in a few sums: memory does not grow with the set."""

from collections import Counter
from dataclasses import dataclass, field

from selfinstruct.curate.simplification.readability import flesch_reading_ease
from selfinstruct.curate.simplification.rewrite_checks import kept_facts
from selfinstruct.records import Json


@dataclass
class BeforeAfter:
    """Sums over the changed replies, and reasons why the others stayed."""

    changed: int = 0
    unchanged: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    _characters: list[int] = field(default_factory=lambda: [0, 0])
    _words: list[int] = field(default_factory=lambda: [0, 0])
    _ease: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _eased: int = 0
    _facts: list[int] = field(default_factory=lambda: [0, 0])

    def stays(self, reason: str) -> None:
        """One more reply as it was."""
        self.unchanged[reason] += 1

    def becomes(self, before: str, after: str) -> None:
        """One more reply that changed."""
        self.changed += 1
        for place, text in enumerate((before, after)):
            self._characters[place] += len(text)
            self._words[place] += len(text.split())
        ease = flesch_reading_ease(before), flesch_reading_ease(after)
        if ease[0] is not None and ease[1] is not None:
            self._eased += 1
            self._ease[0] += ease[0]
            self._ease[1] += ease[1]
        kept, there = kept_facts(before, after)
        self._facts[0] += kept
        self._facts[1] += there

    def as_json(self) -> dict[str, Json]:
        """Totals over the changed replies, which add up where a set is worked on in parts."""
        return {
            "replies": self.changed + self.unchanged.total(),
            "changed": self.changed,
            "unchanged": dict(sorted(self.unchanged.items())),
            "cuts": dict(sorted(self.cuts.items())),
            "characters": _sums(self._characters),
            "words": _sums(self._words),
            "flesch_reading_ease": {"of": self._eased, **_sums(self._ease)},
            "facts": {"kept": self._facts[0], "there": self._facts[1]},
        }


def _sums(sums: list[int] | list[float]) -> dict[str, Json]:
    before, after = sums
    return {"before": before, "after": after}
