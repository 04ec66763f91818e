"""Stage: let a judge model judge answers that are there already: in pairs, by five aspects, by four levels."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.judging.answer_judges import (
    DUMMIES,
    DUMMY,
    AnswerPair,
    AnswerRater,
    LikelihoodJudge,
    ModelJudge,
    PairJudge,
    Rated,
)
from selfinstruct.evaluate.judging.judge_trial import (
    JUDGE_CHECK,
    JudgeTrial,
    KnownPair,
    pairs_of,
    try_pair_judge,
    try_rater,
)
from selfinstruct.evaluate.judging.length_test import length_pairs, length_test
from selfinstruct.evaluate.judging.verdict_parsing import ASPECTS, LEVELS
from selfinstruct.evaluate.judging.win_rates import ComparedPair, over_models, win_numbers
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.needs import OF_JUDGED, Needs, SuiteNeed, optional_role
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope
from selfinstruct.stats import Estimate, by_cluster, counted_json, mean, share

MEASURES = ("pairwise", "just_eval", "user_oriented")
ANSWERS = "suite.jsonl"
"""What the stage `suite` leaves, and a folder of `score --suite` holds."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that a model gave to a question of a suite."""

    question: str
    source: str
    model: str
    wrapper: str
    instruction: str
    text: str

    @property
    def row(self) -> tuple[str, str]:
        """Model and wrapper that gave the answer: a row of the tables."""
        return self.model, self.wrapper


