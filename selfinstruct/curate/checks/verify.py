"""Stage: rejects wrong replies by checkers that compute, and by a model that is asked again."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

from selfinstruct.curate.checks.check_arithmetic import arithmetic
from selfinstruct.curate.checks.check_counts import counts
from selfinstruct.curate.checks.check_labels import label_in_space
from selfinstruct.curate.checks.check_language import language_asked_for
from selfinstruct.curate.checks.check_syntax import code_parses, json_asked_for
from selfinstruct.curate.checks.model_checks import ModelFinding, SecondModel
from selfinstruct.curate.exchanges import Checker, CheckFinding, Reply, replies
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs, optional_role
from selfinstruct.records import Failure, Json, Task
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import shown

CHECKERS: dict[str, Checker] = {
    "arithmetic": arithmetic,
    "json": json_asked_for,
    "code": code_parses,
    "labels": label_in_space,
    "language": language_asked_for,
    "constraints": counts,
}
ASKING = ("agreement", "verdict")
_CHUNK = 256  # records in hand while a model is asked about their replies


@dataclass(slots=True)
class Case:
    """One reply, and everything that was found about it."""

    reply: Reply
    findings: dict[str, CheckFinding] = field(default_factory=dict)
    requests: dict[str, Json] = field(default_factory=dict)
    """Check: id of the completion it was read from."""
    failure: Failure | None = None

    @property
    def wrong(self) -> str:
        """The first check that failed."""
        return next((name for name, finding in self.findings.items() if finding.verdict == "failed"), "")

    def as_json(self) -> dict[str, Json]:
        """What is wrong with it, as evidence shows it."""
        finding = self.findings[self.wrong]
        others = [name for name, other in self.findings.items() if other.verdict == "failed" and name != self.wrong]
        summary: dict[str, Json] = {
            "check": self.wrong,
            "place": self.reply.place,
            "expected": finding.expected,
            "found": finding.found,
            "output": shown(self.reply.output, 200),
        }
        if others:
            summary["also"] = list[Json](others)
        if self.wrong in self.requests:
            summary["request"] = self.requests[self.wrong]
        return summary


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Drop replies that a checker finds wrong, and with its last reply the task; a checker in doubt says nothing."""

    name: ClassVar[str] = "verify"
    version: ClassVar[int] = 3
    scope: ClassVar[Scope] = "record"

    by: tuple[str, ...] = (*CHECKERS, *ASKING)
    """Checks to make, in order: the first that fails is the reason. `agreement` and `verdict` need a model."""
    model: str = ""
    """Role of the model that answers again and judges; empty: only the checks that need none."""
    answers: int = 3
    """For `agreement`: how many new answers are asked for; the output must not differ from their majority."""
    temperature: float = 0.7
    """For `agreement`."""
    short_words: int = 8
    """For `agreement`: a longer output has no majority to agree with."""
    trust_small: bool = False
    """Also ask a small model, whose verdicts are hardly better than chance."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=optional_role(self.model))

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, perhaps with fewer instances; Rejected for the check that failed; Failed without an answer."""
        self._know()
        second, why = self._second(bench)
        mode: dict[str, Json] = {"asked": list(self._asking() if second else ()), "why": why}
        yield Measured("verify_mode", mode)
        tally = {name: Counter[str]() for name in self.by}
        waiting = iter(records)
        while chunk := list(islice(waiting, _CHUNK)):
            cases = [[self._computed(reply) for reply in replies(task)] for task in chunk]
            if second:
                self._ask([case for group in cases for case in group], second)
            for task, group in zip(chunk, cases, strict=True):
                for case in group:
                    for name, finding in case.findings.items():
                        tally[name][finding.verdict] += 1
                yield self._outcome(task, group)
        yield Measured("verified", {name: _tally(counter) for name, counter in tally.items() if counter})

    def _know(self) -> None:
        for name in self.by:
            if name not in CHECKERS and name not in ASKING:
                close = difflib.get_close_matches(name, [*CHECKERS, *ASKING], 1)
                hint = f" (did you mean '{close[0]}'?)" if close else ""
                raise BadInput(
                    f"no check '{shown(name)}'{hint}",
                    place="stage verify, knob 'by'",
                    fix=f"checks: {', '.join((*CHECKERS, *ASKING))}",
                )
        if self.answers < 2:
            raise BadInput(
                f"{self.answers} answers have no majority", place="stage verify, knob 'answers'", fix="ask for 3"
            )

    def _asking(self) -> tuple[str, ...]:
        return tuple(name for name in self.by if name in ASKING)

    def _second(self, bench: Bench) -> tuple[SecondModel | None, str]:
        if not self._asking():
            return None, "not asked for"
        if not self.model:
            return None, "no model is named"
        model = bench.models[self.model]
        if model.traits.small and not self.trust_small:
            return None, f"{model.name} is small: its verdicts are hardly better than chance"
        second = SecondModel(model, answers=self.answers, short_words=self.short_words, temperature=self.temperature)
        return second, f"{model.name} is asked"

    def _computed(self, reply: Reply) -> Case:
        findings = ((name, CHECKERS[name](reply)) for name in self.by if name in CHECKERS and reply.output.strip())
        return Case(reply, {name: finding for name, finding in findings if finding is not None})

    def _ask(self, cases: Sequence[Case], second: SecondModel) -> None:
        """Ask about replies that nothing was found wrong with so far, one question after the other."""
        for name in self._asking():
            open_ = [case for case in cases if case.reply.output.strip() and not case.wrong and case.failure is None]
            if name == "agreement":
                open_ = [case for case in open_ if second.can_vote(case.reply)]
            question = second.agreements if name == "agreement" else second.verdicts
            for case, word in zip(open_, question([case.reply for case in open_]), strict=True):
                if isinstance(word, ModelFinding):
                    case.findings[name] = word.finding
                    case.requests[name] = word.request
                else:
                    case.failure = word

    def _outcome(self, task: Task, cases: Sequence[Case]) -> Outcome:
        failure = next((case.failure for case in cases if case.failure is not None), None)
        if failure is not None:
            return Failed(failure, task)
        wrong = [case for case in cases if case.wrong]
        if not wrong:
            passed: list[Json] = [name for name in self.by if any(name in case.findings for case in cases)]
            return Kept(task, {"checked": passed} if passed else {})
        places = {case.reply.place for case in wrong}
        good = tuple(pair for index, pair in enumerate(task.instances) if f"instance {index}" not in places)
        # A conversation with a wrong turn is wrong: what follows builds on it.
        if task.later or not good:
            return Rejected(task, wrong[0].wrong, wrong[0].as_json())
        return Kept(task.grown(self.name, instances=good), {"dropped": [case.as_json() for case in wrong]})


def _tally(counter: Counter[str]) -> dict[str, Json]:
    summary: dict[str, Json] = {
        "applied": counter.total(),
        "passed": counter["passed"],
        "rejected": counter["failed"],
    }
    return {**summary, "unchecked": counter["unchecked"]} if counter["unchecked"] else summary
