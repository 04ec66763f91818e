"""Called from Python without a run: a model asked by its spec, one stage applied to a list of tasks."""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from selfinstruct import notebook
from selfinstruct.advice import in_python
from selfinstruct.arguments import arguments_checked
from selfinstruct.errors import BadInput
from selfinstruct.models.backend import AnswersInMemory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.hosted import hosted_model
from selfinstruct.models.make_backend import check_spec
from selfinstruct.models.prices_and_budget import Budget, Prices
from selfinstruct.prompt_templates import with_system
from selfinstruct.records import Completion, Failure, Json, Message, Request, Task
from selfinstruct.run.endpoints import Endpoints, made_backends
from selfinstruct.run.recipe.keys import Limits
from selfinstruct.run.record_chunks import closed, outcomes_of
from selfinstruct.run.run_records import task_cells
from selfinstruct.stage import Bench, Failed, Kept, Measured, Model, Pool, Rejected, Stage, Traits
from selfinstruct.store.run_folder import RunFolder
from selfinstruct.store.stage_result import largest_first
from selfinstruct.text import printable, shown

_ROLE = "model"


class AskedModel:
    """A loaded model: `ask` it, or hand it to a stage that is called alone. `with` it, or `close` it, to let it go.

    Nothing that it says is kept, and nothing caps what it costs: for that there are runs.
    """

    def __init__(self, gate: Gate, learn: Callable[[], None]) -> None:
        """Made by `load_model`."""
        self._gate, self._learn = gate, learn
        self._model = gate.scoped("ask")
        self._learned = False

    @property
    def name(self) -> str:
        """Its spec, without secrets."""
        return self._model.name

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""
        self._know()
        return self._model.traits

    @arguments_checked()
    def ask(
        self,
        prompts: Iterable[str | Sequence[Message]],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        system: str = "",
        raw: bool = False,
    ) -> list[str | Failure]:
        """An answer to each prompt, in order, or the Failure that says why there is none; never an empty text.

        A prompt is a text, put as a chat's user turn where the model takes chats (`raw`: always a text to continue), or
        the turns of a chat. `system` goes before a text. BadInput for a text alone in place of a list.
        """
        chat = self.traits.chat and not raw
        requests = (
            Request(
                prompt=put_to_model(prompt, system, chat=chat),
                max_tokens=max_tokens,
                temperature=temperature,
                top_p=top_p,
                stop=tuple(stop),
                seed=seed,
                purpose="ask",
            )
            for prompt in prompts
        )
        return [_text(reply) for reply in self.complete(requests)]

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Answers in request order, lazily, as stages ask for them."""
        self._know()
        return self._model.complete(requests)

    def _know(self) -> None:
        if not self._learned:
            self._learn()
            self._learned = True

    def close(self) -> None:
        """Let go of connections and of memory."""
        self._gate.close()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Its name."""
        return f"<model {self.name}>"


@arguments_checked()
def load_model(
    spec: str | Path | Mapping[str, Any], *, in_flight: int | None = None, timeout: float = 600.0, attempts: int = 6
) -> AskedModel:
    """The model of a spec such as `embedded`, `hf:FOLDER` or `openai:NAME`, or of a mapping as in a recipe.

    `in_flight`: requests at a time, None: the backend's own default; `timeout`: seconds for one answer; `attempts` at
    each request. BadInput lists the kinds that exist.
    """
    try:
        Limits(in_flight=in_flight, timeout=timeout, attempts=attempts)
    except ValidationError as faults:
        fault = faults.errors()[0]
        name = fault["loc"][0]
        raise BadInput(f"{name}={fault['input']}: {fault['msg']}", place="load_model") from None
    given = hosted_model(spec, "the model") if isinstance(spec, Mapping) else str(spec)
    if isinstance(given, str):
        check_spec(given)
    backends = made_backends({_ROLE: given})
    [backend] = backends.values()
    endpoints = Endpoints(backends, RunFolder(Path("no folder: nothing is remembered")), _tell)
    prices = Prices.load(None)
    policy = Policy(in_flight=in_flight, timeout=timeout, attempts=attempts)
    gate = Gate(backend, AnswersInMemory(), policy=policy, prices=prices, notice=_tell)
    return AskedModel(gate, lambda: endpoints.learn(Budget(), prices))


def put_to_model(prompt: str | Sequence[Message], system: str, *, chat: bool) -> str | tuple[Message, ...]:
    """A prompt as a model takes it, after the system's words; BadInput for what is no prompt."""
    if not isinstance(prompt, str):
        turns = tuple(prompt) if isinstance(prompt, Iterable) else ()
        if not turns or not all(isinstance(turn, Message) for turn in turns):
            raise BadInput(f"no prompt: {shown(repr(prompt), 60)}", place="ask", fix="give texts, or lists of Message")
        return turns
    if not chat:
        return with_system(prompt, system)
    before = (Message("system", system),) if system.strip() else ()
    return (*before, Message("user", prompt))


