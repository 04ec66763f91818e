from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.report.curve_charts import Across, Line, examples_seen, lines, place_of
from selfinstruct.report.drawing import FAILED, KEPT
from selfinstruct.report.json_values import Estimate

SEEN = examples_seen([0, 64, 128, 256])


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter("text")]


@given(st.lists(st.integers(0, 10**7), min_size=2, unique=True))
def test_more_examples_stand_further_right(seen: list[int]) -> None:
    first = min(count for count in seen if count)
    assert all(place_of(one, first) < place_of(other, first) for one, other in pairwise(sorted(seen)))


@given(st.lists(st.integers(0, 10**7), min_size=1, unique=True))
def test_the_axis_has_room_for_what_is_written_on_it_and_always_says_the_last(seen: list[int]) -> None:
    from selfinstruct.report.curve_charts import _with_room

    ticks = examples_seen(sorted(seen)).ticks
    places, said = _with_room(ticks)
    assert (places[0], said[0]) == ticks[-1]
    assert len(places) <= 12
    assert all(one > other for one, other in pairwise(places))


@pytest.mark.parametrize("share", [True, False])
def test_curves_and_their_intervals_take_the_pages_colours(*, share: bool) -> None:
    drawn = [
        Line(KEPT, [(0.0, Estimate(0.5, 0.4, 0.6)), (1.0, Estimate(0.7, 0.6, 0.8))]),
        Line(FAILED, [(1.0, Estimate(0.3))]),
    ]
    svg = lines("l", "label", drawn, SEEN, up="share", share=share, stop=1.0)
    assert "var(--kept)" in svg
    assert "var(--failed)" in svg
    assert "#" not in svg.replace("url(#", "").replace('href="#', "")
    assert {"0", "64", "128", "256", "share"} <= {*texts(svg)}
    assert svg == lines("l", "label", drawn, SEEN, up="share", share=share, stop=1.0)
    assert svg != lines("l", "label", drawn, SEEN, up="share", share=share)


def test_one_check_alone_and_a_curve_that_is_nothing_are_drawn() -> None:
    one = Line(KEPT, [(0.0, Estimate(0.0))])
    assert "<svg" in lines("l", "label", [one], examples_seen([0]), up="nats")
    assert "<svg" in lines("l", "label", [one], Across("cycle", [(1.0, "1")]), up="IFS", share=True)


def test_of_nothing_nothing_is_drawn() -> None:
    assert lines("l", "label", [], SEEN, up="share") == lines("l", "label", [Line(KEPT, [])], SEEN, up="share") == ""
