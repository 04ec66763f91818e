"""Stage: which tokens of its answers did the tuning change? A base and a tuned model, token by token, with a floor."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from selfinstruct.audit.model_pair import (
    CHAT,
    ModelSide,
    asked,
    batches,
    check_made_from,
    check_one_kind,
    check_template,
    context_of,
    ends_of,
    side,
    two_sides,
)
from selfinstruct.audit.shift_statistics import Figures, estimate_json, excess, figures, most_shifted
from selfinstruct.audit.shift_tokens import Moved, ResponseTokens, moved, response
from selfinstruct.errors import BadInput
from selfinstruct.needs import OF_SHIFT, Needs
from selfinstruct.prompt_templates import before_answer, joined
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Built, Kept, Loaded, Measured, Outcome, Scope, Weights

_SHOWN, _SHOWN_TOKENS = 5, 160
_FLOOR = "bfloat16"


@dataclass(frozen=True, slots=True)
class ShiftFindings:
    """What was found, and what it was found in."""

    responses: tuple[ResponseTokens, ...]
    moved: tuple[Moved, ...]
    figures: Figures
    floors: tuple[Figures, ...]
    """The same numbers at the same positions, between models that should be one."""
    page: dict[str, Json]
    """Counts and figures, as `shift.json` has them."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Let the tuned model answer the records and tell where it left its base; every record passes unchanged.

    Papers: URIAL (arXiv 2312.01552), arXiv 2402.05119. `shift.json` has the figures, `shift.jsonl` every response token
    by token. Records marked `split: test` are asked; all, where none is marked. Both models read the same text, in one
    template.
    """

    name: ClassVar[str] = "shift"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    base: str = "base"
    """Role of the weights before the tuning."""
    tuned: str = "tuned"
    """Role of the weights after it: a student, an adapter, or a sibling with the same tokenizer."""
    twin: str = ""
    """Role of another seed of the same tuning: how far two of them differ is the floor of what means anything."""
    template: str = CHAT
    """How prompts are put, to both: chat, or none, suffix, alpaca, tags, self_instruct, ifs."""
    responses: Literal["own", "given"] = "own"
    """What is looked at: what the tuned model says greedily, or the records' own answers."""
    tokens: int = 128
    """Tokens of an answer, at most."""
    first: int = 0
    """Only so many records; 0: all."""
    floor: bool = True
    """Measure, too, what numbers of 2 bytes instead of 4 do to the tuned model."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(base=self.base, beside=(self.tuned, self.twin), extras=("train",))

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        if self.tokens < 1 or self.first < 0:
            raise BadInput("tokens below 1, or first below 0", place="stage shift", fix="leave them out")
        if self.responses not in ("own", "given"):
            raise BadInput(f"no such responses '{self.responses}'", place="responses", fix="write own or given")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        marked = any(task.held_out for task in records)
        asked_about = [task for task in records if task.held_out or not marked]
        looked = asked_about[: self.first] if self.first else asked_about
        base, tuned = (weights_of(bench, role, self.name) for role in (self.base, self.tuned))
        twin = weights_of(bench, self.twin, self.name) if self.twin else None
        shift = self.look(base, tuned, looked, twin=twin, bench=bench)
        bench.scratch.mkdir(parents=True, exist_ok=True)
        page = json.dumps(shift.page, indent=1, ensure_ascii=False) + "\n"
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in _lines(shift, looked))
        for name, text in (("shift.json", page), ("shift.jsonl", lines)):
            (bench.scratch / name).write_text(text, encoding="utf-8", errors="backslashreplace")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_SHIFT, {**shift.page, "examples": [*_examples(shift)]})

    def look(
        self,
        base: Weights,
        tuned: Weights,
        records: Sequence[Task],
        *,
        twin: Weights | None = None,
        bench: Bench | None = None,
    ) -> ShiftFindings:
        """The whole, from weights and records.

        Raises:
            BadInput: two tokenizers, a student of another base, no such template, or nothing to look at.
        """
        bench = bench or Bench()
        before, after, tokenizer = two_sides(base, tuned)
        check_template(tokenizer, self.template)
        responses = self._responses(records, after, tokenizer, bench)
        bench.doing("token shift: models beside each other", 0, 1)
        moves = moved(before, after, responses)
        whole = figures(base.name, "what the tuning moved", responses, moves, seed=bench.seed)
        floors, below = list[Figures](), list[list[Moved]]()
        for about, model in self._floors(base, tuned, twin, Loaded(after.model, tokenizer)):
            below.append(moved(model, after, responses))
            floors.append(figures(model.name, about, responses, below[-1], seed=bench.seed))
        above = [estimate_json(excess(responses, moves, floor, seed=bench.seed)) for floor in below]
        counts: dict[str, Json] = {
            "base": base.name,
            "tuned": tuned.name,
            "notices": [notice for notice in dict.fromkeys((base.notice, tuned.notice)) if notice],
            "template": self.template,
            "responses": len(responses),
            "of": "the tuned model's own greedy answers" if self.responses == "own" else "the records' answers",
            "positions": sum(answer.counted for answer in responses),
            "looping": sum(len(answer.tokens) - answer.counted for answer in responses),
            "weights_loaded_once": before.model is after.model,
        }
        numbers: dict[str, Json] = {
            "shift": whole.as_json(),
            "floors": [floor.as_json() for floor in floors],
            "above_floor": [*above],
            "most_shifted": most_shifted(responses, moves, lambda token: str(tokenizer.decode([token]))),
        }
        return ShiftFindings(tuple(responses), tuple(moves), whole, tuple(floors), {**counts, **numbers})

    def _floors(
        self, base: Weights, tuned: Weights, twin: Weights | None, after: Loaded
    ) -> Iterator[tuple[str, ModelSide]]:
        """Models from which the tuned one should not differ."""
        if self.floor:
            low, _ = side(tuned, dtype=_FLOOR)
            yield "floor: the same weights in 2-byte numbers", ModelSide(f"{low.name} in bfloat16", low.model)
        if twin is not None:
            check_made_from(base, twin)
            other, loaded = side(twin)
            check_one_kind(tuned, after, twin, loaded)
            yield "floor: another seed of the same tuning", other

    def _responses(
        self,
        records: Sequence[Task],
        after: ModelSide,
        tokenizer: Any,  # noqa: ANN401 - imported late
        bench: Bench,
    ) -> list[ResponseTokens]:
        room = context_of(after.model)
        most = min(self.tokens, room // 2)
        prompts = list[tuple[str, list[int], str]]()
        for task in records:
            pair = task.instances[0] if task.instances else None
            if self.responses == "given" and (pair is None or not pair.output.strip()):
                continue
            prompt = asked(tokenizer, self.template, task, pair.input if pair else "")[-(room - most) :]
            if prompt:
                prompts.append((task.id, prompt, pair.output.strip() if pair else ""))
        if not prompts:
            what = "no record to look at" if self.responses == "own" else "no record has an answer to look at"
            raise BadInput(what, place="stage shift", fix="give records with an instruction (--prompts)")
        ends = ends_of(tokenizer, after.model)
        said: dict[int, list[int]] = {}
        if self.responses == "given":
            opening = before_answer(self.template) if self.template != CHAT else ""
            for at, (_, _, text) in enumerate(prompts):
                written = list(tokenizer(opening + text, add_special_tokens=False)["input_ids"])
                said[at] = [*written, *ends[:1]][:most]
        else:
            words = int(after.model.config.get_text_config().vocab_size)
            for batch in batches({at: len(tokens) + most for at, (_, tokens, _) in enumerate(prompts)}, words):
                bench.doing("token shift: answers", len(said), len(prompts))
                answers = after.answers([prompts[at][1] for at in batch], most, ends)
                said |= dict(zip(batch, answers, strict=True))
        return [
            response(record, tokens, said[at], tokenizer, ends)
            for at, (record, tokens, _) in enumerate(prompts)
            if said[at]
        ]


def weights_of(bench: Bench, role: str, stage: str) -> Weights:
    """The weights of a role; BadInput where the bench has none."""
    if role not in bench.weights:
        known = ", ".join(bench.weights) or "none here"
        raise BadInput(f"no weights called '{role}'", place=f"stage {stage}", fix=f"one of: {known}")
    return bench.weights[role]


def _lines(shift: ShiftFindings, records: Sequence[Task]) -> Iterator[dict[str, Json]]:
    prompts: dict[str, Json] = {
        task.id: joined(task.instruction, task.instances[0].input if task.instances else "") for task in records
    }
    for answer, where in zip(shift.responses, shift.moved, strict=True):
        yield {
            "record": answer.record,
            "prompt": prompts.get(answer.record, ""),
            "response": answer.said,
            "counted": answer.counted,
            "tokens": list(answer.pieces),
            "kinds": list(where.kinds),
            "rank": list(where.rank),
            "sentence": list(answer.sentences),
            **{
                name: [round(value, 6) for value in getattr(where, name)]
                for name in ("kl_base_tuned", "kl_tuned_base", "kl_topk_compat", "base_probability", "jaccard")
            },
        }


def _examples(shift: ShiftFindings) -> Iterator[dict[str, Json]]:
    """A few responses for the page, token by token."""
    for answer, where in list(zip(shift.responses, shift.moved, strict=True))[:_SHOWN]:
        kinds: list[Json] = ["loop" if at >= answer.counted else kind for at, kind in enumerate(where.kinds)]
        yield {
            "record": answer.record,
            "tokens": [*answer.pieces[:_SHOWN_TOKENS]],
            "kinds": kinds[:_SHOWN_TOKENS],
            "cut": len(answer.tokens) > _SHOWN_TOKENS,
        }
