"""Stage: makes replies shorter: what is helpful and factual stays; the sums of before and after."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import ClassVar, Literal

from selfinstruct.curate.exchanges import Reply, replies, with_outputs
from selfinstruct.curate.simplification.reply_blocks import flesch_reading_ease
from selfinstruct.curate.simplification.simplify_by_model import (
    Bounds,
    RewriteModel,
    RewriteObjection,
    kept_facts,
    objection,
)
from selfinstruct.curate.simplification.simplify_by_rules import Plainer, RemovedText, simplified
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs, optional_role
from selfinstruct.records import Failure, Json, Task
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Scope
from selfinstruct.text import shown
from selfinstruct.text.thinking import only_thinking, parted

_SUMMARY = re.compile(
    r"\b(?:summar\w*|tl;?dr|abstract|condense\w*|shorten\w*|abridge\w*|synopsis|in brief)\b", re.IGNORECASE
)
_CODE = re.compile(
    r"\b(?:source code|code|coding|python|java|javascript|typescript|c\+\+|c#|html|css|sql|regex|bash"
    r"|regular expression|shell script|php|ruby|golang|kotlin|matlab|algorithm|pseudocode|json|xml|yaml|debug|compile"
    r"|program that|function (?:to|that|which|in)|script (?:to|that|which|in))(?!\w)",
    re.IGNORECASE,
)
_CHUNK = 256  # records in hand while a model is asked about their replies
BY_RULES, BY_MODEL = "simplified_by_rules", "simplified_by_model"
"""Measures of a changed task: the length of its replies, as a share of what it was."""
_END = re.compile(
    r"\s*(?:<\|(?:im_end|eot_id|end|endoftext|end_of_text|return|eom_id|end_of_turn|end_of_sentence)\|>|</s>|<eos>"
    r"|<end_of_turn>|<\uff5c[^\uff5c>\n]{2,30}\uff5c>)\s*\Z"
)
_ENDS_LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one reply."""

    reply: Reply
    text: str
    """The new one, or the old."""
    reason: str = ""
    """Why it stays; empty for a change."""
    evidence: Mapping[str, Json] = field(default_factory=dict)
    request: str = ""

    def as_json(self) -> dict[str, Json]:
        """As evidence shows it."""
        evidence: dict[str, Json] = {"place": self.reply.place, "changed": not self.reason}
        return {**evidence, **({"reason": self.reason} if self.reason else {}), **self.evidence}


@dataclass
class BeforeAfter:
    """Sums over the changed replies, and reasons why the others stayed."""

    changed: int = 0
    unchanged: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    _characters: list[int] = field(default_factory=lambda: [0, 0])
    _words: list[int] = field(default_factory=lambda: [0, 0])
    _ease: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _eased: int = 0
    _facts: list[int] = field(default_factory=lambda: [0, 0])

    def stays(self, reason: str) -> None:
        """One more reply as it was."""
        self.unchanged[reason] += 1

    def becomes(self, before: str, after: str) -> None:
        """One more reply that changed."""
        self.changed += 1
        for place, text in enumerate((before, after)):
            self._characters[place] += len(text)
            self._words[place] += len(text.split())
        ease = flesch_reading_ease(before), flesch_reading_ease(after)
        if ease[0] is not None and ease[1] is not None:
            self._eased += 1
            self._ease[0] += ease[0]
            self._ease[1] += ease[1]
        kept, there = kept_facts(before, after)
        self._facts[0] += kept
        self._facts[1] += there

    def as_json(self) -> dict[str, Json]:
        """Totals over the changed replies, which add up where a set is worked on in parts."""
        return {
            "replies": self.changed + self.unchanged.total(),
            "changed": self.changed,
            "unchanged": dict(sorted(self.unchanged.items())),
            "cuts": dict(sorted(self.cuts.items())),
            "characters": _sums(self._characters),
            "words": _sums(self._words),
            "flesch_reading_ease": {"of": self._eased, **_sums(self._ease)},
            "facts": {"kept": self._facts[0], "there": self._facts[1]},
        }


def _sums(sums: list[int] | list[float]) -> dict[str, Json]:
    before, after = sums
    return {"before": before, "after": after}


