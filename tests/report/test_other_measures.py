"""What stages measured is shown in the shape it has."""

from selfinstruct.records import Json
from selfinstruct.report.other_measures import other_measures
from selfinstruct.report.page import rendered
from selfinstruct.report.summary import StageMeasure


def shown(name: str, value: Json) -> str:
    return html_of(StageMeasure("stage", name, value))


def html_of(*rest: StageMeasure) -> str:
    return rendered("measures.html.jinja", part=other_measures(rest))


def test_rows_of_one_kind_are_one_table() -> None:
    page = shown(
        "verified", {"code": {"applied": 3, "passed": 1}, "labels": {"applied": 2, "passed": 2, "unchecked": 1}}
    )
    assert page.count("<table>") == 1
    assert "unchecked" in page


def test_rows_that_share_nothing_are_tables_of_their_own() -> None:
    assert shown("told", {"cuts": {"opener": 1}, "facts": {"kept": 3}}).count("<table>") == 2


def test_a_long_histogram_is_a_line() -> None:
    page = shown("sizes", {str(size): size for size in range(2, 30)})
    assert "<table>" not in page
    assert "2: 2, 3: 3" in page


def test_totals_become_means_of_what_changed() -> None:
    page = shown(
        "before_after", {"changed": 4, "words": {"before": 40, "after": 20}, "ease": {"of": 0, "before": 0, "after": 0}}
    )
    assert "10.0" in page
    assert "5.0" in page
    assert "-50%" in page


def test_a_curve_and_rings_are_drawn() -> None:
    assert "<svg" in shown("similarity_curve", {"0.3": 0.5, "0.8": 0.1})
    verbs: Json = {"by": "rule", "top": [{"verb": "name", "count": 3, "objects": [{"object": "river", "count": 2}]}]}
    page = shown("verbs", verbs)
    assert "<svg" in page
    assert "river 2" in page


def test_a_stage_that_stands_in_a_recipe_twice_draws_twice_and_no_drawing_has_a_name_to_share() -> None:
    once = StageMeasure("near", "similarity_curve", {"0.3": 0.5, "0.8": 0.1})
    html = html_of(once, once)
    assert html.count("<svg") == 2
    assert " id=" not in html


def test_strange_values_are_escaped_and_never_break_the_page() -> None:
    values: list[Json] = [None, [], {}, "<b>", [1, "<i>"], {"<u>": {"<a>": "<script>"}}, {"top": "<x>"}, 7, 1.5, True]
    for value in values:
        for name in ("anything", "verbs", "before_after", "similarity_curve"):
            page = shown(name, value)
            for mark in ("<b>", "<i>", "<u>", "<script>", "<x>", "<a>"):
                assert mark not in page
