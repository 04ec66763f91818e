"""What the page tells: one run as plain values, without a clock, a path or a retry in it.

Two runs that end with the same files must tell the same story, so nothing that depends on timing belongs here: the cost
is that of the answers used, and a failed call is counted once, however often it was tried.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from selfinstruct.records import Json, Task
from selfinstruct.report.json_values import ShownEstimate
from selfinstruct.text import words
from selfinstruct.text.grammar import plural

SAMPLE = 20_000
"""Tasks whose words are read for the page: more change no figure of it by what could be seen."""
SAMPLE_SEED = 0


@dataclass(frozen=True, slots=True)
class Count:
    """How often a name occurred: a reason, a kind of failure, a finish reason, a first word."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCount:
    """What one stage did with the records that came to it, all rounds together.

    `received` of a stage that makes records is what it made: kept and rejected candidates. A request of its that failed
    made none and is counted in `Spending` alone; `failed` here counts records that a failed request was about.

    >>> StageCount(name="novelty", received=10, kept=6, rejected=(Count("too_similar", 3),)).unaccounted
    1
    """

    name: str
    received: int
    kept: int
    rejected: tuple[Count, ...] = ()
    failed: int = 0

    @property
    def rejections(self) -> int:
        """Records that it rejected, for any reason."""
        return sum(reason.count for reason in self.rejected)

    @property
    def unaccounted(self) -> int:
        """Records without a fate: 0, or the folder is damaged."""
        return self.received - self.kept - self.rejections - self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCount:
    """One straight pass: what it asked for, what it made, what was left of it at the end."""

    number: int
    requests: int
    """Requests for new tasks; those about a task that exists are not among them."""
    candidates: int
    kept: int
    """Passed every stage."""
    nearest_kept: tuple[float, ...] = ()
    """For each task that novelty let pass, ROUGE-L of its nearest neighbour (the largest, not the first found)."""
    nearest_rejected: tuple[float, ...] = ()
    """The same for each that it did not."""
    on_topic: int = 0
    """Of those below, such as had a word of the topic."""
    told_of_topic: int = 0
    """Tasks that were looked at for the topic; 0 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleCount:
    """Rounds, stages, a student's score, and what came of it."""

    number: int
    rounds: tuple[int, int]
    """First and last; the last below the first where none was needed."""
    tasks: int
    """Tasks it worked with, those of the cycles before it among them."""
    nearest: float | None
    """Mean ROUGE-L of its new tasks with their nearest neighbours."""
    distinct_2: float | None
    """Of all word pairs in its new instructions, the share of different ones."""
    ifs: ShownEstimate | None
    """Of the student on the prompts that steer."""
    gain: ShownEstimate | None
    """Over the cycle before, on the same prompts."""
    decision: str
    """What was decided at its end, in a few words."""
    asks_for: tuple[str, ...]
    """Kinds of instruction of which the next cycle shows more."""
    steers: bool | None
    """Whether it does so, or the failures were only counted; None where not stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one stage asked of one model, counting answers used."""

    stage: str
    model: str
    requests: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False
    """True when any of the tokens were counted or bounded here, because the endpoint did not say."""
    cost: str | None = None
    """US dollars as a decimal string; None where the price of any answer is unknown."""

    @property
    def answered(self) -> int:
        """Requests that brought an answer."""
        return self.requests - self.failed


