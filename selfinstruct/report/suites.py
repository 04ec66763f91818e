"""The part of the page for suites: models side by side on each, and by category."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.cells import count_cell, names_of, share_cell, text_cell
from selfinstruct.report.json_values import count_in, estimate_in, part, rows, text_in
from selfinstruct.report.markup import folded, table
from selfinstruct.report.phrases import plural, prose
from selfinstruct.report.summary import Measure

_TITLES = {
    "ifeval": "IFEval: verifiable instructions",
    "superni": "Super-NaturalInstructions, by definition alone",
    "user_oriented": "User-oriented tasks, for people to rate",
}


def suites(measure: Measure, which: str) -> str:
    """Every suite that was asked; empty where the value is of another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    models = rows(told.get("models"))
    return "".join(_suite(name, part(told, "suites", name), models) for name in part(told, "suites")) if models else ""


def _suite(name: str, asked: Mapping[str, Json], models: Sequence[Mapping[str, Json]]) -> str:
    heads = {key: text_in(said) for key, said in part(asked, "measures").items()}
    lines = [
        (
            text_cell(model.get("model")),
            text_cell(model.get("wrapper")),
            *(count_cell(part(model, name).get(key)) for key in ("answered", "failed", "truncated")),
            *(share_cell(estimate_in(part(model, name, "measures").get(key))) for key in heads),
        )
        for model in models
    ]
    head = ("Model", "Wrapper", "Answers", "Failed", "Truncated", *heads.values())
    left = count_in(asked.get("left_out"))
    said = f"; {plural(left, 'question')} left out, as no language can be told here" if left else ""
    return (
        f"<h3>{prose(_TITLES.get(name, name), 80)}</h3>"
        f"<p>{plural(count_in(asked.get('questions')) or 0, 'question')} of "
        f"{text_cell(asked.get('reads'))}, greedy, at most {count_cell(asked.get('max_tokens'))} tokens{said}. "
        f"Intervals: 95 %, by source.</p>{table(head, lines, words=2, label=name, dense=True)}"
        f"{folded('By category', _by_category(name, heads, models))}"
    )


def _by_category(name: str, heads: Mapping[str, str], models: Sequence[Mapping[str, Json]]) -> str:
    shown = [key for key in heads if any(key in part(one) for model in models for one in _categories(model, name))]
    lines = []
    for category in names_of(part(model, name, "by_category") for model in models):
        for model in models:
            found = part(model, name, "by_category", category)
            count = count_cell(part(found, shown[0]).get("n")) if shown else ""
            numbers = (share_cell(estimate_in(found.get(key))) for key in shown)
            lines.append((prose(category, 60), text_cell(model.get("model")), count, *numbers))
    head = ("Category", "Model", "n", *(heads[key] for key in shown))
    return table(head, lines, words=2, label=f"{name} by category", dense=True)


def _categories(model: Mapping[str, Json], name: str) -> Sequence[Json]:
    return list(part(model, name, "by_category").values())
