"""A reply cut into blocks (prose, lists, code ...) and sentences; how easy its English prose is to read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.text import words

Kind: TypeAlias = Literal["prose", "heading", "list", "code", "table", "quote", "verse", "dialogue"]
_FENCE = re.compile(r"\s*(?:```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.):]|\(?[A-Za-z][.)])\s+\S")
_SPEAKER = re.compile(r"[A-Z][\w.]*(?: [A-Z0-9][\w.]*){0,2}:\s")
_LINES = re.compile(r"[^\n]*\n|[^\n]+\Z")
_VERSE_WIDTH = 60  # characters; prose that a model breaks into lines is wider
_VOWELS = re.compile(r"[aeiouy]+")
_COMMON = frozenset(
    words(
        "the of and to a in is it that for on are as with be this by from or an was can you your at have which not but"
        " they their has its will he she his her we our i if these there so when what how more also"
    )
)
_COMMON_SHARE = 0.2  # of the words; English prose has about 0.4, lists about 0.25, other languages under 0.1


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text and the white space after it; all pieces together are the text."""

    text: str
    gap: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, and the blank ones after them."""

    kind: Kind
    text: str
    gap: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """How a reply is laid out; a rewrite keeps it."""

    headings: int
    items: int
    """Lines that begin a list item."""
    fences: int
    rows: int
    """Lines of tables."""


def blocks(text: str) -> tuple[Block, ...]:
    r"""The blocks of a reply; their texts and gaps together are the reply.

    >>> [(block.kind, block.text) for block in blocks("Two:\n\n- a\n- b\n\nThat is all.")]
    [('prose', 'Two:'), ('list', '- a\n- b'), ('prose', 'That is all.')]
    """
    parts: list[Block] = []
    for kind, lines in _runs(text):
        whole = "".join(lines)
        body = whole.rstrip() if whole.strip() else ""
        parts.append(Block(_settled(kind, body), body, whole[len(body) :]))
    return tuple(parts)


def sentences(text: str) -> tuple[Span, ...]:
    """The sentences of a paragraph, told by `sentencex`; a line break ends one, too. All pieces together are the text.

    >>> [span.text for span in sentences("Dr. Ada met J. Bell at 3.15. They spoke! No?")]
    ['Dr. Ada met J. Bell at 3.15.', 'They spoke!', 'No?']
    """
    from sentencex import segment

    spans: list[Span] = []
    for line in _LINES.findall(text):
        for piece in segment("en", line):
            body = piece.rstrip()
            if body.strip() or not spans:
                spans.append(Span(body, piece[len(body) :]))
            else:  # white space alone
                spans[-1] = Span(spans[-1].text, spans[-1].gap + piece)
    return tuple(spans)


def skeleton(text: str) -> Skeleton:
    r"""Headings, list items, code fences and table lines of a reply.

    >>> skeleton("# A\n1. b\n2. c\n\n| d | e |")
    Skeleton(headings=1, items=2, fences=0, rows=1)
    """
    headings = items = fences = rows = 0
    for block in blocks(text):
        lines = block.text.splitlines()
        headings += block.kind == "heading"
        items += sum(bool(_ITEM.match(line)) for line in lines) if block.kind == "list" else 0
        fences += sum(bool(_FENCE.match(line)) for line in lines) if block.kind == "code" else 0
        rows += len(lines) if block.kind == "table" else 0
    return Skeleton(headings, items, fences, rows)


def without_marks(text: str) -> str:
    r"""The text without the numbers and signs that begin list items.

    >>> without_marks("1. one\n2. two")
    'one\ntwo'
    """
    return re.sub(r"(?m)^\s*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.):]|\(?[A-Za-z][.)])\s+(?=\S)", "", text)


def _runs(text: str) -> Iterator[tuple[Kind, list[str]]]:
    """Lines with their blank followers, gathered by kind; a blank line ends a paragraph."""
    kind: Kind = "prose"
    lines: list[str] = []
    fenced = after_blank = False
    for line in _LINES.findall(text):
        if fenced:
            lines.append(line)
            fenced = not _FENCE.match(line)
            after_blank = not fenced
            continue
        if not line.strip():
            lines.append(line)
            after_blank = True
            continue
        now = _kind(line, kind if lines else "prose", after_blank=after_blank or not lines)
        joined = lines and now == kind and not after_blank and now != "heading" and not _FENCE.match(line)
        if lines and not joined and "".join(lines).strip():
            yield kind, lines
            lines = []
        kind = now
        lines.append(line)
        fenced = bool(_FENCE.match(line))
        after_blank = False
    if lines:
        yield kind, lines


def _kind(line: str, before: Kind, *, after_blank: bool) -> Kind:
    indented = line.startswith(("    ", "\t"))
    marks: tuple[tuple[Kind, bool], ...] = (
        ("code", bool(_FENCE.match(line)) or (indented and (before == "code" or (after_blank and before != "list")))),
        ("heading", bool(_HEADING.match(line))),
        # An indented paragraph after a list item belongs to it, and so does a line right below.
        ("list", bool(_ITEM.match(line)) or (before == "list" and (not after_blank or line.startswith("  ")))),
        ("quote", line.lstrip().startswith(">")),
        ("table", line.lstrip().startswith("|") or line.count("|") >= 2),
    )
    return next((kind for kind, fits in marks if fits), "prose")


def _settled(kind: Kind, body: str) -> Kind:
    """Paragraphs that are verse or talk are told apart only when they are whole."""
    lines = body.splitlines()
    if kind != "prose":
        return kind
    if any(_SPEAKER.match(line) for line in lines):
        return "dialogue"
    if len(lines) > 2 and sum(map(len, lines)) / len(lines) < _VERSE_WIDTH:
        return "verse"
    return "prose"


def looks_english(text: str) -> bool:
    """Whether a fifth of the words are the commonest English ones; no other Latin script language comes near.

    >>> looks_english("The cat is on the mat."), looks_english("Le chat est sur le tapis."), looks_english("猫")
    (True, False, False)
    """
    tokens = words(text)
    return bool(tokens) and sum(word in _COMMON for word in tokens) >= _COMMON_SHARE * len(tokens)


def flesch_reading_ease(text: str) -> float | None:
    """Flesch's 206.835 - 1.015 words per sentence - 84.6 syllables per word; None where there is no English prose.

    About 100 is easy, 0 very hard. Syllables are counted by groups of vowels, a silent last `e` less.

    >>> round(flesch_reading_ease("The cat sat on the mat."))
    116
    >>> flesch_reading_ease("42") is None
    True
    """
    prose = without_marks(text)
    tokens = re.findall(r"[a-z]+(?:'[a-z]+)?", prose.lower())
    if not tokens or not looks_english(prose):
        return None
    ends = max(1, len(sentences(prose)))
    return 206.835 - 1.015 * len(tokens) / ends - 84.6 * sum(map(syllables, tokens)) / len(tokens)


def syllables(word: str) -> int:
    """Groups of vowels in a lower-case English word, at least one.

    >>> [syllables(word) for word in ("make", "table", "reading", "the", "rhythm")]
    [1, 2, 2, 1, 1]
    """
    count = len(_VOWELS.findall(word))
    if word.endswith("e") and not word.endswith(("le", "ee", "ye")) and count > 1:
        count -= 1
    return max(1, count)