@dataclass(frozen=True, slots=True)
class Cost:
    """What the answers took that a run used; total spend, with retries, is in its ledger."""

    by_stage: tuple[Spending, ...]

    @property
    def dollars(self) -> Decimal | None:
        """US dollars; None as soon as one price is unknown."""
        costs = [Decimal(line.cost) for line in self.by_stage if line.cost is not None]
        return sum(costs, Decimal(0)) if len(costs) == len(self.by_stage) else None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(line.prompt_tokens for line in self.by_stage)

    @property
    def completion_tokens(self) -> int:
        """Tokens of all completions."""
        return sum(line.completion_tokens for line in self.by_stage)

    @property
    def tokens(self) -> int:
        """Tokens of prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def estimated(self) -> bool:
        """Some of the tokens were counted or bounded here."""
        return any(line.estimated for line in self.by_stage)

    @property
    def requests(self) -> int:
        """Requests to all models."""
        return sum(line.requests for line in self.by_stage)

    @property
    def failed(self) -> int:
        """Requests that brought no answer."""
        return sum(line.failed for line in self.by_stage)

    def __str__(self) -> str:
        """In short; an unknown price is never 0."""
        price = "price unknown" if self.dollars is None else f"${self.dollars.normalize():f}"
        return f"{price}, {plural(self.tokens, 'token')}, {plural(self.requests, 'request')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFigures:
    """Lengths in words and first words of a set of tasks; of a large one, those of a sample.

    >>> from selfinstruct.records import Instance, Provenance
    >>> river = Task(instruction="Name a river.", provenance=Provenance(stage="seed"))
    >>> texts = TextFigures.of([river, river.grown("instances", instances=(Instance("", "The Tay."),))])
    >>> texts.instruction, texts.output, texts.first_words, texts.empty_inputs
    ((3, 3), (2,), (Count(name='name', count=2),), 1)
    """

    tasks: int = 0
    instances: int = 0
    """Of all tasks together; so are the six below."""
    empty_inputs: int = 0
    classification: int = 0
    undecided: int = 0
    """Tasks not decided to be classification or not."""
    held_out: int = 0
    unlearned: int = 0
    """Tasks with an answer that is not to be learned."""
    instruction: tuple[int, ...] = ()
    """Words of each instruction that was read."""
    input: tuple[int, ...] = ()
    """Of the inputs that are not empty."""
    output: tuple[int, ...] = ()
    first_words: tuple[Count, ...] = ()
    """Most frequent first."""

    @classmethod
    def of(cls, tasks: Iterable[Task], most: int = SAMPLE) -> "TextFigures":
        """Count each task; read the words of at most so many, drawn evenly with `SAMPLE_SEED`, in their order."""
        random = Random(SAMPLE_SEED)  # noqa: S311 - a sample, no secret
        sample: list[tuple[int, Task]] = []
        count = instances = empty = classification = undecided = held_out = unlearned = 0
        for at, task in enumerate(tasks):
            count += 1
            instances += len(task.instances)
            for pair in task.instances:
                empty += not pair.input.strip()
            classification += task.is_classification is True
            undecided += task.is_classification is None
            held_out += task.held_out
            unlearned += bool(task.unlearned)
            if at < most:
                sample.append((at, task))
            elif (place := int(random.random() * count)) < most:  # each task so far has the same chance to be in it
                sample[place] = (at, task)
        instruction, entered, output = list[int](), list[int](), list[int]()
        firsts: Counter[str] = Counter()
        for _, task in sorted(sample, key=lambda drawn: drawn[0]):
            said = words(task.instruction)
            instruction.append(len(said))
            firsts.update(said[:1])
            for pair in task.instances:
                output.append(len(words(pair.output)))
                if pair.input.strip():
                    entered.append(len(words(pair.input)))
        ranked = sorted(firsts.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            tasks=count,
            instances=instances,
            empty_inputs=empty,
            classification=classification,
            undecided=undecided,
            held_out=held_out,
            unlearned=unlearned,
            instruction=tuple(instruction),
            input=tuple(entered),
            output=tuple(output),
            first_words=tuple(Count(word, number) for word, number in ranked),
        )

    @property
    def sampled(self) -> bool:
        """Only some of the tasks were read."""
        return len(self.instruction) < self.tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedExample:
    """A task of the published set, to be read."""

    id: str
    instruction: str
    input: str
    output: str
    nearest: str = ""
    """The instruction of its nearest neighbour; empty where novelty was not measured."""
    rouge_l: float | None = None
    """ROUGE-L with that neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedExample:
    """A record that was rejected, to be read."""

    id: str
    stage: str
    reason: str
    text: str
    """The instruction, or the start of the completion when no task could be read from it."""
    nearest: str = ""
    """The neighbour it was too close to, if that was why."""
    rouge_l: float | None = None
    evidence: str = ""
    """Anything else that was measured, in a few words."""


