"""What one wants to know first of a run, in a handful of numbers."""

from selfinstruct.report.json_values import number_in, part, text_in
from selfinstruct.report.markup import key_figure
from selfinstruct.report.phrases import money, number, plural, rounded, share
from selfinstruct.report.summary import RunSummary
from selfinstruct.report.tuning import before_and_after
from selfinstruct.text import shown


def key_figures(story: RunSummary) -> str:
    """What one wants to know first."""
    failed = f"{plural(story.failed_requests, 'failed call')}" if story.failed_requests else "none failed"
    estimated = "partly estimated" if any(line.estimated for line in story.spending) else "prompts and answers"
    each = story.cost / story.published if story.cost is not None and story.published else None
    whole = story.candidates
    records = [
        key_figure(
            "Published", number(story.published), f"of {number(story.target)} asked for" if story.target else ""
        ),
        key_figure(
            "Candidates", number(whole), "every one accounted for" if not story.complaints else "sums do not close"
        ),
        key_figure("Kept", share(story.published, whole), "of all candidates"),
    ]
    parts = [] if only_measured(story) else records
    parts += _tone(story)
    if story.spending:
        parts += [
            key_figure("Requests", number(story.requests), failed),
            key_figure("Tokens", rounded(story.tokens), estimated),
            key_figure("Cost", money(story.cost), "answers used, US dollars"),
        ]
        if not only_measured(story):
            parts.append(key_figure("Cost per task", money(each) if story.published else "none", "published tasks"))
    return f'<dl class="figures">{"".join(parts)}</dl>'


def only_measured(story: RunSummary) -> bool:
    """No record ever came in: models were asked and measured, as the verb `score` does."""
    return bool(story.measured) and not (story.candidates or story.published or story.seeds) and story.target is None


def first_score(story: RunSummary) -> tuple[float, str] | None:
    """IFS of whatever was scored first, and whose it is; a score with a label stands behind those without."""
    for measure in sorted(story.measured, key=lambda one: bool(one.label)):
        told = part(measure.value)
        ifs = number_in(told.get("ifs"))
        if measure.stage == "score" and ifs is not None:
            who = ", ".join(name for name in (text_in(told.get("model")), text_in(told.get("wrapper"))) if name)
            return ifs, shown(who, 60)
    return None


def _tone(story: RunSummary) -> list[str]:
    """The student's IFS before and after, or that of whatever was scored first."""
    learned = before_and_after(story)
    if learned:
        before, after = learned
        return [key_figure("Student's IFS", f"{after:.2f}", f"{before:.2f} before training")]
    scored = first_score(story)
    return [key_figure("IFS", f"{scored[0]:.2f}", scored[1])] if scored else []
