"""The README of a judge's folder: what it is for, what it learned from, how good it is, where it is not."""

from collections.abc import Mapping
from typing import Any

from selfinstruct.records import Json
from selfinstruct.text import shown

_METRICS = ("accuracy", "precision", "recall", "f1", "auroc", "ece")
_PARTS = {"test": "Test fragments, of sources it did not see", "held_out": "A set kept out of training and calibration"}


def card(facts: Mapping[str, Json]) -> str:
    """Markdown, with the front matter that model hubs read."""
    told: Mapping[str, Any] = facts
    data, threshold, calibration = told["data"], told["threshold"], told["calibration"]
    counts = data["fragments"]["train"]
    sees = "the prompt and what follows it" if told["pair_aware"] else "what follows the prompt, not the prompt"
    lines = [
        "---",
        "library_name: selfinstruct",
        "pipeline_tag: text-classification",
        "tags: [response-tone, instruction-following-score]",
        "---",
        "",
        f"# Judge of tone `{told['name']}`",
        "",
        "Tells whether a text answers its prompt (answer-like) or carries it on (continuation-like), after",
        "*Becoming self-instruct* (arXiv 2307.03692). It says nothing about whether an answer is right or good.",
        "",
        f"- Backend: `{told['backend']}`; it sees {sees}.",
        f"- Learned from {counts['n']} fragments of {counts['sources']} records, {counts['answer_like']} answer-like.",
        f"- Sets: {', '.join(shown(name) for name in data['sets']) or 'unnamed'}; data `sha256:{data['sha256']}`.",
        f"- Probabilities: {calibration['method']}, on {shown(calibration['on'], 400)}.",
        f"- Threshold {threshold['value']}: {threshold['rule']}.",
        "",
        *(
            line
            for part, title in _PARTS.items()
            if part in told["metrics"]
            for line in _part(title, told["metrics"][part])
        ),
        *_validation(told.get("validation") or {}),
        "## Limits",
        "",
        "Numbers hold for text like that it was tried on, and precision and calibration for their prevalence. Empty",
        "texts, echoes and loops are better told apart by counting. Languages that are not in the table are untried.",
        "",
        "## Use",
        "",
        "```bash",
        "selfinstruct score MODEL --judge THIS_FOLDER -o OUT",
        "```",
        "",
    ]
    return "\n".join(lines)


def _part(title: str, found: Mapping[str, Any]) -> list[str]:
    rule = found["first_character"]
    return [
        f"## {title}",
        "",
        f"{found['n']} fragments of {found['sources']} records, {found['prevalence']:.3f} of them answer-like.",
        "Intervals: 95 %, by record.",
        "",
        "| measure | value | interval |",
        "|---|---|---|",
        *(_row(name, found[name]) for name in _METRICS),
        f"| accuracy of a first-character rule | {rule['accuracy']:.3f} | |",
        "",
        *_groups("kind", found["by_kind"], rule["by_kind"]),
        *_groups("words", found["by_length"], rule["by_length"]),
        *_groups("prompt", found["by_prompt"], {}),
        *(_groups("language", found["by_language"], {}) if found["by_language"] else ()),
    ]


def _validation(found: Mapping[str, Any]) -> list[str]:
    if not found:
        return []
    twice = found["read_twice"]
    again = (
        f" {twice['n']} were read twice: agreement {twice['agreement']:.3f}, kappa {_or_dash(twice['kappa'])}"
        f", AC1 {twice['ac1']:.3f}: no judge can be seen to do better."
        if twice and twice["n"]
        else ""
    )
    unseen = (
        f" The judge learned from them: each is judged here with their {found['unseen']} left out of everything"
        " (`sure`: two readers agree; `locked`: taught nothing, and nothing was chosen by them)."
        if "unseen" in found
        else ""
    )
    return [
        "## Completions of real models",
        "",
        f"Labelled by reading, without sight of model or verdict.{again}{unseen} Bias: called answers less answers.",
        "",
        "| completions | n | answer-like | called so | accuracy | kappa | sensitivity | specificity | bias |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_tried(name, one) for name, one in found["groups"].items()),
        "",
        *_undecided(found.get("undecided")),
    ]


def _tried(name: str, one: Mapping[str, Any]) -> str:
    counts = one["confusion"]
    finds = _share(counts["true_positives"], counts["false_negatives"])
    spares = _share(counts["true_negatives"], counts["false_positives"])
    bias = one["bias"]
    reach = "" if bias["low"] is None else f" [{bias['low']:+.3f}, {bias['high']:+.3f}]"
    said = (
        f"{one['accuracy']['value']:.3f} | {_or_dash(one['kappa'])} | {finds} | {spares} | {bias['value']:+.3f}{reach}"
    )
    return f"| {shown(name)} | {one['n']} | {one['answer_like']} | {one['called_answer_like']} | {said} |"


def _undecided(found: Mapping[str, Any] | None) -> list[str]:
    if not found:
        return []
    answers, others, half = (found[f"accuracy_as_{name}"] for name in ("answers", "others", "half"))
    told = f"as answers {answers:.3f}, as others {others:.3f}, as half of each {half:.3f}"
    return [f"No reading settled {found['n']} more. Accuracy with these {told}.", ""]


def _share(of: int, others: int) -> str:
    return format(of / (of + others), ".3f") if of + others else "-"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else format(value, ".3f")


def _row(name: str, found: Mapping[str, float] | None) -> str:
    if found is None:
        return f"| {name} | does not exist here | |"
    if found["low"] is None:
        return f"| {name} | {found['value']:.3f} | one record has none |"
    return f"| {name} | {found['value']:.3f} | {found['low']:.3f} to {found['high']:.3f} |"


def _groups(title: str, found: Mapping[str, Any], ruled: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {shown(name)} | {group['n']} | {group['accuracy']:.3f} |"
        + (f" {ruled[name]['accuracy']:.3f} |" if ruled else "")
        for name, group in found.items()
    ]
    more = (" first-character rule |", "---|") if ruled else ("", "")
    return [f"| {title} | n | accuracy |{more[0]}", f"|---|---|---|{more[1]}", *rows, ""]
