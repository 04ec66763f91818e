from xml.etree import ElementTree as ET

import pytest

from selfinstruct.report.charts import MOST_PAIRS, ChartPair, Ring, pairs, shares, two_rings
from selfinstruct.report.drawing import KEPT, REJECTED, SEED, Dot
from selfinstruct.report.json_values import ShownEstimate
from selfinstruct.report.summary import Count
from tests.report.contents import drawn

ROW = ChartPair(name="a", under="chat", first=0.4, second=0.9, mark=ShownEstimate(0.7, 0.6, 0.8))


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter("text")]


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        ChartPair(name="only one", first=None, second=0.5),
        ChartPair(name="", first=None, second=None, mark=ShownEstimate(0.5)),
        ChartPair(name="$x$ <b>\u202e", first=0.0, second=1.0),
    ],
)
def test_a_row_with_anything_known_is_drawn_in_the_pages_colours(row: ChartPair) -> None:
    svg = drawn(pairs("label", [row]))
    assert ET.fromstring(svg).get("role") == "img"
    assert "#" not in svg.replace("url(#", "").replace('href="#', "")
    assert svg == drawn(pairs("label", [row]))


def test_of_nothing_known_nothing_is_drawn() -> None:
    assert pairs("l", []) is pairs("l", [ChartPair(name="a", first=None, second=None)]) is None
    assert shares("l", [], ()) is shares("l", [("a", [0, 0, 0])], (KEPT, REJECTED, SEED)) is None
    assert two_rings("l", []) is two_rings("l", [Ring("write", 0, ())]) is None


def test_names_stand_in_two_lines_and_rows_are_in_order() -> None:
    written = texts(drawn(pairs("l", [ROW, ChartPair(name="b", under="none", first=0.1, second=0.2)])))
    assert written.index("a") < written.index("chat") < written.index("b") < written.index("none")


def test_more_rows_than_can_be_read_are_left_to_the_table() -> None:
    written = texts(
        drawn(pairs("l", [ChartPair(name=f"row {at}", first=0.1, second=0.2) for at in range(MOST_PAIRS + 9)]))
    )
    assert f"row {MOST_PAIRS - 1}" in written
    assert f"row {MOST_PAIRS}" not in written


def test_shares_of_a_bar_fill_it() -> None:
    svg = drawn(shares("l", [("a", [1, 2, 1]), ("b", [3, 0, 0])], (KEPT, REJECTED, SEED)))
    assert all(f"var(--{colour})" in svg for colour in ("kept", "rejected", "seed"))
    assert "var(--failed)" not in svg
    assert "% of replies" in texts(svg)


def test_rings_hold_every_name_with_room_and_their_pieces_close_the_circle() -> None:
    pieces = [Ring("write", 6, (Count("list", 4), Count("poem", 1))), Ring("name", 2, (Count("river", 2),))]
    svg = drawn(two_rings("l", pieces))
    assert {"write", "name", "list", "poem", "river"} <= {*texts(svg)}
    assert svg.count("<path") == 2 + 4  # one verb has an object that nobody named
    whole = drawn(two_rings("l", [Ring("write", 6, ())]))
    assert "NaN" not in whole
    assert whole.count("<path") == 2


def test_two_shares_that_are_the_same_are_both_seen() -> None:
    chart = pairs("l", [ChartPair(name="a", first=0.5, second=0.5), ChartPair(name="b", first=0.1, second=0.5)])
    assert chart is not None
    same, also, far, other = (shape for shape in chart.shapes if isinstance(shape, Dot))
    assert (same.colour, also.colour) == (REJECTED, KEPT)
    assert same.radius > also.radius + 1
    assert far.radius == other.radius
