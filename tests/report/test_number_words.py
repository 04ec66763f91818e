import re
from decimal import Decimal
from html import escape, unescape

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.report.number_words import money, number, passage, share, visible
from selfinstruct.report.page import _environment


def prose(text: str, limit: int) -> str:
    """As the page shows it."""
    return str(_environment().get_template("blocks.html.jinja").module.prose(text, limit))  # type: ignore[attr-defined]  # a macro


_MARKS = re.compile(r"</?span[^>]*>")


@given(st.text(), st.integers(1, 50))
def test_prose_says_how_much_it_cut(text: str, limit: int) -> None:
    text = text.replace("\r\n", "\n")
    shown = prose(text, limit)
    assert ("more character" in shown) == (len(text) > limit)
    if len(text) > limit:
        assert f"… {number(len(text) - limit)} more" in shown


@given(st.text())
def test_prose_holds_no_markup_but_its_own_and_nothing_invisible(text: str) -> None:
    bare = _MARKS.sub("", prose(text, 10**6))
    assert "<" not in bare
    assert ">" not in bare
    assert '"' not in bare
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", bare)


@given(st.text(st.sampled_from("aé写م🐝\u200c\u200d\u00a0\u3000 \n\t<&\"'")))
def test_what_a_person_can_read_is_left_alone(text: str) -> None:
    assert unescape(prose(text, 10**6)) == text


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_share_is_nothing_or_all_only_when_it_is(part: int, more: int) -> None:
    whole = part + more
    said = share(part, whole)
    assert (said == "0 %") == (part == 0 and whole > 0)
    assert (said == "100 %") == (more == 0 and whole > 0)


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=9))
def test_money_is_within_half_of_its_last_digit(dollars: Decimal) -> None:
    said = money(dollars)
    value = Decimal(said.removeprefix("$").replace(",", ""))
    assert abs(value - dollars) <= max(dollars * Decimal("0.05"), Decimal(0))
    assert (value == 0) == (dollars == 0)


@given(st.text())
def test_what_is_printed_without_prose_has_nothing_invisible_in_it_either(text: str) -> None:
    shown = _environment().from_string('<b title="{{ text }}">{{ text }}</b>').render(text=text)
    said = escape(visible(text)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    assert shown == f'<b title="{said}">{said}</b>'
    assert "".join(piece.text for piece in passage(text, 10**6).pieces) == visible(text.replace("\r\n", "\n"))
