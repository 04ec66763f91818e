"""Stage: what does a base know that its students forgot? Easy facts, plain prose, the loss on what was kept aside."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar

from selfinstruct.audit.knowledge_facts import Fact, Tokens, by_relation, facts_of, losses, opening, right_of, tokens_of
from selfinstruct.audit.model_pair import (
    CHAT,
    ModelSide,
    asked,
    check_made_from,
    check_one_kind,
    check_template,
    context_of,
    ends_of,
)
from selfinstruct.audit.shift import weights_of
from selfinstruct.audit.shift_statistics import estimate_json
from selfinstruct.errors import BadInput
from selfinstruct.needs import OF_KNOWLEDGE, Needs
from selfinstruct.prompt_templates import WRAPPERS, before_answer
from selfinstruct.prompts import prompt
from selfinstruct.records import Instance, Json, Task, digest
from selfinstruct.stage import Bench, Built, Kept, Loaded, Measured, Outcome, Scope, Weights
from selfinstruct.stats import Estimate, mean, paired_difference, share

EQUAL_LOSS = 0.02
"""Nats: within so much two losses are called equal, if their whole interval is."""


@dataclass(frozen=True, slots=True)
class ModelKnowledge:
    """What one model knows: facts answered right, and losses on prose and on held-out records."""

    name: str
    right: tuple[tuple[bool, bool], ...]
    """Of each fact, by phrasing."""
    prose: tuple[tuple[float, int], ...]
    """Of each paragraph the sum of its loss in nats, and its tokens."""
    held_out: tuple[tuple[float, int], ...]
    """Of each record that is no fact, the same of its answer."""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Let a base and its students rank the answers to facts; every record passes unchanged.

    Paper: arXiv 2402.05119. Records with `wrong` are facts (seeds/facts.jsonl), any others are texts on which the loss
    is told. A fact that the base knows by one phrasing counts by the other, and the other way round: those that it
    merely guessed right are then as often wrong for the base as for a student. `knowledge.json` has it all.
    """

    name: ClassVar[str] = "knowledge"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    base: str = "base"
    """Role of the weights before any tuning."""
    tuned: tuple[str, ...] = ("tuned",)
    """Roles of the students."""
    template: str = CHAT
    """How prompts of records that are no facts are put."""
    facts: str = ""
    """`facts-v2` (ours) or a file of such lines; empty: the records that are facts. With it, only records marked
    `split: test` are texts on which the loss is told."""
    first: int = 0
    """Only so many of the facts, drawn by their ids; 0: all."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(base=self.base, beside=self.tuned, rows=(self.facts,) if self.facts else (), extras=("train",))

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        if not self.tuned or len(set(self.tuned)) < len(self.tuned) or self.base in self.tuned or self.first < 0:
            what = "no student, one named twice, the base among them, or first below 0"
            raise BadInput(what, place="stage knowledge", fix="name roles of students under `tuned`")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the file and the numbers."""
        yield from map(Kept, records)
        base = weights_of(bench, self.base, self.name)
        tuned = [weights_of(bench, role, self.name) for role in self.tuned]
        results = self.compare(base, tuned, records, bench)
        bench.scratch.mkdir(parents=True, exist_ok=True)
        file = bench.scratch / "knowledge.json"
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        yield Built("knowledge.json", file)
        yield Measured(OF_KNOWLEDGE, {key: value for key, value in results.items() if key != "facts"})

    def compare(
        self, base: Weights, tuned: Sequence[Weights], records: Sequence[Task], bench: Bench | None = None
    ) -> dict[str, Json]:
        """The whole, from weights and records; one model is in memory at a time.

        Raises:
            BadInput: a student of another base, two tokenizers, or no fact.
        """
        bench = bench or Bench()
        facts, texts = facts_of(records)
        if self.facts:
            facts, texts = (
                facts_of(map(_stated, bench.benchmarks[self.facts]))[0],
                [text for text in texts if text.held_out],
            )
        if not facts:
            what = "no record is a fact"
            raise BadInput(what, place="stage knowledge", fix="name builtin:facts among the inputs")
        if self.first:
            facts = sorted(facts, key=lambda fact: digest("facts", bench.seed, fact.record))[: self.first]
        for student in tuned:
            check_made_from(base, student)
        shown = list[ModelKnowledge]()
        kind: Loaded | None = None
        for number, weights in enumerate((base, *tuned)):
            bench.doing("knowledge: models", number, len(tuned) + 1)
            loaded = weights.load()
            if kind is not None:
                check_one_kind(base, kind, weights, loaded)
            kind = kind or Loaded(_Sizes(loaded.model.config), loaded.tokenizer)
            shown.append(self._shown(weights, loaded, facts, texts))
            del loaded  # before the next comes
        return self._numbers(shown, facts, base, bench.seed)

    def _shown(self, weights: Weights, loaded: Loaded, facts: Sequence[Fact], texts: Sequence[Task]) -> ModelKnowledge:
        looked, tokenizer = ModelSide(weights.name, loaded.model), loaded.tokenizer
        begun = opening(tokenizer, "")
        most, paragraphs = context_of(loaded.model) - 1, prompt("finetune", "prose").text.split("\n\n")
        prose = [(begun, tokens_of(tokenizer, text)[:most]) for text in paragraphs]
        aside = self._aside(texts, tokenizer, loaded.model) if texts else []
        return ModelKnowledge(
            weights.name,
            tuple(right_of(looked, tokenizer, facts)),
            tuple(losses(looked, prose)),
            tuple(losses(looked, aside)),
        )

    def _aside(self, texts: Sequence[Task], tokenizer: Any, model: Any) -> list[tuple[Tokens, Tokens]]:  # noqa: ANN401
        """Prompts in the template, and answers with the mark of their end, as much of both as the model reads."""
        check_template(tokenizer, self.template)
        ends, most = ends_of(tokenizer, model)[:1], context_of(model) // 2
        space = "" if self.template == CHAT else before_answer(WRAPPERS[self.template])
        return [
            (
                tuple(asked(tokenizer, self.template, task, pair.input)[-most:]),
                (*tokens_of(tokenizer, space + pair.output.strip()), *ends)[:most],
            )
            for task in texts
            for pair in task.instances
            if pair.output.strip()
        ]

    def _numbers(
        self, shown: Sequence[ModelKnowledge], facts: Sequence[Fact], base: Weights, seed: int
    ) -> dict[str, Json]:
        known = shown[0].right
        return {
            "base": base.name,
            "notices": [base.notice] if base.notice else [],
            "statements": len(facts),
            "relations": len({fact.relation for fact in facts}),
            "guessing": round(sum(1 / len(fact.answers) for fact in facts) / len(facts), 6),
            "paragraphs": len(shown[0].prose),
            "held_out": len(shown[0].held_out),
            "models": [_of_model(model, facts, seed) for model in shown],
            "differences": [_difference(model, other, known, seed) for other, model in combinations(shown, 2)],
            "facts": [
                {
                    "record": fact.record,
                    "relation": fact.relation,
                    "right": {model.name: [*model.right[at]] for model in shown},
                }
                for at, fact in enumerate(facts)
            ],
        }


