from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.report.charts import ChartLine, examples_seen, lines, place_of, places_axis
from selfinstruct.report.drawing import FAILED, KEPT, WIDTH, text_width
from selfinstruct.report.json_values import ShownEstimate
from tests.report.contents import drawn

SEEN = examples_seen([0, 64, 128, 256])


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter("text")]


@given(st.lists(st.integers(0, 10**7), min_size=2, unique=True))
def test_more_examples_stand_further_right(seen: list[int]) -> None:
    first = min(count for count in seen if count)
    assert all(place_of(value, first) < place_of(other, first) for value, other in pairwise(sorted(seen)))


@given(st.lists(st.integers(0, 10**7), min_size=1, unique=True))
def test_the_axis_has_room_for_what_is_written_on_it_and_always_says_the_last(seen: list[int]) -> None:
    ordered = sorted(seen)
    axis = examples_seen(ordered)
    assert axis.ticks[-1][1] == f"{ordered[-1]:,}"
    units = 0.85 * WIDTH / (axis.ticks[-1][0] - axis.low or 1)
    for (place, said), (other, also) in pairwise(axis.ticks):
        assert place < other
        assert (other - place) * units >= (text_width(said) + text_width(also)) / 2


@pytest.mark.parametrize("share", [True, False])
def test_curves_and_their_intervals_take_the_pages_colours(*, share: bool) -> None:
    both = [
        ChartLine(KEPT, [(0.0, ShownEstimate(0.5, 0.4, 0.6)), (1.0, ShownEstimate(0.7, 0.6, 0.8))]),
        ChartLine(FAILED, [(1.0, ShownEstimate(0.3))]),
    ]
    svg = drawn(lines("label", both, SEEN, up="share", share=share, stop=1.0))
    assert "var(--kept)" in svg
    assert "var(--failed)" in svg
    assert "#" not in svg.replace("url(#", "").replace('href="#', "")
    assert {"0", "64", "128", "256", "share"} <= {*texts(svg)}
    assert svg == drawn(lines("label", both, SEEN, up="share", share=share, stop=1.0))
    assert svg != drawn(lines("label", both, SEEN, up="share", share=share))


def test_one_check_alone_and_a_curve_that_is_nothing_are_drawn() -> None:
    line = ChartLine(KEPT, [(0.0, ShownEstimate(0.0))])
    assert "<svg" in drawn(lines("label", [line], examples_seen([0]), up="nats"))
    assert "<svg" in drawn(lines("label", [line], places_axis([(1.0, "1")], "cycle"), up="IFS", share=True))


def test_of_nothing_nothing_is_drawn() -> None:
    assert lines("label", [], SEEN, up="share") is lines("label", [ChartLine(KEPT, [])], SEEN, up="share") is None
