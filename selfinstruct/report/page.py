"""The page itself: a story in, one HTML document out that loads nothing and runs nothing."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from selfinstruct.report import examples, measures, sections
from selfinstruct.report.key_figures import first_score, key_figures, only_measured
from selfinstruct.report.phrases import number, plural, prose
from selfinstruct.report.registry import Section, own_sections
from selfinstruct.report.summary import RunSummary

_SECTIONS = (
    ("funnel", "Funnel", "What became of every candidate", sections.funnel),
    ("rounds", "Rounds", "Round after round", sections.rounds),
    ("novelty", "Novelty", "How new it is", sections.novelty),
    ("measures", "Measures", "What was measured", measures.measures),
    ("texts", "Texts", "What the tasks look like", sections.texts),
)
_LAST = (
    ("read", "Examples", "Read some", examples.examples),
    ("calls", "Calls and money", "Model calls and money", sections.calls),
    ("again", "Run it again", "Run it again", sections.again),
)
_GLOSSARY = (
    ("candidate", "a record that the first stage made or read"),
    ("kept, rejected, failed", "passed a stage, stopped there for a reason, lost because a model call about it failed"),
    ("round", "one straight pass through all stages; a round sees only what earlier rounds kept"),
    ("ROUGE-L", "F-measure of the longest common word sequence of two texts, 0 to 1"),
    ("nearest neighbour", "the seed or task with the highest ROUGE-L when the candidate was judged"),
    ("fingerprint", "a hash of everything that decides the result"),
)
_OF_TONE = (
    ("answer-like, continuation-like", "a response that answers its prompt, or carries it on"),
    ("IFS", "of all responses, the share that is answer-like; partial: on cut prompts, full: on whole ones"),
    ("gap", "full minus partial: wide for a base model, narrow for a tuned one"),
    ("clean", "answers, and stops within the tokens allowed, without running on into a new task"),
)


def page(story: RunSummary) -> str:
    """The report as HTML5, to be written as UTF-8; the same story gives the same bytes.

    Every text of the run is escaped, with control characters and bidirectional marks made visible.
    """
    style = files("selfinstruct.report").joinpath("style.css").read_text("utf-8")
    shown = _shown(story)
    body = "".join(f'<section id="{one.anchor}"><h2>{one.title}</h2>{one.html}</section>\n' for one in shown)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # A second lock on the door: were something to slip through the escaping, it could still load and run nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_title(story)} · selfinstruct report</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{_headline(story, shown)}{key_figures(story)}\n<main>\n{body}</main>\n{_footer(story, shown)}"
        "</body>\n</html>\n"
    )


def _shown(story: RunSummary) -> list[Section]:
    """The parts that have something to tell of this run: its records, then its student, then the small print."""
    own = own_sections(story)
    without_rounds = bool(story.stages) and story.target is None and not story.rounds
    left_out = {"rounds", "novelty"} if without_rounds else set()
    left_out |= set() if own.rest else {"measures"}
    left_out |= {"funnel", "texts", "read"} if only_measured(story) else set()
    rest = replace(story, measured=own.rest)
    before, after = (
        [Section(anchor, link, title, tell(rest)) for anchor, link, title, tell in some if anchor not in left_out]
        for some in (_SECTIONS, _LAST)
    )
    return [*before, *own.sections, *after]


def _title(story: RunSummary) -> str:
    return prose(story.name, 120) if only_measured(story) else plural(story.published, "task")


def _headline(story: RunSummary, shown: Sequence[Section]) -> str:
    links = "".join(f'<a href="#{one.anchor}">{one.link}</a>' for one in shown)
    origin = f" from {plural(story.seeds, 'seed')}" if story.seeds else ""
    models = " and ".join(prose(model, 80) for model in story.models)
    said = f"<em>{plural(story.published, 'task')}</em> published{origin}{f' with {models}' if models else ''}"
    ended = f"<p>{_verdict(story)}{prose(story.stopped_because, 300)}</p>"
    if only_measured(story):
        scored = first_score(story)
        said = f"<em>IFS {scored[0]:.2f}</em> of {prose(scored[1])}" if scored else f"<em>{models}</em> measured"
        ended = ""
    places = "; ".join(f"{prose(model, 80)} at <code>{prose(url, 200)}</code>" for model, url in story.addresses)
    asked = f"<p>Asked: {places}</p>" if places else ""
    return (
        f'<header><p class="over">{prose(story.name, 120)} · selfinstruct report</p>'
        f"<h1>{said}</h1>{ended}{asked}<nav>{links}</nav></header>\n"
    )


def _verdict(story: RunSummary) -> str:
    if story.target is None:
        return ""
    if story.published >= story.target:
        return f'<span class="pill reached">Target of {number(story.target)} reached</span>'
    return f'<span class="pill short">{number(story.target - story.published)} short of {number(story.target)}</span>'


def _footer(story: RunSummary, shown: Sequence[Section]) -> str:
    of_tone = any(one.anchor in {"fragments", "judge", "tuning", "tone", "loop"} for one in shown)
    glossary = (*_GLOSSARY, *(_OF_TONE if of_tone else ()))
    words = " ".join(f"<strong>{word}</strong>: {meaning}." for word, meaning in glossary)
    return (
        f"<footer><p>{words}</p><p>Made by selfinstruct {prose(story.version, 40)} · fingerprint "
        f"<code>{prose(story.fingerprint, 64)}</code> · this page is derived from the run folder and loads nothing.</p>"
        "</footer>\n"
    )