def _stated(row: Task) -> Task:
    """A line of a file of facts as the record that it would be read as."""
    pair = (Instance("", str(row.extra.get("completion", ""))),)
    return replace(row, instruction=str(row.extra.get("prompt", "")), instances=pair)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What is left of a model that was let go."""

    config: Any


def _of_model(model: ModelKnowledge, facts: Sequence[Fact], seed: int) -> dict[str, Json]:
    yes = [sum(both) for both in model.right]
    relations: dict[str, Json] = {
        relation: {"right": right, "of": of} for relation, (right, of) in by_relation(facts, model.right).items()
    }
    prose = _loss(model.prose, seed)
    return {
        "name": model.name,
        "right": estimate_json(share(yes, [2] * len(yes))),
        "by_phrasing": [estimate_json(share([both[at] for both in model.right], [1] * len(yes))) for at in (0, 1)],
        "prose_loss": estimate_json(prose),
        "prose_perplexity": None if prose is None else round(math.exp(prose.value), 4),
        "held_out_loss": estimate_json(_loss(model.held_out, seed)),
        "by_relation": relations,
    }


def _difference(
    model: ModelKnowledge, other: ModelKnowledge, known: Sequence[tuple[bool, bool]], seed: int
) -> dict[str, Json]:
    """The first minus the second; of facts only those that the base knows by the phrasing that is not measured."""
    change, asked = list[float](), list[float]()
    for mine, its, chosen in zip(model.right, other.right, known, strict=True):
        measured = [at for at in (0, 1) if chosen[1 - at]]
        change.append(sum(mine[at] - its[at] for at in measured))
        asked.append(len(measured))
    counted = [(up, of) for up, of in zip(change, asked, strict=True) if of]
    facts = paired_difference([up for up, _ in counted], [of for _, of in counted], seed=seed) if counted else None
    prose, aside = (_paired(getattr(model, name), getattr(other, name), seed) for name in ("prose", "held_out"))
    return {
        "of": model.name,
        "above": other.name,
        "known_facts": estimate_json(facts),
        "known": len(counted),
        "prose_loss": estimate_json(prose),
        "held_out_loss": estimate_json(aside),
        "equal_loss": equal_loss(aside),
    }


def equal_loss(difference: Estimate | None) -> Json:
    """Whether two losses are equal within 0.02 nats: yes, no, or `cannot tell`; None where there is no loss.

    >>> equal_loss(Estimate(0.001, -0.01, 0.012, 9, 9, "bootstrap"))
    'equal'
    >>> equal_loss(Estimate(0.1, 0.05, 0.2, 9, 9, "bootstrap"))
    'not equal'
    >>> equal_loss(Estimate(0.01, -0.05, 0.07, 9, 9, "bootstrap"))
    'cannot tell'
    """
    if difference is None:
        return None
    if difference.low is None or difference.high is None:
        return "cannot tell"
    if difference.low >= -EQUAL_LOSS and difference.high <= EQUAL_LOSS:
        return "equal"
    return "not equal" if difference.low > EQUAL_LOSS or difference.high < -EQUAL_LOSS else "cannot tell"


def _loss(losses: Sequence[tuple[float, int]], seed: int) -> Estimate | None:
    return mean([loss for loss, _ in losses], [count for _, count in losses], seed=seed) if losses else None


def _paired(one: Sequence[tuple[float, int]], other: Sequence[tuple[float, int]], seed: int) -> Estimate | None:
    change = [mine[0] - its[0] for mine, its in zip(one, other, strict=True)]
    return mean(change, [count for _, count in one], seed=seed) if one else None
