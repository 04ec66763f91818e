"""Which sentences of responses does a model call false? Those are the spans whose origin is asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from selfinstruct.audit.trace_spans import QuestionedSpan, Said, sentences
from selfinstruct.prompts import prompt
from selfinstruct.records import Failure, Json, Message, Request
from selfinstruct.stage import Model, ask

_ANSWER = re.compile(r"[\s*_\"'`]*(yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JudgedSentences:
    """What a model said of all sentences."""

    spans: tuple[QuestionedSpan, ...]
    """Those that it calls false."""
    model: str
    sentences: int
    unclear: int
    """Answers that were neither yes nor no."""
    failed: int
    """Sentences about which no answer came."""

    def as_json(self) -> dict[str, Json]:
        """The counts, which add up: false, true, unclear and failed are all sentences."""
        false = len(self.spans)
        true = self.sentences - false - self.unclear - self.failed
        counts: dict[str, Json] = {"false": false, "true": true, "unclear": self.unclear, "failed": self.failed}
        return {"model": self.model, "sentences": self.sentences, **counts}


def called_false(model: Model, said: Sequence[tuple[int, Said]]) -> JudgedSentences:
    """Ask about each sentence of the responses, each with its number: an unclear answer makes no span."""
    every = [span for number, reply in said for span in sentences(number, reply)]
    prompts = {number: reply.prompt for number, reply in said}
    chat = model.traits.chat
    text = prompt("audit", f"false.{'chat' if chat else 'completion'}")

    def request(span: QuestionedSpan) -> Request:
        filled = text.filled(asked=prompts[span.response].strip(), sentence=span.text)
        return Request(
            prompt=(Message("user", filled),) if chat else filled,
            stop=() if chat else ("\n",),
            max_tokens=16,
            temperature=0.0,
            purpose="false",
            subject=prompts[span.response],
        )

    spans, unclear, failed = list[QuestionedSpan](), 0, 0
    for asked in ask(model, every, request):
        if isinstance(asked.reply, Failure):
            failed += 1
            continue
        answer = _ANSWER.match(asked.reply.choices[0].text)
        if answer is None:
            unclear += 1
        elif answer[1].lower() == "no":
            spans.append(replace(asked.about, how="false"))
    return JudgedSentences(tuple(spans), model.name, len(every), unclear, failed)
