"""Our own phrases, by language: questions back, and what stands before an answer or before another instruction."""

import re
from dataclasses import dataclass
from functools import cache
from random import Random

from selfinstruct.fragment.cuts import edges
from selfinstruct.fragment.sentences import ENDS
from selfinstruct.prompts import prompt
from selfinstruct.text import one_line

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "da", "no", "sv", "zh", "ja", "ko", "ru")
"""Those with a file `prompts/phrases.LANGUAGE.txt`."""

_UNSPACED = ("zh", "ja")
_SECTION = re.compile(r"^\[(\w+)\]$", re.MULTILINE)
_PAUSES = ":,;\uff0c\u3001\uff1b\uff1a"
_LAST_WORDS = (2, 6)
_OPENING, _CLOSING, _OF_CUT = 0.5, 0.35, 0.8  # how often a question has each


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What the file of a language holds; `{end}` stands for the last words of the prompt."""

    opening: tuple[str, ...]
    cut: tuple[str, ...]
    """Questions back that only a cut instruction calls for."""
    ask: tuple[str, ...]
    closing: tuple[str, ...]
    answer: tuple[str, ...]
    """What may stand before an answer."""
    next: tuple[str, ...]
    """What may stand before another instruction."""
    gap: str
    """Between two sentences."""

    def question(self, asked: str, random: Random, *, whole: bool) -> str:
        """A question back about a prompt, whole or cut."""
        about_cut = not whole and random.random() < _OF_CUT
        parts = [random.choice(self.cut if about_cut else self.ask)]
        if random.random() < _OPENING:
            parts.insert(0, random.choice(self.opening))
        if random.random() < _CLOSING:
            parts.append(random.choice(self.closing))
        return self.gap.join(parts).replace("{end}", _end(asked, random.randint(*_LAST_WORDS)))


def phrases(language: str) -> Phrases | None:
    """Those of a language, or None; an unknown one in Latin letters (empty) gets the English ones."""
    return _read(language or "en") if (language or "en") in LANGUAGES else None


@cache
def _read(language: str) -> Phrases:
    parts = _SECTION.split(prompt("fragment", f"phrases.{language}").text)
    lines = {name: tuple(body.strip().splitlines()) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return Phrases(**lines, gap="" if language in _UNSPACED else " ")


def _end(asked: str, many: int) -> str:
    """The last words of a prompt, without the mark at its end."""
    line = one_line(asked).rstrip(ENDS + _PAUSES).replace('"', "")
    return line[([0, *edges(line)])[-many:][0] :].strip()
