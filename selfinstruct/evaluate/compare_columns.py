"""What a folder of `score` holds, as marks: for each question, of one model and one measure, how much of how many."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from selfinstruct.evaluate.judging.verdict_parsing import ASPECTS
from selfinstruct.records import digest
from selfinstruct.stats import Estimate
from selfinstruct.tone.response_verdicts import JudgedResponse, Response
from selfinstruct.tone.tone_metrics import IFS, columns_of, counts_for

Line: TypeAlias = Mapping[str, Any]
Mark: TypeAlias = tuple[str, float, int]
"""Source, sum of values, and how many they are."""

FILES: Mapping[str, str] = {
    "score.json": "responses.jsonl",
    "objecqa.json": "objecqa.jsonl",
    "suite.json": "suite.jsonl",
    "evaluation.json": "answers.jsonl",
    "judged.json": "judged.jsonl",
    "rated.json": "rated.jsonl",
    "harness.json": "harness.jsonl",
    "shift.json": "shift.jsonl",
    "knowledge.json": "",
}
"""Pages of numbers that a folder may hold, and the lines that they are made of; empty: the page has all."""

_LM_EVAL, _NATINST, _ALPACA, _FASTCHAT, _JUST = "lm-eval", "Natural Instructions", "AlpacaEval", "FastChat", "just-eval"
ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "ifeval prompt_strict": {_LM_EVAL: "prompt_level_strict_acc"},
    "ifeval prompt_loose": {_LM_EVAL: "prompt_level_loose_acc"},
    "ifeval instruction_strict": {_LM_EVAL: "inst_level_strict_acc"},
    "ifeval instruction_loose": {_LM_EVAL: "inst_level_loose_acc"},
    "superni rouge_l": {_NATINST: "rougeL"},
    "superni exact_match": {_NATINST: "exact_match"},
    "pairwise win_rate": {_ALPACA: "win_rate", _FASTCHAT: "win_rate_adjusted"},
    "pairwise length_controlled_winrate": {_ALPACA: "length_controlled_winrate"},
    "just_eval helpful": {_JUST: "helpfulness"},
    "just_eval clear": {_JUST: "clarity"},
    "just_eval factual": {_JUST: "factuality"},
    "just_eval deep": {_JUST: "depth"},
    "just_eval engaging": {_JUST: "engagement"},
}
"""What the same measures are called by others. Columns of the harness have lm-eval's own names."""


@dataclass(frozen=True, slots=True)
class Column:
    """A measure, under the terms without which its numbers do not compare: the judge, the prompts."""

    measure: str
    terms: str


@dataclass(frozen=True, slots=True)
class ModelMarks:
    """The marks of one model by one measure."""

    model: str
    wrapper: str
    column: Column
    marks: Mapping[str, Mark]
    """By question; empty where the number is no mean of marks, and so has no difference in pairs."""
    stated: Estimate | None = None
    """The number as the page tells it; where there is none it is made of the marks."""
    unique_tokens: float | None = None
    """Mean of the answers that a win rate is of."""
    within: tuple[float, float] = (0, 1)
    """The least and the greatest that one mark can be."""
    of_weights: bool = False
    """Told by an audit of the weights: it stands on the row of the model that was asked, under whatever wrapper."""


def measured(page: str, content: Line, lines: Iterable[Line]) -> Iterator[ModelMarks]:
    """Everything that one page of a folder, such as `score.json`, has to tell of each model."""
    if page in _OF_WEIGHTS:
        yield from _OF_WEIGHTS[page](content, lines)
        return
    marks: dict[tuple[str, str, Column], dict[str, Mark]] = {}
    terms = _terms(page, content)
    preferences: dict[tuple[str, str, str], dict[str, Mark]] = {}
    aspects: dict[tuple[str, str, str], dict[str, Mark]] = {}
    for line in lines:
        who = (str(line.get("model") or ""), str(line.get("wrapper") or content.get("wrapper") or ""))
        for measure, question, mark in _OF[page](line):
            column = Column(measure, terms.get(measure, terms.get("", "")))
            marks.setdefault((*who, column), {})[question] = mark
        if line.get("measure") == "pairwise" and isinstance(line.get("preference"), int | float):
            mark = (str(line.get("source")), float(line["preference"]), 1)
            preferences.setdefault((*who, str(line.get("judge"))), {})[str(line.get("id"))] = mark
        for aspect, score in _part(line, "scores").items() if line.get("measure") == "just_eval" else ():
            aspects.setdefault((*who, aspect), {})[str(line.get("id"))] = (str(line.get("source")), float(score), 1)
    for (model, wrapper, column), by_question in marks.items():
        yield ModelMarks(model, wrapper, column, by_question)
    if page == "judged.json":
        yield from _from_judges(content, preferences, aspects)


