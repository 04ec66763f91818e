"""Numbers and texts as a person reads them; everything here that ends up in HTML is escaped here."""

from decimal import Decimal
from html import escape

_KEPT_INVISIBLE = frozenset("\u200c\u200d")  # joiners: Persian and emoji need them, and they cannot reorder text
_MILLION, _THOUSAND = 1_000_000, 1_000


def number(count: int) -> str:
    """Thousands set apart.

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


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "task"), plural(2500, "task"), plural(2, "retry", "retries")
    ('1 task', '2,500 tasks', '2 retries')
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


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


def prose(text: str, limit: int = 600) -> str:
    r"""Text of unknown origin as HTML: escaped, cut to `limit` characters, hidden characters marked.

    Line breaks, tabs and the spaces of every script stay; `text.shown` is for one plain line.

    >>> prose("<script>\x07")
    '&lt;script&gt;<span class="hidden">\\x07</span>'
    >>> prose("word " * 50, limit=12)
    'word word wo<span class="cut">… 238 more characters</span>'
    """
    text = text.replace("\r\n", "\n")
    head = "".join(
        escape(char) if _harmless(char) else f'<span class="hidden">{repr(char)[1:-1]}</span>' for char in text[:limit]
    )
    more = len(text) - limit
    return head if more <= 0 else f'{head}<span class="cut">… {plural(more, "more character")}</span>'


def _harmless(char: str) -> bool:
    # U+2028 and U+2029 are separators too, and end a line where one does not expect it.
    return char.isprintable() or char in "\n\t" or char in _KEPT_INVISIBLE or (char.isspace() and ord(char) in _SPACES)


_SPACES = frozenset((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
