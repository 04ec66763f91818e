"""The contract: what a stage may use, and what it may say.

A stage is a frozen dataclass you can call. Its fields are its knobs, with the same names in YAML and on the command
line. It takes records and a `Bench` and yields outcomes. It opens no file, makes no client, reads no clock and no
environment; it may write under `bench.scratch`. Only the runner publishes.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Choice, Completion, Failure, Json, Record, Request, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Scope: TypeAlias = Literal["source", "record", "set", "ordered"]
"""`source` reads the frozen pool and makes records; `record` looks at each record alone; `set` needs to see them all;
`ordered` is greedy in order."""

Evidence: TypeAlias = Mapping[str, Json]

Dtype: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
"""How numbers are held; `auto` is decided by who loads weights, by device and processor."""

DTYPES: tuple[Dtype, ...] = ("auto", "float32", "bfloat16", "float16")

FOUR_BITS: Literal["4bit"] = "4bit"
"""As `dtype`, of a base that is tuned by QLoRA (arXiv 2305.14314): what is loaded from `hf:` or GGUF, quantised."""

OWN_DTYPE = "SELFINSTRUCT_DTYPE"
"""The environment variable that says what `auto` is: for models asked on this machine, and (4 bytes or 2 with a long
exponent) for tuning."""


NO_EVIDENCE: Evidence = {}

# Outcomes are tuples, and no dataclasses: one is made for every record in every stage, in a third of the time.


class Kept(NamedTuple):
    """Outcome: the record passes to the next stage."""

    record: Task
    evidence: Evidence = NO_EVIDENCE


class Rejected(NamedTuple):
    """The record stops here, for a named reason and with what was measured."""

    record: Record
    reason: str
    evidence: Evidence = NO_EVIDENCE


class Failed(NamedTuple):
    """A model was asked and did not answer; `record` is the task it was asked about, if there was one."""

    failure: Failure
    record: Task | None = None


class Measured(NamedTuple):
    """A number worth telling, by name."""

    name: str
    value: Json


class Built(NamedTuple):
    """Something made under the scratch folder: a judge, a student."""

    name: str
    path: Path


SAID_NOTHING = frozenset({"only_thinking", "empty_text"})
"""Kinds of failure that a score counts as an answer: the model was asked, and nothing is what it said."""

FATES = (Kept, Rejected, Failed)
"""The outcomes of which each record has exactly one."""

Outcome: TypeAlias = Kept | Rejected | Failed | Measured | Built


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a model can be asked for."""

    completion: bool = True
    """Takes a raw text prompt and continues it."""
    chat: bool = True
    """Takes messages."""
    structured: bool = False
    """Can be held to a JSON schema."""
    grammar: bool = False
    """Can be held to a GBNF grammar."""
    small: bool = False
    """Under about a billion parameters: no reliable answers to yes-or-no questions, copies its demonstrations."""
    multiple: bool = True
    """Gives several choices for one prompt (`n`) cheaply."""


class Model(Protocol):
    """A language model as a stage sees it."""

    @property
    def name(self) -> str:
        """The model's spec without secrets, such as `openai:gpt-5` or `embedded`."""

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Answers, lazily and in request order; each is durable before it is handed out."""


Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Subject]):
    """What was asked about, and what came of it."""

    about: Subject
    reply: Completion | Failure


def ask(model: Model, subjects: Iterable[Subject], request: Callable[[Subject], Request]) -> Iterator[Asked[Subject]]:
    """One request for each subject, lazily and in order; only as far ahead as the model looks."""
    waiting: deque[Subject] = deque()

    def requests() -> Iterator[Request]:
        for subject in subjects:
            waiting.append(subject)
            yield request(subject)

    for reply in model.complete(requests()):
        yield Asked(waiting.popleft(), reply)


class TokenScorer(Protocol):
    """A model that tells the log-probabilities of given text."""

    @property
    def name(self) -> str:
        """The scoring model's name."""

    def token_log_probabilities(self, prompt: str, continuation: str) -> Sequence[float]:
        """Natural logarithms, one for each token of the continuation."""

    def many_log_probabilities(self, texts: Sequence[tuple[str, str]]) -> Sequence[Sequence[float]]:
        """The same for each (prompt, continuation); a scorer that is faster with many at once says so here."""
        return [self.token_log_probabilities(*text) for text in texts]


