"""How much was asked for: `in exactly three sentences`, `at most 20 words`, `five bullet points`, `list ten rivers`."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.curate.exchanges import PASSED, CheckFinding, Reply, failed
from selfinstruct.curate.simplification.reply_blocks import blocks
from selfinstruct.text import words

Unit: TypeAlias = Literal["words", "sentences", "paragraphs", "lines", "items"]
Relation: TypeAlias = Literal["exactly", "about", "at most", "at least", "fewer than", "more than"]

_NUMBERS = {word: value for value, word in enumerate(words("one two three four five six seven eight nine ten"), 1)} | {
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "fifty": 50,
    "single": 1,
    "hundred": 100,
}
_N = rf"(?P<n>\d{{1,4}}|{'|'.join(_NUMBERS)})"
_UNITS = r"(?P<unit>words?|sentences?|paragraphs?|lines?|bullet points?|bullets?)"
_RELATIONS: tuple[tuple[str, Relation], ...] = (
    (r"at most|no more than|not more than|up to|a maximum of|maximum of|maximum|within|not exceeding|max", "at most"),
    (r"fewer than|less than|under|below", "fewer than"),
    (r"at least|no fewer than|no less than|not less than|a minimum of|minimum of|minimum", "at least"),
    (r"more than|over", "more than"),
    (r"exactly|only|just|precisely", "exactly"),
    (r"about|around|approximately|roughly|some", "about"),
)
_RELATION = "|".join(rf"(?P<r{place}>{words_})" for place, (words_, _) in enumerate(_RELATIONS))
_LIMIT = re.compile(
    # in exactly three sentences; of at most 20 words; with 5 bullet points
    rf"\b(?P<lead>in|using|with|of|to|is|be|contains?|containing|has|have|use|uses|into)?"
    rf"\s*\b(?:(?:{_RELATION})\s+)?(?:a |an )?"
    rf"{_N}(?:-|\s+){_UNITS}\b(?P<less>\s+or (?:less|fewer"
    rf"|under))?(?P<more>\s+or more)?(?P<after>(?:\s+[\w-]+){{0,1}})",
    re.IGNORECASE,
)
_FORM = re.compile(
    rf"\A\s*(?:please )?(?:write|compose|create|generate|give(?: me)?|craft|provide|construct"
    rf"|summari[sz]e[^.\n]*? (?:in|as)|produce|make(?: up)?)"
    rf"\s+(?:me )?(?:an?|the)?\s*{_N}-(?P<unit>words?|sentences?|paragraphs?|lines?)\b(?P<after>(?:\s+[\w-]+){{0,1}})",
    re.IGNORECASE,
)
_ITEMS = re.compile(
    r"\A\s*(?:please )?(?:list|name|give(?: me)?|provide|suggest|generate|identify|come up with|brainstorm|propose"
    r"|think of|find"
    r"|state|mention|recommend|describe|outline|create|write(?: down)?|enumerate)\s+(?:me |out )?(?:the |a list of "
    r"|the top |top )?"
    rf"(?:(?P<exact>exactly|at least|up to)\s+)?{_N}\s+(?P<thing>[a-z-]+(?: [a-z-]+)?)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"\b(?:if|when|whenever|unless|each|every|per)\b", re.IGNORECASE)
_OF_ANOTHER = re.compile(
    r"\b(?:this|these|that|given|following|which|whose|of all|the first|the last)\b", re.IGNORECASE
)
_SHARED = re.compile(r"\s*(?:each|per|for each|apiece|or|to|and|-|long each)\b", re.IGNORECASE)
_CODE = re.compile(
    r"\b(?:function|code|program|script|method|algorithm|python|java(?:script)?|sql|html|c\+\+|regex|query|array"
    r"|string)\b",
    re.IGNORECASE,
)
_NO_ITEMS = re.compile(
    r"\b(?:words?|sentences?|paragraphs?|lines?|each|every|per"
    r"|pairs?|sets?|types?|years?|days?|hours?|minutes?|weeks?|months?|times?"
    r"|digits?|characters?|letters?|people|players?|with|for each|dollars?|percent"
    r"|stanzas?|verses?|pages?|things? about|syllables?)\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-*+\u2022\u2013]|\(?\d{1,3}[.):])\s+\S")
_NUMBERED = re.compile(r"(?P<number>\d{1,3})[.):]\s+\S")
_ABOUT = 2.0  # times as many, or as few, is no longer about as many
_MARKED_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]+[\"'\u201d\u2019)\]*_]*(?=\s|\Z)|[\u3002\uff01\uff1f]")
_QUOTED = re.compile(r"\"[^\"]*\"|\u201c[^\u201d]*\u201d")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|No|Inc|Ltd|U\.S|a\.m|p\.m|[A-Z])\.\Z")


@dataclass(frozen=True, slots=True)
class CountLimit:
    """A bound on a count that an instruction sets: relation, number and unit, such as exactly 3 sentences."""

    relation: Relation
    number: int
    unit: Unit

    def __str__(self) -> str:
        """As evidence shows it, such as `exactly 3 sentences`."""
        return f"{self.relation} {self.number} {self.unit}"

    def holds(self, fewest: int, most: int) -> bool:
        """Whether some count between these two, all of which can be defended, is within the limit."""
        match self.relation:
            case "exactly":
                return fewest <= self.number <= most
            case "about":
                return fewest <= self.number * _ABOUT and most >= self.number / _ABOUT
            case "at most":
                return fewest <= self.number
            case "fewer than":
                return fewest < self.number
            case "at least":
                return most >= self.number
            case "more than":
                return most > self.number


def counts(reply: Reply) -> CheckFinding | None:
    r"""Fails when the reply has more or fewer words, sentences, lines or items than asked for, however one counts.

    >>> counts(Reply("", "Describe a cat in one sentence.", "", "It purrs. It sleeps."))
    CheckFinding(verdict='failed', expected='exactly 1 sentences', found='2')
    >>> counts(Reply("", "Name three rivers.", "", "1. Elbe\n2. Nile\n3. Po")).verdict
    'passed'
    >>> counts(Reply("", "Name three rivers.", "", "The Elbe, the Nile and the Po.")) is None
    True
    """
    if not reply.output.strip() or "```" in reply.output or _CODE.search(reply.instruction):
        return None
    finding: CheckFinding | None = None
    for limit in limits(reply.instruction):
        counted = _count(reply.output, limit)
        if counted is None:
            continue
        if not limit.holds(*counted):
            low, high = counted
            return failed(str(limit), str(low) if low == high else f"{low} to {high}")
        finding = PASSED
    return finding


def limits(instruction: str) -> Iterator[CountLimit]:
    """What an instruction says of the length of its reply.

    >>> [str(limit) for limit in limits("Write a poem of at most 20 words.")]
    ['at most 20 words']
    >>> [str(limit) for limit in limits("Sum up this 500-word article in two sentences or less.")]
    ['at most 2 sentences']
    """
    formed = _FORM.match(instruction)
    if formed and not _modifies(formed["after"]):
        unit = _unit(formed["unit"])
        yield CountLimit("about" if unit == "words" else "exactly", _number(formed["n"]), unit)
    for match in _LIMIT.finditer(instruction):
        limit = _limit(match, instruction)
        if limit:
            yield limit
    items = _ITEMS.match(instruction)
    if items and not _NO_ITEMS.search(instruction[items.start("thing") :]) and _number(items["n"]) > 1:
        asked = (items["exact"] or "").lower()
        relation: Relation = "at least" if asked == "at least" else "at most" if asked == "up to" else "exactly"
        yield CountLimit(relation, _number(items["n"]), "items")


def _limit(match: re.Match[str], instruction: str) -> CountLimit | None:
    relation = next((name for place, (_, name) in enumerate(_RELATIONS) if match[f"r{place}"]), None)
    unit, number = _unit(match["unit"]), _number(match["n"])
    if match["less"]:
        relation = "at most"
    elif match["more"]:
        relation = "at least"
    lead = (match["lead"] or "").lower()
    before = instruction[max(0, match.start() - 60) : match.start()]
    clause = re.split(r"[.;:\n]", before)[-1]
    if (relation is None and lead not in ("in", "using")) or _modifies(match["after"]):
        return None
    # `with about 5 words each`, `into about three paragraphs`: of something else than the reply.
    if relation == "about" and lead not in ("in", "using", "of", "is", "be"):
        return None
    if _ELSEWHERE.search(clause) or (lead not in ("in", "using", "within") and _OF_ANOTHER.search(clause)):
        return None
    if _SHARED.match(instruction[match.end("unit") :]) and not (match["less"] or match["more"]):
        return None
    if relation is None:
        relation = "about" if unit == "words" and number > 10 else "exactly"
    return CountLimit(relation, number, unit)


def _modifies(after: str) -> bool:
    """Whether the word that follows makes the number one of something else: `two sentences each`, `5 words that`."""
    return after.strip().lower() in ("each", "per", "that", "which", "apart", "from", "ending", "starting", "beginning")


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text.lower()]


def _unit(text: str) -> Unit:
    table: dict[str, Unit] = {"w": "words", "s": "sentences", "p": "paragraphs", "l": "lines", "b": "items"}
    return table[text[0].lower()]


def _without_marks(text: str) -> str:
    """Vowel signs, points and tones are no gaps between letters."""
    return text if text.isascii() else "".join(char for char in text if unicodedata.category(char) not in ("Mn", "Mc"))


def _count(text: str, limit: CountLimit) -> tuple[int, int] | None:
    """The smallest and the largest count one can defend; None where it cannot be told."""
    match limit.unit:
        case "words":
            cut = len(words(text)), len(text.split())
            bare = len(re.findall(r"[^\W\d_][\w'\u2019-]*", _without_marks(text)))
            return min(*cut, bare), max(*cut, bare)
        case "sentences":
            return _sentences(text)
        case "paragraphs":
            chunks = [chunk for chunk in re.split(r"\n\s*\n", text.strip()) if chunk.strip()]
            # A title, a salutation and the like may or may not be counted.
            full = [chunk for chunk in chunks if len(chunk.split()) > 12]
            return len(full), max(len(chunks), len([line for line in text.splitlines() if line.strip()]))
        case "lines":
            lines = [line for line in text.splitlines() if line.strip()]
            return (len(lines) - 2, len(lines)) if len(lines) > 1 else None
        case "items":
            return _items(text)


def _sentences(text: str) -> tuple[int, int] | None:
    """Ends of sentences; none where the reply is a list or a dialogue, whose sentences have no one count."""
    if any(block.kind != "prose" for block in blocks(text)) or len(text.strip().splitlines()) > 4:
        return None
    ends = _ends(text)
    rest = text[ends[-1].end() :] if ends else text
    most = len(ends) + bool(words(rest))
    # An end inside quotation marks, or before a small letter, may be no end of the whole sentence.
    bare = _QUOTED.sub("quoted", text)
    sure = [end for end in _ends(bare) if not re.match(r"\s*[a-z]", bare[end.end() :])]
    return min(max(1, len(sure)), most), most


def _ends(text: str) -> list[re.Match[str]]:
    return [match for match in _MARKED_END.finditer(text) if not _ABBREVIATION.search(text[: match.start() + 1])]


def _items(text: str) -> tuple[int, int] | None:
    """Top level items of a reply that is one list, with at most a line above and below; None for any other reply."""
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if _ITEM.match(line)]
    numbered = [match for line in lines if (match := _NUMBERED.match(line))]
    if numbered:
        numbers = [int(match["number"]) for match in numbered]
        return (
            (len(numbers), len(numbers)) if numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 1 else None
        )
    loose = [line for line in lines if not _ITEM.match(line.strip())]
    nested = [line for line in lines if line[:1].isspace()]
    return (len(marked), len(marked)) if len(marked) > 1 and len(loose) <= 1 and not nested else None
