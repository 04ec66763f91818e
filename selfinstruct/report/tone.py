"""The part of the page for scores of tone: models side by side, corrected for the judge's errors, and compared."""

from collections.abc import Iterable, Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report import side_charts
from selfinstruct.report.cells import (
    DASH,
    change_cell,
    count_cell,
    decimals,
    number_cell,
    share_cell,
    text_cell,
)
from selfinstruct.report.json_values import count_in, estimate_beside, estimate_in, number_in, part, rows, text_in
from selfinstruct.report.markup import figure, folded, table
from selfinstruct.report.phrases import number, plural, prose
from selfinstruct.report.summary import Measure

_NUMBERS = {
    "ifs": "IFS",
    "ifs_partial": "Partial",
    "ifs_full": "Full",
    "gap": "Gap",
    "ifs_clean": "Clean",
    "run_on": "Run on",
    "empty": "Empty",
    "echo": "Echo",
    "loop": "Loop",
    "truncated": "Truncated",
}
_WIDE = {"ifs": "IFS", "ifs_partial": "Partial", "ifs_full": "Full"}
_CORRECTED = ("ifs", "ifs_partial", "ifs_full", "gap")
_COMPARED = ("ifs", "ifs_clean", "ifs_partial", "ifs_full", "gap")
_LEGEND = (("--rejected", "partial"), ("--kept", "full"), ("--ink", "IFS, 95 % interval"))

_Side = Mapping[str, Json]


def tone(measure: Measure, which: str) -> str:
    """Everything a score says; empty where the value is no score. `which` tells drawings of several scores apart."""
    told = part(measure.value)
    sides = [one for one in rows(told.get("scores")) or [told] if "ifs" in one and "n" in one]
    if not sides:
        return ""
    drawn = figure(
        "Whole and cut prompts",
        side_charts.pairs(f"tone{which}", _aloud(sides), [_pair(one) for one in sides]),
        note="share of responses that answer; the line between the dots is the gap",
        legend=_LEGEND,
        nothing="nothing was judged",
    )
    return (
        f"{_terms(sides)}{drawn}{_table(sides)}{_corrected(sides)}{_with_judge_error(sides)}{_differences(rows(told.get('differences')))}"
        f"{folded('Counts behind the shares', _counts(sides))}"
    )


def _pair(side: _Side) -> side_charts.Pair:
    return side_charts.Pair(
        name=text_in(side.get("model")) or "responses",
        under=text_in(side.get("wrapper")) or "no wrapper named",
        first=number_in(side.get("ifs_partial")),
        second=number_in(side.get("ifs_full")),
        mark=estimate_beside(side, "ifs"),
    )


def _aloud(sides: Sequence[_Side]) -> str:
    first = sides[0]
    ifs = number_in(first.get("ifs"))
    said = "unknown" if ifs is None else f"{ifs:.2f}"
    name = text_in(first.get("model")) or "responses"
    return (
        f"IFS of {plural(len(sides), 'model and wrapper', 'models and wrappers')}; of {name}, the first, it is {said}"
    )


def _terms(sides: Sequence[_Side]) -> str:
    """Under which terms: numbers of other ones do not compare."""
    judges = _distinct(text_in(part(one.get("judge")).get("version")) for one in sides)
    bounds = _distinct(_plain(part(one.get("judge")).get("threshold")) for one in sides)
    tokens = _distinct(_plain(one.get("tone_tokens")) for one in sides)
    budgets = _distinct(_plain(one.get("budget")) for one in sides if one.get("budget"))
    prompts = _distinct(text_in(one.get("prompts")) for one in sides)
    said = [f"Judge of tone: <strong>{text_cell(judges)}</strong>, answer-like from {bounds or DASH} on"]
    said += [f"told from the first {tokens} tokens"] if tokens else []
    said += [f"clean: answers and ends within {budgets} tokens"] if budgets else []
    said += [f"prompts: {prose(prompts, 200)}"] if prompts else []
    failed = sum(count_in(one.get("failed")) or 0 for one in sides)
    unknown = sum(count_in(one.get("unknown_finish")) or 0 for one in sides)
    more = f" {plural(failed, 'call')} got no answer and count in no share." if failed else ""
    more += f" Of {plural(unknown, 'response')} it is not known whether they were cut off." if unknown else ""
    return f"<p>{'; '.join(said)}. Intervals: 95 %, drawn by source.{more}</p>"


