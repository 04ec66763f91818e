"""CoT and Flan V2: rows of a prompt and its completion, drawn from the parts of the FLAN collection in fixed shares."""

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from selfinstruct.formats.camels.checked_values import Converted, SetOrigin, Unusable, Values, each, rest, text
from selfinstruct.formats.camels.checked_values import unreadable as complaint
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Task

_IN_FILE_NAME = re.compile(r"(?:(flan\d*|t0|p3|niv2|cot|dialog)_?)?(zs|fs)_?(no)?opt", re.IGNORECASE)
_FAMILIES = {
    "flan": "flan",
    "flan2021": "flan",
    "p3": "t0",
    "t0": "t0",
    "niv2": "niv2",
    "cot": "cot",
    "dialog": "dialog",
}
_WAYS = ("zs_opt", "fs_opt", "zs_noopt", "fs_noopt")
_FAMILY_KEYS, _WAY_KEYS = ("_task_source", "task_source", "task"), ("_template_type", "template_type")
UNMARKED = ""
"""The part of rows that do not say which they come from: a file that was resampled already."""


@dataclass(frozen=True, kw_only=True)
class Flan:
    """Draws rows from parts of the FLAN collection: each part its share, none twice.

    A part is a family of tasks shown in one of four ways, such as `cot_zs_opt` (zero-shot, with answer options). A row
    names it in its fields, or its file does in its name. A part with too few rows gives all it has. Either all rows of
    a file name their part or none does; then the whole number is drawn from all. Where a part lies in several files,
    each of them gives the part's share: join them first, or cap the set in `mix`.
    """

    name: str
    about: str
    total: int = 100_000
    """Rows of all parts together."""
    shares: Mapping[str, int]
    """Of each part, in thousandths of the total."""
    family: str = ""
    """The family of files and rows that name only the way."""

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """The rows drawn, in the order of the file, behind those that were not, which are `not_drawn`."""
        draw = _Draw(self, SetOrigin(dataset=self.name, source=source, seed=seed))
        yield from each(values, draw.offered, compat)
        yield from draw.drawn()

    def part(self, value: Mapping[str, Any], source: str) -> str:
        """Which part a row comes from: by its fields, else by the name of its file.

        >>> COT.part({"inputs": "Why?", "targets": "So."}, "cot_zsopt.jsonl")
        'cot_zs_opt'
        """
        named = _IN_FILE_NAME.search(source)
        family = _word(value, _FAMILY_KEYS, _FAMILIES) or (named and _FAMILIES.get((named[1] or "").lower()))
        way = _word(value, _WAY_KEYS, {way: way for way in _WAYS})
        if not way and named:
            way = f"{named[2].lower()}_{(named[3] or '').lower()}opt"
        family = family or self.family
        return f"{family}_{way}" if family and way else UNMARKED

    def quota(self, part: str) -> int:
        """How many rows of a part are drawn at most."""
        return self.total if part == UNMARKED else self.total * self.shares.get(part, 0) // 1000


@dataclass(frozen=True, slots=True, order=True)
class _Offer:
    """A row that may be drawn: the smaller its lot, the better; a heap has the worst on top."""

    worse: int
    number: int
    line: Line = field(compare=False)


class _Draw:
    """Holds no more rows than can be drawn: of each part those with the smallest lots."""

    def __init__(self, rules: Flan, origin: SetOrigin) -> None:
        self._rules, self._origin = rules, origin
        self._parts: dict[str, list[_Offer]] = {}

    def offered(self, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Unreadable]:
        """What can no longer be drawn, now that this row is here."""
        text(value, "inputs"), text(value, "targets")
        part = self._rules.part(value, self._origin.source)
        if self._parts and (part == UNMARKED) != (UNMARKED in self._parts):
            raise Unusable("part", "some rows of this file name their part of the collection and some do not")
        heap = self._parts.setdefault(part, [])
        heapq.heappush(heap, _Offer(-self._origin.draw("lot", part, number), number, line))
        if len(heap) > self._rules.quota(part):
            yield self._left(heapq.heappop(heap).line, part)

    def drawn(self) -> Iterator[Task | Unreadable]:
        """The rows that are left, in the order of the file."""
        left = sorted((offer for heap in self._parts.values() for offer in heap), key=lambda offer: offer.number)
        self._parts = {}
        yield from each((offer.line for offer in left), self._task)

    def _task(self, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task]:
        del line, number
        extra = rest(value, "inputs", "targets")
        yield self._origin.task(with_newline(text(value, "inputs")), text(value, "targets"), extra)

    def _left(self, line: Line, part: str) -> Unreadable:
        quota = self._rules.quota(part)
        what = f"{quota:,} rows of {part or 'the file'} are drawn by seed {self._origin.seed}, this is not among them"
        return complaint(line, "not_drawn", what)


def with_newline(prompt: str) -> str:
    r"""The prompt, with a newline at its end unless it ends in one, or in a colon.

    >>> with_newline("Why is it so?"), with_newline("Q: Why?\nA: "), with_newline("Why?\n")
    ('Why is it so?\n', 'Q: Why?\nA: ', 'Why?\n')
    """
    return prompt if prompt.endswith("\n") or prompt.rstrip().endswith(":") else prompt + "\n"


def _word(value: Mapping[str, Any], keys: tuple[str, ...], known: Mapping[str, str]) -> str:
    """The known word under the first of the keys that holds one."""
    for key in keys:
        word = value.get(key)
        if isinstance(word, str) and word.lower() in known:
            return known[word.lower()]
    return ""


COT = Flan(
    name="cot",
    about="cot_zsopt.jsonl and cot_fsopt.jsonl; 50,000 rows of each drawn; a newline behind a prompt",
    shares={"cot_zs_opt": 500, "cot_fs_opt": 500},
    family="cot",
)
FLAN_V2 = Flan(
    name="flan_v2",
    about="a file a part of the collection, or one resampled file; 100,000 rows drawn; a newline behind a prompt",
    shares={
        **{f"flan_{way}": 100 for way in _WAYS},
        **{f"t0_{way}": 80 for way in _WAYS},
        **{f"niv2_{way}": 100 for way in _WAYS[:2]},
        **{f"cot_{way}": 25 for way in _WAYS[:2]},
        **{f"dialog_{way}": 15 for way in _WAYS[:2]},
    },
)
