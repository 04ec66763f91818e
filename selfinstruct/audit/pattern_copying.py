"""Does a student copy the manner of its training set? Lengths, layout and openers, and where moved words are found.

Paper: arXiv 2402.05119. Whole words that begin with a shifted or marginal token are looked for in the answers of the
set, as there; beside them stand words that were not moved, for frequent words are found everywhere.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.audit.shift_statistics import estimate_json
from selfinstruct.audit.shift_tokens import KINDS, Kind
from selfinstruct.records import Json, Task
from selfinstruct.stats import mean, share
from selfinstruct.text import words

_ITEM = re.compile(r"\s*(?:[-*\u2022]|\d{1,3}[.)])\s")
OPENER = 2
"""Words that make an opener."""
MANNER: Mapping[str, Callable[[str], bool]] = {
    "a list": lambda text: any(_ITEM.match(line) for line in text.splitlines()),
    "paragraphs": lambda text: "\n\n" in text.strip(),
    "a heading or bold words": lambda text: "**" in text or any(line.startswith("#") for line in text.splitlines()),
    "an exclamation mark": lambda text: "!" in text,
    "ends in a question": lambda text: text.rstrip().endswith("?"),
}
"""Marks of a manner of writing, and how each is told."""


@dataclass(frozen=True, slots=True)
class StudentAnswer:
    """What the student said, and, where it was looked into, the class of each piece."""

    prompt: str
    response: str
    pieces: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()


def copying(
    tasks: Sequence[Task], answers: Sequence[StudentAnswer], unrelated: Sequence[str], *, seed: int = 0
) -> dict[str, Json]:
    """All of it. `unrelated`: texts of another kind; as many words of the set are looked in as they have, or fewer."""
    taught = [pair.output for task in tasks for pair in task.instances if pair.output.strip()]
    said = [answer.response for answer in answers if answer.response.strip()]
    facts: dict[str, Json] = {
        "characters": {"taught": _length(taught, len, seed), "said": _length(said, len, seed)},
        "words": {"taught": _length(taught, _words, seed), "said": _length(said, _words, seed)},
        "layout": {name: {"taught": _share(taught, test), "said": _share(said, test)} for name, test in MANNER.items()},
        "openers": _openers(taught, said),
    }
    if any(answer.kinds for answer in answers):
        facts["moved_words"] = moved_words(answers, taught, unrelated, seed)
    return facts


def moved_words(
    answers: Sequence[StudentAnswer], taught: Sequence[str], unrelated: Sequence[str], seed: int
) -> dict[str, Json]:
    """Of words that begin with a token of each class, the share found in the answers taught, and elsewhere."""
    size = min(sum(len(words(text)) for text in texts) for texts in (taught, unrelated))
    places = {
        "in_training": {word for text in taught for word in words(text)},
        "in_as_much_training": _as_many(taught, size, seed),
        "in_as_much_unrelated": _as_many(unrelated, size, seed),
    }
    by_kind: dict[Kind, list[list[str]]] = {kind: [] for kind in KINDS}
    for answer in answers:
        begun = words_begun(answer.pieces, answer.kinds)
        for kind in KINDS:
            if of_kind := [word for word, of in begun if of == kind]:
                by_kind[kind].append(of_kind)
    return {
        "as_much": size,
        **{
            kind: {
                "words": sum(map(len, responses)),
                **{name: _share_in(there, responses) for name, there in places.items()},
            }
            for kind, responses in by_kind.items()
        },
    }


def words_begun(pieces: Sequence[str], kinds: Sequence[Kind]) -> list[tuple[str, Kind]]:
    """Each word of a response with the class of the token that it begins with.

    >>> words_begun([" The", " Ri", "ver", "."], ["unshifted", "shifted", "unshifted", "marginal"])
    [('the', 'unshifted'), ('river', 'shifted')]
    """
    begun = list[tuple[str, Kind]]()
    text, kind = "", None
    for piece, of in [*zip(pieces, kinds, strict=True), (" ", None)]:
        starts = not text or piece[:1].isspace() or not piece[:1].isalnum()
        if starts and kind is not None and text:
            begun += [(word, kind) for word in words(text)[:1]]
            text, kind = "", None
        if starts:
            kind = of
        text += piece
    return begun


def _openers(taught: Sequence[str], said: Sequence[str]) -> dict[str, Json]:
    """How often answers begin with an opener that the set has more than once, and the most frequent ones."""
    counts = Counter(" ".join(words(text)[:OPENER]) for text in taught)
    known = {opener for opener, count in counts.items() if count > 1 and opener}
    mine = [" ".join(words(text)[:OPENER]) for text in said]
    frequent: list[Json] = [
        {"opener": opener, "taught": count, "said": mine.count(opener)} for opener, count in counts.most_common(10)
    ]
    return {"said_with_taught_opener": _share(mine, lambda opener: opener in known), "most_taught": frequent}


def _as_many(texts: Sequence[str], size: int, seed: int) -> set[str]:
    """The words of texts drawn until they have so many."""
    order = sorted(texts)
    random.Random(f"{seed}/unrelated").shuffle(order)  # noqa: S311 - not for secrets
    drawn, seen = set[str](), 0
    for text in order:
        listed = words(text)[: size - seen]
        drawn.update(listed)
        seen += len(listed)
        if seen >= size:
            break
    return drawn


def _share_in(there: set[str], responses: Sequence[Sequence[str]]) -> Json:
    """The share of words that stand in a place, by response."""
    counts = [sum(word in there for word in response) for response in responses]
    return estimate_json(share(counts, [*map(len, responses)]))


def _words(text: str) -> int:
    return len(words(text))


def _length(texts: Sequence[str], measure: Callable[[str], int], seed: int) -> Json:
    return estimate_json(mean([measure(text) for text in texts], [1] * len(texts), seed=seed)) if texts else None


def _share(texts: Sequence[str], test: Callable[[str], bool]) -> Json:
    return estimate_json(share([test(text) for text in texts], [1] * len(texts))) if texts else None
