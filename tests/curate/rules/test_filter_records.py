"""The stage that lets rules object to whole records: switches, weights, evidence and counts."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.rules import filter_records
from selfinstruct.curate.rules.filter_records import ApplyRules
from selfinstruct.curate.rules.rule_tables import NAMES, RECORD_SETS, chosen
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Json, Message, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected


def record(instruction: str, *outputs: str, given: str = "", **more: Any) -> Task:
    instances = tuple(Instance(given, output) for output in outputs)
    return Task(instruction=instruction, instances=instances, provenance=Provenance(stage="input"), **more)


def judged(stage: ApplyRules, *records: Task) -> tuple[list[Kept | Rejected], Any]:
    """The decisions in order, and what was caught."""
    *outcomes, last = stage(list(records), Bench())
    assert isinstance(last, Measured)
    assert last.name == "caught"
    decisions = [outcome for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert [decision.record for decision in decisions] == list(records)
    return decisions, last.value


def reasons(decisions: list[Kept | Rejected]) -> list[str]:
    return [decision.reason if isinstance(decision, Rejected) else "" for decision in decisions]


GOOD = record("Name a river.", "The Po.")
EMPTY = record("Name a river.", " ")
REFUSED = record("Name a lake.", "I'm sorry, but I cannot help with that request,")


def test_the_set_for_curating_keeps_what_is_good_and_names_what_is_not() -> None:
    decisions, _ = judged(ApplyRules(), GOOD, EMPTY, REFUSED)
    assert reasons(decisions) == ["", "empty_output", "refusal"]
    assert decisions[0].evidence == {}


def test_evidence_names_every_rule_that_objected_and_not_only_the_first() -> None:
    [decision], _ = judged(ApplyRules(), REFUSED)
    assert decision.evidence["weight"] == 2
    rules = decision.evidence["rules"]
    assert isinstance(rules, dict)
    assert list(rules) == ["refusal", "unfinished"]
    assert rules["refusal"] == {"found": "i'm sorry, but i cannot help"}


def test_counts_say_what_each_rule_would_do_alone_and_what_it_did_in_order() -> None:
    decisions, caught = judged(ApplyRules(rules=("refusal", "unfinished", "empty_output")), GOOD, EMPTY, REFUSED)
    assert caught == {
        "refusal": {"alone": 1, "only": 0, "in_order": 1, "mode": "reject"},
        "unfinished": {"alone": 1, "only": 0, "in_order": 0, "mode": "reject"},
        "empty_output": {"alone": 1, "only": 1, "in_order": 1, "mode": "reject"},
    }
    assert sum(counts["in_order"] for counts in caught.values()) == sum(
        isinstance(decision, Rejected) for decision in decisions
    )


def test_a_rule_that_only_measures_rejects_nothing_and_tells_what_it_saw() -> None:
    [decision], caught = judged(ApplyRules(rules=("refusal=0",)), REFUSED)
    assert isinstance(decision, Kept)
    assert decision.evidence["rules"] == {"refusal": {"found": "i'm sorry, but i cannot help", "weight": 0}}
    assert caught["refusal"] == {"alone": 1, "only": 1, "in_order": 0, "mode": "measure"}


def test_light_rules_reject_together_and_the_one_that_tips_the_scale_is_the_reason() -> None:
    light = ApplyRules(rules=("refusal=0.5", "unfinished=0.5"))
    decisions, caught = judged(light, REFUSED, record("Name a sea.", "I cannot provide that."))
    assert reasons(decisions) == ["unfinished", ""]
    assert caught["unfinished"]["mode"] == "weight 0.5"
    assert reasons(judged(ApplyRules(rules=("refusal=0.5",), reject_at=0.5), REFUSED)[0]) == ["refusal"]


def test_three_thirds_are_one() -> None:
    thirds = ApplyRules(rules=("refusal=0.333333333333", "unfinished=0.333333333333", "torn=0.333333333334"))
    assert reasons(judged(thirds, record("Name a lake,", "I cannot help with that,"))[0]) == ["torn"]


def test_rules_none_keeps_everything() -> None:
    assert list(ApplyRules(rules=("none",))([EMPTY, REFUSED], Bench())) == [Kept(EMPTY), Kept(REFUSED)]


def test_a_rule_is_switched_off_with_a_minus() -> None:
    assert reasons(judged(ApplyRules(rules=("curate", "-empty_output")), EMPTY)[0]) == [""]


def test_one_bad_answer_of_several_is_enough_and_the_evidence_says_which() -> None:
    [decision], _ = judged(ApplyRules(), record("Name a river.", "The Po.", ""))
    assert decision.evidence["rules"] == {"empty_output": {"found": "nothing", "exchange": 2}}


def test_later_turns_of_a_conversation_are_read_too() -> None:
    talk = record("Hi", "Hello!", later=(Message("user", "Name a river."), Message("assistant", "N/A")))
    assert reasons(judged(ApplyRules(), talk)[0]) == ["says_none"]


def test_a_system_turn_is_read_for_what_no_text_may_hold() -> None:
    assert reasons(judged(ApplyRules(), record("Hi", "Hello!", system="Be\x00kind"))[0]) == ["control_characters"]


def test_an_instruction_that_nobody_has_answered_yet_lacks_no_answer() -> None:
    assert reasons(judged(ApplyRules(), record("Name a river."))[0]) == [""]


def test_rules_of_generation_can_be_named_and_read_the_instruction() -> None:
    stage = ApplyRules(rules=("default",), words_at_least=2)
    assert reasons(judged(stage, GOOD, record("Sort.", "a b"))[0]) == ["", "too_short"]


def test_a_key_that_was_not_understood_is_named() -> None:
    odd = record("Name a river.", "The Po.", extra={"instruction :": "Name a lake."})
    [decision], _ = judged(ApplyRules(), odd)
    assert decision.evidence["rules"] == {"misspelt_key": {"found": "instruction :"}}


def test_what_a_person_wrote_is_read_like_the_rest() -> None:
    assert reasons(judged(ApplyRules(), record("Name a river.", "", human=True))[0]) == ["empty_output"]


def test_secrets_and_personal_data_are_opt_in_and_never_shown_whole() -> None:
    leak = record("Who sells tea?", "Ask jane.doe@corner.shop, key ghp_" + "a1B2c3D4e5F6" * 3 + ".")
    assert reasons(judged(ApplyRules(), leak)[0]) == [""]
    [decision], _ = judged(ApplyRules(rules=("secrets", "personal_data")), leak)
    assert isinstance(decision, Rejected)
    assert decision.reason == "access_key"
    assert "jane.doe" not in str(decision.evidence)
    assert "a1B2" not in str(decision.evidence)


def test_language_is_opt_in_and_needs_to_be_told_which() -> None:
    stage = ApplyRules(rules=("other_language",), languages=("en",))
    danish = record("Skriv et kort digt om regnen i april.", "Regn, regn, regn.")
    assert reasons(judged(stage, GOOD, danish)[0]) == ["", "other_language"]
    with pytest.raises(BadInput, match="no languages"):
        ApplyRules(rules=("other_language",))
    with pytest.raises(BadInput, match="no rule reads them"):
        ApplyRules(languages=("en",))
    with pytest.raises(BadInput, match=r"no language 'english'.*\bda\b"):
        list(ApplyRules(rules=("other_language",), languages=("english",))([GOOD], Bench()))


@pytest.mark.parametrize("weight", ["2", "-1", "nan", "inf", "much", ""])
def test_a_weight_that_cannot_be_meant_is_refused(weight: str) -> None:
    with pytest.raises(BadInput, match="gives no weight from 0 to 1"):
        ApplyRules(rules=(f"refusal={weight}",))


def test_a_limit_that_rejects_everything_is_refused() -> None:
    for limit in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="not above 0"):
            ApplyRules(reject_at=limit)


def test_an_unknown_rule_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BadInput, match=r"no rule 'refusals' \(did you mean 'refusal'\?\).*unfinished"):
        ApplyRules(rules=("refusals",))


def test_every_name_in_a_set_is_a_rule_and_no_name_is_both() -> None:
    for name in RECORD_SETS:
        assert all(rule.name in NAMES for rule in chosen((name,)))
    assert not set(RECORD_SETS) & set(NAMES)


ANY = st.text(max_size=60) | st.sampled_from(
    ["```", "N/A", "\n5. Instruction: x", "http://a.b", "a@b.cd", "1::2:", "\ud800"]
)


@given(st.lists(st.tuples(ANY, ANY, ANY), max_size=4))
def test_no_text_makes_a_rule_raise_and_every_record_has_one_fate(texts: list[tuple[str, str, str]]) -> None:
    records = [record(asked, output, given=given) for asked, given, output in texts]
    everything = ApplyRules(rules=(*RECORD_SETS, *(name for name in NAMES if name != "other_language")))
    decisions, caught = judged(everything, *records)
    rejected = sum(isinstance(decision, Rejected) for decision in decisions)
    assert rejected == sum(counts["in_order"] for counts in caught.values())
    assert all(counts["only"] <= counts["alone"] for counts in caught.values())
    judged_alone = [json_text(decision.evidence) for task in records for decision in judged(everything, task)[0]]
    assert judged_alone == [json_text(decision.evidence) for decision in decisions]


def json_text(value: Any) -> str:
    """Evidence is JSON."""
    from json import dumps

    plain: Json = dict(value)
    return dumps(plain, allow_nan=False)


PIECES = st.sampled_from(
    [
        *("Name a river.", "The Po is long.", "I'm sorry, but I cannot assist with that.", "N/A", "", " ", "<noinput>"),
        *(
            "<think>A sea.</think>",
            "<|im_end|>",
            "\x07",
            "\ud800",
            "caf\u00c3\u00a9",
            "https://tea.shop/42",
            "```",
            "It is the",
        ),
        *(
            "1. Instruction: Go.",
            "go up and down " * 12,
            "ida@tea-shop.dk",
            "Draw a cat.",
            "[Your Name]",
            "As an AI, I know.",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=3).map(" ".join)
RECORDS = st.builds(
    lambda asked, given, said, answers, system: record(asked, *[said] * answers, given=given, system=system),
    TEXTS,
    TEXTS,
    TEXTS,
    st.integers(0, 2),
    st.sampled_from(["", "", "<|im_end|>"]),
)


@pytest.mark.parametrize("rules", [("curate",), ("strict", "personal_data", "default", "reference"), ("refusal=0.5",)])
@given(records=st.lists(RECORDS, max_size=4))
def test_what_passes_at_a_glance_is_what_no_rule_objects_to(rules: tuple[str, ...], records: list[Task]) -> None:
    stage = ApplyRules(rules=rules)
    with patch.object(filter_records, "_passing", return_value=lambda _: False):
        in_full = list(stage(records, Bench()))
    assert list(stage(records, Bench())) == in_full


def test_most_records_pass_at_a_glance() -> None:
    with patch.object(filter_records, "exchanges", side_effect=AssertionError):
        assert [type(outcome) for outcome in ApplyRules()([GOOD], Bench())] == [Kept, Measured]