@dataclass(frozen=True, slots=True)
class StageMeasure:
    """What a stage measured of the whole set, by name."""

    stage: str
    name: str
    value: Json
    label: str = ""
    """What the recipe calls this one of several stages of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """All facts of one run that its page and card state."""

    name: str
    fingerprint: str
    version: str
    models: tuple[str, ...]
    seeds: int
    """How many seed tasks the run began with."""
    target: int | None
    """Tasks asked for; None where the verb has no target, as in `curate`."""
    published: int
    """Tasks that passed the last stage: in the set, or would be if the run stopped here."""
    stopped_because: str
    """A short clause in plain words, without a full stop: `novelty dried up: 4 rounds kept under 1 % of candidates`."""
    stages: tuple[StageCount, ...] = ()
    """In the order of the flow, all rounds together."""
    rounds: tuple[RoundCount, ...] = ()
    topic: str = ""
    """What tasks are to be about; empty: anything."""
    threshold: float | None = None
    """ROUGE-L above which novelty rejects; None where there was no such stage."""
    machine: TextFigures = TextFigures()
    """Figures of the published tasks."""
    human: TextFigures = TextFigures()
    """Figures of the seed tasks."""
    finish_reasons: tuple[Count, ...] = ()
    """Of every choice of every answer; an empty name where the endpoint said nothing."""
    failures: tuple[Count, ...] = ()
    """Failed calls by kind; they sum to the failed requests of `spending`."""
    spending: tuple[Spending, ...] = ()
    measured: tuple[StageMeasure, ...] = ()
    """In the order of the stages that run once; of a loop, those of its last cycle."""
    cycles: tuple[CycleCount, ...] = ()
    """Of a loop; empty where the recipe is walked once."""
    published_examples: tuple[PublishedExample, ...] = ()
    rejected_examples: tuple[RejectedExample, ...] = ()
    command: str = ""
    """What a person types to run it again, without secrets."""
    recipe: str = ""
    """The text of recipe.yaml; shown folded."""
    addresses: tuple[tuple[str, str], ...] = ()
    """Model and base URL, of each that was asked over a network."""

    @property
    def only_measured(self) -> bool:
        """No record ever came in: models were asked and measured, as the verb `score` does."""
        return bool(self.measured) and not (self.candidates or self.published or self.seeds) and self.target is None

    @property
    def without_rounds(self) -> bool:
        """The recipe makes nothing new: its stages run once."""
        return bool(self.stages) and self.target is None and not self.rounds

    @property
    def candidates(self) -> int:
        """Every record that the first stage made or received."""
        return self.stages[0].received if self.stages else 0

    @property
    def rejections(self) -> int:
        """Rejected by any stage."""
        return sum(stage.rejections for stage in self.stages)

    @property
    def failed_records(self) -> int:
        """Records that stopped because a call about them failed."""
        return sum(stage.failed for stage in self.stages)

    @property
    def waiting(self) -> int:
        """Kept by one stage and not yet seen by the next: a run that was stopped in the middle of a round has some."""
        return sum(
            max(0, here.kept - after.received) for here, after in zip(self.stages, self.stages[1:], strict=False)
        )

    @property
    def cost(self) -> Cost:
        """What the answers took that were used."""
        return Cost(self.spending)

    @property
    def complaints(self) -> tuple[str, ...]:
        """Sums that do not close, each as a sentence; none in a sound folder."""
        complaints = [
            f"{stage.name}: received {stage.received} is not kept {stage.kept} + rejected {stage.rejections}"
            f" + failed {stage.failed}"
            for stage in self.stages
            if stage.unaccounted
        ]
        complaints += [
            f"{after.name}: received {after.received}, but {here.name} kept only {here.kept}"
            for here, after in zip(self.stages, self.stages[1:], strict=False)
            if after.received > here.kept
        ]
        if self.stages and self.stages[-1].kept != self.published:
            complaints.append(
                f"published {self.published} is not what {self.stages[-1].name} kept, {self.stages[-1].kept}"
            )
        kinds = sum(kind.count for kind in self.failures)
        if kinds != self.cost.failed:
            complaints.append(f"failed requests {self.cost.failed} are not the sum over their kinds, {kinds}")
        return tuple(complaints)
