"""The registry of sections that stages have of their own; what they measured in another shape is a generic table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from selfinstruct.report.ablation import ablation
from selfinstruct.report.answers import answers, split
from selfinstruct.report.fragments import fragments
from selfinstruct.report.judges import judge
from selfinstruct.report.loop import cycles, feedback
from selfinstruct.report.phrases import prose
from selfinstruct.report.suites import suites
from selfinstruct.report.summary import Measure, RunSummary
from selfinstruct.report.taste import taste
from selfinstruct.report.tone import tone
from selfinstruct.report.tuning import tuning

Teller = Callable[[Measure, str], str]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page, written."""

    anchor: str
    link: str
    title: str
    html: str


@dataclass(frozen=True, slots=True)
class OwnSections:
    """The sections of stages, and what was measured beside."""

    sections: tuple[Section, ...]
    rest: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    anchor: str
    link: str
    title: str
    stages: Mapping[str, Teller]
    first: Callable[[RunSummary], str] = lambda story: ""  # noqa: ARG005 - most parts are made of measures alone


_REGISTRY = (
    _Entry("loop", "Loop", "Cycle after cycle", {"feedback": feedback}, cycles),
    _Entry("fragments", "Fragments", "What a judge learns from", {"fragment": fragments}),
    _Entry("judge", "Judge", "How good the judge is", {"train_judge": judge}),
    _Entry("tuning", "Tuning", "How the student learned", {"finetune": tuning}),
    _Entry("tone", "Tone", "Does it answer, or carry on?", {"score": tone}),
    _Entry("taste", "Taste", "Does it take sides?", {"objecqa": taste}),
    _Entry("suites", "Suites", "What a program can mark", {"suite": suites}),
    _Entry("tested", "Test split", "Answers to what was kept aside", {"split": split, "answer_set": answers}),
    _Entry("ablation", "Ablation", "Does it use its instructions?", {"ablate": ablation}),
)


def own_sections(story: RunSummary) -> OwnSections:
    """Each part that has something to tell of this run, in order."""
    sections: list[Section] = []
    rest = list(story.measured)
    for one in _REGISTRY:
        blocks = [one.first(story)]
        mine = [measure for measure in story.measured if measure.stage in one.stages]
        for place, measure in enumerate(mine, 1):
            block = one.stages[measure.stage](measure, f"-{place}" if place > 1 else "")
            if block:
                blocks.append(_headed(measure, block))
                rest.remove(measure)
        html = "".join(blocks)
        if html:
            sections.append(Section(one.anchor, one.link, one.title, html))
    return OwnSections(tuple(sections), tuple(rest))


def _headed(measure: Measure, block: str) -> str:
    """Under the label that the recipe gives the stage, where it gives one."""
    label = measure.label if measure.stage != "feedback" else ""  # there, it names the score that is read
    return f"<h3>{prose(label, 80)}</h3>{block}" if label else block
