"""The rules of the released programs, Self-Instruct and Stanford Alpaca, exactly as those decide."""

import re
import string

_MEDIA = r"images?|graphs?|pictures?|files?|maps?|draw|plot|go to"
_MEDIA_WORD = re.compile(rf"\b(?:{_MEDIA})\b", re.IGNORECASE)
_MORE_MEDIA_WORD = re.compile(rf"\b(?:{_MEDIA}|video|audio|music|flowchart|diagram)\b", re.IGNORECASE)


def program_too_short(text: str) -> str:
    """Three words or fewer between spaces, as the released program counts.

    >>> program_too_short("Name a river."), program_too_short("Name a long river.")
    ('3 words', '')
    """
    count = len(text.split())
    return f"{count} words" if count <= 3 else ""


def program_too_long(text: str) -> str:
    """More than 150 words between spaces.

    >>> program_too_long("word " * 151)
    '151 words'
    """
    count = len(text.split())
    return f"{count} words" if count > 150 else ""


def asks_for_media(text: str) -> str:
    """Holds one of Self-Instruct's thirteen terms as a word.

    >>> asks_for_media("Draw a cat"), asks_for_media("Summarise the paragraph"), asks_for_media("Go to the shop")
    ('Draw', '', 'Go to')
    """
    return _first(_MEDIA_WORD, text)


def asks_for_more_media(text: str) -> str:
    """Holds one of Alpaca's eighteen terms as a word.

    >>> asks_for_more_media("Review the video"), asks_for_media("Review the video")
    ('video', '')
    """
    return _first(_MORE_MEDIA_WORD, text)


def write_a_program(text: str) -> str:
    """Starts with these words: models confuse writing one and running one (Self-Instruct, appendix A).

    >>> write_a_program("Write a program that sorts"), write_a_program("write a program")
    ('Write a program', '')
    """
    return "Write a program" if text.startswith("Write a program") else ""


def starts_with_punctuation(text: str) -> str:
    """The first character is ASCII punctuation.

    >>> starts_with_punctuation('"Hi"'), starts_with_punctuation("Hi"), starts_with_punctuation("¿Qué?")
    ('"', '', '')
    """
    return text[0] if text and text[0] in string.punctuation else ""


def starts_with_non_ascii(text: str) -> str:
    """The first character is outside ASCII.

    >>> starts_with_non_ascii("Écris un poème"), starts_with_non_ascii("Write a poème")
    ('É', '')
    """
    return text[0] if text and not text[0].isascii() else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
