"""The part of the page for a split set, and for models that answered its test split beside other answers."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.cells import DASH, change_cell, count_cell, names_of, number_cell, share_cell, text_cell
from selfinstruct.report.json_values import count_in, estimate_in, part, rows, text_in
from selfinstruct.report.markup import folded, table
from selfinstruct.report.phrases import plural, prose, share
from selfinstruct.report.summary import Measure

_AGAINST = {
    "agreement_with_teacher": (
        "Agreement with the teacher",
        "beside the answers of the set; where a model wrote them, this is imitation",
    ),
    "quality_on_held_out_seeds": ("Quality on held-out seeds", "to tasks that no model was shown, answered by people"),
    "quality_on_gold": ("Quality on gold answers", "beside the answers of the gold file"),
}
_NUMBERS = {
    "rouge_l": "ROUGE-L",
    "rouge_l_stemmed": "ROUGE-L, stems",
    "exact_match": "Exact match",
    "ifs": "IFS",
    "ifs_clean": "Clean",
    "words": "Words",
    "unique_share": "Unique words",
    "reference_words": "Words in the reference",
    "tokens": "Tokens",
    "truncated": "Truncated",
    "empty": "Empty",
    "echo": "Echo",
    "loop": "Loop",
    "run_on": "Run on",
}
_LONG = frozenset({"words", "unique_words", "reference_words", "tokens"})  # counts, not shares
_BRIEF = ("rouge_l", "exact_match", "ifs", "words")
_COMPARED = ("rouge_l", "rouge_l_stemmed", "exact_match", "ifs", "ifs_clean", "words", "unique_words")

_Told = Mapping[str, Json]


def split(measure: Measure, which: str) -> str:
    """How a set was divided, and how alike the two sides are; empty where the value is of another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    train, test = count_in(told.get("train")), count_in(told.get("test"))
    if train is None or test is None:
        return ""
    highest = part(told.get("highest_across"))
    limits = part(told.get("limits"))
    lines = [
        (
            name,
            number_cell(part(highest, key).get("score")),
            number_cell(limits.get(limit), 2),
            *(text_cell(text_in(part(highest, key).get(side))[:12]) for side in ("test", "train")),
        )
        for name, key, limit in (("Jaccard", "jaccard", "jaccard"), ("ROUGE-L", "rouge_l", "rouge_l_below"))
    ]
    alike = table(
        ("Most alike across", "Estimate", "Limit", "Test record", "Train record"),
        lines,
        label="Most alike across the split",
    )
    groups, several = count_cell(told.get("groups")), count_cell(told.get("groups_of_several"))
    largest, too_large = count_cell(told.get("largest_group")), count_cell(told.get("groups_too_large_to_test"))
    return (
        f"<h3>Split</h3><p>{plural(train, 'record')} to train on, {plural(test, 'record')} "
        f"({share(test, train + test)}) to test on. What is nearly the same stays on one side: "
        f"{groups} groups, {several} of more than one record, the largest of {largest}; {too_large} too large to be "
        f"tested on. Checked afterwards, {count_cell(told.get('checked'))} test records against all "
        f"others:</p>{alike}"
    )


def answers(measure: Measure, which: str) -> str:
    """Models on the same questions, by what their answers are compared with; empty for another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    models = rows(told.get("models"))
    against = [name for name in _AGAINST if any(name in model for model in models)]
    if not against:
        return ""
    differences = rows(told.get("differences"))
    blocks = (
        _against(name, told, models, [one for one in differences if one.get("against") == name]) for name in against
    )
    return f"<h3>Answers</h3>{_terms(told)}{''.join(blocks)}"


def _terms(told: _Told) -> str:
    judge = part(told.get("judge"))
    tone = text_cell(judge.get("version"))
    failed = count_in(told.get("failed"))
    more = f" {plural(failed, 'call')} got no answer and count nowhere." if failed else ""
    return (
        f"<p>Records: {text_cell(told.get('records'))}; at most {count_cell(told.get('max_tokens'))} tokens, "
        f"temperature {number_cell(told.get('temperature'), 1)}; judge of tone {tone}. Intervals: 95 %, by task."
        f"{more}</p>"
    )


def _against(name: str, told: _Told, models: Sequence[_Told], differences: Sequence[_Told]) -> str:
    title, meaning = _AGAINST[name]
    without = count_in(part(told.get("without_answer")).get(name))
    left = f"; {plural(without, 'record')} had no answer to compare with" if without else ""
    lines = [
        (
            *_who(model),
            *(count_cell(part(model, name).get(key)) for key in ("n", "tasks")),
            *_numbers(part(model, name)),
        )
        for model in models
    ]
    head = ("Model", "Wrapper", "Answers", "Tasks", *_NUMBERS.values())
    return (
        f"<h4>{title}</h4><p>{count_cell(part(told.get('questions')).get(name))} questions, {meaning}{left}.</p>"
        f"{table(head, lines, words=2, label=title, dense=True)}{_differences(differences)}"
        f"{folded('By kind and first verb', _by_category(name, models))}"
    )


def _numbers(told: _Told) -> list[str]:
    return [share_cell(estimate_in(told.get(name)), 1 if name in _LONG else 3) for name in _NUMBERS]


def _differences(found: Sequence[_Told]) -> str:
    lines = [
        (
            text_cell(one.get("of")),
            text_cell(one.get("above")),
            count_cell(one.get("n")),
            *(change_cell(estimate_in(one.get(name)), 1 if name in _LONG else 3) for name in _COMPARED),
        )
        for one in found
    ]
    head = ("Of", "Over", "Questions", *(_NUMBERS.get(name, "Different words") for name in _COMPARED))
    return table(head, lines, words=2, label="Differences on the same questions", dense=True)


def _by_category(against: str, models: Sequence[_Told]) -> str:
    found = ""
    for feature, title in (("kind", "Kind"), ("verb", "First verb")):
        lines = []
        for name in names_of(part(model, against, "by_category", feature) for model in models):
            for model in models:
                one = part(model, against, "by_category", feature, name)
                numbers = (share_cell(estimate_in(one.get(key)), 1 if key in _LONG else 3) for key in _BRIEF)
                lines.append(
                    (prose(name.replace("_", " "), 60) or DASH, *_who(model), count_cell(one.get("n")), *numbers)
                )
        head = (title, "Model", "Wrapper", "Answers", *(_NUMBERS[name] for name in _BRIEF))
        found += table(head, lines, words=3, label=f"Answers by {title.lower()}", dense=True)
    return found


def _who(model: _Told) -> tuple[str, str]:
    return text_cell(model.get("model")), text_cell(model.get("wrapper"))
