r"""Entries of instruction, input and output in one text, as Stanford Alpaca asks for them, written and read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from selfinstruct.generate.reference import listed
from selfinstruct.records import Task

NO_INPUT = "<noinput>"

_SEPARATOR = re.compile(r"^[ \t]*(?:#{2,}|-{3,}|={3,}|\*{3,})[ \t]*$")
# A new entry in the middle of a line: the separator and the line end were left out.
_RUN_ON = re.compile(
    r"(?<!\n)[ \t]*(?:#{2,}[ \t]*(?=(?:\d+[ \t]*[.)][ \t]*)?Instruction[ \t]*:)|(?=\b\d+\.[ \t]*Instruction:))"
)
_FIELD = re.compile(
    r"^[ \t>]*(?:#{1,6}[ \t]*)?(?:\*\*|__)?[ \t]*(?:Task[ \t]*)?(?P<number>\d+[ \t]*[.):]?[ \t]*)?"
    r"(?P<name>Instruction|Input|Output)[ \t]*(?:\*\*|__)?[ \t]*:(?:\*\*|__)?[ \t]*",
    re.IGNORECASE,
)
_NOTHING = frozenset({NO_INPUT, "noinput", "<no input>", "no input", "n/a", "none", "(none)", "[none]", "-"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the model wrote it; `output` is None where it never came to one."""

    instruction: str
    input: str
    output: str | None


def written(demonstrations: Sequence[Task]) -> str:
    """Demonstrations as entries, the next one opened: `4. Instruction:`."""
    lines = []
    for number, task in enumerate(demonstrations, 1):
        pair = task.instances[0]
        lines.append(
            f"###\n{number}. Instruction: {listed(task.instruction)}\n"
            f"{number}. Input:\n{pair.input or NO_INPUT}\n{number}. Output:\n{pair.output}\n"
        )
    return "".join(lines) + f"###\n{len(demonstrations) + 1}. Instruction:"


def no_input(text: str) -> str:
    """The input itself, or nothing where the model says in its words that there is none.

    >>> no_input("<noinput>"), no_input("N/A"), no_input("None of the above?")
    ('', '', 'None of the above?')
    """
    return "" if text.strip().rstrip(".").lower() in _NOTHING else text.strip()


@dataclass(slots=True)
class _Draft:
    """An entry being read."""

    numbered: bool
    """Its fields carry numbers, so that one without is text."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    current: str = ""

    def open(self, name: str, rest: str) -> None:
        self.current = name
        self.lines[name] = [rest]

    def add(self, line: str) -> None:
        self.lines[self.current].append(line)

    def text(self, name: str) -> str:
        return "\n".join(self.lines.get(name, ())).strip()

    def continues(self, name: str, *, numbered: bool) -> bool:
        """Whether a field line belongs to this entry: fields come in order, and an output may quote any of them."""
        order = ("instruction", "input", "output")
        return order.index(name) > order.index(self.current) and (numbered or not self.numbered)

    def entry(self) -> Entry:
        output = self.text("output") if "output" in self.lines else None
        return Entry(self.text("instruction"), no_input(self.text("input")), output)


def read(text: str, *, opened: bool) -> list[Entry]:
    r"""The entries of a text, tolerant of missing numbers and of `##`, `---` or nothing between two of them.

    `opened`: the prompt ended in `4. Instruction:`, so the text begins inside that field. An entry never swallows the
    next one, which is the fault that users of the Alpaca data met most.

    >>> read(" Say hi.\n4. Input:\n<noinput>\n4. Output:\nHi.\n##\nInstruction: Add.\nOutput: 3", opened=True)
    [Entry(instruction='Say hi.', input='', output='Hi.'), Entry(instruction='Add.', input='', output='3')]
    """
    if opened and not _FIELD.match(text.lstrip()):
        text = f"Instruction: {text.lstrip(' ')}"
    drafts = _drafts(_RUN_ON.sub("\n", text).splitlines())
    return [entry for entry in (draft.entry() for draft in drafts) if entry.instruction]


def _drafts(lines: Sequence[str]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    held: list[str] = []  # a separator line is text after all, unless a new entry or the end follows it
    for line in lines:
        found = _FIELD.match(line)
        name = found["name"].lower() if found else ""
        if found and name == "instruction" and _begins(draft, found, after_separator=bool(held)):
            if draft:
                yield draft
            draft, held = _Draft(numbered=bool(found["number"])), []
            draft.open("instruction", line[found.end() :])
        elif draft and found and draft.continues(name, numbered=bool(found["number"])):
            held = []
            draft.numbered = draft.numbered or bool(found["number"])
            draft.open(name, line[found.end() :])
        elif _SEPARATOR.match(line):
            held.append(line)
        elif draft:
            for kept in (*held, line):
                draft.add(kept)
            held = [] if line.strip() else held
    if draft:
        yield draft


def _begins(draft: _Draft | None, found: re.Match[str], *, after_separator: bool) -> bool:
    if draft is None or after_separator:
        return True
    return bool(found["number"]) or not draft.numbered


def read_strictly(text: str, shown: int) -> list[Entry | None]:
    r"""The entries as Alpaca's own program reads them; None for each piece it drops.

    The piece at position j must carry the number shown + 1 + j exactly, in all three of its fields.

    >>> read_strictly(" Say hi.\n4. Input:\n<noinput>\n4. Output:\nHi.\n###\n6. Instruction: Late.", 3)
    [Entry(instruction='Say hi.', input='', output='Hi.'), None]
    """
    found: list[Entry | None] = []
    for number, piece in enumerate(re.split("###", f"{shown + 1}. Instruction:{text}"), shown + 1):
        parts = re.split(rf"{number}\.\s+(Instruction|Input|Output):", piece)
        if len(parts) != 7:
            found.append(None)
            continue
        given = parts[4].strip()
        found.append(Entry(parts[2].strip(), "" if given.lower() == NO_INPUT else given, parts[6].strip()))
    return found
