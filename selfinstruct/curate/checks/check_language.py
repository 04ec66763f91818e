"""The language asked for: `translate ... into French`, `answer in Russian`."""

import re
import unicodedata

from selfinstruct.curate.exchanges import PASSED, UNCHECKED, CheckFinding, Reply, failed
from selfinstruct.text import shown
from selfinstruct.text.language import identifier

# Name in English: code, and what tells a letter of its script; Latin script is told by words, not by letters.
_LANGUAGES: dict[str, tuple[str, str]] = {
    "arabic": ("ar", "ARABIC"),
    "bengali": ("bn", "BENGALI"),
    "bulgarian": ("bg", "CYRILLIC"),
    "chinese": ("zh", "CJK"),
    "danish": ("da", ""),
    "dutch": ("nl", ""),
    "english": ("en", ""),
    "finnish": ("fi", ""),
    "french": ("fr", ""),
    "german": ("de", ""),
    "greek": ("el", "GREEK"),
    "hebrew": ("he", "HEBREW"),
    "hindi": ("hi", "DEVANAGARI"),
    "hungarian": ("hu", ""),
    "italian": ("it", ""),
    "japanese": ("ja", "HIRAGANA KATAKANA CJK"),
    "korean": ("ko", "HANGUL"),
    "mandarin": ("zh", "CJK"),
    "norwegian": ("no", ""),
    "polish": ("pl", ""),
    "portuguese": ("pt", ""),
    "romanian": ("ro", ""),
    "russian": ("ru", "CYRILLIC"),
    "spanish": ("es", ""),
    "swedish": ("sv", ""),
    "thai": ("th", "THAI"),
    "turkish": ("tr", ""),
    "ukrainian": ("uk", "CYRILLIC"),
    "vietnamese": ("vi", ""),
}
_NAMES = "|".join(_LANGUAGES)
_ENDS = r"(?=\s*(?:[.:;,!?\"'\n)]|\Z|language\b|and\b|without\b|using\b|with\b|for\b|about\b|that\b|so\b))"
_KINDS = r"(?:the )?(?:simplified |traditional |modern |brazilian |formal |informal )?"
_ASKED = re.compile(
    rf"\btranslat\w*\b[^\n]{{0,300}}?\b(?:in)?to {_KINDS}(?P<to>{_NAMES}){_ENDS}"
    rf"|\b(?:answer|respond|reply|write|say|explain|compose|describe)\b[^.?!\n]{{0,80}}? in (?P<in>{_NAMES}){_ENDS}",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    rf"\b(?:{_NAMES})\b,? (?:and|or|,) (?:\w+ ){{0,2}}(?:{_NAMES})\b|\bpronounc|\btransliterat|\bromani[sz]",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\A\s*(?:how|what|why|which|is|are|do|does|explain how|identify|find|explain the)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"'\u201c\u00ab\u201e(\[`]")
_ENOUGH = 20  # letters in Latin script
_ENOUGH_WORDS = 4
_SURE, _UNLIKELY = 0.95, 0.01
_KIN = {"no": ("no", "nb", "nn", "da"), "da": ("da", "no", "nb"), "zh": ("zh", "wuu", "yue", "gan", "hak", "nan")}


def language_asked_for(reply: Reply) -> CheckFinding | None:
    """Fails when the reply is surely not in the language that was asked for; short and mixed ones are unchecked.

    >>> language_asked_for(Reply("", "Translate the sentence into Russian.", "Good day!", "Guten Tag!"))
    CheckFinding(verdict='failed', expected='russian', found='Guten Tag!')
    >>> language_asked_for(Reply("", "Translate the sentence into Russian.", "Good day!", "Добрый день!")).verdict
    'passed'
    """
    asked = _ASKED.search(reply.instruction)
    if (
        not asked
        or re.search(r"\b(?:if|whether)\b", asked[0], re.IGNORECASE)
        or _QUESTION.match(reply.instruction)
        or _SEVERAL.search(reply.instruction)
    ):
        return None
    name = (asked["to"] or asked["in"]).lower()
    code, script = _LANGUAGES[name]
    text = reply.output.strip().strip("\"'\u201c\u201d\u00ab\u00bb ")
    letters = [char for char in text if char.isalpha()]
    # Quotes and brackets: a sentence about the translation, or a transcription beside it.
    if not letters or "```" in text or _QUOTED.search(text):
        return UNCHECKED
    if script:
        return _by_script(name, script, letters, text)
    return _by_words(name, code, letters, text)


def _by_script(name: str, script: str, letters: list[str], text: str) -> CheckFinding:
    there = sum(_is_of(char, script) for char in letters)
    if there * 2 > len(letters):
        return PASSED
    return UNCHECKED if there else failed(name, shown(text, 160))


def _by_words(name: str, code: str, letters: list[str], text: str) -> CheckFinding:
    if not any(char.isascii() for char in letters) and not any("LATIN" in _unicode_name(char) for char in letters):
        return failed(name, shown(text, 160))
    if len(letters) < _ENOUGH or len(text.split()) < _ENOUGH_WORDS:
        return UNCHECKED
    ranked = identifier().rank(text[:1000])
    wanted = _KIN.get(code, (code,))
    likeliest, probability = ranked[0]
    if likeliest in wanted:
        return PASSED
    share = sum(part for language, part in ranked if language in wanted)
    if probability < _SURE or share > _UNLIKELY or likeliest not in {code for code, _ in _LANGUAGES.values()}:
        return UNCHECKED
    return failed(name, f"{likeliest}: {shown(text, 160)}")


def _is_of(char: str, scripts: str) -> bool:
    called = _unicode_name(char)
    return any(called.startswith(script) for script in scripts.split())


def _unicode_name(char: str) -> str:
    return unicodedata.name(char, "")
