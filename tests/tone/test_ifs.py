"""The numbers of a score."""

import json
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.tone.judge_error import Confusion, JudgeErrors, corrected, errors_of
from selfinstruct.tone.response_verdicts import JudgedResponse, Response, Terms
from selfinstruct.tone.tone_score import Setting, ToneScore, score_of
from tests.evaluate.fakes import Marked, Tried, verdicts


def response(source: int, *, answers: bool, whole: bool = True, sample: int = 0, finish: str = "stop") -> Response:
    text = "The Nile, I should say." if answers else "and a lake near it."
    prompt = f"Name river {source}." if whole else f"Name river {source}"
    return Response(prompt=prompt, text=text, whole=whole, source=str(source), sample=sample, finish_reason=finish)


def score(spoken: list[JudgedResponse], known: JudgeErrors | None = None) -> ToneScore:
    return score_of(spoken, Setting(judge="marked/1"), known=known)


def value(scored: ToneScore, name: str) -> float | None:
    number = getattr(scored, name)
    return None if number is None else float(number.value)


ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=1, max_size=30)


@settings(max_examples=30, deadline=None)
@given(ANSWERS)
def test_ifs_divides_by_all_responses_and_its_parts_add_up(said: list[tuple[int, bool, bool]]) -> None:
    scored = score(verdicts(*(response(source, answers=answers, whole=whole) for source, answers, whole in said)))
    assert value(scored, "ifs") == sum(answers for _, answers, _ in said) / len(said)
    assert (scored.n, scored.n_full + scored.n_partial) == (len(said), len(said))
    full, partial = value(scored, "ifs_full") or 0.0, value(scored, "ifs_partial") or 0.0
    assert full * scored.n_full + partial * scored.n_partial == pytest.approx(sum(answers for _, answers, _ in said))
    assert scored.gap is None or scored.gap.value == pytest.approx(full - partial)
    clean = value(scored, "ifs_clean")
    assert clean is not None
    assert clean <= (value(scored, "ifs") or 0.0)
    if scored.sources > 1:
        assert scored.ifs is not None
        assert scored.ifs.low is not None
        assert scored.ifs.high is not None
        assert 0 <= scored.ifs.low <= scored.ifs.high <= 1


@settings(max_examples=20, deadline=None)
@given(ANSWERS)
def test_the_same_responses_give_the_same_bytes(said: list[tuple[int, bool, bool]]) -> None:
    spoken = verdicts(*(response(source, answers=answers, whole=whole) for source, answers, whole in said))
    assert json.dumps(score(spoken).as_json()) == json.dumps(score(list(spoken)).as_json())


def test_a_number_over_nothing_is_none_and_never_zero() -> None:
    whole = score(verdicts(response(1, answers=True))).as_json()
    assert (whole["ifs_partial"], whole["gap"], whole["ifs"]) == (None, None, 1.0)
    nothing = score([]).as_json()
    assert (nothing["ifs"], nothing["n"]) == (None, 0)


def test_one_source_alone_has_no_interval() -> None:
    page = score(verdicts(response(1, answers=True), response(1, answers=False, whole=False))).as_json()
    assert page["intervals"] == dict.fromkeys(page["intervals"])  # type: ignore[arg-type]  # it is a mapping


