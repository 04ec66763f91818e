"""Stage: ask models the prompts of a set, and score what they reply."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.evaluate.score_files import Scores, scores_of
from selfinstruct.needs import OF_TONE, JudgeNeed, Needs, ScoreTerms
from selfinstruct.records import Choice, Failure, Json, Request, Task
from selfinstruct.stage import SAID_NOTHING, Bench, Built, Kept, Measured, Model, Outcome, Scope, Tone, ask
from selfinstruct.text.grammar import plural
from selfinstruct.tone.first_tokens import TONE_TOKENS
from selfinstruct.tone.prompt_sets import ScorePrompt, own_prompts, prompts_of
from selfinstruct.tone.prompt_wrappers import Wrapper
from selfinstruct.tone.response_verdicts import BUDGET, Response, Terms

SHIPPED = "ifs-v1"
"""The prompt set that makes scores comparable."""
JUST_TRAINED = "judge"
"""In `bench.judges`: the one that an earlier stage of the same run built."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Score models by how far they answer instead of carrying on their prompts; every record passes unchanged.

    `score.json` has IFS (arXiv 2307.03692) whole, partial and clean, with intervals; `responses.jsonl` every response
    with its verdict. A call that got no answer is listed as failed and counts in no share.
    """

    name: ClassVar[str] = "score"
    version: ClassVar[int] = 3
    scope: ClassVar[Scope] = "set"

    model: str = "teacher"
    """Role of the model that is scored."""
    beside: tuple[str, ...] = ()
    """Roles of further models, scored on the same prompts and compared."""
    prompts: str = SHIPPED
    """Name of a prompt set; empty: the stage's own records, whole and cut in half."""
    wrappers: tuple[str, ...] = ("none",)
    """How prompts are put: none, suffix, alpaca, chat, few-shot:K, tags, self_instruct ... (tone/prompt_wrappers.py).

    A model in `beside` without a chat template is left out under `chat`, and that is told.
    """
    judge: str = ""
    """Name of a judge: ifs-v2, ifs-v2-linear, ifs-v1, a folder of train-judge. Empty: the one that this run trained, or
    else ifs-v2 where the extra `train` and the embedded model are here, and ifs-v2-linear elsewhere."""
    tone_tokens: int = TONE_TOKENS
    """Generated tokens from which the tone is told."""
    budget: int = BUDGET
    """Tokens that are asked for, within which a clean answer ends; 0: only those of the tone, and no `ifs_clean`."""
    temperature: float = 0.0
    """Of sampling; 0: the likeliest word each time."""
    samples: int = 1
    """Responses to each prompt; above 1 at a temperature above 0."""
    first: int = 0
    """Only as many sources of the prompt set, from its beginning; 0: all."""
    label: str = ""
    """Begins the names of the files, where a recipe scores more than once: `LABEL.score.json`."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(
            models=(self.model, *self.beside),
            answers="numbers",
            judge=JudgeNeed(named=self.judge),
            prompts=(self.prompts,),
            scores=ScoreTerms(tone_tokens=self.tone_tokens, budget=self.budget, asked_tokens=self.asked_tokens),
            label=self.label,
        )

    @property
    def terms(self) -> Terms:
        """What its verdicts rest on."""
        return Terms(tone_tokens=self.tone_tokens, budget=self.budget)

    @property
    def asked_tokens(self) -> int:
        """At most as many are asked for."""
        return self.budget or self.tone_tokens

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        _ = self.terms
        for name in self.wrappers:
            Wrapper(name)
        if not self.wrappers:
            raise BadInput("wrappers: none is named", fix="write wrappers: [none]")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", self.label):
            raise BadInput(f"label '{self.label}' is no beginning of a file name", fix="letters and digits, - and _")
        if self.samples < 1 or self.first < 0 or self.temperature < 0:
            raise BadInput("samples below 1, or first or temperature below 0", fix="leave them out")
        if self.samples > 1 and self.temperature == 0:
            raise BadInput(f"samples: {self.samples} at temperature 0 are all the same", fix="raise the temperature")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        prompts = list(self._prompts(records, bench))
        if not prompts:
            raise BadInput("no prompts to score with", place="stage score", fix="name a prompt set, or give records")
        tone = self._tone(bench)
        terms = self.terms
        settings, left_out = self._settings(bench)
        failures: list[_Unanswered] = []
        responses = chain.from_iterable(
            self._responses(bench.models[role], wrapper, prompts, failures) for role, wrapper in settings
        )
        # all are asked before the first is judged: who failed is known only then
        heard = list(responses)
        if not heard:
            what = f"none of {plural(len(failures), 'prompt')} got an answer: {failures[0].failure.message}"
            raise BadInput(what, place="stage score", fix="see whether the model runs, then --retry-failed")
        failed = [(failure.model, failure.wrapper) for failure in failures]
        scores = scores_of(heard, tone, terms, prompts=self.prompts or "records", failed=failed, seed=bench.seed)
        facts = scores.as_json() | {"failures": [failure.as_json() for failure in failures], "left_out": left_out}
        yield from _built(scores, facts, bench.scratch, self.label)
        yield Measured(OF_TONE, facts)

    def _settings(self, bench: Bench) -> tuple[list[tuple[str, Wrapper]], list[Json]]:
        """Each model under each wrapper, and what was left out: a model beside that has no template, under `chat`.

        BadInput where the scored model itself cannot be asked so.
        """
        settings: list[tuple[str, Wrapper]] = []
        left_out: list[Json] = []
        for role in (self.model, *self.beside):
            model = bench.models[role]
            for wrapper in map(Wrapper, self.wrappers):
                try:
                    wrapper.check(model.name, model.traits)
                except BadInput as fault:
                    if role == self.model:
                        raise
                    left_out.append({"model": model.name, "wrapper": wrapper.name, "why": fault.what})
                else:
                    settings.append((role, wrapper))
        return settings, left_out

    def _prompts(self, records: Sequence[Task], bench: Bench) -> Iterable[ScorePrompt]:
        if not self.prompts:
            marked = any(task.held_out for task in records)  # then the others were perhaps learned
            prompts = own_prompts([task for task in records if task.held_out or not marked])
        elif self.prompts in bench.benchmarks:
            prompts = prompts_of(bench.benchmarks[self.prompts])
        else:
            known = ", ".join(bench.benchmarks) or "none here"
            raise BadInput(f"no prompt set '{self.prompts}'", place="stage score", fix=f"one of: {known}")
        return _first(prompts, self.first) if self.first else prompts

    def _tone(self, bench: Bench) -> Tone:
        name = self.judge or next(iter(sorted(bench.judges, key=lambda judge: judge != JUST_TRAINED)), JUST_TRAINED)
        if name not in bench.judges:
            known = ", ".join(bench.judges) or "none here"
            raise BadInput(f"no judge '{name}'", place="stage score", fix=f"train one, or one of: {known}")
        return bench.judges[name]

    def _responses(
        self, model: Model, wrapper: Wrapper, prompts: Sequence[ScorePrompt], failures: list["_Unanswered"]
    ) -> Iterator[Response]:
        tokens = self.asked_tokens

        def request(prompt: ScorePrompt) -> Request:
            wrapped = wrapper.wrap(prompt.instruction, prompt.input)
            return Request(
                prompt=wrapped.prompt,
                stop=wrapped.stop,
                max_tokens=tokens,
                temperature=self.temperature,
                n=self.samples,
                purpose="score",
                subject=prompt.text,
            )

        for asked in ask(model, prompts, request):
            prompt, reply = asked.about, asked.reply
            choices: Sequence[Choice]
            if isinstance(reply, Failure) and reply.kind in SAID_NOTHING:
                # It was asked and had no answer, which is what is measured: left out of the count, it would flatter.
                choices, ids = [Choice("", reply.kind)] * self.samples, [reply.id] * self.samples
            elif isinstance(reply, Failure):
                failures.append(_Unanswered(model.name, wrapper.name, prompt.text, reply))
                continue
            else:
                choices, ids = reply.choices, [reply.choice_id(sample) for sample in range(len(reply.choices))]
            for sample, choice in enumerate(choices):
                yield Response(
                    prompt=prompt.text,
                    text=choice.text,
                    model=model.name,
                    wrapper=wrapper.name,
                    finish_reason=choice.finish_reason,
                    whole=prompt.whole,
                    complete=prompt.complete,
                    source=prompt.source,
                    sample=sample,
                    asked_tokens=tokens,
                    extra={"request": ids[sample]},
                )


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """A prompt that got no answer."""

    model: str
    wrapper: str
    prompt: str
    failure: Failure

    def as_json(self) -> dict[str, Json]:
        return {"model": self.model, "wrapper": self.wrapper, "prompt": self.prompt, **self.failure.as_json()}


def _first(prompts: Iterable[ScorePrompt], sources: int) -> Iterator[ScorePrompt]:
    """Those of the first sources, whole and cut."""
    seen: dict[str, None] = {}
    for prompt in prompts:
        if len(seen) < sources or prompt.source in seen:
            seen[prompt.source] = None
            yield prompt


def _built(scores: Scores, facts: Json, scratch: Path, label: str) -> Iterator[Built]:
    scratch.mkdir(parents=True, exist_ok=True)
    start = f"{label}." if label else ""
    lines = [as_line(verdict.as_json()) for verdict in scores.verdicts]
    for name, text in (("score.json", as_page(facts)), ("responses.jsonl", "".join(lines))):
        (scratch / f"{start}{name}").write_text(text, encoding="utf-8")
        yield Built(f"{start}{name}", scratch / f"{start}{name}")
