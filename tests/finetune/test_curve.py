"""The curve's two files: what is written is read back, a kill at any byte loses at most the check in the making."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from selfinstruct.errors import BadInput
from selfinstruct.finetune.curve import append_check, read_curve, verdicts_beside, write_curve
from selfinstruct.finetune.divergence import Divergence
from selfinstruct.finetune.stop_on_ifs import logged_until, mean_loss
from selfinstruct.finetune.stopping import Check, StopRule
from tests.finetune.tone import curve as readings

RULE = StopRule(epsilon=0.9, tau=0.1, patience=1)
KEYS = (
    *("examples", "loss", "ifs", "ifs_clean", "ifs_partial", "ifs_full", "objecqa", "objecqa_answered"),
    *("kl_prose", "kl_reference", "stop", "intervals"),
)


def checks(many: int = 3) -> list[Check]:
    each = readings([0.2, 0.7, 0.9, 0.95][:many], sources=5, seed=1, objecqa=[0.25] * 4)
    return [
        RULE.check(
            each[: number + 1],
            examples=64 * number,
            step=8 * number,
            loss=None if number == 0 else 1 / 3,
            divergences={"prose": Divergence(base_tuned=0.1 + number / 3, tuned_base=0.2, positions=9)},
        )
        for number in range(many)
    ]


def written(folder: Path, many: int = 3) -> Path:
    path = folder / "curve.jsonl"
    for check in checks(many):
        append_check(path, check)
    return path


def as_told(check: Check) -> Check:
    """The loss alone is read from where it is rounded."""
    return replace(check, loss=check.loss and 0.333333)


def test_a_line_has_the_keys_that_the_page_promises(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path).read_text().splitlines()]
    assert [list(line) for line in lines] == [[*KEYS]] * 3
    assert lines[1]["loss"] == 0.333333
    assert lines[1]["kl_prose"] == 0.433333
    assert list(lines[1]["intervals"]) == ["ifs", "ifs_clean", "ifs_partial", "ifs_full", "gap", "gain"]


def test_what_is_written_is_read_back_with_every_verdict_and_number(tmp_path: Path) -> None:
    readings, dropped = read_curve(written(tmp_path), RULE)
    assert dropped == []
    assert readings == [as_told(check) for check in checks()]
    assert read_curve(tmp_path / "absent.jsonl", RULE) == ([], [])


def test_the_rule_that_a_training_goes_on_with_decides_about_the_checks_before(tmp_path: Path) -> None:
    path = written(tmp_path)
    strict = StopRule(epsilon=0.0001, patience=1)
    assert [check.reason for check in read_curve(path, strict)[0]] == ["too_few_checks", "still_rising", "still_rising"]


def test_written_anew_it_has_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes(), verdicts_beside(path).read_bytes()
    write_curve(path, read_curve(path, RULE)[0])
    assert (path.read_bytes(), verdicts_beside(path).read_bytes()) == before
    write_curve(path, read_curve(path, RULE)[0][:1])
    append_check(path, checks()[1])
    append_check(path, checks()[2])
    assert (path.read_bytes(), verdicts_beside(path).read_bytes()) == before


@settings(max_examples=40, deadline=None)
@given(some.floats(0, 1), some.booleans())
def test_a_kill_at_any_byte_leaves_the_checks_before(
    tmp_path_factory: pytest.TempPathFactory,
    share: float,
    before_curve: bool,  # noqa: FBT001 - drawn
) -> None:
    path = written(tmp_path_factory.mktemp("curve"))
    torn = verdicts_beside(path) if before_curve else path
    lines = path.read_bytes().splitlines(keepends=True)
    if before_curve:  # the verdicts are written first, so then the curve has no such line yet
        path.write_bytes(b"".join(lines[:-1]))
    content = torn.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    torn.write_bytes(content[: last + int(share * (len(content) - last - 1))])
    readings, dropped = read_curve(path, RULE)
    assert readings == [as_told(check) for check in checks(2)]
    clean = torn.read_bytes().endswith(b"\n") and before_curve
    assert bool(dropped) != clean


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"examples": 1}', "keys of a check"),
        ("nothing", "not JSON"),
        ("[1]", "not an object"),
        (json.dumps(checks()[1].as_json() | {"ifs": "high"}), "wrong kind"),
        (json.dumps(checks()[1].as_json() | {"examples": -1}), "wrong kind"),
        (json.dumps(checks()[1].as_json() | {"intervals": {"ifs": [1]}}), "wrong kind"),
        (json.dumps(checks()[2].as_json()), "128 examples, and verdicts after 64"),
        (json.dumps(checks()[1].as_json() | {"ifs": 0.123}), "an IFS of 0.123, and verdicts that give 0."),
    ],
)
def test_a_whole_line_that_is_no_check_is_refused_with_its_place(bad: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], bad, lines[2]]) + "\n")
    with pytest.raises(BadInput, match=said) as error:
        read_curve(path, RULE)
    assert f"{path}:2" in error.value.place


def test_verdicts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    beside = verdicts_beside(path)
    lines = beside.read_text().splitlines()
    for bad in (
        '{"examples": 1}',
        lines[2].replace('"reason": "', '"reason": "tired_'),
        lines[2].replace('"answers": "', '"answers": "1'),
    ):
        beside.write_text("\n".join([*lines[:2], bad, lines[3]]) + "\n")
        with pytest.raises(BadInput, match=r"verdicts\.jsonl:3: not the verdicts"):
            read_curve(path, RULE)
    beside.write_text("\n".join(lines[:2]) + "\n")
    with pytest.raises(BadInput, match="3 checks, and the verdicts of 1"):
        read_curve(path, RULE)


@given(some.lists(some.tuples(some.floats(0, 9), some.integers(1, 5)), min_size=1, max_size=8), some.integers(0, 3))
def test_the_mean_loss_is_that_of_the_steps_however_they_were_logged(
    logged: list[tuple[float, int]], skip: int
) -> None:
    history: list[dict[str, float]] = []
    each: list[float] = []
    for loss, steps in logged:
        each += [loss] * steps
        history += [{"loss": loss, "step": len(each)}, {"eval_loss": 99.0, "step": len(each)}]
    ends = [0, *(int(entry["step"]) for entry in history if "loss" in entry)]
    after = ends[min(skip, len(ends) - 2)]
    result = mean_loss(history, after=after, until=len(each))
    assert result == pytest.approx(sum(each[after:]) / len(each[after:]))
    assert logged_until(history) == len(each)
