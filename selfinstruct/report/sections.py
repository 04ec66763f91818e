"""The parts of the page that count: funnel, rounds, novelty, texts, calls."""

from collections import Counter
from decimal import Decimal

from selfinstruct.report import charts, drawing
from selfinstruct.report.markup import FAILED, KEPT, REJECTED, figure, table
from selfinstruct.report.phrases import money, number, plural, prose, share
from selfinstruct.report.summary import Count, RunSummary, Texts

_PUBLISHED, _SEEDS = ("--kept", "published"), ("--seed", "seeds")
_FIRST_WORDS, _REASONS = 20, 12


def funnel(story: RunSummary) -> str:
    """Received, kept, rejected and failed, by stage and by reason, with sums that close."""
    if not story.stages:
        return '<p class="nothing">Nothing to draw: no stage has finished.</p>'
    reasons = [(stage.name, reason) for stage in story.stages for reason in stage.rejected]
    reasons.sort(key=lambda pair: -pair[1].count)
    by_name: Counter[str] = Counter()  # two stages may reject for the same reason
    for _, reason in reasons:
        by_name[reason.name] += reason.count
    merged = [Count(name, count) for name, count in by_name.items()]
    stages = figure(
        "Stage by stage",
        charts.funnel(story.stages),
        note="the number beside each bar is what went on",
        legend=(KEPT, REJECTED, FAILED) if story.failed_records else (KEPT, REJECTED),
        nothing="no record reached the first stage",
    )
    ranked = figure(
        "Why candidates were rejected",
        charts.ranking("reasons", "Rejections by reason", merged, top=_REASONS, colour=drawing.REJECTED),
        note="shares of all rejections",
        nothing="nothing was rejected",
    )
    by_stage = table(
        ("Stage", "Received", "Kept", "Rejected", "Failed", "Sum"),
        [
            (
                prose(stage.name),
                *(number(count) for count in (stage.received, stage.kept, stage.rejections, stage.failed)),
                "closes" if not stage.unaccounted else f"<strong>{number(stage.unaccounted)} missing</strong>",
            )
            for stage in story.stages
        ],
        label="Records by stage",
    )
    by_reason = table(
        ("Reason", "Stage", "Rejected", "Of candidates"),
        [
            (prose(reason.name), prose(stage), number(reason.count), share(reason.count, story.candidates))
            for stage, reason in reasons
        ],
        words=2,
        total=("All reasons", "", number(story.rejections), share(story.rejections, story.candidates)),
        label="Rejections by reason",
    )
    folded = f"<details><summary>Every reason in numbers</summary>{by_reason}</details>" if reasons else ""
    return f'{_sums(story)}<div class="pair">{stages}{ranked}</div>{by_stage}{folded}'


def rounds(story: RunSummary) -> str:
    """What each round brought, and whether the tasks grew alike."""
    kept = figure(
        "Kept per round",
        charts.rounds(story.rounds),
        legend=(KEPT, ("--rejected", "not kept")),
        nothing="there was no round",
    )
    near = figure(
        "Novelty over the rounds",
        charts.novelty_by_round(story.rounds, story.threshold),
        note="nearest neighbour of each task that novelty let pass: median and middle half; lower is newer",
        nothing="novelty was not measured",
    )
    return f'{_yield(story)}{_topic(story)}<div class="pair">{kept}{near}</div>'


def _topic(story: RunSummary) -> str:
    """How many of the tasks proposed kept to the topic, and whether that changed."""
    told = [one for one in story.rounds if one.told_of_topic]
    on, of = sum(one.on_topic for one in told), sum(one.told_of_topic for one in told)
    if not story.topic or not of:
        return ""
    first, last = (share(one.on_topic, one.told_of_topic) for one in (told[0], told[-1]))
    change = f": {first} in the first round, {last} in the last" if len(told) > 1 else ""
    return (
        f"<p>Of {plural(of, 'proposal')}, {number(on)} ({share(on, of)}) kept to the topic, "
        f"<b>{prose(story.topic, 200)}</b>, as told by its words{change}.</p>"
    )


def novelty(story: RunSummary) -> str:
    """Nearest neighbours, and what other thresholds would do."""
    kept = [value for one in story.rounds for value in one.nearest_kept]
    rejected = [value for one in story.rounds for value in one.nearest_rejected]
    histogram = figure(
        "Nearest neighbours",
        charts.nearest(kept, rejected, story.threshold),
        note="1 means word for word the same, 0 no word in common",
        legend=(KEPT, ("--rejected", "rejected as too similar")),
        nothing="novelty was not measured",
    )
    curve = figure(
        "What another threshold would reject",
        charts.similarity_curve([*kept, *rejected], story.threshold),
        note="from the neighbours as stored; an upper bound, since a task that goes no longer blocks others",
        nothing="novelty was not measured",
    )
    if not (kept or rejected):
        return f'<div class="pair">{histogram}{curve}</div>'
    rows = [
        (
            f"{at:.2f}",
            number(charts.above(kept, at)),
            share(charts.above(kept, at), len(kept)),
            number(len(rejected) - charts.above(rejected, at)),
        )
        for at in charts.THRESHOLDS
    ]
    numbers = table(
        ("Threshold", "Kept tasks that would go", "Share", "Rejected that would pass"),
        rows,
        words=1,
        label="Thresholds",
    )
    used = f" The run used {story.threshold:g}." if story.threshold is not None else ""
    return (
        "<p>ROUGE-L compares word sequences: it sees repeated wording, not repeated meaning. A set cut at one "
        f"threshold always looks clean above it; look below.{used}</p>"
        f'<div class="pair">{histogram}{curve}</div>'
        f"<details><summary>Thresholds in numbers</summary>{numbers}</details>"
    )