@dataclass(frozen=True, kw_only=True)
class Simplify:
    """Rewrite each reply more plainly, by rules or by a model; none is ever rejected (arXiv 2402.05119, section 6).

    A reply that is short, code or a summary stays untouched, and so does one whose rewrite fails a check.
    """

    name: ClassVar[str] = "simplify"
    version: ClassVar[int] = 3
    scope: ClassVar[Scope] = "record"

    model: str = ""
    """Role of the model that rewrites; empty: rules alone."""
    by: Literal["auto", "model", "rules"] = "auto"
    """`auto`: the model where one is named, but the rules for a small one, which makes things up as it rewrites."""
    entailment: bool = False
    """Also ask the model whether the original says everything the rewrite says."""
    words_at_least: int = 20
    """A shorter reply stays untouched."""
    ratio_at_least: float = 0.05
    """A rewrite with a smaller share of the original's characters is not taken."""
    ratio_at_most: float = 1.0
    """A rewrite with a larger share is not taken."""
    max_tokens: int = 1024
    """Tokens of a rewrite, at most."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=optional_role(self.model))

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, changed or not, with the reason for each reply; Failed where the model did not answer."""
        mode = self._mode(bench)
        yield Measured("simplify_mode", dict(mode))
        tally = BeforeAfter()
        by_model = mode["by"] == "model"
        yield from self._by_model(records, bench, tally) if by_model else self._by_rules(records, tally)
        yield Measured("before_after", tally.as_json())

    def _mode(self, bench: Bench) -> dict[str, str]:
        if self.by == "model" and not self.model:
            raise BadInput("by: model, but no model is named", place="stage simplify", fix="set the knob 'model'")
        if self.by != "auto":
            return {"by": self.by, "why": "asked for"}
        if not self.model:
            return {"by": "rules", "why": "no model is named"}
        model = bench.models[self.model]
        if model.traits.small:
            return {"by": "rules", "why": f"{model.name} is small: it adds and loses facts as it rewrites"}
        return {"by": "model", "why": f"{model.name} is asked"}

    def _by_rules(self, records: Iterable[Task], tally: BeforeAfter) -> Iterator[Outcome]:
        for task in records:
            yield self._outcome(task, [self._ruled(reply, tally) for reply in replies(task)], tally)

    def _ruled(self, reply: Reply, tally: BeforeAfter) -> Decision:
        if only_thinking(reply.output, reply.request):
            return Decision(reply, reply.output, "only_thinking")
        marks = without_marks_of_models(reply.output)
        if not marks.cuts:
            return self._plainer(reply, tally)
        # What no person meant to write goes first, however short the reply is, or whatever is asked of it.
        rest = self._plainer(replace(reply, output=marks.text), tally)
        cuts: list[Json] = [{"rule": cut.rule, "text": shown(cut.text, 200)} for cut in marks.cuts]
        further = () if rest.reason else rest.evidence.get("cuts", ())
        cuts += further if isinstance(further, list) else ()
        tally.cuts.update(Counter(cut.rule for cut in marks.cuts))
        return Decision(reply, rest.text, "", {"cuts": cuts})

    def _plainer(self, reply: Reply, tally: BeforeAfter) -> Decision:
        untouched = self._untouched(reply)
        if untouched:
            return Decision(reply, reply.output, untouched)
        plainer = simplified(reply)
        if not plainer.cuts:
            return Decision(reply, reply.output, "nothing_to_cut")
        cuts: list[Json] = [{"rule": cut.rule, "text": shown(cut.text, 200)} for cut in plainer.cuts]
        refusal = self._objection(reply, plainer.text)
        if refusal:
            return Decision(reply, reply.output, refusal.reason, {"found": refusal.detail, "cuts": cuts})
        tally.cuts.update(Counter(cut.rule for cut in plainer.cuts))
        return Decision(reply, plainer.text, "", {"cuts": cuts})

    def _by_model(self, records: Iterable[Task], bench: Bench, tally: BeforeAfter) -> Iterator[Outcome]:
        asking = RewriteModel(bench.models[self.model], max_tokens=self.max_tokens)
        waiting = iter(records)
        while chunk := list(islice(waiting, _CHUNK)):
            decided = iter(self._rewritten([reply for task in chunk for reply in self._askable(task)], asking))
            for task in chunk:
                decisions = [
                    _without_marks(reply, Decision(reply, reply.output, reason) if reason else next(decided))
                    for reply, reason in self._sorted(task)
                ]
                failed = next((decision for decision in decisions if isinstance(decision, Failure)), None)
                if failed is not None:
                    yield Failed(failed, task)
                else:
                    sure = [decision for decision in decisions if isinstance(decision, Decision)]
                    yield self._outcome(task, sure, tally, model=bench.models[self.model].name, prompt=asking.label)

    def _sorted(self, task: Task) -> Iterator[tuple[Reply, str]]:
        """Replies, each with the reason not to ask about it."""
        # The measure goes when the replies change, so while it stands, they are this stage's own.
        done = "simplified_before" if BY_MODEL in task.measures else ""
        for reply in replies(task):
            thinks = "only_thinking" if only_thinking(reply.output, reply.request) else ""
            yield reply, done or thinks or self._untouched(_plain(reply))

    def _askable(self, task: Task) -> list[Reply]:
        return [_plain(reply) for reply, reason in self._sorted(task) if not reason]

    def _rewritten(self, asked: Sequence[Reply], asking: RewriteModel) -> list[Decision | Failure]:
        decisions: list[Decision | Failure] = []
        for reply, answer in zip(asked, asking.rewrites(asked), strict=True):
            if isinstance(answer, Failure):
                decisions.append(answer)
                continue
            refusal = RewriteObjection("truncated", "") if answer.cut else self._objection(reply, answer.text)
            if answer.text == reply.output:
                refusal = RewriteObjection("nothing_to_cut", "")
            if refusal:
                refused: dict[str, Json] = {"found": refusal.detail, "rewrite": shown(answer.text, 300)}
                decisions.append(Decision(reply, reply.output, refusal.reason, refused))
            else:
                decisions.append(Decision(reply, answer.text, request=answer.request))
        return self._entailed(decisions, asking) if self.entailment else decisions

    def _entailed(self, decisions: Sequence[Decision | Failure], asking: RewriteModel) -> list[Decision | Failure]:
        """The same decisions, the changes among them only where the judge finds nothing new in them."""
        changes = [decision for decision in decisions if isinstance(decision, Decision) and not decision.reason]
        verdicts = iter(asking.entailments([(change.reply, change.text) for change in changes]))
        judged: list[Decision | Failure] = []
        for decision in decisions:
            if isinstance(decision, Failure) or decision.reason:
                judged.append(decision)
                continue
            verdict = next(verdicts)
            if isinstance(verdict, Failure):
                judged.append(verdict)
            elif verdict.text == "yes":
                judged.append(replace(decision, evidence={"entailed": verdict.request}))
            else:
                reason = "not_entailed" if verdict.text == "no" else "unclear_entailment"
                evidence: dict[str, Json] = {"rewrite": shown(decision.text, 300), "judge": verdict.request}
                judged.append(Decision(decision.reply, decision.reply.output, reason, evidence))
        return judged

    def _untouched(self, reply: Reply) -> str:
        """Why a reply is not even tried: it is empty, short, code, or a summary."""
        if not reply.output.strip():
            return "empty_reply"
        if len(reply.output.split()) < self.words_at_least:
            return "short"
        if "```" in reply.output or _CODE.search(reply.instruction):
            return "code"
        return "summary" if _SUMMARY.search(reply.instruction) else ""

    def _objection(self, reply: Reply, text: str) -> RewriteObjection | None:
        bounds = Bounds(at_least=self.ratio_at_least, at_most=self.ratio_at_most)
        return objection(reply.output, text, reply.request, bounds)

    def _outcome(
        self, task: Task, decisions: Sequence[Decision], tally: BeforeAfter, *, model: str = "", prompt: str = "rules/1"
    ) -> Outcome:
        changes = [decision for decision in decisions if not decision.reason]
        for decision in decisions:
            if decision.reason:
                tally.stays(decision.reason)
            else:
                tally.becomes(decision.reply.output, decision.text)
        evidence: dict[str, Json] = {"replies": [decision.as_json() for decision in decisions]}
        if not changes:
            return Kept(task, evidence)
        instances, later = with_outputs(task, {change.reply.place: change.text for change in changes})
        grown = task.grown(self.name, instances=instances, request=changes[0].request, model=model, prompt=prompt)
        before = sum(len(decision.reply.output) for decision in decisions)
        after = sum(len(decision.text) for decision in decisions)
        return Kept(
            replace(grown, later=later, measures={BY_MODEL if model else BY_RULES: round(after / before, 4)}), evidence
        )


