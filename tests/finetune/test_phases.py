"""Change points on curves whose truth is known: found where they are, not found where there is none."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.phases import change_point, phases
from tests.finetune.tone import curve, reading

GRID = [0, 64, 128, 256, 512, 1024, 2048, 4096]
LOGS = np.log2(1 + np.array(GRID) / 64)


def bent(at: float, before: float, after: float, start: float) -> list[float]:
    """Straight in the logarithm, up to a bend."""
    place = np.log2(1 + at / 64)
    return [float(start + before * min(x, place) + after * max(x - place, 0)) for x in LOGS]


def test_a_bend_of_ifs_is_found_where_it_is() -> None:
    truth = bent(512, 0.2, 0.0, 0.25)
    ends_by_seed = [phases(GRID, curve(truth, sources=150, seed=seed), draws=1_000).format_ends for seed in range(10)]
    ends = [end for end in ends_by_seed if end is not None]
    assert len(ends) == 10
    assert all(end.before > 0.1 > abs(end.after) for end in ends)
    assert all(300 < end.examples < 900 for end in ends)
    assert sum(end.low <= 512 <= end.high for end in ends) >= 8


def test_a_straight_rise_has_no_bend() -> None:
    straight = bent(512, 0.08, 0.08, 0.2)
    ends_by_seed = [
        phases(GRID, curve(straight, sources=150, seed=seed), draws=1_000).format_ends for seed in range(40)
    ]
    assert sum(end is not None for end in ends_by_seed) <= 6  # one in twenty is expected


def test_a_flat_curve_and_a_curve_that_falls_have_no_phase() -> None:
    flat = [phases(GRID, curve([0.9] * 8, sources=150, seed=seed), draws=1_000) for seed in range(10)]
    assert sum(fitted.format_ends is not None for fitted in flat) <= 2
    falls = bent(256, -0.01, -0.15, 0.9)
    assert phases(GRID, curve(falls, sources=300, seed=1)).format_ends is None


def test_both_phases_are_found_and_told_apart() -> None:
    format_, knowledge = bent(128, 0.35, 0.0, 0.3), bent(1024, 0.0, 0.3, 0.2)
    fitted = phases(GRID, curve(format_, sources=200, seed=4, objecqa=knowledge))
    assert fitted.format_ends is not None
    assert fitted.knowledge_begins is not None
    assert fitted.knowledge_begins.low <= 1024 <= fitted.knowledge_begins.high
    assert fitted.apart
    assert "settles after" in str(fitted)
    assert "ObjecQA rises" in str(fitted)


def test_no_second_phase_is_a_result() -> None:
    fitted = phases(GRID, curve(bent(128, 0.35, 0.0, 0.3), sources=200, seed=4, objecqa=[0.3] * 8))
    assert fitted.knowledge_begins is None
    assert not fitted.apart
    assert str(fitted).endswith("no second phase found")


def test_a_second_phase_that_nobody_looked_for_is_not_called_a_result() -> None:
    unasked = phases(GRID, curve(bent(128, 0.35, 0.0, 0.3), sources=200, seed=4))
    assert unasked.knowledge_begins is None
    assert str(unasked).endswith("not looked for, as no questions of taste were asked (`objecqa`)")
    readings = curve(bent(128, 0.35, 0.0, 0.3), sources=200, seed=4, objecqa=[0.3] * 8)
    seldom = phases(GRID, [*readings[:4], *(replace(reading, opinions=(True, None)) for reading in readings[4:])])
    assert str(seldom).endswith("answered at 4 checks, too few to look for a second phase")


def test_too_few_checks_are_told() -> None:
    fitted = phases(GRID[:4], curve([0.1, 0.5, 0.9, 0.9], sources=100, seed=1))
    assert fitted.format_ends is None
    assert "too few" in str(fitted)


def test_without_noise_the_bend_is_exact() -> None:
    truth = np.array(bent(512, 0.2, 0.02, 0.1))
    point = change_point(GRID, truth, np.tile(truth, (1_000, 1)), bend=-1)
    assert point is not None
    assert point.examples == pytest.approx(512, rel=0.08)  # between two of the places tried
    assert point.before == pytest.approx(0.2, abs=0.01)
    assert point.after == pytest.approx(0.02, abs=0.01)
    assert change_point(GRID, truth, np.tile(truth, (1_000, 1)), bend=1) is None


def test_the_fit_is_that_of_numpy_at_the_place_found() -> None:
    known = np.array([0.2, 0.45, 0.6, 0.8, 0.85, 0.9, 0.9, 0.92])
    point = change_point(GRID, known, np.tile(known, (1_000, 1)), bend=-1)
    assert point is not None
    place = np.log2(1 + point.examples / 64)
    basis = np.column_stack([np.ones(8), LOGS, np.maximum(LOGS - place, 0)])
    numbers, *_ = np.linalg.lstsq(basis, known, rcond=None)
    assert point.before == pytest.approx(numbers[1])
    assert point.after - point.before == pytest.approx(numbers[2])


def test_readings_of_other_prompts_are_refused() -> None:
    with pytest.raises(BadInput, match="two checks"):
        phases(GRID[:5], [reading([True] * 8)] * 4 + [reading([True] * 6)])


@pytest.mark.parametrize(("questions", "share"), [(100, 0.5), (30, 0.1), (12, 0.5)])
def test_chance_alone_seldom_makes_a_second_phase_however_few_questions_are_answered(
    questions: int, share: float
) -> None:
    second_phases = 0
    for seed in range(20):
        random = Random(seed)
        tone = curve([0.9] * 8, sources=30, seed=seed)
        asked = [
            replace(reading, opinions=tuple(random.random() < share for _ in range(questions)) + (None,) * 50)
            for reading in tone
        ]
        second_phases += phases(GRID, asked, draws=1_000).knowledge_begins is not None
    assert second_phases <= 2


def test_other_questions_of_taste_at_a_later_check_are_refused() -> None:
    tone = curve([0.9] * 8, sources=30, seed=1, objecqa=[0.3] * 8)
    tone[5] = replace(tone[5], opinions=(True,) * 70)
    with pytest.raises(BadInput, match="not the same questions"):
        phases(GRID, tone)