def test_responses_of_one_source_count_together_so_that_the_interval_is_wider() -> None:
    apart = [response(source, answers=source % 2 == 0) for source in range(40)]
    alike = [response(source // 10, answers=source // 10 % 2 == 0) for source in range(40)]
    narrow, wide = score(verdicts(*apart)).ifs, score(verdicts(*alike)).ifs
    assert narrow is not None
    assert wide is not None
    assert narrow.value == wide.value == 0.5
    assert (wide.high or 0) - (wide.low or 0) > 1.5 * ((narrow.high or 0) - (narrow.low or 0))


def test_the_interval_agrees_with_the_binomial_where_each_source_has_one_response() -> None:
    estimate = score(verdicts(*(response(source, answers=source < 60) for source in range(200)))).ifs
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    deviation = (0.3 * 0.7 / 200) ** 0.5
    assert (estimate.high - estimate.low) / (2 * 1.96) == pytest.approx(deviation, rel=0.1)


@given(st.floats(0, 1), st.floats(0.5, 1), st.floats(0.6, 1))
def test_the_correction_undoes_what_a_judge_of_known_errors_does(share: float, seen: float, left: float) -> None:
    observed = share * seen + (1 - share) * (1 - left)
    assert corrected(observed, seen, left) == pytest.approx(share, abs=1e-6)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_corrected_share_is_a_share(share: float, seen: float, left: float) -> None:
    value = corrected(share, seen, left)
    assert value is None or 0 <= value <= 1


def test_the_interval_of_a_corrected_share_holds_the_doubt_about_the_judge_too() -> None:
    said = verdicts(*(response(source, answers=source % 2 == 0, whole=source % 4 < 2) for source in range(400)))
    known, many = errors_of(Tried()), Confusion(90_00, 10_00, 160_00, 40_00)
    assert known == JudgeErrors(whole=Confusion(90, 10, 160, 40), cut=Confusion(90, 10, 160, 40))
    sure = score(said, JudgeErrors(whole=many, cut=many)).corrected
    unsure = score(said, known).corrected
    assert sure is not None
    assert unsure is not None
    assert sure.ifs is not None
    assert unsure.ifs is not None
    assert sure.ifs.value == pytest.approx(unsure.ifs.value) == pytest.approx((0.5 + 0.8 - 1) / 0.7)
    assert (unsure.ifs.high or 0) - (unsure.ifs.low or 0) > 1.1 * ((sure.ifs.high or 0) - (sure.ifs.low or 0))
    assert unsure.gap is not None
    assert unsure.gap.low is not None


def test_whole_and_cut_prompts_are_corrected_each_for_the_errors_made_on_them() -> None:
    said = verdicts(*(response(source, answers=source % 2 == 0, whole=source % 4 < 2) for source in range(400)))
    correction = score(said, JudgeErrors(whole=Confusion(100, 0, 100, 0), cut=Confusion(80, 20, 60, 40))).corrected
    assert correction is not None
    assert correction.ifs_full is not None
    assert correction.ifs_partial is not None
    assert correction.ifs is not None
    assert correction.ifs_full.value == pytest.approx(0.5)
    assert correction.ifs_partial.value == pytest.approx((0.5 + 0.6 - 1) / 0.4)
    assert correction.ifs.value == pytest.approx((0.5 + 0.25) / 2)


def test_a_judge_that_says_nothing_of_its_errors_corrects_nothing() -> None:
    assert errors_of(Marked()) is None
    assert score(verdicts(response(1, answers=True))).as_json()["corrected"] is None


def test_cut_prompts_that_are_sentences_are_left_out_of_ifs_cut_alone() -> None:
    cut = response(1, answers=False, whole=False)
    sentence = Response(prompt="Name it.", text="The Nile.", whole=False, complete=True, source="2")
    scored = score(verdicts(cut, sentence))
    assert (value(scored, "ifs_partial"), value(scored, "ifs_cut")) == (0.5, 0.0)


def test_several_samples_have_a_mean_and_a_spread() -> None:
    said = [response(source, answers=source < 3 + sample, sample=sample) for source in range(10) for sample in range(3)]
    page = score(verdicts(*said)).as_json()
    shares = [0.3, 0.4, 0.5]
    assert page["samples"] == {"mean": statistics.fmean(shares), "deviation": statistics.pstdev(shares), "ifs": shares}
    assert page["sources"] == 10


def test_unknown_finish_reasons_are_counted_and_known_cuts_are_a_share() -> None:
    said = [
        response(source, answers=True, finish=finish) for source, finish in enumerate(["", "stop", "length", "length"])
    ]
    page = score(verdicts(*said)).as_json()
    assert (page["unknown_finish"], page["truncated"], page["ifs"], page["ifs_clean"]) == (1, 0.5, 1.0, 0.5)


def test_a_score_names_its_judge_its_terms_and_everything_the_interface_promises() -> None:
    page = score_of(
        verdicts(response(1, answers=True)), Setting(judge="ifs-v1", threshold=0.4, terms=Terms(budget=99))
    ).as_json()
    assert page["judge"] == {"version": "ifs-v1", "threshold": 0.4}
    assert (page["tone_tokens"], page["budget"]) == (48, 99)
    promised = "ifs ifs_clean ifs_partial ifs_full gap run_on empty echo loop truncated n intervals judge"
    assert [name for name in promised.split() if name not in page] == []


def test_a_notebook_shows_each_number_with_its_interval_and_the_judge() -> None:
    shown = score(verdicts(response(1, answers=True), response(2, answers=False)))._repr_html_()
    assert "2 responses, judge marked/1" in shown
    assert "<td>ifs</td><td>0.50" in shown
    assert "<td>ifs_partial</td>" not in shown  # both prompts are whole