_ByWho: TypeAlias = Mapping[tuple[str, str, str], Mapping[str, Mark]]


def _from_judges(content: Line, preferences: _ByWho, aspects: _ByWho) -> Iterator[ModelMarks]:
    """Win rates and aspects, with marks; win rates with something held equal, which are no means of marks."""
    for model in content.get("models") or ():
        who = (str(model.get("model") or ""), str(model.get("wrapper") or ""))
        for judge, numbers in _part(model, "pairwise").items():
            name = _pair_measure(content, judge)
            for measure in ("win_rate", "length_controlled_winrate", "unique_token_controlled_winrate"):
                estimate, unique = _estimate(_part(numbers, measure)), numbers.get("avg_unique_tokens")
                if estimate is not None and (name == "pairwise" or measure == "win_rate"):
                    unique = unique if measure == "win_rate" and isinstance(unique, int | float) else None
                    marks = preferences.get((*who, judge), {}) if measure == "win_rate" else {}
                    column = Column(f"{name} {measure}", _judged_terms(content, judge))
                    yield ModelMarks(*who, column, marks, estimate, unique)
        for aspect in ASPECTS:
            estimate = _estimate(_part(_part(model, "just_eval"), aspect))
            if estimate is not None:
                terms = _judged_terms(content, str(content.get("judge")), pair=False)
                column = Column(f"just_eval {aspect}", f"1 to 5, {terms}")
                yield ModelMarks(*who, column, aspects.get((*who, aspect), {}), estimate, within=(1, 5))


def _pair_measure(content: Line, judge: str) -> str:
    """Baselines have a name of their own, so that they are not taken for judges."""
    believed = {str(entry.get("judge")) for entry in content.get("judges") or () if entry.get("believed")}
    return "pairwise" if judge in believed else "baseline"


def _judged_terms(content: Line, judge: str, *, pair: bool = True) -> str:
    against = f" against {content.get('reference')}" if pair else ""
    return f"by {judge}{against}, {content.get('suite')}"


def _estimate(value: Line) -> Estimate | None:
    number, low, high = (value.get(key) for key in ("value", "low", "high"))
    if not isinstance(number, int | float):
        return None
    n, sources = (int(value.get(key) or 0) for key in ("n", "sources"))
    return Estimate(float(number), low, high, n, sources, "bootstrap")


def _terms(page: str, content: Line) -> dict[str, str]:
    """By measure, or for all of the page under the empty name."""
    if page == "score.json":
        scores = content.get("scores") or [content]
        score = scores[0] if scores and isinstance(scores[0], Mapping) else {}
        judge, prompts = _part(score, "judge").get("version"), score.get("prompts")
        return {"": f"judge {judge}, prompts {prompts or 'as given'}, {score.get('tone_tokens')} tokens"}
    if page == "suite.json":
        return {
            f"{suite} {name}": f"{asked.get('reads')}, at most {asked.get('max_tokens')} tokens"
            for suite, asked in _part(content, "suites").items()
            for name in _part(asked, "measures")
        }
    if page in ("judged.json", "rated.json"):
        return {"": _judged_terms(content, str(content.get("judge")), pair=False)}
    if page == "harness.json":
        return {
            f"{task} {metric}": str(entry.get("settings"))
            for task, entry in _part(content, "tasks").items()
            for metric in entry.get("metrics") or ()
        }
    if page == "objecqa.json":
        return {"": f"by rules, questions {content.get('questions')}"}
    judge = _part(content, "judge").get("version")
    return {"": f"at most {content.get('max_tokens')} tokens", f"{IFS.key} on the set": f"judge {judge}"}


def _part(value: Line, name: str) -> Line:
    part = value.get(name)
    return part if isinstance(part, Mapping) else {}


_Marks: TypeAlias = Iterator[tuple[str, str, Mark]]


def _of_score(line: Line) -> _Marks:
    if not isinstance(line.get("answer_like"), bool):
        return
    prompt, source = str(line.get("prompt", "")), str(line.get("source") or line.get("prompt", ""))
    question = digest(prompt, source, bool(line.get("whole")), int(line.get("sample") or 0))[:16]
    judged = _judged(line)
    for metric in columns_of("compare"):
        counted = counts_for(metric, judged)
        if counted is not None:
            yield metric.key, question, (source, float(counted), 1)


