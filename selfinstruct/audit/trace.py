"""Stage: which training records taught a student what it says? Spans of responses, looked up in the training set."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from selfinstruct.audit.model_pair import CHAT, check_template, context_of, prompt_tokens, two_sides
from selfinstruct.audit.pattern_copying import StudentAnswer, copying
from selfinstruct.audit.shift import weights_of
from selfinstruct.audit.shift_statistics import estimate_json
from selfinstruct.audit.shift_tokens import Moved, ResponseTokens, moved, response
from selfinstruct.audit.trace_index import TOP, Origins, SpanOrigin, WordIndex, texts_of
from selfinstruct.audit.trace_spans import (
    How,
    JudgedSentences,
    QuestionedSpan,
    Said,
    called_false,
    marked_spans,
    said_by,
    said_of,
    sentences,
    shifted_runs,
)
from selfinstruct.errors import BadInput
from selfinstruct.needs import OF_TRACE, Needs, optional_role
from selfinstruct.prompt_templates import WRAPPERS, before_answer
from selfinstruct.prompts import prompt
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope
from selfinstruct.static_embeddings import static_model
from selfinstruct.stats import share
from selfinstruct.text import words

BORROWED = 0.2
"""Concept similarity from which on an exact span is called borrowed."""
_SHOWN = 12
_SHIFT = "shift.jsonl"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Look spans of responses up in the records, which are the training set; every record passes unchanged.

    Paper: arXiv 2402.05119. Spans are those that the file marks; else, with a model to judge, sentences that it calls
    false; else, with base and student, runs of tokens that the tuning moved; else sentences. `trace.json` has the
    numbers, `trace.jsonl` every span with its likeliest origins and what these were made of, up to their seeds.
    """

    name: ClassVar[str] = "trace"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    responses: str = ""
    """A file of lines with `prompt`, `response` and perhaps `spans`; empty: those of a stage `shift` before it."""
    of: str = ""
    """Whose responses of that file, a part of the model's name; empty where there is but one."""
    base: str = ""
    """Role of the student's base; with `tuned`, tokens that moved propose the spans."""
    tuned: str = ""
    """Role of the student."""
    judge_model: str = ""
    """Role of a model that is asked of each sentence whether it is true; those that it calls false are the spans."""
    template: str = CHAT
    """How its prompts were put."""
    top: int = TOP
    """Origins told of each span."""
    unrelated: str = ""
    """A file of lines with texts of another kind, beside which moved words are counted; empty: twelve paragraphs."""
    embeddings: str = ""
    """A folder of static embeddings (model2vec) by which concepts are compared; empty: by their rare words."""

    def __post_init__(self) -> None:
        """Refuse knobs that find nothing."""
        if bool(self.base) != bool(self.tuned) or self.top < 1:
            what = "a base without a student, the other way round, or top below 1"
            raise BadInput(what, place="stage trace", fix="name both `base` and `tuned`, or neither")

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        extras = [name for name, is_asked in (("train", self.base), ("semantic", self.embeddings)) if is_asked]
        rows = tuple(filter(None, (self.responses, self.unrelated)))
        return Needs(
            models=optional_role(self.judge_model),
            answers="numbers",
            base=self.base,
            beside=(self.tuned,),
            rows=rows,
            extras=tuple(extras),
            lineage=True,
        )

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        said = self._said(bench)
        mine = said_by(said, self.of, self.responses or _SHIFT)
        tasks = [task for task in records if not task.held_out]  # what was kept aside taught nothing
        if not tasks:
            raise BadInput("no training record", place="stage trace", fix="name the set it was tuned on (--data)")
        bench.doing("trace: index", 0, 1)
        index = WordIndex.build(map(texts_of, tasks))
        embedder = static_model(self.embeddings, "embeddings") if self.embeddings else None
        looked = self._shift(mine, bench) if self.base else None
        asked = [(number, reply) for number, reply in mine.items() if reply.spans is None]
        judged = called_false(bench.models[self.judge_model], asked) if self.judge_model else None
        spans = self._spans(mine, looked, judged)
        origins = Origins(tasks, index, embedder)
        traced = [(span, origins.of(span.text, span_context(said[span.response], span), self.top)) for span in spans]
        other = [
            text
            for row in bench.benchmarks.get(self.unrelated, ())
            for text in row.extra.values()
            if isinstance(text, str)
        ] or prompt("finetune", "prose").text.split("\n\n")
        copied = copying(tasks, [_answer(at, reply, looked) for at, reply in mine.items()], other, seed=bench.seed)
        numbers = self._numbers(mine, traced, tasks) | {"copying": copied}
        numbers |= {"judged": judged.as_json()} if judged else {}
        bench.scratch.mkdir(parents=True, exist_ok=True)
        page = json.dumps(numbers, indent=1, ensure_ascii=False) + "\n"
        rows = [_line(span, likely, said, tasks, bench.ancestors) for span, likely in traced]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        for name, text in (("trace.json", page), ("trace.jsonl", lines)):
            (bench.scratch / name).write_text(text, encoding="utf-8", errors="backslashreplace")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_TRACE, {**numbers, "examples": _examples(rows)})

    def _said(self, bench: Bench) -> list[Said]:
        if self.responses:
            return said_of((row.extra for row in bench.benchmarks[self.responses]), self.responses)
        if _SHIFT not in bench.built:
            fix = "name a file of lines with prompt and response (--responses), or put `shift` before this stage"
            raise BadInput("no responses", place="stage trace: responses", fix=fix)
        lines = bench.built[_SHIFT].read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        spoken = [{"prompt": row["prompt"], "response": row["response"]} for row in rows if row["response"].strip()]
        return said_of(spoken, _SHIFT) if spoken else []

    def _spans(
        self,
        said: Mapping[int, Said],
        looked: "Mapping[int, tuple[ResponseTokens, Moved]] | None",
        judged: JudgedSentences | None,
    ) -> list[QuestionedSpan]:
        spans = [*judged.spans] if judged else list[QuestionedSpan]()
        for number, reply in said.items():
            if reply.spans is not None:
                spans += marked_spans(number, reply)
            elif judged is not None:
                continue
            elif looked is not None:
                where, kinds = looked[number][0], looked[number][1].kinds
                spans += shifted_runs(number, reply, where.pieces, kinds)
            else:
                spans += sentences(number, reply)
        if not spans and self.responses and judged is None:  # of what a student says itself, there need not be any
            what = "no span: none is marked, and none of the responses has a sentence of three words or a moved word"
            raise BadInput(what, place=self.responses, fix='mark some: "spans": ["words of the response"]')
        return spans

    def _shift(self, said: Mapping[int, Said], bench: Bench) -> "dict[int, tuple[ResponseTokens, Moved]]":
        """Where the student left its base, in the responses as they are."""
        base, tuned = (weights_of(bench, role, self.name) for role in (self.base, self.tuned))
        before, after, tokenizer = two_sides(base, tuned)
        check_template(tokenizer, self.template)
        space = "" if self.template == CHAT else before_answer(WRAPPERS[self.template])
        half = context_of(after.model) // 2
        responses = list[ResponseTokens]()
        for number, reply in said.items():
            begun = prompt_tokens(tokenizer, self.template, reply.prompt)[-half:]
            tokens = list(tokenizer(space + reply.response, add_special_tokens=False)["input_ids"])[:half]
            if not begun or not tokens:
                fix = "leave it out"
                raise BadInput("an empty prompt or response", place=f"{self.responses}:{number + 1}", fix=fix)
            made = response(str(number), begun, tokens, tokenizer)
            responses.append(made)
        pairs = zip(responses, moved(before, after, responses), strict=True)
        return dict(zip(said, pairs, strict=True))

    def _numbers(
        self, said: Mapping[int, Said], traced: Sequence[tuple[QuestionedSpan, list[SpanOrigin]]], tasks: Sequence[Task]
    ) -> dict[str, Json]:
        by_response: dict[int, list[tuple[int, int, int]]] = {}
        for span, origins in traced:
            exact = any(origin.exact for origin in origins)
            lent = any(origin.exact and origin.concept >= BORROWED for origin in origins)
            by_response.setdefault(span.response, []).append((bool(origins), exact, lent))
        counts = list(by_response.values())
        asked = [len(spans) for spans in counts]
        shares = {
            name: estimate_json(share([sum(bool(span[at]) for span in spans) for spans in counts], asked))
            for at, name in enumerate(("found", "exact", "borrowed"))
        }
        return {
            "records": len(tasks),
            "responses": len(said),
            "spans": len(traced),
            "by": {how: sum(span.how == how for span, _ in traced) for how in get_args(How)},
            "borrowed_from_concept": BORROWED,
            **shares,
        }


