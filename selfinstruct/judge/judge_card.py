"""The README of a judge's folder: what it is for, what it learned from, how good it is, where it is not."""

from collections.abc import Mapping
from typing import Any

from selfinstruct.text import shown

_METRICS = ("accuracy", "precision", "recall", "f1", "auroc", "ece")
_PARTS = {"test": "Test fragments, of sources it did not see", "held_out": "A set kept out of training and calibration"}


def card(facts: Mapping[str, Any]) -> str:
    """Markdown, with the front matter that model hubs read."""
    data, threshold, calibration = facts["data"], facts["threshold"], facts["calibration"]
    counts = data["fragments"]["train"]
    sees = "the prompt and what follows it" if facts["pair_aware"] else "what follows the prompt, not the prompt"
    lines = [
        "---",
        "library_name: selfinstruct",
        "pipeline_tag: text-classification",
        "tags: [response-tone, instruction-following-score]",
        "---",
        "",
        f"# Judge of tone `{facts['name']}`",
        "",
        "Tells whether a text answers its prompt (answer-like) or carries it on (continuation-like), after",
        "*Becoming self-instruct* (arXiv 2307.03692). It says nothing about whether an answer is right or good.",
        "",
        f"- Backend: `{facts['backend']}`; it sees {sees}.",
        f"- Learned from {counts['n']} fragments of {counts['sources']} records, {counts['answer_like']} answer-like.",
        f"- Sets: {', '.join(shown(name) for name in data['sets']) or 'unnamed'}; data `sha256:{data['sha256']}`.",
        f"- Probabilities: {calibration['method']}, on {shown(calibration['on'], 400)}.",
        f"- Threshold {threshold['value']}: {threshold['rule']}.",
        "",
        *(
            line
            for part, title in _PARTS.items()
            if part in facts["metrics"]
            for line in _part(title, facts["metrics"][part])
        ),
        *_validation(facts.get("validation") or {}),
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


def _part(title: str, metrics: Mapping[str, Any]) -> list[str]:
    rule = metrics["first_character"]
    return [
        f"## {title}",
        "",
        f"{metrics['n']} fragments of {metrics['sources']} records, {metrics['prevalence']:.3f} of them answer-like.",
        "Intervals: 95 %, by record.",
        "",
        "| measure | value | interval |",
        "|---|---|---|",
        *(_row(name, metrics[name]) for name in _METRICS),
        f"| accuracy of a first-character rule | {rule['accuracy']:.3f} | |",
        "",
        *_groups("kind", metrics["by_kind"], rule["by_kind"]),
        *_groups("words", metrics["by_length"], rule["by_length"]),
        *_groups("prompt", metrics["by_prompt"], {}),
        *(_groups("language", metrics["by_language"], {}) if metrics["by_language"] else ()),
    ]


def _validation(validation: Mapping[str, Any]) -> list[str]:
    if not validation:
        return []
    twice = validation["read_twice"]
    again = (
        f" {twice['n']} were read twice: agreement {twice['agreement']:.3f}, kappa {_or_dash(twice['kappa'])}"
        f", AC1 {twice['ac1']:.3f}: no judge can be seen to do better."
        if twice and twice["n"]
        else ""
    )
    unseen = (
        f" The judge learned from them: each is judged here with their {validation['unseen']} left out of everything"
        " (`sure`: two readers agree; `locked`: taught nothing, and nothing was chosen by them)."
        if "unseen" in validation
        else ""
    )
    return [
        "## Completions of real models",
        "",
        f"Labelled by reading, without sight of model or verdict.{again}{unseen} Bias: called answers less answers.",
        "",
        "| completions | n | answer-like | called so | accuracy | kappa | sensitivity | specificity | bias |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_tried(name, group) for name, group in validation["groups"].items()),
        "",
        *_undecided(validation.get("undecided")),
    ]


def _tried(name: str, group: Mapping[str, Any]) -> str:
    counts = group["confusion"]
    finds = _share(counts["true_positives"], counts["false_negatives"])
    spares = _share(counts["true_negatives"], counts["false_positives"])
    bias = group["bias"]
    reach = "" if bias["low"] is None else f" [{bias['low']:+.3f}, {bias['high']:+.3f}]"
    accuracy = f"{group['accuracy']['value']:.3f} | {_or_dash(group['kappa'])}"
    counted = f"{group['n']} | {group['answer_like']} | {group['called_answer_like']}"
    return f"| {shown(name)} | {counted} | {accuracy} | {finds} | {spares} | {bias['value']:+.3f}{reach} |"


def _undecided(undecided: Mapping[str, Any] | None) -> list[str]:
    if not undecided:
        return []
    answers, others, half = (undecided[f"accuracy_as_{name}"] for name in ("answers", "others", "half"))
    accuracies = f"as answers {answers:.3f}, as others {others:.3f}, as half of each {half:.3f}"
    return [f"No reading settled {undecided['n']} more. Accuracy with these {accuracies}.", ""]


def _share(of: int, others: int) -> str:
    return format(of / (of + others), ".3f") if of + others else "-"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else format(value, ".3f")


def _row(name: str, estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return f"| {name} | does not exist here | |"
    if estimate["low"] is None:
        return f"| {name} | {estimate['value']:.3f} | one record has none |"
    return f"| {name} | {estimate['value']:.3f} | {estimate['low']:.3f} to {estimate['high']:.3f} |"


def _groups(title: str, groups: Mapping[str, Any], ruled: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {shown(name)} | {group['n']} | {group['accuracy']:.3f} |"
        + (f" {ruled[name]['accuracy']:.3f} |" if ruled else "")
        for name, group in groups.items()
    ]
    more = (" first-character rule |", "---|") if ruled else ("", "")
    return [f"| {title} | n | accuracy |{more[0]}", f"|---|---|---|{more[1]}", *rows, ""]
