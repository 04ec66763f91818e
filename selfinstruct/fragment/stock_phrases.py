"""Our own phrases by language (questions back, introductions), and which language a text is in.

The language is not told by py3langid, which knows more of them: with it the recipe of `ifs-v1` makes other fragments,
and so another judge (accuracy 0.889 where the shipped one has 0.885) than the one whose bytes it promises.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from random import Random

from selfinstruct.fragment.cuts import ENDS, edges
from selfinstruct.prompts import prompt
from selfinstruct.text import one_line, words

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "da", "no", "sv", "zh", "ja", "ko", "ru")
"""Those with a file `prompts/phrases.LANGUAGE.txt`."""
_UNSPACED = ("zh", "ja")
_SECTION = re.compile(r"^\[(\w+)\]$", re.MULTILINE)
_PAUSES = ":,;\uff0c\u3001\uff1b\uff1a"
_LAST_WORDS = (2, 6)
_OPENING, _CLOSING, _OF_CUT = 0.5, 0.35, 0.8  # how often a question has each
_READ = 600  # characters
_ENOUGH = 2  # common words of a language, below which nothing is said
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_COMMON = {
    "en": "the of and to in is a for that with what how are this from write give list your you it",
    "de": "der die das und ist ein eine nicht mit für auf was wie sie den dem von zu schreibe nenne im",
    "fr": "le la les des et est une un que pour dans sur avec qui quel quelle ce cette du vous au écris",
    "es": "el la los las y es una un que para en con por cómo qué cuál del se escribe lo al",
    "it": "il lo gli che e è una un per di con come cosa quale della del nel scrivi sono le alla",
    "pt": "o os as e é uma um que para em com não como qual do da no na escreva são dos",
    "nl": "de het een en van is dat niet met voor op wat hoe je zijn te schrijf aan deze bij",
    "da": "og er det en et af til på ikke som med der hvad hvordan skriv jeg du den fra efter",
    "no": "og er det en et av til på ikke som med hva hvordan skriv jeg du den fra etter hvilke",
    "sv": "och är det en ett av till på inte som med vad hur skriv jag du den från efter för",
}


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


def language_of(text: str) -> str:
    """ISO 639-1 of the script or, for Latin letters, of ten languages of Europe; empty where that does not tell.

    >>> language_of("Skriv et digt om regnen på en dag, der ikke er som de andre."), language_of("写一首诗。")
    ('da', 'zh')
    >>> language_of("xyz 12"), language_of("Name three of the rivers in Spain.")
    ('', 'en')
    """
    head = text[:_READ]
    if not head.isascii():
        letters = sum(map(str.isalpha, head))
        for language, letter in _SCRIPTS:
            # A quotation or a name in another script does not make the language; a tenth of kana does.
            if len(letter.findall(head)) > letters * (0.1 if language == "ja" else 0.3):
                return language
    votes: Counter[str] = Counter()
    for word in words(head):
        for language in _voters().get(word, ()):
            votes[language] += 1
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < _ENOUGH:
        return ""
    return "" if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else ranked[0][0]


@cache
def _voters() -> dict[str, tuple[str, ...]]:
    """By word, the languages in which it is common."""
    languages: dict[str, tuple[str, ...]] = {}
    for language, common in _COMMON.items():
        for word in common.split():
            languages[word] = (*languages.get(word, ()), language)
    return languages
