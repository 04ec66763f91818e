from xml.etree import ElementTree as ET

import pytest

from selfinstruct.report.drawing import KEPT, REJECTED, SEED
from selfinstruct.report.json_values import Estimate
from selfinstruct.report.side_charts import MOST, Pair, pairs, shares

ROW = Pair(name="a", under="chat", first=0.4, second=0.9, mark=Estimate(0.7, 0.6, 0.8))


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter("text")]


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        Pair(name="only one", first=None, second=0.5),
        Pair(name="", first=None, second=None, mark=Estimate(0.5)),
        Pair(name="$x$ <b>\u202e", first=0.0, second=1.0),
    ],
)
def test_a_row_with_anything_known_is_drawn_in_the_pages_colours(row: Pair) -> None:
    svg = pairs("p", "label", [row])
    assert ET.fromstring(svg).get("role") == "img"
    assert "#" not in svg.replace("url(#", "").replace('href="#', "")
    assert svg == pairs("p", "label", [row])


def test_of_nothing_known_nothing_is_drawn() -> None:
    assert pairs("p", "l", []) == pairs("p", "l", [Pair(name="a", first=None, second=None)]) == ""
    assert shares("s", "l", [], ()) == shares("s", "l", [("a", [0, 0, 0])], (KEPT, REJECTED, SEED)) == ""


def test_names_stand_in_two_lines_and_rows_are_in_order() -> None:
    found = texts(pairs("p", "l", [ROW, Pair(name="b", under="none", first=0.1, second=0.2)]))
    assert found.index("a") < found.index("chat") < found.index("b") < found.index("none")


def test_more_rows_than_can_be_read_are_left_to_the_table() -> None:
    found = texts(pairs("p", "l", [Pair(name=f"row {at}", first=0.1, second=0.2) for at in range(MOST + 9)]))
    assert f"row {MOST - 1}" in found
    assert f"row {MOST}" not in found


def test_shares_of_a_bar_fill_it() -> None:
    svg = shares("s", "l", [("a", [1, 2, 1]), ("b", [3, 0, 0])], (KEPT, REJECTED, SEED))
    assert all(f"var(--{colour})" in svg for colour in ("kept", "rejected", "seed"))
    assert "var(--failed)" not in svg
    assert "% of replies" in texts(svg)
