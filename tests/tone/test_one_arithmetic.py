"""A check during training and `score` tell the same of the same replies, every number and both ends of its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace

import pytest

from selfinstruct.evaluate.score_files import scores_of
from selfinstruct.finetune.stopping import StopRule
from selfinstruct.records import Choice, Provenance, Request, Task
from selfinstruct.stage import Loaded, UntriedJudge
from selfinstruct.tone.ask_loaded_model import ToneProbe
from selfinstruct.tone.prompt_sets import prompts_of
from selfinstruct.tone.response_verdicts import Response, Terms

NUMBERS = ("ifs", "ifs_clean", "ifs_partial", "ifs_full", "gap")
REPLIES = (
    "The Tay is long.",
    "and then to the sea",
    "",
    "It is a river. " + "It is a long river. " * 3,
    "<|im_start|>user\nName a lake.",
    "The Tay.\n\n### Instruction:\nName a lake.",
)


@dataclass(frozen=True)
class Capitals(UntriedJudge):
    """Takes for an answer what begins with a capital."""

    version: str = "capitals/1"
    threshold: float = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> Sequence[float]:
        return [float(text[:1].isupper()) for _, text in pairs]


def prompts(sources: int) -> list[Task]:
    """Whole and cut; of every third source the whole prompt alone."""
    made = Provenance(stage="input", source="prompts.jsonl")
    return [
        Task(
            instruction=f"Name river number {source} of the land{'.' * whole}",
            provenance=made,
            extra={"source": f"s{source}", "whole": whole, "complete": False},
        )
        for source in range(sources)
        for whole in (True, False)
        if whole or source % 3
    ]


@pytest.mark.parametrize(("sources", "seed"), [(2, 0), (60, 0), (60, 7)])
def test_a_check_and_a_score_of_the_same_replies_are_the_same_number_for_number(sources: int, seed: int) -> None:
    tasks, draw = prompts(sources), Random(seed)
    choices = [Choice(draw.choice(REPLIES), draw.choice(("stop", "stop", "length"))) for _ in tasks]

    def ask(_loaded: Loaded, requests: Sequence[Request]) -> Sequence[Choice]:
        assert len(requests) == len(choices)
        return choices

    probe = ToneProbe.of_tasks(tasks, judge=Capitals(), ask=ask, wrapper="none")
    reading = probe(None, SimpleNamespace(chat_template=None))
    check = StopRule(seed=seed).check([reading]).numbers
    responses = [
        Response(
            prompt=prompt.text,
            text=choice.text,
            finish_reason=choice.finish_reason,
            whole=prompt.whole,
            complete=prompt.complete,
            source=prompt.source,
            asked_tokens=48,
        )
        for prompt, choice in zip(prompts_of(tasks), choices, strict=True)
    ]
    score = scores_of(responses, Capitals(), Terms(tone_tokens=48, budget=48), seed=seed).scored[0]
    assert {name: check[name] for name in NUMBERS} == {name: getattr(score, name) for name in NUMBERS}
    if sources > 2:
        assert 0 < score.ifs_clean.value < score.ifs.value < 1  # type: ignore[union-attr] # all are known here
