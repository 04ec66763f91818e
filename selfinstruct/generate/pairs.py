r"""Reads instances out of whatever a model wrote, without the faults of the released parsers.

Marks count only at the start of a line, `Output 2:` and later ones are kept, a preamble is no instance, and an answer
without any mark is an output.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selfinstruct.generate.entries import no_input
from selfinstruct.records import Instance

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
    ends = [found.start() for found in examples[1:]] + [len(text)]
    pieces = [text[example.end() : end] for example, end in zip(examples, ends, strict=True)]
    found = [pair for piece in (text[: examples[0].start()], *pieces) for pair in _pairs_of(piece, bare=False)]
    # Where no example has an output, each is one, unless it is a lone `Question: ...` that was never answered.
    return found or [Instance("", piece.strip()) for piece in pieces if not _UNANSWERED.match(piece.strip())]


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
    found = []
    for mark, end in zip(marks, ends, strict=True):
        given = text[mark.end() : end].strip()
        given = _MARK.sub("", given, count=1) if _MARK.match(given) else given
        label = mark["label"].strip()
        for wrap in ("**", "__", "`"):
            label = label.removeprefix(wrap).removesuffix(wrap)
        found.append(Instance(no_input(given), label.strip()))
    return found


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
