"""The page itself: a run summary in, one HTML document out that loads nothing and runs nothing.

The order of its sections is `SECTIONS`; each is read by a file of its own and shown by a template.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from selfinstruct.needs import OF_FEEDBACK
from selfinstruct.report import (
    audit_sections,
    cycle_sections,
    evaluation_sections,
    judge_sections,
    judged_answer_sections,
    other_measures,
    record_sections,
    student_sections,
    tone_sections,
)
from selfinstruct.report.number_words import (
    dash,
    decimals,
    money,
    number,
    passage,
    rounded,
    share,
    spaced,
    visible,
)
from selfinstruct.report.page_parts import AuditFinding, FilledSection, KeyFigure, Section, SectionBlock
from selfinstruct.report.summary import RunSummary, StageMeasure
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from jinja2 import Environment

AUDITS = (evaluation_sections.ABLATION, audit_sections.SHIFT, audit_sections.KNOWLEDGE, audit_sections.TRACE)
"""Of what was looked into: a page that tells nothing else begins with them."""
SECTIONS: tuple[Section, ...] = (
    record_sections.FUNNEL,
    record_sections.ROUNDS,
    record_sections.NOVELTY,
    other_measures.SECTION,
    record_sections.TEXTS,
    cycle_sections.SECTION,
    judge_sections.FRAGMENTS,
    judge_sections.JUDGE,
    student_sections.SECTION,
    tone_sections.TONE,
    tone_sections.OBJECQA,
    evaluation_sections.SUITES,
    judged_answer_sections.JUDGED,
    evaluation_sections.ANSWERS,
    *AUDITS,
    record_sections.EXAMPLES,
    record_sections.CALLS,
    record_sections.AGAIN,
)
_OF_TONE = frozenset({"fragments", "judge", "tuning", "tone", "loop"})  # sections whose words the foot explains


def page(run: RunSummary) -> str:
    """The report as HTML5, to be written as UTF-8; the same summary gives the same bytes.

    Every text of the run is escaped, with control characters and bidirectional marks made visible.
    """
    shown = sections(run)
    finding = _finding(run, shown)
    if finding:
        first = {section.anchor for section in AUDITS}
        shown.sort(key=lambda section: section.anchor not in first)
    figures = [KeyFigure("Found", finding.number, finding.interval), KeyFigure("In", finding.of)] if finding else []
    figures += _key_figures(run, only_found=finding is not None)
    return rendered("page.html.jinja", run=run, head=_Head.of(run), sections=shown, figures=figures, finding=finding,
                    of_tone=any(section.anchor in _OF_TONE for section in shown))  # fmt: skip


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - what a template is given is its own affair
    """A template of this folder, filled."""
    return _environment().get_template(template).render(values)


def sections(run: RunSummary) -> list[FilledSection]:
    """Those that have something to show of this run, in order; what no other can read stands among the measures."""
    rest = list(run.measured)
    shown = {section.anchor: _blocks(section, run, rest) for section in SECTIONS}
    others = other_measures.other_measures(rest)
    shown[other_measures.SECTION.anchor] = [SectionBlock(others)] if others.measured else []
    return [
        FilledSection(section.anchor, section.link, section.title, tuple(blocks))
        for section in SECTIONS
        if (blocks := shown[section.anchor])
    ]


def _blocks(section: Section, run: RunSummary, rest: list[StageMeasure]) -> list[SectionBlock]:
    """The parts of one section; the measures that it could read are taken out of the rest."""
    first = section.first(run)
    blocks = [] if first is None else [SectionBlock(first)]
    for measure in run.measured:
        part = section.measures[measure.name](measure) if measure.name in section.measures else None
        if part is not None:
            label = measure.label if measure.name != OF_FEEDBACK else ""  # there, it names the score that is read
            blocks.append(SectionBlock(part, label))
            rest.remove(measure)
    return blocks


def _finding(run: RunSummary, shown: list[FilledSection]) -> AuditFinding | None:
    """What an audit found, where the run did nothing but audit a set that was there."""
    if run.rounds or run.seeds or run.rejections or not run.measured:
        return None
    if not all(any(measure.name in section.measures for section in AUDITS) for measure in run.measured):
        return None
    parts = (block.part for section in shown for block in section.blocks)
    audited = (
        audit
        for audit in parts
        if isinstance(
            audit,
            audit_sections.ShiftSection
            | audit_sections.KnowledgeSection
            | audit_sections.TracedSection
            | evaluation_sections.AblationSection,
        )
    )
    return next((audit.finding for audit in audited), None)


@dataclass(frozen=True, slots=True)
class _Head:
    """The title and the first lines."""

    title: str
    scored: tone_sections.FirstScore | None
    """Where nothing but measures was made, what is said instead of published tasks."""
    short_of_target: int | None
    """None where there was no target."""

    @classmethod
    def of(cls, run: RunSummary) -> "_Head":
        title = run.name if run.only_measured else plural(run.published, "task")
        short = None if run.target is None else max(0, run.target - run.published)
        return cls(title, tone_sections.first_score(run) if run.only_measured else None, short)


def _key_figures(run: RunSummary, *, only_found: bool) -> Iterator[KeyFigure]:
    """What one wants to know first."""
    if not (run.only_measured or only_found):
        yield KeyFigure("Published", number(run.published), f"of {number(run.target)} asked for" if run.target else "")
        closes = "sums do not close" if run.complaints else "every one accounted for"
        yield KeyFigure("Candidates", number(run.candidates), closes)
        yield KeyFigure("Kept", share(run.published, run.candidates), "of all candidates")
    learned, scored = student_sections.before_and_after(run), tone_sections.first_score(run)
    if learned:
        yield KeyFigure("Student's IFS", f"{learned[1]:.2f}", f"{learned[0]:.2f} before training")
    elif scored:
        yield KeyFigure("IFS", f"{scored.ifs:.2f}", scored.whose)
    if run.spending:
        cost = run.cost
        yield KeyFigure(
            "Requests", number(cost.requests), plural(cost.failed, "failed call") if cost.failed else "none failed"
        )
        yield KeyFigure("Tokens", rounded(cost.tokens), "partly estimated" if cost.estimated else "prompts and answers")
        yield KeyFigure("Cost", money(cost.dollars), "answers used, US dollars")
        if not (run.only_measured or only_found):
            each = cost.dollars / run.published if cost.dollars is not None and run.published else None
            yield KeyFigure("Cost per task", money(each) if run.published else "none", "published tasks")


@cache
def _environment() -> "Environment":
    """The templates of this folder: everything is escaped, and an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a tenth of a second, and only a page needs it

    made = Environment(
        loader=PackageLoader("selfinstruct.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=_finalized,
    )
    made.filters |= {
        "dash": dash,
        "decimals": decimals,
        "money": money,
        "number": number,
        "passage": passage,
        "plural": plural,
        "share": share,
        "spaced": spaced,
        "units": _units,
    }
    return made


def _finalized(value: object) -> object:
    """A second lock on the door: whatever a template prints without `prose` has no hidden character in it either."""
    return visible(value) if type(value) is str else value


def _units(length: float) -> str:
    """A length within a drawing.

    >>> _units(1.0), _units(2 / 3), _units(-0.001)
    ('1', '0.67', '0')
    """
    return f"{round(length, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
