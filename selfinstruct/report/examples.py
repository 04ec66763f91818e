"""Records to read: some that were published, some that were not, with their nearest neighbours."""

from selfinstruct.report.markup import text
from selfinstruct.report.phrases import prose
from selfinstruct.report.summary import Published, RejectedExample, RunSummary

_LINE = 240  # a neighbour is shown for comparison, not for reading


def examples(story: RunSummary) -> str:
    """Cards, published tasks first."""
    kept = "".join(_published(task) for task in story.published_examples)
    turned = "".join(_turned(record) for record in story.rejected_examples)
    return (
        "<h3>Published</h3>"
        + (f'<div class="cards">{kept}</div>' if kept else '<p class="nothing">Nothing was published.</p>')
        + "<h3>Rejected</h3>"
        + (f'<div class="cards">{turned}</div>' if turned else '<p class="nothing">Nothing was rejected.</p>')
    )


def _published(task: Published) -> str:
    parts = []
    if task.input.strip():
        parts.append(f"<dt>Input</dt><dd>{text(task.input)}</dd>")
    if task.output.strip():
        parts.append(f"<dt>Output</dt><dd>{text(task.output)}</dd>")
    parts.append(_neighbour(task.nearest, task.rouge_l))
    return f'<article class="card">{text(task.instruction, "said")}<dl>{"".join(parts)}</dl>{_id(task.id)}</article>'


def _turned(record: RejectedExample) -> str:
    why = f'<p class="fine"><span class="tag">{prose(record.reason)}</span> · {prose(record.stage)}</p>'
    parts = _neighbour(record.nearest, record.rouge_l)
    if record.evidence:
        parts += f"<dt>Measured</dt><dd>{prose(record.evidence, _LINE)}</dd>"
    return (
        f'<article class="card turned">{why}{text(record.text, "said", 400)}<dl>{parts}</dl>{_id(record.id)}</article>'
    )


def _neighbour(nearest: str, rouge_l: float | None) -> str:
    if not nearest:
        return ""
    score = "" if rouge_l is None else f", ROUGE-L {rouge_l:.2f}"
    return f"<dt>Nearest neighbour{score}</dt><dd>{text(nearest, limit=_LINE)}</dd>"


def _id(name: str) -> str:
    # The first twelve digits name a record in a run of any size we know; `why` takes them.
    return f'<p class="fine">id <code>{prose(name[:12])}</code></p>' if name else ""