class Tone(Protocol):
    """A judge of tone: does a text answer its prompt, or carry on?"""

    @property
    def version(self) -> str:
        """Which judge, so that scores can be compared."""

    @property
    def threshold(self) -> float:
        """From which probability on a text is called answer-like."""

    def probabilities(
        self, pairs: Sequence[tuple[str, str]], whole: Sequence[bool | None] | None = None
    ) -> Sequence[float]:
        """For each (prompt, text): how likely the text answers.

        `whole`: for each, whether its prompt is a whole instruction; None where nobody knows, and a judge that needs it
        infers it then.
        """

    @property
    def confusion(self) -> Mapping[str, Mapping[str, int]]:
        """On labelled responses to `all`, `whole` and `cut` prompts, its hits and errors; empty: it was not tried."""

    @property
    def kinds(self) -> Mapping[str, Sequence[Mapping[str, int]]]:
        """For `whole` and `cut` prompts, `n`, `false_positives` and `false_negatives` of each kind of model.

        Of kinds that it did not learn from; empty: it was not tried on any.
        """


class UntriedJudge:
    """What a judge says of its errors that was not tried on labelled responses: a base for judges of one's own."""

    confusion: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    kinds: Mapping[str, Sequence[Mapping[str, int]]] = MappingProxyType({})


class HiddenStates(Protocol):
    """What a small model makes of replies to prompts: numbers that a judge of tone learns from."""

    @property
    def name(self) -> str:
        """Of the model and of what is taken from it: a judge fits no other."""

    @property
    def likelihoods(self) -> int:
        """How many numbers at the end of a row are log-probabilities, in nats."""

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        """A row of numbers for each (prompt, reply), whatever its neighbours are."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A causal model in memory; torch and transformers publish no types that survive a late import."""

    model: Any
    tokenizer: Any
    source: str = ""
    """What loads it again on this machine: a spec, a path or a name on the Hub; empty: not told."""


class Weights(Protocol):
    """A causal model that can be trained and looked into, and not only asked."""

    @property
    def name(self) -> str:
        """Its spec as a card names it: `hf:NAME`, `gguf:NAME`, `embedded`; no path of this machine."""

    @property
    def notice(self) -> str:
        """What whoever publishes a number must say of these weights, such as that they were 4-bit; may be empty."""

    @property
    def tuned_from(self) -> str:
        """The name of the base that an adapter or a student was made of; empty where nothing says so."""

    def load(self, *, dtype: str = "auto", merge: bool = True) -> Loaded:
        """The weights anew, in 4-byte floats on a processor unless `dtype` says otherwise; an adapter is merged.

        Without `merge` it stays beside its base, and can be switched off.
        """


class AskLoaded(Protocol):
    """Asks a model in memory, such as one in training."""

    def __call__(self, loaded: Loaded, requests: Sequence[Request], /) -> Sequence[Choice]:
        """One reply to each request, in their order; the model is in evaluation mode meanwhile, and then as it was.

        Raises:
            BadInput: the model cannot be asked so, or a request does not fit it.
        """


@dataclass(frozen=True, slots=True)
class RoundStart:
    """What was decided when a round began: how many requests it makes, and how large the machine pool was."""

    requests: int
    tasks: int


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """Of a record that an earlier run published: run, id, the beginning of what is compared, hashes of its shingles."""

    run: str
    record: str
    text: str
    shingles: "NDArray[np.uint64]"


class PublishedIndex(Protocol):
    """What earlier runs published, as far as this run knew of it when it began."""

    def __len__(self) -> int:
        """How many records."""

    def alike(self, signature: "NDArray[np.uint32]") -> Sequence[PublishedRecord]:
        """Those that share a band with a MinHash signature, the earliest published first."""


T = TypeVar("T")


class Pool:
    """Seeds, and what earlier rounds kept: frozen while a round runs."""

    def __init__(self, seeds: Sequence[Task] = (), tasks: Sequence[Task] = (), seen: Sequence[Task] = ()) -> None:
        """`tasks` may be shown as demonstrations; `seen` is every task an `ordered` stage ever let pass."""
        self.seeds, self.tasks, self.seen = tuple(seeds), tuple(tasks), tuple(seen)
        self._indexes: dict[str, object] = {}

    def index(self, name: str, build: Callable[[Sequence[Task]], T]) -> T:
        """The index of that name, built once from seeds and `seen`; whoever uses it adds what it keeps.

        It outlives rounds (`after`), so that a round does not pay for the ones before it.
        """
        if name not in self._indexes:
            self._indexes[name] = build((*self.seeds, *self.seen))
        return cast("T", self._indexes[name])  # the caller's own `build` made it

    def after(self, tasks: Sequence[Task], seen: Sequence[Task]) -> "Pool":
        """The pool of the next round: these were kept, those let pass; the indexes have already grown by `seen`."""
        grown = Pool(self.seeds, (*self.tasks, *tasks), (*self.seen, *seen))
        grown._indexes = self._indexes
        return grown


