"""The section about judged answers: who may judge, win rates beside what they go along with, ratings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_JUDGED
from selfinstruct.records import Json
from selfinstruct.report.json_values import estimate_in, part, rows, text_in
from selfinstruct.report.number_words import DASH, spaced
from selfinstruct.report.page_parts import (
    Cell,
    Section,
    Table,
    count_cell,
    estimate_cell,
    flag_cell,
    number_cell,
    text_cell,
)
from selfinstruct.report.summary import StageMeasure

_RATES = {
    "win_rate": "Win rate",
    "length_controlled_winrate": "Length-controlled",
    "unique_token_controlled_winrate": "Unique tokens held equal",
    "wins_with_unique_tokens": "r with unique tokens, by question",
}
_RATED = {
    "just_eval": ("Five aspects, 1 to 5", ("helpful", "clear", "factual", "deep", "engaging")),
    "user_oriented": ("Levels A to D", ("A", "A_or_B")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSection:
    """What judges made of answers."""

    template: ClassVar[str] = "judged.html.jinja"
    judge: str
    suite: str
    questions: int
    reference: str
    check: Table
    win_rates: Table
    length: Table
    correlation: str
    """Of win rates and unique tokens over models, in words."""
    rated: tuple[Table, ...]

    @classmethod
    def of(cls, measure: StageMeasure) -> "JudgedSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        models = rows(value.get("models"))
        questions = value.get("questions")
        if not models or not isinstance(questions, int):
            return None
        judges = rows(value.get("judges"))
        return cls(
            judge=text_in(value.get("judge")),
            suite=text_in(value.get("suite")),
            questions=questions,
            reference=text_in(value.get("reference")),
            check=_check(value, judges),
            win_rates=_win_rates(models, judges),
            length=_length(judges),
            correlation=_correlation(part(value, "over_models")),
            rated=tuple(table for table in _rated(models) if table.shown),
        )


def _check(value: Mapping[str, Json], judges: Sequence[Mapping[str, Json]]) -> Table:
    checks = [part(value, "check", measure) for measure in part(value, "check")]
    known = {(text_in(check.get("judge")), text_in(check.get("measure"))) for check in checks}
    own = (part(judge, "check") for judge in judges)
    checks += [
        check for check in own if check and (text_in(check.get("judge")), text_in(check.get("measure"))) not in known
    ]
    lines = []
    for check in checks:
        faults = ", ".join(f"{spaced(name)} {count}" for name, count in part(check, "faults").items())
        shares = (estimate_cell(estimate_in(check.get(name))) for name in ("right", "right_where_longer_is_worse"))
        names = (text_cell(check.get("judge")), text_cell(spaced(text_in(check.get("measure")))))
        lines.append((*names, flag_cell(check.get("passed")), *shares, Cell(faults or DASH)))
    head = ("Judge", "Asked for", "Believed", "Right", "Right where longer is worse", "No verdict")
    return Table(head, lines, words=2, label="Which judge knows the better answer", dense=True)


def _win_rates(models: Sequence[Mapping[str, Json]], judges: Sequence[Mapping[str, Json]]) -> Table:
    believed = {text_in(entry.get("judge")): entry.get("believed") for entry in judges}
    lines = []
    for model in models:
        for judge in part(model, "pairwise"):
            rates = part(model, "pairwise", judge)
            lines.append(
                (
                    text_cell(model.get("model")),
                    Cell(judge, limit=80),
                    flag_cell(believed.get(judge)),
                    *(count_cell(rates.get(name)) for name in ("n_wins", "n_draws", "n_wins_base")),
                    *(estimate_cell(estimate_in(rates.get(name))) for name in _RATES),
                    number_cell(rates.get("consistent"), 2),
                )
            )
    head = ("Model", "Judge", "Believed", "Wins", "Ties", "Losses", *_RATES.values(), "Same in both orders")
    return Table(head, lines, words=2, label="Win rates", dense=True)


def _length(judges: Sequence[Mapping[str, Json]]) -> Table:
    lines = [
        (
            text_cell(judge.get("judge")),
            count_cell(part(judge, "length_test", "padded").get("judged")),
            estimate_cell(estimate_in(part(judge, "length_test", "padded").get("longer_preferred"))),
            estimate_cell(estimate_in(part(judge, "length_test", "shortened").get("longer_preferred"))),
            flag_cell(part(judge, "length_test").get("prefers_length")),
        )
        for judge in judges
        if part(judge, "length_test")
    ]
    head = ("Judge", "Answers", "Padded preferred", "Whole preferred to its half", "Prefers length")
    return Table(head, lines, label="Answers beside padded and shortened twins", dense=True)


def _correlation(correlation: Mapping[str, Json]) -> str:
    estimate = estimate_in(correlation.get("r"))
    if not correlation:
        return ""
    said = text_in(correlation.get("says"))
    if estimate is None or estimate.low is None or estimate.high is None:
        return said
    value = f"r = {estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]; in the Camels paper 0.96"
    return f"{value}; {said}" if said else value


def _rated(models: Sequence[Mapping[str, Json]]) -> Iterator[Table]:
    for measure, (title, names) in _RATED.items():
        lines = []
        for model in models:
            ratings = part(model, measure)
            if ratings:
                faults = ", ".join(f"{spaced(name)} {count}" for name, count in part(ratings, "faults").items())
                numbers = (estimate_cell(estimate_in(ratings.get(name)), 2) for name in names)
                lines.append(
                    (text_cell(model.get("model")), count_cell(ratings.get("rated")), *numbers, Cell(faults or DASH))
                )
        yield Table(("Model", "Rated", *(spaced(name) for name in names), "Failed"), lines, label=title, dense=True)


JUDGED = Section("judged", "Judged", "What judges made of answers", {OF_JUDGED: JudgedSection.of})
