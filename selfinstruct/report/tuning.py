"""The part of the page for a tuned student: how its tone rose, where training stopped and why, and with which knobs."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.cells import DASH, count_cell, decimals, number_cell, share_cell, text_cell
from selfinstruct.report.curve_charts import Line, examples_seen, lines, place_of
from selfinstruct.report.drawing import FAILED, GOOD, KEPT, REJECTED, SEED
from selfinstruct.report.generic_table import generic_table
from selfinstruct.report.json_values import Estimate, count_in, estimate_beside, number_in, part, rows, text_in
from selfinstruct.report.markup import figure, folded, table
from selfinstruct.report.phrases import number, plural, prose
from selfinstruct.report.summary import Measure, RunSummary

_REASONS = {
    "plateau": "IFS no longer rises, and is high",
    "too_few_checks": "there were too few checks to tell",
    "still_rising": "IFS may still rise",
    "too_low": "IFS is not high enough",
    "gap_wide": "cut prompts are answered far less often than whole ones",
}
_GAPS = {
    "narrow": "it was narrow",
    "wide": "it was wide",
    "undecided": "it stayed undecided, and did not count",
    "absent": "there was none",
}
_STOP_TOLD = (
    "stopped_at",
    "trained_on",
    "reason",
    "gap",
    "checks",
    "rule",
    "judge",
    "prompts",
    "wrapper",
    "headroom",
    "can_stop",
    "phases",
)
_TOP = ("base", "notice", "recipe", "data", "training", "stop")

_Check = Mapping[str, Json]


def tuning(measure: Measure, which: str) -> str:
    """Everything of one training; empty where the value is of another shape."""
    told = part(measure.value)
    training, data, stop = part(told.get("training")), part(told.get("data")), part(told.get("stop"))
    if not training or not data:
        return ""
    checks = checks_in(told)
    rest: dict[str, Json] = {name: value for name, value in told.items() if name not in _TOP}
    rest |= {name: value for name, value in stop.items() if name not in _STOP_TOLD}
    settings = table(
        ("Knob", ""),
        [(prose(name.replace("_", " "), 60), _setting(value)) for name, value in part(told.get("recipe")).items()],
        words=2,
        label="Settings of the training",
    )
    return (
        f"{_what(told, data, training)}{_ended(stop, training, checks)}{_curves(checks, stop, which)}"
        f"{_table(checks)}{generic_table(rest)}{folded('The training in numbers', _numbers(training))}"
        f"{folded('The examples in numbers', _numbers(data))}{folded('Settings of the training', settings)}"
    )


def checks_in(told: Mapping[str, Json]) -> list[_Check]:
    """What was measured on the way, in order."""
    return [one for one in rows(part(told.get("stop")).get("checks")) if count_in(one.get("examples")) is not None]


def before_and_after(story: RunSummary) -> tuple[float, float] | None:
    """IFS of the student before training and at the last check; None where both were not measured."""
    for measure in reversed(story.measured):
        if measure.stage == "finetune":
            checks = checks_in(part(measure.value))
            before, after = (number_in(checks[at].get("ifs")) if checks else None for at in (0, -1))
            if len(checks) > 1 and not checks[0].get("examples") and before is not None and after is not None:
                return before, after
    return None


def _what(told: _Check, data: _Check, training: _Check) -> str:
    recipe = part(told.get("recipe"))
    cut = count_in(data.get("truncated"))
    unlearned = count_in(data.get("unlearned_answers"))
    long = "" if cut is None else f", {number(cut)} of them cut at the end" if cut else ", none of them cut"
    long += f", {number(unlearned)} answers read and, as the set marks them, not learned" if unlearned else ""
    notice = text_in(told.get("notice"))
    control = " A control: each record learned the answer of another." if recipe.get("shuffled") is True else ""
    aside = number_in(training.get("held_out_loss"))
    examples = count_cell(training.get("held_out_examples"))
    kept = "" if aside is None else f" Loss on {examples} examples kept aside: {aside:.3f} nats a token."
    return (
        f"<p><strong>{text_cell(told.get('base'))}</strong>, tuned by {text_cell(recipe.get('method'))} "
        f"in the form {text_cell(recipe.get('format'))} on {count_cell(data.get('examples'))} examples{long}: "
        f"{count_cell(training.get('steps'))} of {count_cell(training.get('planned_steps'))} steps, "
        f"{count_cell(training.get('examples_seen'))} examples seen."
        f"{control}{kept}{f' The base: {prose(notice, 300)}.' if notice else ''}</p>"
    )


def _ended(stop: _Check, training: _Check, checks: Sequence[_Check]) -> str:
    """Where it stopped and why, how much room there was, and whether the curve shows phases."""
    if not stop:
        return "<p>Nobody checked the tone on the way: <code>stop: none</code>.</p>"
    at, reason = count_in(stop.get("stopped_at")), text_in(stop.get("reason"))
    why = prose(_REASONS.get(reason, reason), 120) or "nobody said why"
    if at is None:
        said = f"Trained to the end, {count_cell(training.get('examples_seen'))} examples: at the last check {why}."
    elif stop.get("trained_on") is True:
        said = f"Would have stopped after {plural(at, 'example')} ({_REASONS['plateau']}), and was trained on as asked."
    else:
        said = f"Stopped after {plural(at, 'example')}: {why}."
    few = " So few prompts could never stop a training." if stop.get("can_stop") is False else ""
    rule = part(stop.get("rule"))
    terms = (
        f"Stop rule: the upper bound of the gain over {count_cell(rule.get('patience'))} checks is below "
        f"{number_cell(rule.get('epsilon'), 2)}, and the lower bound of IFS at least "
        f"{number_cell(rule.get('tau'), 2)} (95 %, one-sided)"
        f"{_gap_condition(stop, rule)}. Checked {plural(len(checks), 'time')} on prompts "
        f"{text_cell(stop.get('prompts'))}, wrapper {text_cell(stop.get('wrapper'))}, judge "
        f"{text_cell(stop.get('judge'))}.{few}"
    )
    more = [prose(text, 300) for name in ("headroom", "phases") if (text := text_in(stop.get(name)))]
    return f"<p><strong>{said}</strong> {' '.join(f'{one[:1].upper()}{one[1:]}.' for one in more)}</p><p>{terms}</p>"


def _gap_condition(stop: _Check, rule: _Check) -> str:
    """What the rule says of the gap between whole and cut prompts, and how it was at the last check."""
    found = _GAPS.get(text_in(stop.get("gap")))
    if found is None:
        return ""
    return (
        f", and the gap between whole and cut prompts at most {number_cell(rule.get('gap_limit'), 2)} where it "
        f"is known to within {number_cell(rule.get('gap_half_width'), 2)}: at the last check {found}"
    )


def _curves(checks: Sequence[_Check], stop: _Check, which: str) -> str:
    if not checks:
        return ""
    seen = [count_in(one.get("examples")) or 0 for one in checks]
    first = next((count for count in seen if count), 1)
    across = examples_seen(seen)
    at = count_in(stop.get("stopped_at"))
    mark = None if at is None else place_of(at, first)
    stopped = [] if at is None else [("--ink", f"stop rule: {number(at)}")]

    def line(name: str, colour: str) -> Line:
        found = [(place_of(count, first), estimate_beside(one, name)) for count, one in zip(seen, checks, strict=True)]
        return Line(colour, [(place, told) for place, told in found if told is not None])

    tone = [line("ifs", KEPT), line("ifs_clean", GOOD)]
    forms = [line("ifs_full", KEPT), line("ifs_partial", REJECTED)]
    loss, taste = [line("loss", SEED)], [line("objecqa", FAILED)]
    drift = [line("kl_prose", FAILED), line("kl_reference", SEED)]
    drawings = [
        figure(
            "Answers",
            lines(f"tuning-ifs{which}", _aloud("IFS", tone[0]), tone, across, up="share", share=True, stop=mark),
            note="IFS, and the share that answers and ends in time; 95 % intervals",
            legend=[("--kept", "IFS"), ("--good", "clean"), *stopped],
            nothing="IFS was not measured",
        ),
        figure(
            "Whole and cut prompts",
            lines(f"tuning-gap{which}", _aloud("Full", forms[0]), forms, across, up="share", share=True, stop=mark),
            note="IFS of each; what lies between them is the gap",
            legend=[("--kept", "full"), ("--rejected", "partial"), *stopped],
            nothing="whole and cut prompts were not told apart",
        ),
        figure(
            "Loss",
            lines(f"tuning-loss{which}", _aloud("Loss", loss[0]), loss, across, up="nats a token", stop=mark),
            note="mean over the steps since the check before",
            legend=[("--seed", "training loss"), *stopped],
            nothing="no loss was told",
        ),
        figure(
            "Distance from the base",
            lines(f"tuning-kl{which}", _aloud("KL", drift[0]), drift, across, up="KL, nats a token", stop=mark),
            note="on plain prose it is drift, on reference answers it is format",
            legend=[("--failed", "plain prose"), ("--seed", "reference answers"), *stopped],
            nothing="it was not measured",
        ),
    ]
    if taste[0].points:
        drawings.append(
            figure(
                "Questions of taste",
                lines(
                    f"tuning-taste{which}",
                    _aloud("ObjecQA", taste[0]),
                    taste,
                    across,
                    up="share",
                    share=True,
                    stop=mark,
                ),
                note="share of the answers that take no side",
                legend=[("--failed", "ObjecQA"), *stopped],
            )
        )
    return f'<div class="pair">{"".join(drawings)}</div>'


def _aloud(what: str, line: Line) -> str:
    if not line.points:
        return f"{what} was not measured"
    first, last = line.points[0][1].value, line.points[-1][1].value
    return f"{what} over examples seen: {first:.2f} at first, {last:.2f} at last"


def _table(checks: Sequence[_Check]) -> str:
    cells = []
    for one in checks:
        gap = _gap(one)
        gain = part(one.get("intervals")).get("gain")
        ends = [number_in(end) for end in gain] if isinstance(gain, list) else []
        cells.append(
            (
                count_cell(one.get("examples")),
                *(share_cell(estimate_beside(one, name)) for name in ("ifs", "ifs_partial", "ifs_full")),
                share_cell(gap),
                share_cell(estimate_beside(one, "ifs_clean")),
                f"{decimals(ends[0])} to {decimals(ends[1])}" if len(ends) == 2 and None not in ends else DASH,  # type: ignore[arg-type]  # neither end is None here
                *(number_cell(one.get(name)) for name in ("loss", "objecqa", "kl_prose", "kl_reference")),
                "stop" if one.get("stop") is True else "",
            )
        )
    head = (
        *("Examples", "IFS", "Partial", "Full", "Gap", "Clean", "Gain, 95 %", "Loss", "ObjecQA"),
        *("KL prose", "KL reference", "Rule"),
    )
    return table(head, cells, words=1, label="Checks on the way", dense=True)


def _gap(check: _Check) -> Estimate | None:
    full, partial = number_in(check.get("ifs_full")), number_in(check.get("ifs_partial"))
    if full is None or partial is None:
        return None
    return estimate_beside({"gap": full - partial, "intervals": check.get("intervals")}, "gap")


def _numbers(told: _Check) -> str:
    return generic_table({name.replace("_", " "): value for name, value in told.items()})


def _setting(value: Json) -> str:
    """As a recipe has it: small numbers as they are."""
    if isinstance(value, list):
        return prose(", ".join(map(str, value)), 200)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return DASH if value is None else prose(str(value), 200)
