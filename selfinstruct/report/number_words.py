"""Numbers and texts as a person reads them: plain text, which the templates escape."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

_KEPT_INVISIBLE = frozenset("\u200c\u200d")  # joiners: Persian and emoji need them, and they cannot reorder text
_MILLION, _THOUSAND = 1_000_000, 1_000


def number(count: int) -> str:
    """A count with its thousands set apart.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{count:,}"


def rounded(count: int) -> str:
    """Three digits and a unit, for a headline.

    >>> rounded(950), rounded(12_345), rounded(1_999_999_999)
    ('950', '12.3 k', '2,000 M')
    """
    if count < 10 * _THOUSAND:
        return number(count)
    value, unit = (count / _THOUSAND, "k") if count < _MILLION - _THOUSAND / 2 else (count / _MILLION, "M")
    return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def share(part: int, whole: int) -> str:
    """Per cent, never rounded to all or nothing unless it is.

    >>> share(1, 3), share(1, 4000), share(3999, 4000), share(7, 7), share(0, 0)
    ('33 %', 'under 1 %', 'over 99 %', '100 %', 'none')
    """
    if whole == 0:
        return "none"
    per_cent = 100 * part / whole
    if 0 < per_cent < 1:
        return "under 1 %"
    return "over 99 %" if 99 < per_cent < 100 else f"{per_cent:.0f} %"


def money(dollars: Decimal | None) -> str:
    """US dollars with as many digits as the amount deserves; what is unknown stays unknown.

    >>> [money(Decimal(text)) for text in ("0", "12.5", "0.0318", "0.00000217")], money(None)
    (['$0', '$12.50', '$0.032', '$0.0000022'], 'unknown')
    """
    if dollars is None:
        return "unknown"
    if dollars == 0:
        return "$0"
    if dollars >= 1:
        return f"${dollars:,.2f}"
    return f"${dollars.normalize():.{1 - dollars.adjusted()}f}"


def decimals(value: float, digits: int = 3) -> str:
    """To so many digits, and 0 without a sign.

    >>> decimals(0.12345), decimals(-0.0001), decimals(12.345, 1)
    ('0.123', '0.000', '12.3')
    """
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """To so many digits, with its sign.

    >>> signed(0.12345), signed(-2.0, 1), signed(0.0001)
    ('+0.123', '-2.0', '0.000')
    """
    rounded_value = round(value, digits) + 0.0
    return f"{rounded_value:+,.{digits}f}" if rounded_value else decimals(0.0, digits)


DASH = "\N{EN DASH}"
"""For what was not measured, or does not exist; never 0."""


def dash(value: float | None, digits: int | None = None) -> str:
    """A number, whole where no digits are asked for, or a dash.

    >>> dash(1234), dash(0.5, 2), dash(None) == DASH
    ('1,234', '0.50', True)
    """
    if value is None:
        return DASH
    return number(int(value)) if digits is None else decimals(value, digits)


def spaced(name: str) -> str:
    """A name in snake case as words.

    >>> spaced("too_short")
    'too short'
    """
    return name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters that are all to be shown alike."""

    text: str
    hidden: bool = False
    """It stands for a character that is not to be seen, or that would move others."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of unknown origin, ready to be escaped."""

    pieces: tuple[Piece, ...]
    cut: int
    """Characters that were left out at its end."""


def passage(text: str, limit: int = 600) -> Passage:
    r"""A text cut to `limit` characters, hidden characters set apart and made visible.

    Line breaks, tabs and the spaces of every script stay; `text.shown` is for one plain line.

    >>> passage("<b>\x07").pieces
    (Piece(text='<b>', hidden=False), Piece(text='\\x07', hidden=True))
    >>> passage("word " * 50, limit=12)
    Passage(pieces=(Piece(text='word word wo', hidden=False),), cut=238)
    """
    text = text.replace("\r\n", "\n")
    head, cut = text[:limit], max(0, len(text) - limit)
    if head.isprintable():
        return Passage((Piece(head),) if head else (), cut)
    pieces: list[Piece] = []
    for harmless, letters in groupby(head, harmless_letter):
        if harmless:
            pieces.append(Piece("".join(letters)))
        else:
            pieces += [Piece(escaped(letter), hidden=True) for letter in letters]
    return Passage(tuple(pieces), cut)


def visible(text: str) -> str:
    r"""The same as plain letters, without a limit.

    >>> visible("a\x07\nb")
    'a\\x07\nb'
    """
    if text.isprintable():
        return text
    return "".join(letter if harmless_letter(letter) else escaped(letter) for letter in text)


def escaped(letter: str) -> str:
    """How a program writes a character."""
    return repr(letter)[1:-1]


def harmless_letter(letter: str) -> bool:
    """It can be seen, or is white space where one expects it, and moves nothing else."""
    # U+2028 and U+2029 are separators too, and end a line where one does not expect it.
    return (
        letter.isprintable()
        or letter in "\n\t"
        or letter in _KEPT_INVISIBLE
        or (letter.isspace() and ord(letter) in _SPACES)
    )


_SPACES = frozenset((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
