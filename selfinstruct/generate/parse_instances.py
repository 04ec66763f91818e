"""Reads instances, or entries as Stanford Alpaca asks for them, out of whatever a model wrote, cut off or not.

Marks count only at the start of a line, `Output 2:` and later ones are kept, a preamble is no instance, and an answer
without any mark is an output.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from selfinstruct.generate.reference_program import listed
from selfinstruct.records import Instance, Task
from selfinstruct.text import words

_LINE = r"^[ \t>]*(?:[-*\u2022][ \t]+)?(?:#{1,6}[ \t]*)?(?:\*\*|__)?[ \t]*"
_END = r"[ \t]*(?:\*\*|__)?"
_EXAMPLE = re.compile(
    rf"{_LINE}Example[ \t]*#?\d*{_END}[ \t]*[.:)]?{_END}[ \t]*(?=$|Input\b|Output\b)", re.MULTILINE | re.IGNORECASE
)
_MARK = re.compile(
    rf"{_LINE}(?P<name>Input|Output)[ \t]*#?\d*(?:[ \t]*[-\u2013][ \t]*[^\W\d_]+)?{_END}[ \t]*[:\uff1a]{_END}[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_RUN_ON_OUTPUT = re.compile(r"(?<=\s)Output[ \t]*\d*[ \t]*:[ \t]*")
_LABEL = re.compile(
    rf"{_LINE}(?:Class[ \t]+)?Label[ \t]*#?\d*{_END}[ \t]*[:\uff1a]{_END}[ \t]*(?P<label>.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_NEXT_TASK = re.compile(r"^[ \t]*(?:\*\*|#+[ \t]*)?(?:Task|Instruction)[ \t]*\d*[ \t]*:.*", re.MULTILINE | re.DOTALL)
_UNANSWERED = re.compile(r"(?:[^\n:]{1,40}:[^\n]*)?\Z")
_FENCE = re.compile(r"\A```[\w+-]*[ \t]*\n(?P<inside>.*)\n```[ \t]*\Z", re.DOTALL)
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
# A full stop after three letters or a digit that is no number of an item: `Mr.`, `e.g.` and `2.` end no sentence.
_SENTENCE_END = re.compile(
    r"(?:[^\W\d_]{3}|\w\d|[)%\"'\u201d])[.!?][\"'\u201d\u2019)\]*_]*(?=\s)|[\u3002\uff01\uff1f\u0964\u061f]"
)
_ITEM = re.compile(r"\s*(?:[-*+\u2022]|\(?\d{1,3}[.):])\s+\S")
_NUMBER = re.compile(r"\s*\(?\d{1,3}[.):][\s*_]*\Z")
_FEWEST_WORDS = 12
_LEAST = 0.4  # of the answer; less of it is another answer
_LOOPS = 5  # words of a sentence that says something, and so is said twice by a model that loops


def pairs(text: str) -> list[Instance]:
    r"""Instances of a task that is no classification.

    >>> pairs("Here are some.\nExample 1\nSentence: s\nOutput: an Example is here")
    [Instance(input='Sentence: s', output='an Example is here')]
    >>> pairs("Input 1: a\nOutput 1: b\nInput 2: c\nOutput 2: d")
    [Instance(input='a', output='b'), Instance(input='c', output='d')]
    >>> pairs("The Danube.")
    [Instance(input='', output='The Danube.')]
    """
    text = _bare(text)
    examples = list(_EXAMPLE.finditer(text))
    if not examples:
        return list(_pairs_of(text, bare=True))
    ends = [example.start() for example in examples[1:]] + [len(text)]
    pieces = [text[example.end() : end] for example, end in zip(examples, ends, strict=True)]
    instances = [pair for piece in (text[: examples[0].start()], *pieces) for pair in _pairs_of(piece, bare=False)]
    # Where no example has an output, each is one, unless it is a lone `Question: ...` that was never answered.
    return instances or [Instance("", piece.strip()) for piece in pieces if not _UNANSWERED.match(piece.strip())]


@dataclass(slots=True)
class _Gathered:
    """What has been read of the pair at hand."""

    inputs: list[str] = field(default_factory=list)
    used: bool = False
    """An output has followed, so that the next input begins a new pair."""


def _pairs_of(piece: str, *, bare: bool) -> Iterator[Instance]:
    marks = list(_MARK.finditer(piece))
    if not any(mark["name"].lower() == "output" for mark in marks):
        yield from _unmarked(piece, bare=bare and not marks)
        return
    lead = piece[: marks[0].start()].strip()
    before = _Gathered([lead] if lead and (not bare or marks[0]["name"].lower() == "output") else [])
    if bare and before.inputs and not re.match(r"[^\n:]{1,40}:", lead):
        before.inputs = []  # a sentence of introduction, no `Paragraph: ...`
    ends = [mark.start() for mark in marks[1:]] + [len(piece)]
    for mark, end in zip(marks, ends, strict=True):
        content = piece[mark.end() : end].strip()
        if mark["name"].lower() == "output":
            asked = "\n".join(before.inputs)
            # "Input: none, Output: none" is an echo: it stays visible to whoever drops echoes.
            yield Instance(asked if asked == content else no_input(asked), content)
            before.used = True
        else:
            if before.used:
                before = _Gathered()
            before.inputs.append(content)


def _unmarked(piece: str, *, bare: bool) -> Iterator[Instance]:
    """A piece without `Output:` at the start of a line: perhaps in the middle of one, perhaps a direct answer."""
    run_on = _RUN_ON_OUTPUT.search(piece)
    if run_on:
        given = _MARK.sub("", piece[: run_on.start()], count=1)
        yield Instance(no_input(given), piece[run_on.end() :].strip())
    elif bare and piece.strip():
        yield Instance("", piece.strip())


def labelled_pairs(text: str) -> list[Instance]:
    r"""Instances of a classification task: the label stands before its input.

    >>> labelled_pairs("class label: A\nSentence: s\n**Class label:** B\nInput: t\nu")
    [Instance(input='Sentence: s', output='A'), Instance(input='t\nu', output='B')]
    """
    text = _bare(text)
    marks = list(_LABEL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)][: len(marks)]
    instances = []
    for mark, end in zip(marks, ends, strict=True):
        given = text[mark.end() : end].strip()
        given = _MARK.sub("", given, count=1) if _MARK.match(given) else given
        label = mark["label"].strip()
        for wrap in ("**", "__", "`"):
            label = label.removeprefix(wrap).removesuffix(wrap)
        instances.append(Instance(no_input(given), label.strip()))
    return instances


def torn(text: str, last: Instance, *, labelled: bool) -> bool:
    r"""Whether a text that was cut off ends inside its last pair, and not in a later one that came to nothing.

    >>> last = Instance("", "x")
    >>> torn("Output: x\nInput: y", last, labelled=False), torn("Output: x", last, labelled=False)
    (False, True)
    """
    return text.rstrip().endswith((last.input or last.output) if labelled else last.output)


def _bare(text: str) -> str:
    """The answer without the next task that a model went on to write, and without a fence around it all."""
    text = _NEXT_TASK.sub("", text).strip()
    fenced = _FENCE.match(text)
    marked = fenced is not None and (_MARK.search(text) or _LABEL.search(text) or _EXAMPLE.search(text))
    return fenced["inside"].strip() if fenced and marked else text


@dataclass(frozen=True, slots=True)
class ParsedEntry:
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
    """An instance whose fields are still being read."""

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

    def entry(self) -> ParsedEntry:
        output = self.text("output") if "output" in self.lines else None
        return ParsedEntry(self.text("instruction"), no_input(self.text("input")), output)


def read(text: str, *, opened: bool) -> list[ParsedEntry]:
    r"""The entries of a text, tolerant of missing numbers and of `##`, `---` or nothing between two of them.

    `opened`: the prompt ended in `4. Instruction:`, so the text begins inside that field. An entry never swallows the
    next one, which is the fault that users of the Alpaca data met most.

    >>> read(" Say hi.\n4. Input:\n<noinput>\n4. Output:\nHi.\n##\nInstruction: Add.\nOutput: 3", opened=True)
    [ParsedEntry(instruction='Say hi.', input='', output='Hi.'), ParsedEntry(instruction='Add.', input='', output='3')]
    """
    if opened and not _FIELD.match(text.lstrip()):
        text = f"Instruction: {text.lstrip(' ')}"
    drafts = _drafts(_RUN_ON.sub("\n", text).splitlines())
    return [entry for entry in (draft.entry() for draft in drafts) if entry.instruction]


def _drafts(lines: Sequence[str]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    held: list[str] = []  # a separator line is text after all, unless a new entry or the end follows it
    for line in lines:
        match = _FIELD.match(line)
        name = match["name"].lower() if match else ""
        if match and name == "instruction" and _begins(draft, match, after_separator=bool(held)):
            if draft:
                yield draft
            draft, held = _Draft(numbered=bool(match["number"])), []
            draft.open("instruction", line[match.end() :])
        elif draft and match and draft.continues(name, numbered=bool(match["number"])):
            held = []
            draft.numbered = draft.numbered or bool(match["number"])
            draft.open(name, line[match.end() :])
        elif _SEPARATOR.match(line):
            held.append(line)
        elif draft:
            for kept in (*held, line):
                draft.add(kept)
            held = [] if line.strip() else held
    if draft:
        yield draft


def _begins(draft: _Draft | None, match: re.Match[str], *, after_separator: bool) -> bool:
    if draft is None or after_separator:
        return True
    return bool(match["number"]) or not draft.numbered


def read_strictly(text: str, shown: int) -> list[ParsedEntry | None]:
    r"""The entries as Alpaca's own program reads them; None for each piece it drops.

    The piece at position j must carry the number shown + 1 + j exactly, in all three of its fields.

    >>> read_strictly(" Say hi.\n4. Input:\n<noinput>\n4. Output:\nHi.\n###\n6. Instruction: Late.", 3)
    [ParsedEntry(instruction='Say hi.', input='', output='Hi.'), None]
    """
    entries: list[ParsedEntry | None] = []
    for number, piece in enumerate(re.split("###", f"{shown + 1}. Instruction:{text}"), shown + 1):
        parts = re.split(rf"{number}\.\s+(Instruction|Input|Output):", piece)
        if len(parts) != 7:
            entries.append(None)
            continue
        given = parts[4].strip()
        entries.append(ParsedEntry(parts[2].strip(), "" if given.lower() == NO_INPUT else given, parts[6].strip()))
    return entries


def whole_part(text: str) -> str:
    r"""The text up to its last whole sentence or item; empty where too little is whole, or where it goes in circles.

    >>> whole_part("The Ebro rises in the north of Spain. It is 930 km long and flows to the south. Its mouth is a del")
    'The Ebro rises in the north of Spain. It is 930 km long and flows to the south.'
    >>> whole_part("The Ebro, which rises in the north of Spain and flows to the sea past Zaragoza and Tort")
    ''
    """
    text = text.strip()
    end = max((match.end() for match in _SENTENCE_END.finditer(text)), default=0)
    lines = text.splitlines(keepends=True)
    before_last = len("".join(lines[:-1]).rstrip())
    if len(lines) > 1 and _ITEM.match(lines[-1]) and _ITEM.match(_last_line(text[:before_last])):
        end = max(end, before_last)
    kept = text[:end].rstrip()
    while kept and (_NUMBER.match(_last_line(kept)) or kept.endswith((":", "\uff1a"))):
        kept = kept[: -len(_last_line(kept))].rstrip()
    enough = len(words(kept)) >= _FEWEST_WORDS and len(kept) >= _LEAST * len(text)
    return kept if enough and kept.count("```") % 2 == 0 and not _in_circles(text) else ""


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :]


def _in_circles(text: str) -> bool:
    """Whether a sentence or an item is said again: such an answer would never have ended."""
    said: set[tuple[str, ...]] = set()
    for piece in re.split(r"[.!?\u3002]\s|\n", text):
        tokens = tuple(word for word in words(piece) if not word.isdigit())
        if len(tokens) >= _LOOPS:
            if tokens in said:
                return True
            said.add(tokens)
    return False
