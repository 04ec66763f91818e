import os
import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.report import record_charts as charts
from selfinstruct.report.drawing import FAILED, KEPT, REJECTED, Bar, Chart, Word, text_width, ticks
from selfinstruct.report.summary import Count, RoundCount, StageCount
from tests.report.contents import drawn

ROUND = RoundCount(number=1, requests=1, candidates=1, kept=1, nearest_kept=(0.5,))
_HAIR = 1e-6
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def one_of_each() -> dict[str, Chart | None]:
    """Every chart with the least that can be drawn."""
    return {
        "funnel": charts.funnel([StageCount(name="only", received=1, kept=1)]),
        "ranking": charts.ranking("label", [Count("$x$", 1), Count("", 1), Count("写", 1)], top=2),
        "rounds": charts.rounds([ROUND]),
        "novelty": charts.novelty_by_round([ROUND], 0.7),
        "nearest": charts.nearest([1.0, 0.0], [], None),
        "curve": charts.similarity_curve([0.0], 0.7),
        "lengths": charts.lengths("input", [], [0]),
    }


@pytest.mark.parametrize("name", one_of_each())
def test_the_least_that_can_be_drawn_is_well_formed_and_takes_the_pages_colours(name: str) -> None:
    svg = drawn(one_of_each()[name])
    assert ET.fromstring(svg).get("role") == "img"
    assert not _COLOUR.search(svg)
    assert "font-family" not in svg
    assert "var(--" in svg


def test_of_nothing_nothing_is_drawn() -> None:
    quiet = RoundCount(number=1, requests=3, candidates=0, kept=0)
    nothing = (
        charts.funnel([]),
        charts.funnel([StageCount(name="idle", received=0, kept=0)]),
        charts.ranking("l", [Count("never", 0)], top=3),
        charts.rounds([]),
        charts.rounds([quiet]),
        charts.novelty_by_round([quiet], 0.7),
        charts.nearest([], [], 0.7),
        charts.similarity_curve([], 0.7),
        charts.lengths("x", [], []),
    )
    assert set(nothing) == {None}


def test_nothing_is_lost_at_the_edges_of_a_histogram() -> None:
    edges = [step * 0.05 for step in range(21)]
    values = [step / 20 for step in range(21)] + [1.0000001, -1e-12]
    heights = charts._histogram(values, edges)
    assert sum(heights) == len(values)
    assert heights == [2, *[1] * 18, 3]


@pytest.mark.parametrize("longest", [0, 9, 10, 55, 1000, 99_999, 10**8])
def test_lengths_of_any_size_fill_a_readable_number_of_bars(longest: int) -> None:
    edges = charts._word_edges([longest] * 3)
    assert edges[0] == 0
    assert 4 <= len(edges) <= 25
    assert sum(charts._shares([0, longest, 10 * longest], edges)) == pytest.approx(100)


def test_many_rounds_are_drawn_in_groups_that_add_up() -> None:
    counts = [RoundCount(number=turn, requests=1, candidates=2, kept=1) for turn in range(1, 1000)]
    groups = charts._grouped(counts)
    assert len(groups) <= 60
    assert [count for group in groups for count in group] == counts


def test_what_goes_and_what_stays_is_decided_by_the_strict_rule() -> None:
    assert charts.above([0.2, 0.7, 0.7000001], 0.7) == 1


def test_what_is_stacked_adds_up_to_the_longest_bar() -> None:
    stages = [StageCount(name="a", received=10, kept=6, rejected=(Count("r", 3),), failed=1)]
    chart = charts.funnel(stages)
    assert chart is not None
    bars = [shape for shape in chart.shapes if isinstance(shape, Bar)]
    assert [bar.colour for bar in bars] == [KEPT, REJECTED, FAILED]
    assert [bar.width / bars[0].width for bar in bars] == pytest.approx([1, 3 / 6, 1 / 6])
    assert all(bar.x + bar.width == pytest.approx(other.x) for bar, other in pairwise(bars))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e7), st.booleans())
def test_ticks_are_few_within_reach_and_evenly_apart(low: float, span: float, whole: bool) -> None:  # noqa: FBT001
    values = ticks(low, low + span, whole=whole)
    places = [place for place, _ in values]
    assert len(values) <= 6
    assert all(low - span * 1e-6 <= place <= low + span * (1 + 1e-6) for place in places)
    steps = [b - a for a, b in pairwise(places)]
    assert all(step == pytest.approx(steps[0]) for step in steps)
    assert len({said for _, said in values}) == len(values)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_no_shape_leaves_the_sheet(values: list[float]) -> None:
    chart = charts.nearest(values, values[:1], 0.7)
    assert chart is not None
    for shape in chart.shapes:
        if isinstance(shape, Bar):
            assert 0 <= shape.x <= shape.x + shape.width <= chart.width + _HAIR
            assert 0 <= shape.y <= shape.y + shape.height <= chart.height + _HAIR
        if isinstance(shape, Word):
            before = {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor] * text_width(shape.text)
            assert shape.x - before >= -_HAIR
            assert shape.x - before + text_width(shape.text) <= chart.width + _HAIR


def test_labels_of_unknown_origin_are_shown_not_obeyed() -> None:
    hostile = "$\\frac{$ <i>\x1b"
    svg = drawn(charts.ranking('a\x1b"<b>\u202e', [Count(hostile, 1)], top=2))
    root = ET.fromstring(svg)
    assert root.get("aria-label") == 'a\\x1b"<b>\\u202e'
    assert any(text.text == "$\\frac{$ <i>\\x1b" for text in root.iter("text"))


def test_another_process_draws_the_same_bytes_and_the_page_is_light_to_import() -> None:
    code = (
        "import sys; from selfinstruct.report import page, record_charts\n"
        "from selfinstruct.report.summary import RoundCount\n"
        "assert not {'matplotlib', 'numpy', 'jinja2'} & set(sys.modules)\n"
        "one = RoundCount(number=1, requests=1, candidates=1, kept=1, nearest_kept=(0.5,))\n"
        "figure = record_charts.novelty_by_round([one], 0.7)\n"
        "sys.stdout.write(page._environment().get_template('chart.html.jinja').module.chart(figure))\n"
        "assert 'jinja2' in sys.modules and 'matplotlib' not in sys.modules"
    )
    settings = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings, check=True)
    assert done.stdout == drawn(charts.novelty_by_round([ROUND], 0.7))
