"""An ablation as a page of Markdown, read from what `ablation.json` holds: for the console and for notes."""

from collections.abc import Iterator, Mapping
from typing import Any

from selfinstruct.audit.ablate_results import METRICS, Kind
from selfinstruct.text.grammar import plural
from selfinstruct.text.tables import padded_markdown_table

_TITLES: Mapping[Kind, str] = {
    "labels": "Tasks with a label space: exact match",
    "free_text": "Tasks for free text: ROUGE-L",
}


def table(results: Mapping[str, Any]) -> str:
    """Each arm with its score, its difference from what it is compared with, and the verdict; then what follows."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    for kind, title in _TITLES.items():
        count = results["tasks"][kind]
        if not count:
            continue
        yield f"{title}, {plural(count, 'task')}"
        yield ""
        yield from padded_markdown_table(list(_rows(results, kind)))
        yield ""
        beat = results["beat_guessing"][kind]
        listed = ", ".join(map(named, beat)) if beat else "none"
        yield f"Arms that beat what scores without reading the task: {listed}."
        yield ""
    yield from _closing(results)


def _closing(results: Mapping[str, Any]) -> Iterator[str]:
    control = results["control"]
    if control is not None:
        said = {True: "they turn", False: "they do not", None: "cannot tell"}[control["followed"]]
        yield (
            f"Control, labels changed places ({control['tasks']} tasks): answers turn by "
            f"{_signed(control['turned'])} points: {said}."
        )
    concluded = results["conclusion"]
    yield f"Verdict on definitions: {concluded['verdict']} ({concluded['why']})."
    yield (
        "Scores are means over answers; of differences each task counts once. Intervals are 95 %, by task. Equal: "
        f"within {results['margin']:g} points by two one-sided tests; `could show` is the smallest margin that so many "
        "tasks show in four of five runs."
    )


def _rows(results: Mapping[str, Any], kind: Kind) -> Iterator[tuple[str, ...]]:
    yield ("arm", "tasks", "score", "95 %", "compared with", "difference", "95 %", "could show", "verdict")
    compared = {comparison["condition"]: comparison for comparison in results["comparisons"][kind]}
    for arm in (*results["baselines"], *results["arms"]):
        if arm[kind] is None:
            continue
        score, comparison = arm[kind][METRICS[kind]], compared.get(arm["name"])
        mine = (named(arm["name"]), str(arm[kind]["tasks"]), f"{score['value']:.1f}", _interval(score))
        if comparison is None:
            yield (*mine, "", "", "", "", "")
            continue
        change = comparison["difference"]
        could = "-" if comparison["could_show"] is None else f"{comparison['could_show']:.1f}"
        yield (
            *mine,
            named(comparison["against"]),
            f"{change['value']:+.1f}",
            _interval(change),
            could,
            comparison["verdict"],
        )


def curve(by_examples: Mapping[int, Mapping[str, Any]]) -> str:
    """Scores of each arm by the number of examples that it learned of each task, beside what needs no training."""
    return "\n".join(_curve_lines(by_examples)) + "\n"


def _curve_lines(by_examples: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    for kind, title in _TITLES.items():
        arms = dict.fromkeys(
            arm["name"]
            for results in by_examples.values()
            for arm in (*results["baselines"], *results["arms"])
            if arm[kind]
        )
        if not arms:
            continue
        yield f"{title}, by the examples learned of each task"
        yield ""
        yield from padded_markdown_table(
            [("arm", *map(str, by_examples)), *(_along(arm, kind, by_examples) for arm in arms)]
        )
        yield ""


def _along(name: str, kind: Kind, by_examples: Mapping[int, Mapping[str, Any]]) -> tuple[str, ...]:
    cells = [named(name)]
    for results in by_examples.values():
        every = (*results["baselines"], *results["arms"])
        score = next((arm[kind][METRICS[kind]] for arm in every if arm["name"] == name and arm[kind]), None)
        cells.append("-" if score is None else f"{score['value']:.1f} ({_interval(score)})")
    return tuple(cells)


def named(name: str) -> str:
    """An arm as people read it.

    >>> named("wrong_pairing")
    'wrong pairing'
    """
    return name.replace("_", " ")


def _interval(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["low"], estimate["high"]
    return "-" if low is None or high is None else f"{low:.1f} to {high:.1f}"


def _signed(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['value']:+.1f} ({_interval(estimate)})"