class Doing(Protocol):
    """Tells whoever waits what a long stage is about; results never depend on it."""

    def __call__(self, what: str, done: int, of: int) -> None:
        """So many of so many; `of` is 0 where the whole is unknown."""


def ignore_progress(what: str, done: int, of: int) -> None:
    """Drop the progress: for a stage that runs unwatched."""


def ignore_notice(line: str) -> None:
    """Drop the line: for a stage that runs unwatched."""


def none_known(_record: Task, /) -> Sequence[str]:
    """No ancestors: for a run whose lineage is not at hand."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All a stage may reach for.

    Flat, though some fields serve one stage of ours (`ancestors` tracing, `index` near-duplicates, `hidden_states`
    training a judge, `ask_loaded` tuning, `before` feedback; `guidance`, `wanted` and `rounds` proposing): a stage of
    one's own may declare that it needs them, too. Which of them a stage takes stands in its `needs`, and is held to
    them by the test of needs, which reads `bench.NAME`; parts would hide that and lengthen every use.
    """

    pool: Pool = field(default_factory=Pool)
    models: Mapping[str, Model] = field(default_factory=dict)
    scorers: Mapping[str, TokenScorer] = field(default_factory=dict)
    """By role, for stages that measure how likely a text is."""
    benchmarks: Mapping[str, Sequence[Task]] = field(default_factory=dict)
    """By the name the recipe gives (`against`): what a set must not contain."""
    ancestors: Callable[[Task], Sequence[str]] = none_known
    """Of a record, a line for each that it was made of, nearest first, up to its seeds."""
    index: PublishedIndex | None = None
    """For stages that compare with what earlier runs published."""
    judges: Mapping[str, Tone] = field(default_factory=dict)
    """By name, for stages that ask whether a text answers."""
    weights: Mapping[str, Weights] = field(default_factory=dict)
    """By role, for stages that train a model or look into it."""
    hidden_states: HiddenStates | None = None
    """For stages that learn from what a small model makes of replies."""
    ask_loaded: AskLoaded | None = None
    """For stages that ask a model which they train."""
    built: Mapping[str, Path] = field(default_factory=dict)
    """What earlier stages of this run built, by name."""
    before: Mapping[str, Path] = field(default_factory=dict)
    """What the cycle before this one built, by name; empty in the first."""
    guidance: Mapping[str, float] = field(default_factory=dict)
    """How gladly each known task is shown as a demonstration, by id, as the last cycle's feedback says; else 1."""
    wanted: Mapping[str, float] = field(default_factory=dict)
    """Kinds of task that some of the requests are to name, and how often against each other; empty: none is named."""
    scratch: Path = Path()
    """A folder that survives a kill: checkpoints go here, results do not."""
    doing: Doing = ignore_progress
    """For stages that are long silent: they tell here how far they are."""
    notice: Callable[[str], None] = ignore_notice
    """A line for whoever waits, such as where the time went; no part of the results."""
    seed: int = 42
    stage: str = ""
    rounds: tuple[RoundStart, ...] = (RoundStart(1, 0),)
    """Every round so far; the last is the one that runs."""

    @property
    def requests(self) -> int:
        """How many requests a `source` stage may make now."""
        return self.rounds[-1].requests

    @property
    def first_request(self) -> int:
        """Index, in the run, of this round's first request."""
        return sum(start.requests for start in self.rounds[:-1])

    def random(self, index: int) -> Random:
        """Randomness for request or record number `index`, drawn from (run seed, stage, round, index)."""
        name = f"{self.seed}/{self.stage}/{len(self.rounds)}/{index}"
        return Random(int.from_bytes(hashlib.sha256(name.encode()).digest()))  # noqa: S311 - not for secrets


class Stage(Protocol):
    """A step of a recipe.

    A class of one's own that derives from it needs nothing unless it says so.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised when behaviour changes: part of the fingerprint."""
    scope: ClassVar[Scope]

    @property
    def needs(self) -> Needs:
        """What it asks of the engine, as its knobs stand."""
        return NOTHING

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """For each record exactly one of Kept, Rejected and Failed; a `source` makes its own.

        `records` may lie on disk: it can be read from the start any number of times, and is not to be copied.
        """
