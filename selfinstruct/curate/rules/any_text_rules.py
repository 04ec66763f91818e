"""Rules that object to any text of a record (asked, given or answered), and to a language that is not wanted."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from selfinstruct.curate.exchanges import Exchange
from selfinstruct.errors import BadInput
from selfinstruct.text import shown
from selfinstruct.text.language import identifier

_TOKEN = re.compile(
    r"<\|[A-Za-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|</s>\s*\Z"
    r"|<\uff5c[^\uff5c>\n]{2,30}\uff5c>",
)
# What UTF-8 looks like when it was read as Windows-1252, once or twice.
_MISREAD = re.compile(
    "\u00e2\u20ac[\u0153\u2122\u02dc\u201c\u201d\u00a2\u00a6\u009d]|\u00e2\u0080[\u0090-\u00a6]"
    "|\u00c3[\u00a0-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152]|\u00c2[\u00a0\u00b0\u00a3\u00ab\u00bb]|\u00ef\u00bb\u00bf"
)
_KEYS = (
    "instruction",
    "instructions",
    "input",
    "output",
    "response",
    "prompt",
    "completion",
    "messages",
    "conversations",
)
_GRAM = 4  # words; shorter phrases recur in every text
_FEWEST = 24  # words; a shorter text has no room to run in circles
_LONGEST = 15  # characters; where words of other letters seem longer, they have no spaces between them
_ENOUGH = 12  # letters; below that nothing can be told
_READ = 1000  # characters; more of them change nothing
_LIKELY = 0.5
_UNLIKELY = 0.05
# Languages that the identifier tells apart and a person who names the first would not.
_KIN = {
    "zh": ("zh", "wuu", "yue", "gan", "hak", "nan"),
    "no": ("no", "nb", "nn"),
    "sr": ("sr", "sh", "hr", "bs"),
    "hr": ("hr", "sh", "sr", "bs"),
    "ms": ("ms", "id"),
    "id": ("id", "ms"),
}


def template_token(text: str) -> str:
    """Holds a token of a chat template, which only the tokeniser should write; HTML's `<s>` is fine.

    >>> template_token("Po<|im_end|>"), template_token("<s>Po</s> Rhine"), template_token("a <|> b")
    ('<|im_end|>', '', '')
    """
    if "<" not in text and "[" not in text:
        return ""
    match = _TOKEN.search(text)
    return match[0] if match else ""


def misread_encoding(text: str) -> str:
    """Was written as UTF-8 and read as something else.

    >>> misread_encoding("It\u00e2\u20ac\u2122s caf\u00c3\u00a9"), misread_encoding("It\u2019s caf\u00e9, \u00c3O")
    ('\u00e2\u20ac\u2122', '')
    """
    if text.isascii():
        return ""
    match = _MISREAD.search(text)
    return match[0] if match else ""


def misspelt_key(keys: Iterable[str]) -> str:
    """An extra field whose name reads like one that should have been understood.

    >>> misspelt_key(["id", "instruction :"]), misspelt_key(["ouput"]), misspelt_key(["id", "category", "output_type"])
    ('instruction :', 'ouput', '')
    """
    return next((key for key in keys if _reads_like_a_key(key)), "")


def repeated_phrases(exchange: Exchange, at_most: float = 0.4) -> str:
    """The answer runs in circles: a share of more than `at_most` of its four-word phrases stood there before.

    >>> repeated_phrases(Exchange("Tell.", "", "I like the sea and the sun. " * 8))
    '0.87 of its phrases, such as: I like the sea'
    >>> repeated_phrases(Exchange("Tell.", "", "I like the sea. The sun is warm, and the wind comes from the west."))
    ''
    """
    answer = exchange.output or ""
    if len(answer) < _FEWEST or (len(answer) < 2 * _FEWEST - 1 and answer.isascii()):
        return ""  # no room for so many words
    said = answer.split()
    if len(said) * _LONGEST < len(answer) and not answer.isascii():
        said = list(answer)  # a script without spaces
    total = len(said) - _GRAM + 1
    # There are at least as many phrases as different words, but for the last three.
    if len(said) < _FEWEST or len(set(said)) - _GRAM + 1 >= (1 - at_most) * total:
        return ""
    grams = list(zip(said, said[1:], said[2:], said[3:], strict=False))
    share = 1 - len(set(grams)) / total
    if share <= at_most:
        return ""
    phrase, _ = Counter(grams).most_common(1)[0]
    return f"{share:.2f} of its phrases, such as: {' '.join(phrase)}"


@lru_cache(maxsize=4096)
def _reads_like_a_key(key: str) -> bool:
    bare = key.strip(" :_-.\"'\ufeff").lower()
    if key in _KEYS:
        return False
    return bare in _KEYS or (len(bare) > 4 and bool(get_close_matches(bare, _KEYS, 1, 0.9)))


def other_language(exchange: Exchange, languages: tuple[str, ...]) -> str:
    """The instruction is surely in none of these languages (ISO 639-1).

    Where it is too short to tell, the whole is read. An answer in another language is fine: that may be what was asked.

    >>> other_language(Exchange("Skriv et kort digt om regnen i april.", "", "Regn"), ("en", "de"))
    'da'
    >>> other_language(Exchange("Translate this sentence into Danish.", "It rains.", "Det regner."), ("en",))
    ''
    """
    language = _elsewhere(exchange.instruction, languages)
    if language == "?":
        language = _elsewhere(f"{exchange.request}\n{exchange.output or ''}", languages)
    return "" if language == "?" else language


def require_languages(languages: Sequence[str]) -> None:
    """BadInput for a code that the identifier does not know."""
    known = sorted({*identifier().nb_classes})
    for code in languages:
        if code not in known:
            raise BadInput(
                f"no language '{shown(code)}'", place="stage rules, knob 'languages'", fix="codes: " + ", ".join(known)
            )


def _elsewhere(text: str, languages: tuple[str, ...]) -> str:
    """The language it is in, where that is surely none of the given; `?` where that is unsure."""
    head = text[:_READ]
    if sum(map(str.isalpha, head)) < _ENOUGH and head.isascii():
        return "?"
    ranked = identifier().rank(head)
    likeliest, probability = ranked[0]
    wanted = {kin for code in languages for kin in _KIN.get(code, (code,))}
    if likeliest in wanted:
        return ""
    if probability < _LIKELY:
        return "?"
    return likeliest if sum(share for code, share in ranked if code in wanted) < _UNLIKELY else "?"
