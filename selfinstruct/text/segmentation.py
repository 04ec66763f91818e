"""Words, cut the same way in every room.

Marks (Unicode categories Mn and Mc: vowel signs, points, tones) belong to the letter before them, and joiners to the
word around them, as in UAX #29; format characters, such as a soft hyphen or a sign of direction, are not there.
"""

import re
import unicodedata

# Scripts written without spaces: each character is a word of its own, else a whole sentence would be one word.
_UNSPACED = (
    "\u0e00-\u0e7f"  # Thai
    "\u0e80-\u0eff"  # Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"  # Han, supplementary
)
_PICTURES = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
# What stands for every mark, and for every joiner, while words are looked for: neither is a letter.
_MARK, _JOINER = "\ue000", "\ue001"
_INSIDE = rf"(?:{_MARK}+{_JOINER}*|{_JOINER}+(?=[^\W_]))"  # a joiner at the end tells words apart only after a mark
_LONE = rf"[{_UNSPACED}](?:{_MARK}{_JOINER}*)*|[{_PICTURES}]"
_LETTERS = rf"(?:(?![{_UNSPACED}])[^\W_]{_INSIDE}*)+"
_WORD = re.compile(rf"{_LONE}|{_LETTERS}")
_PROGRAM_WORD = re.compile(r"[a-z0-9]+")
# C++, C#, .NET, A+: signs that are the only thing two names differ in. Not `page#section`, `2+2`, `end.Begin`.
_OPENS, _CLOSES = r"(?:(?<![^ \n\t(/\[\"'`])\.(?=[^\W\d_]))?", r"(?:\+\+(?![^\W\d_])|\+(?![\w+])|#(?![^\W\d_]|#))?"
_SIGNED_WORD = re.compile(rf"{_LONE}|{_OPENS}{_LETTERS}{_CLOSES}")
_PLAIN_SIGNED_WORD = re.compile(rf"{_OPENS}[a-z0-9]+{_CLOSES}", re.ASCII)
_BEFORE_A_DOT = frozenset(" \n\t(/[\"'`")


class _Shadows(dict[int, str | None]):
    """What stands for a character: a mark or joiner for its kind, itself otherwise, nothing for what is not there."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kind = unicodedata.category(char)
        shadow: str | None = char
        if char in "\u200c\u200d":
            shadow = _JOINER
        elif kind in ("Mn", "Mc"):
            shadow = _MARK
        elif kind == "Co":
            shadow = " "
        self[code] = shadow
        return shadow


_SHADOWS = _Shadows()
# Not there: format characters but joiners and the space without width; the grapheme joiner; variation selectors.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0100-\U000e01ef]"
)

# Text without any of these, which most of it is, can be cut as it stands.
_SPECIAL = re.compile(
    "[^\x00-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0590\u1e00-\u200a\u2010-\u2029\u2030-\u205f\u2070-\u20cf\u2100-\u2cee"
    "\u2e00-\u3029\u3030-\u3098\u309b-\ua66e\uac00-\ud7a3\uf900-\ufb1d\uff00-\uffef"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff]"
)


def words(text: str) -> list[str]:
    """Lower-case words of any script; Han, Kana, Thai and the like give a word a character, emoji one each.

    On plain ASCII text this equals `program_words`.

    >>> words("Don't re-use C++ 3.5!")
    ['don', 't', 're', 'use', 'c', '3', '5']
    >>> words("Skriv på dansk: 写一首诗 🎉")
    ['skriv', 'på', 'dansk', '写', '一', '首', '诗', '🎉']
    >>> words("खाना क्या है?") == ["खाना", "क्या", "है"]
    True
    """
    if text.isascii():
        return _PROGRAM_WORD.findall(text.lower())
    return _cut(text, _WORD)


def words_and_signs(text: str) -> list[str]:
    """As `words`, but a name keeps the signs that tell it from another: C++, C#, .NET.

    Where records are told apart; never for ROUGE-L, which everybody counts without signs.

    >>> words_and_signs("Is C++17 like C#, or .NET? 2+2 = 4.")
    ['is', 'c++', '17', 'like', 'c#', 'or', '.net', '2', '2', '4']
    """
    if text.isascii():
        return (_PLAIN_SIGNED_WORD if has_signs(text) else _PROGRAM_WORD).findall(text.lower())
    return _cut(text.replace("\u266f", "#"), _SIGNED_WORD)


def has_signs(text: str) -> bool:
    """Whether `words_and_signs` may cut an ASCII text otherwise than `words`.

    >>> has_signs("C# or F#?"), has_signs("Name a river. Why?")
    (True, False)
    """
    # searches for plain text, as a pattern over each character would take longer than the cutting
    if "+" in text or "#" in text:
        return True
    dot = text.find(".")
    while dot > 0:
        if text[dot - 1] in _BEFORE_A_DOT:
            return True
        dot = text.find(".", dot + 1)
    return dot == 0


def _cut(text: str, word: re.Pattern[str]) -> list[str]:
    # a dot that lower case puts on the Turkish capital is part of that letter, not a mark that a writer set
    text = unicodedata.normalize("NFKC", text).lower()
    if not _SPECIAL.search(text):
        return word.findall(text)
    text = _UNSEEN.sub("", text.replace("i\u0307", "i"))
    shadow = text.translate(_SHADOWS)
    return [text[slice(*match.span())] for match in word.finditer(shadow)]


def program_words(text: str) -> list[str]:
    """Words as `rouge_score` cuts them without a stemmer: lower case, runs of a-z and 0-9, everything else a gap.

    >>> program_words("Résumé: U.S. ĞPA")
    ['r', 'sum', 'u', 's', 'pa']
    """
    return _PROGRAM_WORD.findall(text.lower())
