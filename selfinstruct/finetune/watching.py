"""The checks of the stage: which prompts, probes and rule, and what is told of them at the end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import BadInput
from selfinstruct.finetune.check_plan import CheckPlan, about
from selfinstruct.finetune.divergence import Probe, ProbeText, prose_probe, reference_probe
from selfinstruct.finetune.examples import segments
from selfinstruct.finetune.forms import Form, Unfit
from selfinstruct.finetune.phases import phases
from selfinstruct.finetune.readings import sources_of
from selfinstruct.finetune.stopping import StopRule, headroom
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, ToneReading

if TYPE_CHECKING:
    from selfinstruct.finetune.callback import StopOnIFS

_REFERENCES = 12  # records whose answers are probed: some thousand tokens are enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a training is watched."""

    format: Form
    wrapper: str
    """How prompts are put."""
    objecqa: bool
    plan: CheckPlan
    second: float
    """That a token of training takes here, about: for whoever waits."""
    numbers: str
    """In which numbers the model answers: float32 or bfloat16."""
    rule: StopRule
    train_on: bool


def watcher(
    how: Watch,
    bench: Bench,
    tests: Sequence[Task],
    tokenizer: Any,  # noqa: ANN401 - imported late
    curve: Path,
) -> "StopOnIFS":
    """The callback that checks and stops; BadInput where there is nothing to measure the tone with.

    Reference answers are those of the human seeds; where the run has none, of `tests`, which are not trained on.
    """
    if bench.measure_tone is None:
        raise BadInput(
            "no judge of tone to stop by", place="stage finetune: stop", fix="write stop: none, or train a judge first"
        )
    from selfinstruct.finetune.callback import StopOnIFS

    measure = bench.measure_tone(how.wrapper, how.objecqa, how.plan.first)
    cost = [how.plan.told_cost(how.numbers) / how.plan.checks * how.second]

    def told(model: Any, tokenizer: Any) -> ToneReading:  # noqa: ANN401 - imported late
        number = f"check {len(watch.points) + 1} of {how.plan.checks}"
        bench.notice(f"{number}: {how.plan.prompts} prompts, {about(cost[-1])}")
        bench.doing(number, 0, 0)
        began = time.monotonic()
        reading = measure(model, tokenizer)
        cost.append(time.monotonic() - began)
        if not watch.points:
            _remark(reading, watch, bench)
        return reading

    watch = StopOnIFS(
        told,
        grid=how.plan.grid,
        rule=how.rule,
        curve=curve,
        probes=_probes(bench.pool.seeds or tests, tokenizer, how.format, bench.seed),
        train_on=how.train_on,
        examples_seen=lambda state, _args: int(state.examples_seen),  # type: ignore[attr-defined] # see events.py
    )
    return watch


def announced(how: Watch, tokens: float) -> str:
    """What checks will cost, and the training beside them; `tokens` of it in all."""
    plan = how.plan
    asked = plan.told_cost(how.numbers)
    checks, training = (about(cost * how.second) for cost in (asked, tokens))
    share = f"{asked / (asked + tokens):.0%} checks"
    least = "; with fewer they would say nothing, --stop none does without" if plan.least else ""
    return f"{plan.checks} checks of {plan.prompts} prompts, {checks}, beside training of {training} ({share}{least})"


def _remark(first: ToneReading, watch: "StopOnIFS", bench: Bench) -> None:
    """What whoever waits should know before the training takes its time."""
    if watch.grid[:1] == (0,):
        bench.notice(str(headroom(first, tau=watch.rule.tau, seed=watch.rule.seed)))
    sources = sources_of(first)
    if not watch.rule.can_stop(sources):
        bench.notice(
            f"checks of {sources} instructions show the tone before and after, and stop nothing: too few for the stop "
            "rule, which needs 99 or more (--set finetune.first=100)"
        )


def share_of_time(watch: "StopOnIFS") -> str:
    """What checks cost in this process, for whoever waits."""
    share = watch.seconds / watch.all_seconds if watch.all_seconds else 0.0
    return f"checks took {watch.seconds:,.0f} s, {share:.0%} of the training's {watch.all_seconds:,.0f} s"


def told_of(watch: "StopOnIFS") -> dict[str, Json]:
    """Where it stopped and why, for card, ledger and report."""
    rule, last, stopped = watch.rule, watch.points[-1] if watch.points else None, watch.stopped_at
    found = phases([check.examples for check in watch.checks], watch.readings, seed=rule.seed) if last else None
    return {
        "rule": {
            "epsilon": rule.epsilon,
            "tau": rule.tau,
            "patience": rule.patience,
            "gap_limit": rule.gap_limit,
            "gap_half_width": rule.gap_half_width,
        },
        "stopped_at": None if stopped is None else stopped.examples,
        "trained_on": watch.train_on,
        "reason": None if last is None else last.behind.reason,
        "gap": None if last is None else rule.decide(watch.readings).gap_state,
        "can_stop": None if last is None else rule.can_stop(sources_of(last.behind.reading)),
        "checks": [check.as_json() for check in watch.checks],
        "judge": watch.readings[-1].judge if last else None,
        "prompts": watch.readings[-1].prompts if last else None,
        "wrapper": watch.readings[-1].wrapper if last else None,
        "headroom": None if watch.headroom is None else str(watch.headroom),
        "phases": None if found is None else str(found),
    }


def _probes(known: Sequence[Task], tokenizer: Any, form: Form, seed: int) -> tuple[Probe, ...]:  # noqa: ANN401
    """Plain prose, and known answers after prompts as the student gets them."""
    answered = [task for task in known if task.instances and not task.later and task.instances[0].output.strip()]
    texts = []
    for task in answered[:_REFERENCES]:
        try:
            asked, answer = segments(task, 0, tokenizer, form, seed)
        except Unfit:  # a system turn, say, that the template refuses: there are others
            continue
        texts.append(ProbeText(answer.text, asked.text))
    return (prose_probe(), reference_probe(texts)) if texts else (prose_probe(),)