def texts(story: RunSummary) -> str:
    """Lengths, first words, classification, beside the seeds and the paper."""
    machine, human = story.machine, story.human
    legend = tuple(key for key, told in ((_PUBLISHED, machine), (_SEEDS, human)) if told.tasks)
    shapes = "".join(
        figure(
            f"Length of the {what}",
            charts.lengths(f"words-{what}", what, of_machine, of_human),
            legend=legend,
            nothing=f"there is no {what}",
        )
        for what, of_machine, of_human in (
            ("instruction", machine.instruction, human.instruction),
            ("input", machine.input, human.input),
            ("output", machine.output, human.output),
        )
    )
    firsts = figure(
        "First words of published instructions",
        charts.ranking(
            "first-words", "First words of the published instructions", machine.first_words, top=_FIRST_WORDS
        ),
        note="the plain first word, whatever it is; often the verb, but nothing was parsed",
        nothing="nothing was published",
    )
    finished = figure(
        "How answers ended",
        charts.ranking("finish", "Finish reasons of all answers", story.finish_reasons, top=8),
        note="finish reasons of every choice; length means cut off at the token limit",
        nothing="no model answered",
    )
    return f'{_beside_the_paper(story)}<div class="three">{shapes}</div><div class="pair">{firsts}{finished}</div>'


def calls(story: RunSummary) -> str:
    """Requests, tokens and cost by stage and model; failed calls by kind."""
    if not story.spending:
        return "<p>No model was asked.</p>"
    rows = [
        (
            prose(line.stage),
            prose(line.model, 80),
            number(line.requests),
            number(line.answered),
            number(line.failed),
            ("about " if line.estimated else "") + number(line.prompt_tokens),
            ("about " if line.estimated else "") + number(line.completion_tokens),
            money(None if line.cost is None else Decimal(line.cost)),
        )
        for line in story.spending
    ]
    total = (
        "Together",
        "",
        number(story.requests),
        number(story.requests - story.failed_requests),
        number(story.failed_requests),
        number(sum(line.prompt_tokens for line in story.spending)),
        number(sum(line.completion_tokens for line in story.spending)),
        money(story.cost),
    )
    head = ("Stage", "Model", "Requests", "Answered", "Failed", "Prompt tokens", "Answer tokens", "Cost")
    kinds = table(
        ("Failed calls", "Requests", "Share"),
        [(prose(kind.name), number(kind.count), share(kind.count, story.failed_requests)) for kind in story.failures],
        total=("All kinds", number(sum(kind.count for kind in story.failures)), ""),
        label="Failed calls by kind",
    )
    closing = (
        f'<p class="sum">{plural(story.requests, "request")} = '
        f"{number(story.requests - story.failed_requests)} answered + {number(story.failed_requests)} failed. "
        "Cost and tokens are those of the answers used; what retries cost stands in the run's ledger.</p>"
    )
    return closing + table(head, rows, words=2, total=total, label="Requests, tokens and cost") + kinds


def again(story: RunSummary) -> str:
    """The command, and the recipe as it ran."""
    command = f"<pre>{prose(story.command, 4000)}</pre>" if story.command else "<p>The command was not recorded.</p>"
    if not story.recipe:
        return command
    recipe = f"<pre>{prose(story.recipe, 20_000)}</pre>"
    return f"{command}<details><summary>The recipe, every knob written out</summary>{recipe}</details>"


def _sums(story: RunSummary) -> str:
    if story.complaints:
        listed = "; ".join(prose(complaint) for complaint in story.complaints)
        return f'<p class="alarm"><strong>The sums do not close.</strong> {listed}. The folder may be damaged.</p>'
    parts = [f"{number(story.published)} published", f"{number(story.rejections)} rejected"]
    parts += [f"{number(story.failed_records)} failed"] if story.failed_records else []
    parts += [f"{number(story.waiting)} not looked at yet"] if story.waiting else []
    return f'<p class="sum">{plural(story.candidates, "candidate")} = {" + ".join(parts)}.</p>'


def _yield(story: RunSummary) -> str:
    asked = sum(one.requests for one in story.rounds)
    made, kept = sum(one.candidates for one in story.rounds), sum(one.kept for one in story.rounds)
    if not asked:
        return ""
    return (
        f"<p>{plural(len(story.rounds), 'round')} with {plural(asked, 'request')} for new tasks brought "
        f"{made / asked:.1f} candidates and {kept / asked:.1f} kept tasks a request.</p>"
    )


def _beside_the_paper(story: RunSummary) -> str:
    # Wang et al. 2023 (arXiv 2212.10560), table 1: statistics of the data generated with GPT-3.
    paper = ("52,445", "82,439", "22 %", "44 %", "15.9", "12.7", "18.9")
    rows = (
        "Tasks",
        "Instances",
        "Classification tasks",
        "Instances without input",
        "Words in an instruction",
        "Words in an input, where there is one",
        "Words in an output",
    )
    columns = (_statistics(story.machine), _statistics(story.human), paper)
    head = ("On average", "Published", "Seeds", "Self-Instruct paper")
    return table(head, list(zip(rows, *columns, strict=True)), label="Published tasks beside the seeds and the paper")


def _statistics(told: Texts) -> tuple[str, ...]:
    if not told.tasks:
        return ("none",) * 7
    decided = told.tasks - told.undecided
    return (
        number(told.tasks),
        number(told.instances),
        share(told.classification, decided) if decided else "not asked",
        share(told.empty_inputs, told.instances),
        *(
            f"{sum(sizes) / len(sizes):.1f}" if sizes else "none"
            for sizes in (told.instruction, told.input, told.output)
        ),
    )
