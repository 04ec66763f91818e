"""The sections about records: what became of them, how new they are, what they look like and cost."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from selfinstruct.report import drawing, record_charts
from selfinstruct.report.number_words import money, number, share
from selfinstruct.report.page_parts import Cell, Figure, LegendKey, Section, Table, row
from selfinstruct.report.summary import (
    SAMPLE_SEED,
    Count,
    PublishedExample,
    RejectedExample,
    RunSummary,
    Spending,
    TextFigures,
)

_KEPT, _REJECTED, _FAILED = (
    LegendKey("--kept", "kept"),
    LegendKey("--rejected", "rejected"),
    LegendKey("--failed", "failed"),
)
_PUBLISHED, _SEEDS = LegendKey("--kept", "published"), LegendKey("--seed", "seeds")
_FIRST_WORDS, _REASONS = 20, 12


@dataclass(frozen=True, slots=True)
class FunnelSection:
    """Received, kept, rejected and failed, by stage and by reason, with sums that close."""

    template: ClassVar[str] = "funnel.html.jinja"
    run: RunSummary
    stages: Figure
    reasons: Figure
    by_stage: Table
    by_reason: Table

    @classmethod
    def of(cls, run: RunSummary) -> "FunnelSection | None":
        """None where no record ever came in."""
        if run.only_measured:
            return None
        reasons = [(stage.name, reason) for stage in run.stages for reason in stage.rejected]
        reasons.sort(key=lambda pair: -pair[1].count)
        by_name: Counter[str] = Counter()  # two stages may reject for the same reason
        for _, reason in reasons:
            by_name[reason.name] += reason.count
        merged = [Count(name, count) for name, count in by_name.items()]
        return cls(
            run,
            stages=Figure(
                caption="Stage by stage",
                chart=record_charts.funnel(run.stages),
                note="the number beside each bar is what went on",
                legend=(_KEPT, _REJECTED, _FAILED) if run.failed_records else (_KEPT, _REJECTED),
                nothing="no record reached the first stage",
            ),
            reasons=Figure(
                caption="Why candidates were rejected",
                chart=record_charts.ranking("Rejections by reason", merged, top=_REASONS, colour=drawing.REJECTED),
                note="shares of all rejections",
                nothing="nothing was rejected",
            ),
            by_stage=Table(
                ("Stage", "Received", "Kept", "Rejected", "Failed", "Sum"),
                [
                    (
                        *row(stage.name, number(stage.received), number(stage.kept), number(stage.rejections)),
                        Cell(number(stage.failed)),
                        Cell(f"{number(stage.unaccounted)} missing", strong=True)
                        if stage.unaccounted
                        else Cell("closes"),
                    )
                    for stage in run.stages
                ],
                label="Records by stage",
            ),
            by_reason=Table(
                ("Reason", "Stage", "Rejected", "Of candidates"),
                [
                    row(reason.name, stage, number(reason.count), share(reason.count, run.candidates))
                    for stage, reason in reasons
                ],
                words=2,
                total=row("All reasons", "", number(run.rejections), share(run.rejections, run.candidates)),
                label="Rejections by reason",
            ),
        )


@dataclass(frozen=True, slots=True)
class RoundsSection:
    """What each round brought, and whether the tasks grew alike."""

    template: ClassVar[str] = "rounds.html.jinja"
    rounds: int
    requests: int
    candidates: int
    kept: int
    topic: str
    """Empty where there was none, or no proposal was looked at for it."""
    on_topic: int
    looked_at: int
    """Proposals that were compared with the topic's words."""
    on_topic_at: tuple[str, str] | None
    """Shares in the first and in the last round; None where there was only one."""
    per_round: Figure
    novelty: Figure

    @classmethod
    def of(cls, run: RunSummary) -> "RoundsSection | None":
        """None where a recipe has no rounds."""
        if run.without_rounds:
            return None
        looked = [count for count in run.rounds if count.told_of_topic]
        ends = (
            [share(count.on_topic, count.told_of_topic) for count in (looked[0], looked[-1])] if len(looked) > 1 else []
        )
        return cls(
            rounds=len(run.rounds),
            requests=sum(count.requests for count in run.rounds),
            candidates=sum(count.candidates for count in run.rounds),
            kept=sum(count.kept for count in run.rounds),
            topic=run.topic if looked else "",
            on_topic=sum(count.on_topic for count in looked),
            looked_at=sum(count.told_of_topic for count in looked),
            on_topic_at=(ends[0], ends[1]) if ends else None,
            per_round=Figure(
                caption="Kept per round",
                chart=record_charts.rounds(run.rounds),
                legend=(_KEPT, LegendKey("--rejected", "not kept")),
                nothing="there was no round",
            ),
            novelty=Figure(
                caption="Novelty over the rounds",
                chart=record_charts.novelty_by_round(run.rounds, run.threshold),
                note="nearest neighbour of each task that novelty let pass: median and middle half; lower is newer",
                nothing="novelty was not measured",
            ),
        )