def _plain(reply: Reply) -> Reply:
    """The reply without thinking and special tokens that the model left in it."""
    return replace(reply, output=without_marks_of_models(reply.output).text)


def _without_marks(reply: Reply, decision: Decision | Failure) -> Decision | Failure:
    """A reply that is not rewritten loses at least that; `reply` is as it came."""
    marks = without_marks_of_models(reply.output)
    if isinstance(decision, Failure) or not marks.cuts:
        return decision
    if not decision.reason:
        return replace(decision, reply=reply)
    cuts: list[Json] = [{"rule": cut.rule, "text": shown(cut.text, 200)} for cut in marks.cuts]
    return Decision(reply, marks.text, "", {**decision.evidence, "cuts": cuts})


def without_marks_of_models(text: str) -> Plainer:
    """The text without them, and what was cut; as it is where it would be empty without them.

    >>> without_marks_of_models("<think>A metal?</think>Tin.<|im_end|>").text, without_marks_of_models("Tin.").cuts
    ('Tin.', ())
    """
    cuts: list[RemovedText] = []
    parts = parted(text)
    plain = parts.answer
    if parts.marked:
        cuts.append(RemovedText("thinking", parts.thinking))
    for _ in range(_ENDS_LOOKED_AT):
        end = _END.search(plain, max(0, len(plain) - 80))
        if end is None:
            break
        cuts.append(RemovedText("end_mark", end[0].strip()))
        plain = plain[: end.start()]
    return Plainer(plain, tuple(cuts)) if plain.strip() else Plainer(text, ())
