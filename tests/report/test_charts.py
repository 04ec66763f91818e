import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib.axes import Axes

from selfinstruct.report import charts
from selfinstruct.report.drawing import draw
from selfinstruct.report.summary import Count, RoundCount, StageCount

ROUND = RoundCount(number=1, requests=1, candidates=1, kept=1, nearest_kept=(0.5,))
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def one_of_each() -> dict[str, str]:
    """Every chart with the least that can be drawn."""
    return {
        "funnel": charts.funnel([StageCount(name="only", received=1, kept=1)]),
        "ranking": charts.ranking("r", "label", [Count("$x$", 1), Count("", 1), Count("写", 1)], top=2),
        "rounds": charts.rounds([ROUND]),
        "novelty": charts.novelty_by_round([ROUND], 0.7),
        "nearest": charts.nearest([1.0, 0.0], [], None),
        "curve": charts.similarity_curve([0.0], 0.7),
        "lengths": charts.lengths("l", "input", [], [0]),
    }


@pytest.mark.parametrize("name", one_of_each())
def test_the_least_that_can_be_drawn_is_well_formed_and_takes_the_pages_colours(name: str) -> None:
    svg = one_of_each()[name]
    assert ET.fromstring(svg).get("role") == "img"
    assert not _COLOUR.search(svg)
    assert "font-family" not in svg
    assert "var(--" in svg


def test_of_nothing_nothing_is_drawn() -> None:
    quiet = RoundCount(number=1, requests=3, candidates=0, kept=0)
    assert charts.funnel([]) == charts.funnel([StageCount(name="idle", received=0, kept=0)]) == ""
    assert charts.ranking("r", "l", [Count("never", 0)], top=3) == ""
    assert charts.rounds([]) == charts.rounds([quiet]) == charts.novelty_by_round([quiet], 0.7) == ""
    assert charts.nearest([], [], 0.7) == charts.similarity_curve([], 0.7) == charts.lengths("l", "x", [], []) == ""


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
    assert [one for group in groups for one in group] == counts


def test_what_goes_and_what_stays_is_decided_by_the_strict_rule() -> None:
    assert charts.above([0.7, 0.7000001, 0.2], 0.7) == 1


def test_a_persons_matplotlib_settings_neither_change_a_chart_nor_are_changed() -> None:
    import matplotlib as mpl

    expected = charts.rounds([ROUND])
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert charts.rounds([ROUND]) == expected
        assert mpl.rcParams["font.size"] == 30


def test_labels_of_unknown_origin_are_shown_not_obeyed() -> None:
    def paint(axes: Axes) -> None:
        axes.text(0, 0, "$\\frac{$ <i>")

    svg = draw("x", 'a\x1b"<b>\u202e', 100, paint)
    root = ET.fromstring(svg)
    assert root.get("aria-label") == 'a\\x1b"<b>\\u202e'
    assert any(text.text == "$\\frac{$ <i>" for text in root.iter("text"))


def test_another_process_draws_the_same_bytes_and_the_page_is_light_to_import(tmp_path: Path) -> None:
    code = (
        "import sys; from selfinstruct.report import page, charts; from selfinstruct.report.summary import RoundCount\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
        "one = RoundCount(number=1, requests=1, candidates=1, kept=1, nearest_kept=(0.5,))\n"
        "sys.stdout.write(charts.novelty_by_round([one], 0.7))"
    )
    settings = {**os.environ, "PYTHONHASHSEED": "7", "MPLCONFIGDIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    (tmp_path / "matplotlibrc").write_text("font.size: 22\nsvg.fonttype: path\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings, check=True)
    assert done.stdout == charts.novelty_by_round([ROUND], 0.7)
