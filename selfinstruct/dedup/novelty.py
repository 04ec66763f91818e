"""Stage: keep an instruction only if nothing in the pool reads like it (ROUGE-L)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.dedup.index import CUTTERS, Border, Mode, Nearest, RougeIndex, Words
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Evidence, Kept, Measured, Outcome, Rejected, Scope

LONGEST = 1 << 20
"""Characters of an instruction that is compared: the time for a pair grows with the product of both lengths."""
MOST_WORDS = 1 << 17
"""Words of it: of two that long a pair takes under half a second, of all that fit into the characters ten."""


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """Greedy, in order, against the pool and all kept before it (Self-Instruct 2.2).

    Evidence, kept or rejected: `nearest` (id), `text`, `rouge_l`, `common` (LCS in words) and `words` (both lengths):
    enough to decide again, exactly, in either mode. It is measured against the pool as it stood then.
    """

    name: ClassVar[str] = "novelty"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "ordered"

    rouge_l_below: float = 0.7
    """Self-Instruct's threshold."""
    mode: Mode = "strict"
    """`strict`: as the released program, in floats, keeps exactly 0.7. `paper`: in whole numbers, rejects it."""
    words: Words = "unicode"
    """`program`: as the released program, only a-z and 0-9 make words, so other scripts are never compared."""
    reference: bool = False
    """Also record the program's `most_similar` and `avg_similarity_score`; compares every pair."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(novelty_below=self.rouge_l_below)

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        Border(self.rouge_l_below, self.mode)
        if self.words not in CUTTERS:
            raise BadInput(f"words {self.words!r} is none of {', '.join(CUTTERS)}", fix="write words: unicode")

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Each task once, kept or rejected, in order."""
        index = bench.pool.index(f"{bench.stage or self.name}/{self.words}", self._index)
        wordless = 0
        for task in records:
            if len(task.instruction) > LONGEST:
                yield Rejected(task, "too_long", {"characters": len(task.instruction), "limit": LONGEST})
                continue
            if len(task.instruction) > MOST_WORDS and (count := index.count_words(task.instruction)) > MOST_WORDS:
                told = {"characters": len(task.instruction), "word_count": count, "most_words": MOST_WORDS}
                yield Rejected(task, "too_long", told)
                continue
            evidence = self._measure(index, task.instruction)
            if self.objects(evidence):
                yield Rejected(task, "too_similar", evidence)
                continue
            wordless += not index.has_words(task.instruction)
            index.add(task.id, task.instruction)
            yield Kept(task, evidence)
        if wordless:
            yield Measured("never_compared_for_want_of_words", wordless)

    def objects(self, evidence: Evidence) -> bool:
        """Too similar, by what was measured.

        >>> on_the_border = {"common": 7, "words": [10, 10]}
        >>> Novelty().objects(on_the_border), Novelty(mode="paper").objects(on_the_border)
        (False, True)
        """
        if "characters" in evidence:  # it was too long to be compared
            return True
        common, lengths = evidence["common"], evidence["words"]
        if not (isinstance(common, int) and isinstance(lengths, list)):
            raise BadInput("the evidence of novelty holds no `common` and `words`", fix="run the stage again")
        candidate, other = (int(str(length)) for length in lengths)
        return Border(self.rouge_l_below, self.mode).is_crossed(common, candidate, other)

    def _index(self, tasks: Iterable[Task]) -> RougeIndex:
        return RougeIndex.over(tuple(tasks), self.words)

    def _measure(self, index: RougeIndex, text: str) -> dict[str, Json]:
        if not self.reference:
            return _shown(index.nearest(text))
        comparison = index.compare(text)
        return {
            **_shown(comparison.nearest),
            "most_similar": dict(comparison.most_similar),
            "avg_similarity_score": comparison.average,
        }


def _shown(nearest: Nearest | None) -> dict[str, Json]:
    """As evidence; null where nothing shares a word."""
    if nearest is None:
        return {"nearest": None, "text": None, "rouge_l": 0.0, "common": 0, "words": [0, 0]}
    return {
        "nearest": nearest.id,
        "text": nearest.text,
        "rouge_l": nearest.rouge_l,
        "common": nearest.common,
        "words": list(nearest.words),
    }