@dataclass(frozen=True, kw_only=True)
class JudgeAnswers:
    """Judge the answers of a `suite`, each judge only after it passed 100 pairs of which the better answer is known.

    `judged.json` has the numbers, `judged.jsonl` every verdict with its reason. Records pass unchanged.
    """

    name: ClassVar[str] = "judge_answers"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    measures: tuple[str, ...] = ("pairwise",)
    """`pairwise` (both orders, against a reference), `just_eval` (five aspects), `user_oriented` (levels A to D)."""
    judge: str = ""
    """Role of the judge model; empty: only judges that count, for `pairwise`."""
    likelihood: str = ""
    """Role of an `hf:` model; by how likely it finds answers, a further judge of `pairwise`, named so."""
    answers: str = ""
    """A folder of `score --suite`, or its `suite.jsonl`, or several parted by commas; empty: what the stage `suite` of
    this run was answered."""
    suite: str = "user_oriented"
    """Whose answers are judged."""
    reference: str = ""
    """The model that others are compared with in pairs, as the answers name it; empty: the last one."""
    check: str = JUDGE_CHECK
    """A file of pairs with a known better answer; if not given, the 100 that are shipped."""
    length_test: int = 200
    """Answers that are put beside their padded and shortened twins, to see whether a judge prefers length; 0: none."""
    max_tokens: int = 512
    """Tokens of a verdict, at most."""
    first: int = 0
    """Only as many questions, from the beginning; 0: all."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        suites = [SuiteNeed(name="judge_check", path=self.check)]
        suites += [SuiteNeed(name="answers", path=path) for path in self._folders]
        each = 2 * ("pairwise" in self.measures) + len({*self.measures} - {"pairwise"}) + 4 * bool(self.length_test)
        return Needs(
            models=optional_role(self.judge),
            answers="numbers",
            scorer=self.likelihood,
            suites=tuple(suites),
            asks_about_answers=each if self.judge else 0,
        )

    @property
    def _folders(self) -> tuple[str, ...]:
        return tuple(filter(None, (folder.strip() for folder in self.answers.split(","))))

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        unknown = [measure for measure in self.measures if measure not in MEASURES]
        if unknown or not self.measures or len({*self.measures}) < len(self.measures):
            what = f"measures: {', '.join(unknown) or 'none is named, or one twice'}"
            raise BadInput(what, place="stage judge_answers", fix=f"name some of: {', '.join(MEASURES)}")
        rated = [measure for measure in self.measures if measure != "pairwise"]
        if rated and not self.judge:
            fix = "name a judge: `judge: ROLE`, or --judge-model SPEC"
            raise BadInput(f"{', '.join(rated)} without a judge model", place="stage judge_answers", fix=fix)
        if self.length_test < 0 or self.first < 0 or self.max_tokens < 1:
            raise BadInput(
                "length_test, first or max_tokens too small", place="stage judge_answers", fix="leave it out"
            )

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        trials, pair_judges = self._tried(bench)
        given = self._given(bench)
        rows = list(dict.fromkeys(answer.row for answer in given))
        facts: dict[str, Json] = {
            "suite": self.suite,
            "questions": len({answer.question for answer in given}),
            "judge": bench.models[self.judge].name if self.judge else None,
            "check": {trial.measure: trial.as_json() for trial in trials.values() if not _counts(trial)},
        }
        lines: list[dict[str, Json]] = []
        models: list[dict[str, Json]] = [{"model": model, "wrapper": wrapper} for model, wrapper in rows]
        if "pairwise" in self.measures:
            facts |= self._pairwise(bench, given, rows, pair_judges, models, lines)
        for measure in self.measures:
            if measure != "pairwise" and trials[measure].passed:
                rater = AnswerRater(bench.models[self.judge], measure, self.max_tokens)
                ratings = list(rater((answer.instruction, answer.text) for answer in given))
                for model, row in zip(models, rows, strict=True):
                    own = [
                        (answer.source, rated)
                        for answer, rated in zip(given, ratings, strict=True)
                        if answer.row == row
                    ]
                    model[measure] = rating_numbers(measure, own, bench.seed)
                for answer, rated in zip(given, ratings, strict=True):
                    lines.append(_line(measure, rater.model.name, answer) | rated.as_json())
        facts["models"] = list[Json](models)
        bench.scratch.mkdir(parents=True, exist_ok=True)
        for name, text in (("judged.json", as_page(facts)), ("judged.jsonl", "".join(map(as_line, lines)))):
            (bench.scratch / name).write_text(text, encoding="utf-8")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_JUDGED, facts)

    def _tried(self, bench: Bench) -> tuple[dict[str, JudgeTrial], list[tuple[PairJudge, JudgeTrial]]]:
        """The trial of the judge model by measure; and who judges pairs, with its own trial where it had one."""
        pairs: tuple[KnownPair, ...] = pairs_of(bench.benchmarks[self.check])
        trials: dict[str, JudgeTrial] = {}
        judges: list[tuple[PairJudge, JudgeTrial]] = []
        for measure in self.measures if self.judge else ():
            model = bench.models[self.judge]
            if measure == "pairwise":
                judge = ModelJudge(model, self.max_tokens)
                trials[measure] = try_pair_judge(judge, pairs)
                judges += [(judge, trials[measure])] if trials[measure].passed else []
            else:
                trials[measure] = try_rater(AnswerRater(model, measure, self.max_tokens), pairs)
            bench.notice(trials[measure].summary)
        if "pairwise" in self.measures:
            judges += [(dummy, try_pair_judge(dummy, pairs)) for dummy in DUMMIES]
            if self.likelihood:
                likely = LikelihoodJudge(bench.scorers[self.likelihood])
                trial = trials["likelihood"] = try_pair_judge(likely, pairs)
                bench.notice(trial.summary)
                judges.append((likely, trial))
        return trials, judges

    def _given(self, bench: Bench) -> list[Given]:
        if self.answers:
            rows: list[Mapping[str, Any]] = [task.extra for path in self._folders for task in bench.benchmarks[path]]
        elif ANSWERS in bench.built:
            text = bench.built[ANSWERS].read_text(encoding="utf-8")
            rows = [json.loads(line) for line in text.splitlines()]
        else:
            fix = "put the stage `suite` before it, or name a folder of `score --suite` (`answers`)"
            raise BadInput("no answers to judge", place="stage judge_answers", fix=fix)
        of_suite = [row for row in rows if row.get("suite") == self.suite]
        answers = [
            Given(*(str(row.get(key) or "") for key in ("id", "source", "model", "wrapper", "prompt", "response")))
            for row in of_suite
        ]
        asked = list(dict.fromkeys(answer.question for answer in answers))
        wanted = {*asked[: self.first or len(asked)]}
        if not answers:
            there = ", ".join(dict.fromkeys(str(row.get("suite")) for row in rows)) or "none"
            raise BadInput(
                f"no answers of the suite {self.suite} (there: {there})",
                place="stage judge_answers",
                fix="name it with `suite`",
            )
        return [answer for answer in answers if answer.question in wanted]

    def _pairwise(
        self,
        bench: Bench,
        given: Sequence[Given],
        rows: Sequence[tuple[str, str]],
        judges: Sequence[tuple[PairJudge, JudgeTrial]],
        models: list[dict[str, Json]],
        lines: list[dict[str, Json]],
    ) -> dict[str, Json]:
        """Fills in what is told of each model, and the lines; returns what is told of all."""
        reference = self._reference(rows)
        other = {answer.question: answer for answer in given if answer.row == reference}
        numbers: dict[tuple[str, str], dict[str, Json]] = {row: {} for row in rows if row != reference}
        for judge, trial in judges:
            for row, by_judge in numbers.items():
                own = [answer for answer in given if answer.row == row and answer.question in other]
                pairs = [AnswerPair(answer.instruction, answer.text, other[answer.question].text) for answer in own]
                comparisons = [
                    ComparedPair(answer.question, answer.source, pair, preference)
                    for answer, pair, preference in zip(own, pairs, judge(iter(pairs)), strict=True)
                ]
                by_judge[judge.name] = win_numbers(comparisons, bench.seed)
                for answer, compared in zip(own, comparisons, strict=True):
                    line = _line("pairwise", judge.name, answer) | compared.preference.as_json()
                    line["believed"] = trial.passed
                    lines.append(line | {"reference": reference[0], "reference_response": other[answer.question].text})
        for model, row in zip(models, rows, strict=True):
            if row in numbers:
                model["pairwise"] = numbers[row]
        believed = next((judge.name for judge, trial in judges if trial.passed), DUMMY)
        answers = [(answer.source, answer.instruction, answer.text) for answer in given if answer.row != reference]
        twins = length_pairs(answers, self.length_test, bench.seed)
        return {
            "reference": reference[0],
            "reference_wrapper": reference[1],
            "by": believed,
            "judges": [
                {
                    "judge": judge.name,
                    "believed": trial.passed,
                    "check": trial.as_json(),
                    "length_test": length_test(judge, twins, bench.seed) if self.length_test else None,
                }
                for judge, trial in judges
            ],
            "over_models": over_models(_rates(numbers, believed)),
        }

    def _reference(self, rows: Sequence[tuple[str, str]]) -> tuple[str, str]:
        if len(rows) < 2:
            fix = "answer the same questions with another model, too: `beside`, or --beside SPEC"
            raise BadInput("pairwise: the answers are of one model", place="stage judge_answers", fix=fix)
        if not self.reference:
            return rows[-1]
        for row in rows:
            if self.reference in {row[0], f"{row[0]}, {row[1]}"}:
                return row
        known = "; ".join(f"{model}, {wrapper}" for model, wrapper in rows)
        raise BadInput(
            f"reference: no answers of '{self.reference}'", place="stage judge_answers", fix=f"one of: {known}"
        )


def _counts(trial: JudgeTrial) -> bool:
    return trial.judge.startswith("likelihood (")


def _line(measure: str, judge: str, answer: Given) -> dict[str, Json]:
    return {
        "measure": measure,
        "judge": judge,
        "id": answer.question,
        "source": answer.source,
        "model": answer.model,
        "wrapper": answer.wrapper,
        "prompt": answer.instruction,
        "response": answer.text,
    }


def _rates(numbers: Mapping[tuple[str, str], Mapping[str, Json]], judge: str) -> dict[str, tuple[float, float]]:
    rates: dict[str, tuple[float, float]] = {}
    for (model, wrapper), by_judge in numbers.items():
        figures = by_judge.get(judge)
        rate = figures.get("win_rate") if isinstance(figures, dict) else None
        unique = figures.get("avg_unique_tokens") if isinstance(figures, dict) else None
        value = rate.get("value") if isinstance(rate, dict) else None
        if isinstance(value, int | float) and isinstance(unique, int | float):
            rates[f"{model}, {wrapper}"] = (float(value), float(unique))
    return rates


def rating_numbers(measure: str, rated: Sequence[tuple[str, Rated]], seed: int) -> dict[str, Json]:
    """Of (source, rating): means of the aspects, or how often each level was given; what failed, by its name.

    >>> rating = Rated(4.0, level="A")
    >>> rating_numbers("user_oriented", [("a", rating), ("b", Rated(None, fault="prose"))], 0)["levels"]
    {'A': 1, 'B': 0, 'C': 0, 'D': 0}
    """
    valued = [(source, rating) for source, rating in rated if rating.value is not None]
    faults = Counter(rating.fault for _, rating in rated if rating.fault)
    numbers: dict[str, Json] = {"rated": len(valued), "faults": dict(faults)}
    if measure == "just_eval":
        numbers |= {name: counted_json(_aspect(name, valued, seed)) for name in ASPECTS}
        return numbers
    levels = Counter(rating.level for _, rating in valued)
    numbers["levels"] = {level: levels[level] for level in LEVELS}
    for name, enough in (("A", "A"), ("A_or_B", "AB")):
        numbers[name] = counted_json(_share([(source, rating.level in enough) for source, rating in valued]))
    return numbers


def _aspect(name: str, valued: Sequence[tuple[str, Rated]], seed: int) -> Estimate | None:
    totals, counts = by_cluster((source, dict(rating.scores)[name], 1) for source, rating in valued)
    return mean(totals, counts, within=(1, 5), seed=seed) if counts else None


def _share(marks: Sequence[tuple[str, bool]]) -> Estimate | None:
    return share(*by_cluster((source, yes, 1) for source, yes in marks))
