"""Words and lines, cut the same way in every room."""

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
_WORD = re.compile(rf"[{_UNSPACED}{_PICTURES}]|(?:(?![{_UNSPACED}])[^\W_])+")
_PROGRAM_WORD = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Lower-case words of any script; Han, Kana, Thai and the like give a word a character, emoji one each.

    On plain ASCII text this equals `program_words`.

    >>> words("Don't re-use C++ 3.5!")
    ['don', 't', 're', 'use', 'c', '3', '5']
    >>> words("Skriv på dansk: 写一首诗 🎉")
    ['skriv', 'på', 'dansk', '写', '一', '首', '诗', '🎉']
    """
    if text.isascii():
        return _PROGRAM_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def program_words(text: str) -> list[str]:
    """Words as `rouge_score` cuts them without a stemmer: lower case, runs of a-z and 0-9, everything else a gap.

    >>> program_words("Résumé: U.S. ĞPA")
    ['r', 'sum', 'u', 's', 'pa']
    """
    return _PROGRAM_WORD.findall(text.lower())


def one_line(text: str) -> str:
    r"""Every run of white space becomes one space; none at the ends.

    >>> one_line("  Name\n a \t river ")
    'Name a river'
    """
    return " ".join(text.split())


def shown(text: str, width: int = 80) -> str:
    r"""Text as it may be printed: one line, cut to `width`, control characters and surrogates made visible.

    >>> shown("red \x1b[31m text")
    'red \\x1b[31m text'
    """
    line = one_line(text)
    if not line.isprintable():
        line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    return line if len(line) <= width else line[: width - 1] + "…"