def _judged(line: Line) -> JudgedResponse:
    """A response and its verdict, as a line of `responses.jsonl` has them; of flags that it lacks none holds."""
    clean = line.get("clean")
    return JudgedResponse(
        response=Response(
            prompt=str(line.get("prompt", "")),
            text=str(line.get("response", "")),
            finish_reason=str(line.get("finish_reason") or ""),
            whole=bool(line.get("whole")),
            complete=bool(line.get("complete")),
            source=str(line.get("source") or ""),
            sample=int(line.get("sample") or 0),
        ),
        probability=float(line.get("probability") or 0),
        answer_like=bool(line["answer_like"]),
        run_on=str(line.get("run_on") or ""),
        empty=bool(line.get("empty")),
        echo=bool(line.get("echo")),
        loop=bool(line.get("loop")),
        truncated=bool(line.get("truncated")),
        stopped=clean if isinstance(clean, bool) else None,  # what else a clean answer must be stands beside it
    )


def _of_taste(line: Line) -> _Marks:
    if line.get("rules") in ("objective", "subjective"):
        source = str(line.get("id"))
        question = f"{source}/{line.get('phrasing')}/{line.get('sample')}"
        yield "objecqa", question, (source, float(line["rules"] == "objective"), 1)


def _of_suite(line: Line) -> _Marks:
    for name, mark in _part(line, "marks").items():
        if isinstance(mark, list) and len(mark) == 2 and mark[1]:
            yield f"{line.get('suite')} {name}", str(line.get("id")), (str(line.get("source")), mark[0], mark[1])


def _of_answers(line: Line) -> _Marks:
    against = {"agreement_with_teacher": "on the set", "quality_on_held_out_seeds": "on held-out seeds"}
    where = against.get(str(line.get("against")), "on gold answers")
    source = str(line.get("source"))
    question = digest(str(line.get("against")), str(line.get("system")), str(line.get("prompt")))[:16]
    for name, key in (("rouge_l", "rouge_l"), ("exact_match", "exact_match"), (IFS.key, "answer_like")):
        if isinstance(line.get(key), bool | int | float):
            yield f"{name} {where}", question, (source, float(line[key]), 1)


def _of_judges(line: Line) -> _Marks:
    """Levels that a judge gave; of win rates and aspects the page has the numbers."""
    source, question, level = str(line.get("source")), str(line.get("id")), line.get("level")
    if line.get("measure") == "user_oriented" and isinstance(level, str):
        yield "user_oriented A", question, (source, float(level == "A"), 1)
        yield "user_oriented A or B", question, (source, float(level in "AB"), 1)


def _of_knowledge(content: Line, _: Iterable[Line]) -> Iterator[ModelMarks]:
    """Facts right, by both wordings; and facts kept: of those that the base knows by the other wording."""
    base = str(content.get("base") or "")
    facts = [(str(fact.get("record")), _part(fact, "right")) for fact in content.get("facts") or ()]
    for name in dict.fromkeys(name for _, right in facts for name in right):
        all_of_them, kept = dict[str, Mark](), dict[str, Mark]()
        for record, right in facts:
            mine, known = right.get(name) or (), right.get(base) or ()
            all_of_them[record] = (record, float(sum(map(bool, mine))), len(mine))
            asked = [at for at in range(len(mine)) if len(known) == 2 and known[1 - at]]
            if asked:
                kept[record] = (record, float(sum(bool(mine[at]) for at in asked)), len(asked))
        yield ModelMarks(name, "", Column("facts right", "the likeliest of four ends"), all_of_them, of_weights=True)
        if kept:
            column = Column("facts kept", f"the likeliest of four ends, where {base} knows the other wording")
            yield ModelMarks(name, "", column, kept, of_weights=True)


def _of_shift(content: Line, lines: Iterable[Line]) -> Iterator[ModelMarks]:
    """The share of tokens that are not among the base's first three; tails that loop do not count."""
    marks: dict[str, Mark] = {}
    for line in lines:
        record, kinds = str(line.get("record")), [*(line.get("kinds") or ())][: int(line.get("counted") or 0)]
        if kinds:
            marks[record] = (record, float(kinds.count("shifted")), len(kinds))
    terms = f"beside {content.get('base')}, template {content.get('template')}, {content.get('of')}"
    if marks:
        yield ModelMarks(str(content.get("tuned")), "", Column("shifted tokens", terms), marks, of_weights=True)


_OF_WEIGHTS = {"knowledge.json": _of_knowledge, "shift.json": _of_shift}

_OF = {
    "score.json": _of_score,
    "objecqa.json": _of_taste,
    "suite.json": _of_suite,
    "evaluation.json": _of_answers,
    "judged.json": _of_judges,
    "rated.json": _of_judges,
    "harness.json": _of_suite,
}
