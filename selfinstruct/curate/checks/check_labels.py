"""A label out of the label space that the instruction names: `classify as A, B or C`, `answer true or false`."""

import re
from collections.abc import Iterator

from selfinstruct.curate.exchanges import PASSED, CheckFinding, Reply, failed
from selfinstruct.text import shown, words

_LABEL = r"[\"'\u201c\u2018]?[A-Za-z][\w-]*(?: [\w-]+){0,2}[\"'\u201d\u2019]?"
_SLASHED = r"[A-Za-z][\w-]*(?:\s?/\s?[A-Za-z][\w-]*)+"
_LIST = rf"(?P<labels>{_LABEL}(?:, {_LABEL})*,? (?:or|and) {_LABEL}|{_SLASHED})"
_ENDS = r"(?=\s*(?:[.?!:;)\n\"]|\Z|,? (?:based|depending|according|given|using|by)\b))"
_GROUPS = r"(?:the (?:following|\w+) (?:categories|labels|classes|groups):?\s+)?"
_WORD = r"[\"'\u201c\u2018]?[A-Za-z][\w-]*[\"'\u201d\u2019]?"
_SPACES = (
    # classify the review as positive, negative or neutral
    (
        r"\b(?:classify|categori[sz]e|label|mark|rate|tag|identify|judge|characteri[sz]e|describe)\b[^.\n]{0,100}?"
        rf"\b(?:as|into)\s+(?:either\s+|being\s+|one of\s+|whether\s+)?{_GROUPS}{_LIST}{_ENDS}"
    ),
    # answer with yes or no
    (
        r"\b(?:answer|respond|reply|output)\s+(?:with\s+|only\s+|either\s+|just\s+)*"
        rf"(?P<labels>{_WORD}(?:, {_WORD})*,? or {_WORD}|{_SLASHED}){_ENDS}"
    ),
    # labels: spam, ham
    (
        r"\b(?:labels?|classes|categories|options|choices)(?: (?:are|is|include))?\s*[:=]\s*"
        rf"(?P<labels>{_LABEL}(?:, {_LABEL})+(?:,? (?:or|and) {_LABEL})?|{_SLASHED})(?=\s*(?:[.?!;)\n]|\Z))"
    ),
    # is it formal or informal? (formal/informal)
    rf"\((?P<labels>{_SLASHED}|{_LABEL}(?:, {_LABEL})* or {_LABEL})\)\s*[.?:]?\s*\Z",
)
_PATTERNS = tuple(re.compile(space, re.IGNORECASE) for space in _SPACES)
_SPLIT = re.compile(r",? (?:or|and) |, |\s?/\s?", re.IGNORECASE)
_MANY = re.compile(
    r"\b(?:each|every|all|list|these|them|items|sentences|words|both|following (?:\w+ )?\w+s|explain|why|reason|justify"
    r"|write a|create|generate|make|why|how)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:other|others|not|none|neither|else|etc|more|such|your|own|any|number|scale|\d+)\b", re.IGNORECASE
)
_LONGEST = 6  # words of an answer that is taken for a label
_FUNCTION = frozenset(words("a an the it is this that as type kind of category class label either one"))


def label_in_space(reply: Reply) -> CheckFinding | None:
    """Fails when a short answer is none of the labels that the instruction names.

    >>> asked = "Classify the review as positive, negative or neutral."
    >>> label_in_space(Reply("", asked, "I liked it.", "Positive")).verdict
    'passed'
    >>> label_in_space(Reply("", asked, "I liked it.", "Enjoyable"))
    CheckFinding(verdict='failed', expected='positive, negative, neutral', found='Enjoyable')
    >>> label_in_space(Reply("", "Say what you see.", "", "A dog")) is None
    True
    """
    labels = label_space(reply.instruction)
    said = words(reply.output)
    if not labels or not said or len(said) > _LONGEST or "\n" in reply.output.strip():
        return None
    if any(_means(said, words(label)) for label in labels):
        return PASSED
    return failed(", ".join(labels), shown(reply.output, 120))


def label_space(instruction: str) -> tuple[str, ...]:
    """The labels an instruction names, when it names them all and asks for one of them.

    >>> label_space("Answer yes or no.")
    ('yes', 'no')
    """
    if _MANY.search(instruction):
        return ()
    for labels in _named(instruction):
        if len(labels) >= 2 and not any(_OPEN.search(label) or not _content(words(label)) for label in labels):
            return labels
    return ()


def _named(instruction: str) -> Iterator[tuple[str, ...]]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(instruction):
            parts = (part.strip(" \"'\u201c\u201d\u2018\u2019") for part in _SPLIT.split(match["labels"]))
            yield tuple(dict.fromkeys(re.sub(r"^(?:either|a|an|the|or|and) ", "", part) for part in parts if part))


def _content(tokens: list[str]) -> list[str]:
    return [word for word in tokens if word not in _FUNCTION]


def _means(said: list[str], label: list[str]) -> bool:
    """Whether an answer is, or holds, a label: `a noun` and `nouns` mean `noun`, `animals` means `animal kingdom`."""
    return any(_alike(word, other) for word in _content(label) for other in said)


def _alike(one: str, other: str) -> bool:
    """The same word in another form; the two sides of a pair differ in front: formal, informal."""
    common = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one == other or common >= max(3, min(len(one), len(other)) - 2)
