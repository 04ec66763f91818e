"""Readings of tone with a known truth behind them."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from selfinstruct.records import Choice, Provenance, Request, Task
from selfinstruct.stage import Loaded, UntriedJudge
from selfinstruct.tone.ask_loaded_model import DEV_PROMPTS, ToneReading
from selfinstruct.tone.response_verdicts import ToneVerdict


def reading(
    answers: Sequence[bool], *, per_source: int = 2, objecqa: float | None = None, **setting: str
) -> ToneReading:
    """`per_source` prompts of each source, the first of them whole."""
    said = tuple(
        ToneVerdict(
            source=f"s{place // per_source}",
            whole=place % per_source == 0,
            answers=answer,
            clean=answer and place % 3 > 0,
        )
        for place, answer in enumerate(answers)
    )
    setting = {"judge": "ifs-v1", "prompts": "ifs-v1:dev", "wrapper": "none", **setting}
    return ToneReading(
        judge=setting["judge"],
        prompts=setting["prompts"],
        wrapper=setting["wrapper"],
        verdicts=said,
        opinions=() if objecqa is None else opinions(objecqa),
    )


def opinions(share: float, questions: int = 100) -> tuple[bool | None, ...]:
    """So many objective answers; the easiest questions are always the same."""
    return tuple(number < round(share * questions) for number in range(questions))


def curve(
    shares: Sequence[float], *, sources: int, seed: int, stickiness: float = 0.8, objecqa: Sequence[float] = ()
) -> list[ToneReading]:
    """One reading for each true share of answers.

    A prompt answers where its own difficulty is below the share; with chance 1 - `stickiness` its difficulty is drawn
    anew at a check. The two prompts of a source resemble each other.
    """
    random = Random(seed)
    places = range(2 * sources)
    hardness = [random.random() for _ in places]
    for place in places[1::2]:
        if random.random() < 0.5:
            hardness[place] = hardness[place - 1]
    readings = []
    for number, share in enumerate(shares):
        answers = []
        for place in places:
            hard = hardness[place] if random.random() < stickiness else random.random()
            answers.append(hard < share)
        readings.append(reading(answers, objecqa=objecqa[number] if objecqa else None))
    return readings


@dataclass(frozen=True)
class Names(UntriedJudge):
    """A judge that takes for an answer whatever begins with a capital."""

    version: str = "names/1"
    threshold: float = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> Sequence[float]:
        return [float(text[:1].isupper()) for _, text in pairs]


def checked_by(replies: Callable[[Loaded, Sequence[Request]], Sequence[bool]], *, sources: int = 200) -> dict[str, Any]:
    """What a bench hands to a stage that checks its model: of each request `replies` says whether it is answered."""
    made = Provenance(stage="input", source="prompts.jsonl")
    prompts = [
        Task(
            instruction=f"Name river number {source} of the land{'.' * whole}",
            provenance=made,
            extra={"source": f"s{source}", "whole": whole, "complete": False},
        )
        for source in range(sources)
        for whole in (True, False)
    ]

    def ask(loaded: Loaded, requests: Sequence[Request]) -> list[Choice]:
        assert not loaded.model.training
        return [Choice("The Tay." if answers else "and a lake.", "stop") for answers in replies(loaded, requests)]

    return {"judges": {"j": Names()}, "benchmarks": {DEV_PROMPTS: prompts}, "ask_loaded": ask}


def rising(asked: list[Request] | None = None) -> dict[str, Any]:
    """A student that answers one in five before training, and everything after."""
    checks = [0]

    def replies(_loaded: Loaded, requests: Sequence[Request]) -> list[bool]:
        if asked is not None:
            asked.extend(requests)
        checks[0] += 1
        draw = Random(checks[0])
        share = 1.0 if checks[0] > 1 else 0.2
        return [draw.random() < share for _ in requests]

    return checked_by(replies)


def by_weights(kill_at: int) -> dict[str, Any]:
    """Says of the model only what its weights say; interrupted at one of its checks."""
    torch: Any = importlib.import_module("torch")
    checks = [0]

    def replies(loaded: Loaded, requests: Sequence[Request]) -> list[bool]:
        if checks[0] == kill_at:
            raise KeyboardInterrupt
        checks[0] += 1
        with torch.no_grad():
            first = float(loaded.model(torch.tensor([[4, 5, 6]])).logits.abs().sum())
        draw = Random(repr(first))
        return [draw.random() < 0.5 for _ in requests]

    return checked_by(replies, sources=20)