def _examples(lines: Sequence[dict[str, Json]]) -> list[Json]:
    """The first spans of each wording, those with an origin before the others."""
    first = dict[tuple[str, ...], dict[str, Json]]()
    for line in lines:
        first.setdefault(tuple(words(str(line["span"]))), line)
    return [*sorted(first.values(), key=lambda line: not line["origins"])[:_SHOWN]]


def span_context(said: Said, span: QuestionedSpan) -> str:
    """Where a span stands: its prompt, and the response around it."""
    return f"{said.prompt}\n{said.response[max(0, span.begin - 200) : span.end + 200]}"


def _answer(number: int, said: Said, looked: "Mapping[int, tuple[ResponseTokens, Moved]] | None") -> StudentAnswer:
    if looked is None:
        return StudentAnswer(said.prompt, said.response)
    cut, where = looked[number]
    return StudentAnswer(said.prompt, said.response, cut.pieces, where.kinds)


def _line(
    span: QuestionedSpan,
    origins: Sequence[SpanOrigin],
    said: Sequence[Said],
    tasks: Sequence[Task],
    ancestors: Callable[[Task], Sequence[str]],
) -> dict[str, Json]:
    return {
        "response": span.response,
        "prompt": said[span.response].prompt,
        "span": span.text,
        "at": [span.begin, span.end],
        "how": span.how,
        "origins": [
            {
                **origin.as_json(),
                "instruction": tasks[origin.place].instruction,
                "output": tasks[origin.place].instances[0].output if tasks[origin.place].instances else "",
                "provenance": tasks[origin.place].provenance.as_json(),
                "ancestors": list(ancestors(tasks[origin.place])),
            }
            for origin in origins
        ],
    }
