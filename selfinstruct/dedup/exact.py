"""Stage: of records that say the same, one stays."""

import hashlib
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, TypeAlias

from selfinstruct.dedup.duplicate_records import (
    Keep,
    Over,
    begin_otherwise,
    compared_text,
    neighbour_and_answer,
    preference,
    refuse_unknown_keep,
    refuse_unknown_over,
    refuse_unmeasured,
)
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import words_and_signs

Same: TypeAlias = Literal["characters", "spaces", "case", "words"]

_KEY = b"selfinstruct exact 1"  # another purpose, another hash: nothing made here can be mistaken for a record's id
_BYTES = 16  # among a billion texts, two unlike ones share a hash with probability 1e-21
_SHOWN = 1 << 14  # neighbours whose text stays in memory in case the next record has the same


def _spaces(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def _case(text: str) -> str:
    if text.isascii():
        return " ".join(text.split()).lower()
    # folding can decompose what was composed, so that it is composed once more
    return _spaces(unicodedata.normalize("NFC", text).casefold())


def _words(text: str) -> str:
    folded = _case(text)
    return " ".join(words_and_signs(folded)) or folded


NORMAL: Mapping[Same, Callable[[str], str]] = {"characters": str, "spaces": _spaces, "case": _case, "words": _words}
"""What is left of a text when it is compared; each forgets more than the one before it."""


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Reject a record that says what another one says, however it is spaced or capitalised.

    Evidence: `neighbour` (id of the one that stays), `neighbour_text`, `score` 1.0, and where questions are compared
    `answer`: whether that one answers the `same` or an`other` way; `exact_duplicates` counts both. A record with
    nothing to compare (no response yet, say) duplicates nothing; `never_compared_for_want_of_text` counts them. Memory:
    16 bytes a record and what a table of them costs, whatever the length of the texts.
    """

    name: ClassVar[str] = "exact"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(hands_on="as_they_came")

    over: Over = "instruction"
    """`instruction`: what is asked, inputs and system turn included; `response`: what is answered; `record`: both."""
    same: Same = "case"
    """`characters`: the same code points. `spaces`: after Unicode NFC, each run of white space is one space, none at
    the ends. `case`: that, case-folded; punctuation counts, so that 2+2 is not 2*2. `words`: only its words
    (`selfinstruct.text.words_and_signs`: NFKC, letters and digits, C++ and C# apart); other punctuation is gone."""

    keep: Keep = "first"
    """Of the same: `first`, `newest`, `shortest` or `longest` (characters of the whole record), or `best` (by
    `measure`); ties go to the earlier."""
    measure: str = ""
    """For `best`: the measure that an earlier stage gave the records; higher is better, none is worst."""

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        refuse_unknown_over(self.over)
        refuse_unknown_keep(self.keep, self.measure)
        if self.same not in NORMAL:
            raise BadInput(f"same {self.same!r} is none of {', '.join(NORMAL)}", fix="write same: case")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each record once, in order."""
        del bench
        stays = self._preferred(records)
        empty = removed = others = 0
        named = lru_cache(_SHOWN)(lambda position: neighbour_and_answer(records[position], self.over))
        for position, task in enumerate(records):
            identity = self.identity(task)
            if identity is None:
                empty += 1
                yield Kept(task)
                continue
            twin = stays.setdefault(identity, position)
            if twin == position:
                yield Kept(task)
                continue
            evidence, answer = named(twin)
            removed += 1
            answers: dict[str, Json] = {}
            if self.over == "instruction":
                answer = compared_text(records[twin], "response") if answer is None else answer
                other = self._differ(answer, compared_text(task, "response"))
                others += other
                answers = {"answer": "other" if other else "same"}
            yield Rejected(task, "exact_duplicate", {**evidence, "score": 1.0, **answers})
        if removed:
            conflicts: dict[str, Json] = {"with_another_answer": others} if self.over == "instruction" else {}
            yield Measured("exact_duplicates", {"removed": removed, **conflicts, "kept": self.keep})
        if empty:
            yield Measured("never_compared_for_want_of_text", empty)

    def _preferred(self, records: Sequence[Task]) -> dict[bytes, int]:
        """Which of each set of twins stays; nothing yet where it is the first, which is seen when it comes."""
        stays: dict[bytes, int] = {}
        if self.keep == "first":
            return stays
        prefer, liked, measured = preference(self.keep, self.measure), dict[bytes, float](), False
        for position, task in enumerate(records):
            mark = prefer(position, task)
            measured = measured or mark < math.inf
            identity = self.identity(task)
            if identity is not None and (identity not in stays or mark < liked[identity]):
                stays[identity], liked[identity] = position, mark
        if self.keep == "best" and len(records) and not measured:
            refuse_unmeasured(self.name, self.measure)
        return stays

    def _differ(self, one: str, other: str) -> bool:
        """Whether two texts are not the same: nearly always their first words tell."""
        if one == other:
            return False
        if self.same in ("spaces", "case") and begin_otherwise(one, other):
            return True
        normal = NORMAL[self.same]
        return normal(one) != normal(other)

    def identity(self, task: Task) -> bytes | None:
        """16 bytes of keyed BLAKE2b over the normal form; None where there is nothing to compare.

        >>> from selfinstruct.records import Provenance
        >>> name, spaced = (Task(instruction=said, provenance=Provenance(stage="input")) for said in ("Hi!", " hi! "))
        >>> Exact().identity(name) == Exact().identity(spaced)
        True
        """
        text = compared_text(task, self.over)
        if task.system and self.over != "response":
            text = f"{task.system}\n{text}"
        normal = NORMAL[self.same](text)
        if not normal:
            return None
        return _digest(normal)


def _digest(normal: str) -> bytes:
    return hashlib.blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=_BYTES, key=_KEY).digest()
