"""The part of the page for the loop: cycle after cycle, where the student fails, and what comes next."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.cells import DASH, change_cell, count_cell, flag_cell, number_cell, share_cell
from selfinstruct.report.curve_charts import Across, Line, lines
from selfinstruct.report.drawing import FAILED, KEPT, SEED
from selfinstruct.report.json_values import Estimate, estimate_in, number_in, part, rows, texts_in
from selfinstruct.report.markup import figure, folded, table
from selfinstruct.report.phrases import number, plural, prose
from selfinstruct.report.summary import CycleCount, Measure, RunSummary

_NOTHING = " nothing in particular, as no kind with prompts enough to tell is failed on more than the rest."
_ROWS = 60  # cells that are read; all of them stand in feedback.json


def cycles(story: RunSummary) -> str:
    """A line for each cycle, and their curves; empty for a recipe without a loop."""
    told = story.cycles
    if not told:
        return ""
    lines_told = [
        (
            number(one.number),
            _rounds(one),
            prose(one.decision, 200),
            _asks(one.asks_for, steers=one.steers),
            number(one.tasks),
            share_cell(one.ifs),
            change_cell(one.gain),
            number_cell(one.nearest),
            number_cell(one.distinct_2),
        )
        for one in told
    ]
    head = (
        *("Cycle", "Rounds", "Decision", "The next asks for", "Tasks", "IFS", "Gain"),
        *("Nearest ROUGE-L", "Different word pairs"),
    )
    found = table(head, lines_told, words=4, label="Cycles of the loop", dense=True)
    note = (
        "IFS is that of the student on the prompts that steer; its gain is over the cycle before, on the same prompts. "
        "A nearest neighbour that comes nearer, or word pairs that repeat (distinct-2 falling), means a collapse."
    )
    return f"<p>{note}</p>{_drawn(told)}{found}"


def feedback(measure: Measure, which: str) -> str:
    """Where the student does not answer; empty where the value is of another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    cells = rows(told.get("cells"))
    if "prompts" not in told or "failures" not in told:
        return ""
    gain = estimate_in(told.get("gain"))
    rose = f" IFS changed by {change_cell(gain)} since the cycle before." if gain else ""
    plateau = " It no longer rises." if told.get("plateau") is True else ""
    steering = [one for one in cells if one.get("steers") is True]
    others = [one for one in cells if one.get("steers") is not True]
    asks = texts_in(told.get("asks_for"))
    steers = told.get("steers")
    wanted = _asks(asks, steers=steers if isinstance(steers, bool) else None)
    return (
        f"<h3>Where the student does not answer</h3><p>{count_cell(told.get('failures'))} of "
        f"{count_cell(told.get('prompts'))} prompts, IFS {number_cell(told.get('ifs'))}.{_inline(rose)}{plateau} "
        f"{count_cell(told.get('weighed'))} demonstrations are drawn more or less often for it.</p>"
        f"<p><strong>The next cycle asks for more of:</strong>{'' if asks else _NOTHING}</p>{wanted if asks else ''}"
        f"{_cells(steering)}"
        f"{folded('Kinds of prompt that tell too little to steer', _cells(others))}"
    )


def _rounds(one: CycleCount) -> str:
    first, last = one.rounds
    if last < first:
        return "none needed"
    return number(first) if first == last else f"{number(first)} to {number(last)}"


def _asks(asked: Sequence[str], *, steers: bool | None) -> str:
    if not asked:
        return DASH
    counted = "<p>Counted only: it does not steer.</p>" if steers is False else ""
    return f"{counted}<ul>{''.join(f'<li>{prose(one, 200)}</li>' for one in asked)}</ul>"


def _drawn(told: Sequence[CycleCount]) -> str:
    if len(told) < 2:
        return ""
    across = Across("cycle", [(float(one.number), number(one.number)) for one in told])
    tone = Line(KEPT, [(float(one.number), one.ifs) for one in told if one.ifs])
    near = Line(FAILED, [(float(one.number), Estimate(one.nearest)) for one in told if one.nearest is not None])
    pairs = Line(SEED, [(float(one.number), Estimate(one.distinct_2)) for one in told if one.distinct_2 is not None])
    said = f"{plural(len(told), 'cycle')} of the loop"
    rise = figure(
        "Does the student answer more?",
        lines("cycles-ifs", f"IFS of the student over {said}", [tone], across, up="IFS", share=True),
        note="with its 95 % interval where that is known",
        nothing="no cycle was scored",
    )
    new = figure(
        "Is what it learns from still new?",
        lines("cycles-new", f"Novelty over {said}", [near, pairs], across, up="share", share=True),
        legend=(("--failed", "nearest ROUGE-L: lower is newer"), ("--seed", "distinct-2: higher is richer")),
        nothing="neither was measured",
    )
    return f'<div class="pair">{rise}{new}</div>'


def _cells(found: Sequence[Mapping[str, Json]]) -> str:
    lines_told = []
    for one in found[:_ROWS]:
        factor = number_in(one.get("factor"))
        lines_told.append(
            (
                prose(str(one.get("feature", "")), 40) or DASH,
                prose(str(one.get("cell", "")), 120) or DASH,
                count_cell(one.get("prompts")),
                count_cell(one.get("failures")),
                number_cell(one.get("share")),
                DASH if factor is None else f"&times; {factor:.2f}",
                flag_cell(one.get("steers")),
            )
        )
    head = ("Told by", "Kind of prompt", "Prompts", "Not answered", "Share", "Weight", "Steers")
    more = len(found) - _ROWS
    rest = f"<p>{plural(more, 'more kind')} in feedback.json.</p>" if more > 0 else ""
    return table(head, lines_told, words=2, label="Kinds of prompt and how the student did") + rest


def _inline(cell: str) -> str:
    """A cell's interval within a sentence."""
    return cell.replace("<small>", " (").replace("</small>", ")")