def _text(reply: Completion | Failure) -> str | Failure:
    if isinstance(reply, Failure):
        return reply
    text = reply.choices[0].text if reply.choices else ""
    return text if text.strip() else Failure(request=reply.request, kind="empty_text", message="an answer without text")


def _tell(line: str) -> None:
    sys.stderr.write(printable(in_python(line)) + "\n")


@dataclass(frozen=True, slots=True)
class Applied:
    """What a stage said of a list of tasks: kept + rejected + failed are all of them."""

    kept: list[Task] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    measured: dict[str, Json] = field(default_factory=dict)

    @property
    def by_reason(self) -> dict[str, int]:
        """How many were rejected for each reason, largest first."""
        return largest_first(Counter(rejected.reason for rejected in self.rejected))

    def _repr_html_(self) -> str:
        """For a notebook: the sums, and the first of what was rejected."""
        counts = (len(self.kept), len(self.rejected), len(self.failed))
        tables = [notebook.ViewTable(("kept", "rejected", "failed"), [counts])]
        rows = [
            (
                rejected.reason,
                *(
                    task_cells(rejected.record)
                    if isinstance(rejected.record, Task)
                    else (rejected.record.id[:12], "", "", "")
                ),
            )
            for rejected in self.rejected[: notebook.ROWS]
        ]
        heads = ("reason", "id", "instruction", "input", "output")
        tables += [notebook.ViewTable(heads, rows, of=len(self.rejected))] if rows else []
        return notebook.view(*tables)


@arguments_checked()
def apply(
    stage: Stage,
    tasks: Sequence[Task],
    *,
    models: Mapping[str, str | Model] | None = None,
    seeds: Sequence[Task] = (),
    seed: int = 42,
) -> Applied:
    """Call one stage on tasks, in this process; nothing is written, and nothing is remembered.

    `models`: for a stage that asks some, by role (`{"teacher": "openai:NAME"}`), as specs or as `load_model` gives
    them. `seeds`: what novelty compares with besides. It cannot call what makes tasks (`Propose`), trains or builds
    (`Finetune`, `TrainJudge`, `Fragment`), measures likelihoods (`Difficulty`), compares with files (`Decontaminate`)
    or asks a set of prompts (`Score`, `ObjecQA`, `Suite`): a Recipe finds what these need, and keeps what they make.

    >>> from selfinstruct.dedup.exact import Exact
    >>> from selfinstruct.records import Provenance
    >>> texts = "Name a river.", "Name  a RIVER."
    >>> tasks = [Task(instruction=text, provenance=Provenance(stage="input")) for text in texts]
    >>> apply(Exact(), tasks).by_reason
    {'exact_duplicate': 1}
    """
    _check(stage)
    given = models or {}
    roles = stage.needs.models
    if lacking := [role for role in roles if role not in given]:
        what = f"asks a model '{lacking[0]}' that was not given"
        raise BadInput(what, place=f"stage '{stage.name}'", fix=f'give models={{"{lacking[0]}": "embedded"}}')
    opened = {role: model for role in roles if isinstance(model := given[role], str)}
    loaded: dict[str, AskedModel] = {}
    applied = Applied()
    try:
        for role, spec in opened.items():
            loaded[role] = load_model(spec)
        asked: dict[str, Model] = {role: model for role, model in given.items() if not isinstance(model, str)}
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(
                pool=Pool(seeds), models={**asked, **loaded}, scratch=Path(scratch), seed=seed, stage=stage.name
            )
            for outcome in closed(outcomes_of(stage, tasks, bench), stage, len(tasks)):
                match outcome:
                    case Kept(record):
                        applied.kept.append(record)
                    case Rejected():
                        applied.rejected.append(outcome)
                    case Failed():
                        applied.failed.append(outcome)
                    case Measured(name, value):
                        applied.measured[name] = value
                    case _:
                        raise BadInput(f"builds '{outcome.name}'", place=f"stage '{stage.name}'", fix=_RECIPE)
    finally:
        for model in loaded.values():
            model.close()
    return applied


_RECIPE = "run it in a Recipe, which keeps what it makes"


def _check(stage: Stage) -> None:
    place = f"stage '{stage.name}'"
    if stage.scope == "source":
        raise BadInput("makes records, and takes none", place=place, fix="run it in a Recipe, under `rounds`")
    needs = stage.needs
    if needs.scorer or needs.weights or needs.builds or needs.builds_judge:
        raise BadInput("measures or trains weights", place=place, fix=_RECIPE)
    if needs.sets or needs.judge is not None:
        raise BadInput("reads more than its records", place=place, fix="run it in a Recipe, which finds its files")
