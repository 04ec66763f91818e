"""What stages of tone and tuning measured is told in parts of their own, whatever shape it comes in."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.records import Json
from selfinstruct.report.json_values import ShownEstimate
from selfinstruct.report.number_words import decimals
from selfinstruct.report.page import SECTIONS, page, sections
from selfinstruct.report.page_parts import Section
from selfinstruct.report.summary import CycleCount, StageMeasure
from selfinstruct.run.execute import report_again
from tests.report.student import check, finetuned, measured, run, story
from tests.report.test_page import _INVISIBLE, HOSTILE, Reader, _apart_from_marks, read


def of(stage: str) -> StageMeasure:
    return next(measure for measure in measured() if measure.stage == stage)


def text_of(*measures: StageMeasure) -> str:
    return read(page(story(*measures))).text.getvalue()


@pytest.fixture(scope="module")
def whole() -> str:
    return page(story(*measured()))


def test_every_stage_of_tone_and_tuning_has_a_section_and_leaves_nothing_to_a_generic_table(whole: str) -> None:
    anchors = [section.anchor for section in sections(story(*measured()))]
    own = ["loop", "fragments", "judge", "tuning", "tone", "taste", "tested"]
    assert [anchor for anchor in anchors if anchor in own] == own
    reader = read(whole)
    assert "measures" not in reader.ids
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.loads == []
    assert not re.search(r"#[0-9a-f]{6}", whole.partition("</style>")[2])


def test_the_page_of_a_run_tells_them_and_is_the_same_when_it_is_made_again() -> None:
    place = run()
    html = (place / "report.html").read_text(encoding="utf-8")
    assert {"fragments", "judge", "tone", "taste", "tested", "loop"} <= {*read(html).ids}
    report_again(place)
    assert (place / "report.html").read_text(encoding="utf-8") == html


def test_scores_stand_side_by_side_with_intervals_judge_and_differences() -> None:
    measure = of("score")
    said = text_of(measure)
    assert isinstance(measure.value, dict)
    sides: Any = measure.value["scores"]
    assert len(sides) == 4
    for side in sides:
        low, high = side["intervals"]["ifs"]
        assert f"{decimals(side['ifs'])}{decimals(low)}\N{EN DASH}{decimals(high)}" in said
        assert side["judge"]["version"] in said
    assert said.count("scripted:student") >= 4
    assert "Differences under the same wrapper" in said
    for difference in measure.value["differences"]:  # type: ignore[union-attr]  # a list of objects
        if difference["same_wrapper"]:  # type: ignore[index,call-overload]
            assert f"{difference['ifs']['value']:+.3f}" in said  # type: ignore[index,call-overload]


def test_two_scores_of_a_recipe_are_told_apart_by_their_labels(whole: str) -> None:
    assert "<h3>again</h3>" in whole
    assert len({*re.findall(r'aria-label="(IFS of [^"]+)"', whole)}) == 2


def test_what_was_not_measured_is_a_dash_and_never_zero() -> None:
    side: dict[str, Json] = dict.fromkeys(
        ("ifs", "ifs_partial", "ifs_full", "gap", "ifs_clean", "run_on", "empty", "echo", "loop", "truncated")
    )
    side |= {"model": "hf:a", "wrapper": "none", "n": 0, "intervals": {}, "judge": {"version": "j"}, "corrected": None}
    html = page(story(StageMeasure("score", "score", {**side, "scores": [side], "differences": []})))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html.partition('id="tone"')[2].partition("</table>")[0])
    assert cells == ["hf:a", "none", "0", *["\N{EN DASH}"] * 10]
    assert "0.000" not in html.partition('id="tone"')[2].partition("</section>")[0]


def test_every_number_of_a_judge_has_its_interval_and_the_rule_beside_it() -> None:
    measure = of("train_judge")
    said = text_of(measure)
    assert isinstance(measure.value, dict)
    test: Any = measure.value["metrics"]["test"]  # type: ignore[index,call-overload]
    for name in ("accuracy", "precision", "recall", "f1", "auroc", "ece"):
        bounds = test[name]
        assert f"{decimals(bounds['value'])}{decimals(bounds['low'])}\N{EN DASH}{decimals(bounds['high'])}" in said
    assert decimals(test["first_character"]["accuracy"]) in said
    assert decimals(test["prevalence"]) in said
    groups: Any = measure.value["validation"]["groups"]  # type: ignore[index,call-overload]
    assert {"all", "whole", "cut"} <= {*groups}
    for name, group in groups.items():
        assert name in said
        assert decimals(group["kappa"]) in said


def test_a_held_out_source_stands_beside_the_test_fragments() -> None:
    measure = of("train_judge")
    assert isinstance(measure.value, dict)
    value: Any = measure.value
    metrics = {**value["metrics"], "held_out": value["metrics"]["test"]}
    both = {**value, "metrics": metrics, "data": {**value["data"], "held_out": "far\u202eaway"}}
    said = text_of(replace(measure, value=both))
    assert "Held-out source far\\u202eaway" in said
    assert said.count(decimals(value["metrics"]["test"]["auroc"]["value"])) >= 2


def test_a_training_tells_the_bar_by_a_judge_that_misses_answers() -> None:
    plain = text_of(StageMeasure("finetune", "finetune", finetuned()))
    assert "the lower bound of IFS at least 0.90 (95 %, one-sided)" in plain
    moved = text_of(StageMeasure("finetune", "finetune", finetuned(bar=0.732)))
    assert "at least 0.73, which is 0.90 of what this judge says of a model that always answers (95 %" in moved


def test_a_training_tells_where_it_stopped_and_why_with_its_curves() -> None:
    html = page(story(StageMeasure("finetune", "finetune", finetuned())))
    said = read(html).text.getvalue()
    assert "Stopped after 512 examples: IFS no longer rises, and is high." in said
    assert "IFS before training is 0.52 (0.48 to 0.56): room below 0.90." in said
    assert "No second phase found" in said or "no second phase found" in said
    assert "known to within 0.05: at the last check it stayed undecided, and did not count." in said
    assert "3 of them cut at the end" in said
    assert html.count("<svg") == 4
    assert re.search(r"Student's IFS\s*0\.95\s*0\.52 before training", said)
    assert "0.950" in said
    assert "0.910\N{EN DASH}0.990" in said


@pytest.mark.parametrize(
    ("stop", "sentence"),
    [
        ({"stopped_at": None, "reason": "still_rising"}, "Trained to the end, 512 examples: at the last check IFS may"),
        ({"trained_on": True}, "Would have stopped after 512 examples"),
        ({"stopped_at": None, "reason": "a_new_reason"}, "at the last check a_new_reason."),
        ({"reason": None}, "Stopped after 512 examples: nobody said why."),
        ({"checks": []}, "Checked 0 times"),
    ],
)
def test_how_a_training_ended_is_said_in_a_sentence(stop: dict[str, Json], sentence: str) -> None:
    assert sentence in text_of(StageMeasure("finetune", "finetune", finetuned(**stop)))


def test_a_training_without_checks_and_one_with_more_to_say_are_told_too() -> None:
    plain: dict[str, Json] = {**finetuned(), "stop": None, "surprise": {"a": 1, "b": 2}}
    said = text_of(StageMeasure("finetune", "finetune", plain))
    assert "Nobody checked the tone on the way" in said
    assert "Student's IFS" not in said
    assert "surprise" in said
    recipe: dict[str, Json] = {"method": "full", "shuffled": True, "neftune": None}
    said = text_of(StageMeasure("finetune", "finetune", {**finetuned(), "recipe": recipe}))
    assert "A control: each record learned the answer of another." in said
    assert "share_of_time" in text_of(StageMeasure("finetune", "finetune", finetuned(share_of_time=0.18)))


def test_questions_of_taste_have_a_curve_where_they_were_asked() -> None:
    checks: list[Json] = [check(seen, 0.9, objecqa=0.3) for seen in (0, 64, 128)]
    html = page(story(StageMeasure("finetune", "finetune", finetuned(checks=checks, stopped_at=None))))
    assert html.count("<svg") == 5
    assert "Questions of taste" in html


def cycle(number: int, ifs: float | None, decision: str) -> CycleCount:
    return CycleCount(
        number=number,
        rounds=(1, 3) if number == 1 else (4, 3),
        tasks=40 * number,
        nearest=0.4 if ifs else None,
        distinct_2=None,
        ifs=None if ifs is None else ShownEstimate(ifs, ifs - 0.05, ifs + 0.05),
        gain=None if number == 1 or ifs is None else ShownEstimate(0.1, 0.02, 0.18),
        decision=decision,
        asks_for=("asks for a label: 31 of 60 not answered",),
        steers=number == 1,
    )


def test_cycles_are_a_table_with_decision_gain_and_what_comes_next() -> None:
    cycles = (cycle(1, 0.6, "go on"), cycle(2, 0.7, "stop: the student's IFS no longer rises"), cycle(3, None, "end"))
    html = page(replace(story(), cycles=cycles))
    said = read(html).text.getvalue()
    assert "stop: the student's IFS no longer rises" in said
    assert "<strong>+0.100</strong><small>+0.020 to +0.180</small>" in html
    assert "1 to 3" in said
    assert "none needed" in said
    assert said.count("asks for a label: 31 of 60 not answered") == 3
    assert said.count("Counted only: it does not steer.") == 2
    rows = re.findall(r"<tr>(.*?)</tr>", html.partition('id="loop"')[2].partition("</section>")[0])
    assert rows[3].count("\N{EN DASH}") == 4  # IFS, gain, nearest and distinct-2 of the last
    assert html.count("<svg") == 2


def test_a_run_that_only_measures_is_headed_by_its_score_and_has_no_empty_parts() -> None:
    score = of("score")
    assert isinstance(score.value, dict)
    html = page(replace(story(score), published=0, name="score", stopped_because="all inputs are worked on"))
    reader = read(html)
    assert {"tone", "calls", "again"} == {*reader.ids} & {"tone", "calls", "again", "funnel", "texts", "read"}
    said = reader.text.getvalue()
    assert f"IFS {score.value['ifs']:.2f} of scripted:student, none" in said
    assert "0 tasks" not in said
    assert "Published" not in said


def test_the_first_figure_is_of_the_score_that_is_reported_and_not_of_one_with_a_label() -> None:
    score = replace(of("score"), label="")
    assert isinstance(score.value, dict)
    steering = replace(score, label="dev", value={**score.value, "ifs": 0.01})
    said = text_of(steering, score)
    assert re.search(rf"IFS\s*{score.value['ifs']:.2f}", said)
    assert not re.search(r"IFS\s*0\.01\s*scripted", said)


def test_feedback_that_asks_for_nothing_says_why() -> None:
    feedback = of("feedback")
    assert isinstance(feedback.value, dict)
    said = text_of(replace(feedback, value={**feedback.value, "asks_for": []}))
    assert "The next cycle asks for more of: nothing in particular, as no kind" in said


def test_a_run_without_a_loop_has_no_such_part() -> None:
    assert 'id="loop"' not in page(story())


def test_the_split_and_the_answers_are_told_by_model_and_by_what_they_are_compared_with() -> None:
    split, answers = of("split"), of("answer_set")
    said = text_of(split, answers)
    value: Any = answers.value
    for name, title in (("agreement_with_teacher", "Agreement with the teacher"), ("quality_on_gold", "gold answers")):
        assert title in said
        for model in value["models"]:
            scored = model[name]["rouge_l"]
            assert f"{decimals(scored['value'])}{decimals(scored['low'])}\N{EN DASH}{decimals(scored['high'])}" in said
    assert "Quality on held-out seeds" not in said
    told_of: Any = split.value
    assert f"{told_of['test']} records" in said


NAMES = tuple(sorted({name for section in SECTIONS for name in section.measures}))
"""Of all measures that have a section."""
STAGES = ("fragment", "train_judge", "finetune", "score", "objecqa", "feedback", "split", "answer_set")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "<b>",
        7,
        True,
        [1, "<i>"],
        {"<u>": {"<a>": "<script>"}},
        {"scores": 3},
        {"stop": [], "models": "x"},
    ],
)
def test_a_value_of_an_unknown_shape_is_shown_in_a_generic_table(name: str, value: Json) -> None:
    anchors = {section.anchor for section in sections(story(StageMeasure("mine", name, value)))}
    assert not {"loop", "fragments", "judge", "tuning", "tone", "taste", "suites", "tested", "ablation"} & anchors
    assert ("measures" in anchors) == (value not in (None, [], {}))
    html = page(story(StageMeasure("mine", name, value)))
    for mark in ("<b>", "<i>", "<u>", "<script>", "<a>"):
        assert mark not in html


def places(value: Json, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*at, key))


def with_other(value: Any, place: tuple[str | int, ...], other: Json) -> Json:
    """The value with something else in one place."""
    if not place:
        return other
    first, *rest = place
    if isinstance(value, dict):
        return {key: with_other(item, tuple(rest), other) if key == first else item for key, item in value.items()}
    return [with_other(item, tuple(rest), other) if at == first else item for at, item in enumerate(value)]


JUNK: tuple[Json, ...] = (
    None,
    [],
    {},
    "text",
    -3,
    0,
    10**400,
    1.5,
    float("nan"),
    True,
    [None, 1],
    [{}],
    {"value": "x"},
)


@example(stage="finetune", lot=134992, other=[{}])  # a list of rows without a column
@settings(max_examples=30, deadline=None)
@given(
    stage=st.sampled_from(STAGES),
    lot=st.integers(0, 10**9),
    other=st.sampled_from(JUNK),
)
def test_whatever_is_wrong_in_one_place_the_page_is_whole(stage: str, lot: int, other: Json) -> None:
    measure = of(stage)
    spots = list(places(measure.value))
    value = with_other(measure.value, Random(lot).choice(spots), other)
    reader = read(page(story(replace(measure, value=value))))
    assert len(reader.ids) == len(set(reader.ids))


def spoiled(value: Json, spoil: Callable[[str], str], *, keys: bool = False) -> Json:
    """Every text of a value replaced, and every name that a run chose."""
    if isinstance(value, str):
        return spoil(value)
    if isinstance(value, list):
        return [spoiled(item, spoil) for item in value]
    if isinstance(value, Mapping):
        return {spoil(key) if keys else key: spoiled(item, spoil, keys=key in _NAMED) for key, item in value.items()}
    return value


_NAMED = frozenset({"groups", "by_set", "by_language", "by_kind", "by_length", "by_prompt", "kind", "verb", "unused"})


def test_no_text_of_a_measure_can_leave_its_place() -> None:
    wild_mark = "".join(HOSTILE)

    def made(mark: str) -> tuple[str, Reader]:
        numbers: dict[str, str] = {}
        spoil = lambda text: f"{numbers.setdefault(text, str(len(numbers)))}{mark}"  # noqa: E731 - one expression
        spoilt = (replace(part, label=part.label and mark, value=spoiled(part.value, spoil)) for part in measured())
        cycles = (replace(cycle(1, 0.5, mark), asks_for=(mark,)), cycle(2, 0.6, mark))
        html = page(replace(story(*spoilt), cycles=cycles))
        return html, read(html)

    _, tame = made("x")
    html, wild = made(wild_mark)
    assert _apart_from_marks(wild.tags) == _apart_from_marks(tame.tags)
    assert len(wild.ids) == len(set(wild.ids)) == len(tame.ids)
    assert wild.loads == []
    assert not _INVISIBLE.search(html)
    assert html.encode("utf-8")


def test_a_new_section_is_a_record_a_template_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from jinja2 import ChoiceLoader, DictLoader

    from selfinstruct.report import page as room

    @dataclass(frozen=True)
    class Weather:
        template: ClassVar[str] = "weather.html.jinja"
        rain: Json

    section = Section("weather", "Weather", "How it rains", {"rain": lambda measure: Weather(measure.value)})
    shown = '{% from "blocks.html.jinja" import prose %}<p>{{ prose(part.rain) }}</p>'
    environment = room._environment()
    assert environment.loader
    monkeypatch.setattr(
        environment, "loader", ChoiceLoader([DictLoader({Weather.template: shown}), environment.loader])
    )
    monkeypatch.setattr(room, "SECTIONS", (*room.SECTIONS, section))
    html = page(story(StageMeasure("rain", "rain", "<cats> and dogs", "again")))
    assert '<section id="weather"><h2>How it rains</h2>' in html
    assert "<h3>again</h3>" in html
    assert "<p>&lt;cats&gt; and dogs</p>" in html
    assert 'id="measures"' not in html
