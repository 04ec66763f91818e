"""Sentences that a model calls false, as spans to be traced."""

from typing import Any

import pytest

from selfinstruct.audit.trace import Trace
from selfinstruct.audit.trace_spans import Said, called_false
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Measured
from tests.audit.ablations import Asking, text_of

SAID = Said("Where does the Ebro end?", "It is long. The Ebro flows into the Baltic Sea. Who knows it?", None)


def judge(text: str) -> str | None:
    sentence = text.rpartition("Sentence: ")[2]
    if "Baltic" in sentence:
        return " No."
    return None if "knows" in sentence else "Yes"


@pytest.mark.parametrize(
    ("says", "counts"),
    [
        (judge, {"false": 1, "true": 1, "unclear": 0, "failed": 1}),
        (lambda text: "Perhaps", {"false": 0, "true": 0, "unclear": 3, "failed": 0}),  # noqa: ARG005
    ],
)
def test_no_makes_a_span_and_neither_silence_nor_an_unclear_answer_does(says: Any, counts: dict[str, int]) -> None:
    model = Asking(says)
    marked = called_false(model, [(4, SAID)])
    assert marked.as_json() == {"model": model.name, "sentences": 3, **counts}
    assert [(span.response, span.text, span.how) for span in marked.spans] == [
        (4, "The Ebro flows into the Baltic Sea.", "false")
    ][: counts["false"]]
    assert SAID.prompt in text_of(model.asked[0])


def test_only_what_is_called_false_is_looked_up(tmp_path: Any) -> None:
    pair = (Instance("", "The Ebro flows into the Baltic Sea."),)
    taught = Task(instruction="Where does the Ebro end?", instances=pair, provenance=Provenance(stage="propose"))
    rows = [
        Task(
            instruction="",
            provenance=Provenance(stage="input"),
            extra={"prompt": SAID.prompt, "response": SAID.response},
        )
    ]
    bench = Bench(benchmarks={"r.jsonl": rows}, models={"judge": Asking(judge)}, scratch=tmp_path, stage="trace")
    [trace] = [
        outcome.value
        for outcome in Trace(responses="r.jsonl", judge_model="judge")([taught], bench)
        if isinstance(outcome, Measured)
    ]
    assert isinstance(trace, dict)
    assert trace["by"] == {"marked": 0, "false": 1, "shifted": 0, "sentence": 0}
    assert trace["exact"]["value"] == 1  # type: ignore[index, call-overload]
    assert trace["judged"]["sentences"] == 3  # type: ignore[index, call-overload]
