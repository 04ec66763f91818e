"""Stage: how much of each source goes into the set, by weights, caps and budgets, drawn by a seed."""

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from selfinstruct.curate.mixture.portions import Share, equal_portions, portions
from selfinstruct.curate.mixture.tally import Tally, Unit
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import shown


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Draw from each source its part; without knobs all of everything, which is the Camels paper's mixture.

    A source is what `extra["dataset"]` names, else the file it was read from; a row is a record. Which records of a
    source are drawn depends on the seed and their ids alone, not on other sources; what a smaller part holds, a larger
    one holds too; and nothing is drawn twice.
    """

    name: ClassVar[str] = "mix"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(draws=True)

    weights: dict[str, float] = field(default_factory=dict)
    """By source, how much of itself it gives, 0 to 1; a source not named gives 1. With `equal_budget` how many times
    the others' part it gives, perhaps over 1."""
    caps: dict[str, int] = field(default_factory=dict)
    """By source, rows or tokens at most."""
    budget: int | None = None
    """Rows or tokens of all sources at most; what each would give is lowered in proportion."""
    by: Unit | None = None
    """What caps and budgets count; None: tokens with `equal_budget`, else rows. Tokens are estimated."""
    equal_budget: bool = False
    """The same from each source, whatever its size: its part of `budget`, or without one what the smallest has. A
    source that has less than its part gives all, and the others give no more for it."""
    shuffle: bool = False
    """Sources mingled, in the order of the lots; else everything stays in the order it came."""
    seed: int | None = None
    """Of the lots; None: that of the run."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for source, weight in self.weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise _bad("weights", f"'{shown(source)}': {weight} is no weight", "write a number from 0 to 1")
            if weight > 1 and not self.equal_budget:
                what = f"'{shown(source)}': {weight} would repeat records, and each is in the set once"
                raise _bad("weights", what, "lower the weights of the other sources instead")
        for source, cap in self.caps.items():
            if cap < 0:
                raise _bad("caps", f"'{shown(source)}': {cap} is less than nothing", "write 0 or more")
        if self.budget is not None and self.budget < 1:
            raise _bad("budget", f"{self.budget} leaves nothing", "write 1 or more, or leave it out")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected as `not_drawn` with the portion that its source gives; then the table of the mixture.

        Measured `mixture`: for each source {source, rows, drawn, tokens, mean_turns, mean_prompt_tokens,
        mean_completion_tokens, counted_by}, the columns of the paper's Table 1; all but `rows` are of what is drawn.
        """
        tally = Tally(records, bench.seed if self.seed is None else self.seed)
        self._check_names(tally.names)
        tally.draw(self.portions(tally), self.unit)
        if self.shuffle:
            yield from (Kept(records[index]) for index in tally.mingled())
        for index, task in enumerate(records):
            if not tally.drawn[index]:
                yield Rejected(task, "not_drawn", tally.evidence(index))
            elif not self.shuffle:
                yield Kept(task)
        yield Measured("mixture", tally.table())

    @property
    def unit(self) -> Unit:
        """What caps and budgets count."""
        return self.by or ("tokens" if self.equal_budget else "rows")

    def portions(self, tally: Tally) -> list[int]:
        """Rows or tokens that each source gives, in the order in which they first came."""
        shares = [
            Share(size=size, weight=self.weights.get(name, 1.0), cap=self.caps.get(name))
            for name, size in zip(tally.names, tally.sizes(self.unit), strict=True)
        ]
        return (equal_portions if self.equal_budget else portions)(shares, self.budget)

    def _check_names(self, known: Sequence[str]) -> None:
        """A weight for a source that is not there is a slip of the pen, unless nothing is there."""
        for knob, given in (("weights", self.weights), ("caps", self.caps)):
            for source in given:
                if known and source not in known:
                    close = difflib.get_close_matches(source, known, 1)
                    hint = f" (did you mean '{shown(close[0])}'?)" if close else ""
                    listed = ", ".join(shown(name) for name in known[:_LISTED])
                    raise _bad(knob, f"no source '{shown(source)}'{hint}", f"sources: {listed}")


_LISTED = 20


def _bad(knob: str, what: str, fix: str) -> BadInput:
    return BadInput(what, place=f"stage mix, knob '{knob}'", fix=fix)