@dataclass(frozen=True, slots=True)
class NoveltySection:
    """Nearest neighbours, and what other thresholds would do."""

    template: ClassVar[str] = "novelty.html.jinja"
    measured: bool
    threshold: float | None
    neighbours: Figure
    other_thresholds: Figure
    thresholds: Table

    @classmethod
    def of(cls, run: RunSummary) -> "NoveltySection | None":
        """None where a recipe has no rounds."""
        if run.without_rounds:
            return None
        kept = sorted(value for count in run.rounds for value in count.nearest_kept)
        rejected = sorted(value for count in run.rounds for value in count.nearest_rejected)
        return cls(
            measured=bool(kept or rejected),
            threshold=run.threshold,
            neighbours=Figure(
                caption="Nearest neighbours",
                chart=record_charts.nearest(kept, rejected, run.threshold),
                note="1 means word for word the same, 0 no word in common",
                legend=(_KEPT, LegendKey("--rejected", "rejected as too similar")),
                nothing="novelty was not measured",
            ),
            other_thresholds=Figure(
                caption="What another threshold would reject",
                chart=record_charts.similarity_curve(sorted([*kept, *rejected]), run.threshold),
                note="from the neighbours as stored; an upper bound, since a task that goes no longer blocks others",
                nothing="novelty was not measured",
            ),
            thresholds=Table(
                ("Threshold", "Kept tasks that would go", "Share", "Rejected that would pass"),
                [
                    row(
                        f"{at:.2f}",
                        number(record_charts.above(kept, at)),
                        share(record_charts.above(kept, at), len(kept)),
                        number(len(rejected) - record_charts.above(rejected, at)),
                    )
                    for at in record_charts.THRESHOLDS
                ],
                label="Thresholds",
            ),
        )


@dataclass(frozen=True, slots=True)
class TextShapesSection:
    """Lengths, first words, classification, beside the seeds and the paper."""

    template: ClassVar[str] = "texts.html.jinja"
    sampled: tuple[tuple[str, int, int], ...]
    """Which tasks of a large set were read: whose, how many, of how many."""
    seed: int
    """With which they were drawn."""
    statistics: Table
    lengths: tuple[Figure, ...]
    first_words: Figure
    finish_reasons: Figure

    @classmethod
    def of(cls, run: RunSummary) -> "TextShapesSection | None":
        """None where no record ever came in."""
        if run.only_measured:
            return None
        machine, human = run.machine, run.human
        legend = tuple(key for key, texts in ((_PUBLISHED, machine), (_SEEDS, human)) if texts.tasks)
        return cls(
            sampled=tuple(
                (whose, len(texts.instruction), texts.tasks)
                for whose, texts in (("published tasks", machine), ("seeds", human))
                if texts.sampled
            ),
            seed=SAMPLE_SEED,
            statistics=_beside_the_paper(machine, human),
            lengths=tuple(
                Figure(
                    caption=f"Length of the {what}",
                    chart=record_charts.lengths(what, of_machine, of_human),
                    legend=legend,
                    nothing=f"there is no {what}",
                )
                for what, of_machine, of_human in (
                    ("instruction", machine.instruction, human.instruction),
                    ("input", machine.input, human.input),
                    ("output", machine.output, human.output),
                )
            ),
            first_words=Figure(
                caption="First words of published instructions",
                chart=record_charts.ranking(
                    "First words of the published instructions", machine.first_words, top=_FIRST_WORDS
                ),
                note="the plain first word, whatever it is; often the verb, but nothing was parsed",
                nothing="nothing was published",
            ),
            finish_reasons=Figure(
                caption="How answers ended",
                chart=record_charts.ranking("Finish reasons of all answers", run.finish_reasons, top=8),
                note="finish reasons of every choice; length means cut off at the token limit",
                nothing="no model answered",
            ),
        )