def _table(sides: Sequence[_Side]) -> str:
    lines = [
        (*_who(one), count_cell(one.get("n")), *(share_cell(estimate_beside(one, name)) for name in _NUMBERS))
        for one in sides
    ]
    head = ("Model", "Wrapper", "n", *_NUMBERS.values())
    return table(head, lines, words=2, label="Scores of tone by model and wrapper", dense=True)


def _corrected(sides: Sequence[_Side]) -> str:
    """The same shares with the judge's known errors taken out, and those errors."""
    known = [(one, part(one.get("corrected"))) for one in sides if part(one.get("corrected"))]
    lines = [
        (
            *_who(one),
            share_cell(estimate_beside(one, "ifs")),
            *(share_cell(estimate_in(corrected.get(name))) for name in _CORRECTED),
            *(
                number_cell(part(corrected, "judge", prompts).get(rate))
                for prompts in ("whole", "cut")
                for rate in ("sensitivity", "specificity")
            ),
        )
        for one, corrected in known
    ]
    head = (
        *("Model", "Wrapper", "IFS as judged"),
        *("IFS corrected", "Partial", "Full", "Gap"),
        *("Sensitivity, whole", "Specificity, whole", "Sensitivity, cut", "Specificity, cut"),
    )
    if not lines:
        return ""
    return "<h4>Corrected for the judge's errors on labelled completions</h4>" + table(
        head, lines, words=2, label="Scores corrected for the judge's errors", dense=True
    )


def _with_judge_error(sides: Sequence[_Side]) -> str:
    """The same shares with intervals for a kind of model that the judge never saw."""
    known = [(one, part(one.get("with_judge_error"))) for one in sides if part(one.get("with_judge_error"))]
    lines = [(*_who(one), *(share_cell(estimate_in(wide.get(name))) for name in _WIDE)) for one, wide in known]
    if not lines:
        return ""
    told = (
        "The judge errs more on some kinds of model than on others. These intervals hold that, too, from completions"
        " that were read, of models that it did not learn from; reading 60 of yours (<code>score --read 60</code>)"
        " makes them narrow."
    )
    return f"<h4>With the judge's error on a model it never saw</h4><p>{told}</p>" + table(
        ("Model", "Wrapper", *_WIDE.values()), lines, words=2, label="Scores with the judge's error", dense=True
    )


def _differences(found: Sequence[_Side]) -> str:
    """Models under the same wrapper at sight, all other pairs folded: there the wrapper may be what differs."""
    same = [one for one in found if one.get("same_wrapper") is True]
    others = [one for one in found if one.get("same_wrapper") is not True]
    note = "First minus second on the prompts that both answered, in pairs; strong: the interval leaves out 0."
    shown = f"<h4>Differences under the same wrapper</h4><p>{note}</p>{_compared(same)}" if same else ""
    return f"{shown}{folded('Differences under different wrappers', _compared(others))}"


def _compared(found: Sequence[_Side]) -> str:
    lines = [
        (
            text_cell(one.get("of")),
            text_cell(one.get("above")),
            count_cell(one.get("n")),
            *(change_cell(estimate_in(one.get(name))) for name in _COMPARED),
        )
        for one in found
    ]
    head = ("Of", "Over", "Prompts", *(_NUMBERS[name] for name in _COMPARED))
    return table(head, lines, words=2, label="Differences on the same prompts", dense=True)


def _counts(sides: Sequence[_Side]) -> str:
    lines = []
    for one in sides:
        samples = part(one.get("samples"))
        mean, deviation = number_in(samples.get("mean")), number_in(samples.get("deviation"))
        spread = DASH if mean is None or deviation is None else f"{decimals(mean)} &plusmn; {decimals(deviation)}"
        names = ("sources", "n_full", "n_partial", "failed", "unknown_finish")
        counts = (count_cell(one.get(name)) for name in names)
        lines.append((*_who(one), *counts, share_cell(estimate_beside(one, "ifs_cut")), spread))
    head = (
        *("Model", "Wrapper", "Sources", "Whole", "Cut", "Failed calls", "Finish not known"),
        *("Partial without whole sentences", "IFS over samples"),
    )
    return table(head, lines, words=2, label="Counts behind the shares", dense=True)


def _who(side: _Side) -> tuple[str, str]:
    return text_cell(side.get("model")), text_cell(side.get("wrapper"))


def _plain(value: Json) -> str:
    found = number_in(value)
    return "" if found is None else number(int(found)) if found == int(found) else f"{found:g}"


def _distinct(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))
