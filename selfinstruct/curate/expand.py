"""Stage: makes replies fuller by a model, with reasons, steps and examples; what they said stays in them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

from selfinstruct.curate.exchanges import Reply, replies, with_outputs
from selfinstruct.curate.simplification.simplify_by_model import ParsedAnswer, RewriteModel, code, kept_facts
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Failure, Json, Task
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Scope
from selfinstruct.text import shown

BY_MODEL = "expanded_by_model"
"""Measure of a changed task: the length of its replies, as a multiple of what it was."""
_CHUNK = 256  # records in hand while a model is asked about their replies


@dataclass(frozen=True, kw_only=True)
class Expand:
    """Have a model write each reply again, fuller; none is ever rejected.

    The opposite of `simplify`: an arm in the manner of Evol-Instruct (arXiv 2304.12244) for comparisons such as that of
    arXiv 2402.05119. Answers of classification tasks and code stay untouched, and so does a reply whose new text was
    cut off, loses a number or a name, or is no longer. What the model adds is not checked: it may be made up.
    """

    name: ClassVar[str] = "expand"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"

    model: str = "teacher"
    """Role of the model that writes."""
    ratio_at_least: float = 1.2
    """A text with fewer characters, as a multiple of the reply's, is not taken."""
    ratio_at_most: float = 20.0
    """A text with more characters, as a multiple of the reply's, is not taken."""
    max_tokens: int = 512
    """Tokens of the new text, at most."""

    def __post_init__(self) -> None:
        """Refuse knobs that take nothing."""
        if not 1 < self.ratio_at_least <= self.ratio_at_most or self.max_tokens < 1 or not self.model:
            what = "ratios that are not above 1 or not in order, max_tokens below 1, or no model"
            raise BadInput(what, place="stage expand", fix="leave them out, and name a model")

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=(self.model,))

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, changed or not, with the reason for each reply; Failed where the model did not answer."""
        model = bench.models[self.model]
        asking = RewriteModel(model, max_tokens=self.max_tokens, prompt="expand")
        unchanged, sums = Counter[str](), {"changed": 0, "before": 0, "after": 0}
        waiting = iter(records)
        while chunk := list(islice(waiting, _CHUNK)):
            asked = [reply for task in chunk for reply in replies(task) if not _untouched(task, reply)]
            answers = iter(list(asking.rewrites(asked)))
            for task in chunk:
                answered = [
                    (reply, why) if (why := _untouched(task, reply)) else (reply, next(answers))
                    for reply in replies(task)
                ]
                failed = next((answer for _, answer in answered if isinstance(answer, Failure)), None)
                if failed is not None:
                    yield Failed(failed, task)
                    continue
                yield self._outcome(task, answered, unchanged, sums, (model.name, asking.label))
        lengths: dict[str, Json] = {"before": sums["before"], "after": sums["after"]}
        counts: dict[str, Json] = {"changed": sums["changed"], "unchanged": dict(sorted(unchanged.items()))}
        yield Measured("expanded", {**counts, "characters": lengths})

    def _outcome(
        self,
        task: Task,
        answered: Sequence[tuple[Reply, str | ParsedAnswer | Failure]],
        unchanged: Counter[str],
        sums: dict[str, int],
        by: tuple[str, str],
    ) -> Outcome:
        texts, per_reply, request = dict[str, str](), list[Json](), ""
        for reply, answer in answered:
            objection = (answer, "") if isinstance(answer, str) else self._objection(reply, answer)
            if objection is not None or not isinstance(answer, ParsedAnswer):
                reason, what = objection or ("no answer", "")
                unchanged[reason] += 1
                per_reply.append({"place": reply.place, "changed": False, "reason": reason, "found": what})
                continue
            texts[reply.place] = answer.text
            request = request or answer.request
            sums["changed"] += 1
            sums["before"] += len(reply.output)
            sums["after"] += len(answer.text)
            per_reply.append({"place": reply.place, "changed": True})
        evidence: dict[str, Json] = {"replies": per_reply}
        if not texts:
            return Kept(task, evidence)
        instances, later = with_outputs(task, texts)
        grown = task.grown(self.name, instances=instances, request=request, model=by[0], prompt=by[1])
        before = sum(len(reply.output) for reply, _ in answered)
        after = sum(len(texts.get(reply.place, reply.output)) for reply, _ in answered)
        return Kept(replace(grown, later=later, measures={BY_MODEL: round(after / max(1, before), 4)}), evidence)

    def _objection(self, reply: Reply, answer: ParsedAnswer | Failure) -> tuple[str, str] | None:
        """Why a text is not taken, and what was found; None for one that is."""
        if isinstance(answer, Failure):
            return "failed", answer.kind
        if answer.cut:
            return "truncated", ""
        ratio = len(answer.text) / max(1, len(reply.output))
        if not self.ratio_at_least <= ratio <= self.ratio_at_most:
            return "ratio", f"{ratio:.2f} times the length"
        kept, there = kept_facts(reply.output, answer.text)
        return (
            None if kept == there else ("lost_fact", f"{kept} of {there} numbers and names; {shown(answer.text, 200)}")
        )


def _untouched(task: Task, reply: Reply) -> str:
    """Why a reply is not even tried."""
    if not reply.output.strip():
        return "empty_reply"
    if task.is_classification:
        return "label"
    return "code" if code(reply.output) else ""