@dataclass(frozen=True, slots=True)
class ExamplesSection:
    """Records to read: some that were published, some that were not, with their nearest neighbours."""

    template: ClassVar[str] = "examples.html.jinja"
    published: tuple[PublishedExample, ...]
    rejected: tuple[RejectedExample, ...]

    @classmethod
    def of(cls, run: RunSummary) -> "ExamplesSection | None":
        """None where no record ever came in."""
        return None if run.only_measured else cls(run.published_examples, run.rejected_examples)


@dataclass(frozen=True, slots=True)
class CallsSection:
    """Requests, tokens and cost by stage and model; failed calls by kind."""

    template: ClassVar[str] = "calls.html.jinja"
    requests: int
    failed: int
    spending: Table
    failures: Table

    @classmethod
    def of(cls, run: RunSummary) -> "CallsSection":
        """There is always something to say of it."""
        cost = run.cost
        sums = (cost.requests, cost.requests - cost.failed, cost.failed, cost.prompt_tokens, cost.completion_tokens)
        return cls(
            cost.requests,
            cost.failed,
            spending=Table(
                ("Stage", "Model", "Requests", "Answered", "Failed", "Prompt tokens", "Answer tokens", "Cost"),
                [_spent(line) for line in run.spending],
                words=2,
                total=row("Together", "", *map(number, sums), money(cost.dollars)),
                label="Requests, tokens and cost",
            ),
            failures=Table(
                ("Failed calls", "Requests", "Share"),
                [row(kind.name, number(kind.count), share(kind.count, cost.failed)) for kind in run.failures],
                total=row("All kinds", number(sum(kind.count for kind in run.failures)), ""),
                label="Failed calls by kind",
            ),
        )


@dataclass(frozen=True, slots=True)
class AgainSection:
    """The command, and the recipe as it ran."""

    template: ClassVar[str] = "again.html.jinja"
    command: str
    recipe: str

    @classmethod
    def of(cls, run: RunSummary) -> "AgainSection":
        """There is always something to say of it."""
        return cls(run.command, run.recipe)


FUNNEL = Section("funnel", "Funnel", "What became of every candidate", first=FunnelSection.of)
ROUNDS = Section("rounds", "Rounds", "Round after round", first=RoundsSection.of)
NOVELTY = Section("novelty", "Novelty", "How new it is", first=NoveltySection.of)
TEXTS = Section("texts", "Texts", "What the tasks look like", first=TextShapesSection.of)
EXAMPLES = Section("read", "Examples", "Read some", first=ExamplesSection.of)
CALLS = Section("calls", "Calls and money", "Model calls and money", first=CallsSection.of)
AGAIN = Section("again", "Run it again", "Run it again", first=AgainSection.of)


def _spent(line: Spending) -> tuple[Cell, ...]:
    about = "about " if line.estimated else ""
    return (
        Cell(line.stage),
        Cell(line.model, limit=80),
        *row(number(line.requests), number(line.answered), number(line.failed)),
        *row(about + number(line.prompt_tokens), about + number(line.completion_tokens)),
        Cell(money(None if line.cost is None else Decimal(line.cost))),
    )


def _beside_the_paper(machine: TextFigures, human: TextFigures) -> Table:
    # Wang et al. 2023 (arXiv 2212.10560), table 1: statistics of the data generated with GPT-3.
    paper = ("52,445", "82,439", "22 %", "44 %", "15.9", "12.7", "18.9")
    names = (
        "Tasks",
        "Instances",
        "Classification tasks",
        "Instances without input",
        "Words in an instruction",
        "Words in an input, where there is one",
        "Words in an output",
    )
    columns = zip(names, _statistics(machine), _statistics(human), paper, strict=True)
    return Table(
        ("On average", "Published", "Seeds", "Self-Instruct paper"),
        [row(*column) for column in columns],
        label="Published tasks beside the seeds and the paper",
    )


def _statistics(texts: TextFigures) -> tuple[str, ...]:
    if not texts.tasks:
        return ("none",) * 7
    decided = texts.tasks - texts.undecided
    return (
        number(texts.tasks),
        number(texts.instances),
        share(texts.classification, decided) if decided else "not asked",
        share(texts.empty_inputs, texts.instances),
        *(
            f"{sum(sizes) / len(sizes):.1f}" if sizes else "none"
            for sizes in (texts.instruction, texts.input, texts.output)
        ),
    )
