"""A callback: measures a model in training at a grid of examples seen, writes the curve, stops where IFS has settled.

For any `transformers.Trainer`, TRL's among them:

    stop = StopOnIFS(measure, curve=Path("curve.jsonl"))
    Trainer(model, args, train_dataset=rows, processing_class=tokenizer, callbacks=[stop]).train()
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfinstruct.errors import BadInput
from selfinstruct.finetune.check_plan import GRID, CheckPlan, in_round_figures
from selfinstruct.finetune.curve import append_check, read_curve, write_curve
from selfinstruct.finetune.divergence import (
    AdapterOff,
    Base,
    Divergence,
    ProbeTexts,
    adds_nothing,
    base_of,
    divergence,
    forget,
    no_divergence,
)
from selfinstruct.finetune.phases import phases
from selfinstruct.finetune.preserve_training_state import preserve_training_state
from selfinstruct.finetune.stopping import Check, Headroom, StopRule, headroom
from selfinstruct.records import Json
from selfinstruct.stage import Bench
from selfinstruct.tone.ask_loaded_model import MeasureTone, ToneProbe, ToneReading
from selfinstruct.tone.tone_metrics import IFS

_ENDS_IN = ".base"  # beside the curve: what the base predicted on the probes, while full tuning lasts

ExamplesSeen: TypeAlias = Callable[[TrainerState, TrainingArguments], int]


class StopOnIFS(TrainerCallback):
    """Checks at each point of the grid and at the end; stops the training at the first check where the rule says so.

    A check asks the `dev` prompts, so that its cost is that of some hundred short answers. It leaves the training as it
    was: the model's mode, its switches and all random states are put back. The loss is logged at each check and at each
    saved checkpoint, so that the mean since the last check is known, also after a kill. A training that is resumed from
    a checkpoint takes up the curve as it was there, and drops later checks.

    In a training on several processes each measures for itself, and the first one writes; models that are split over
    processes are not supported.
    """

    def __init__(
        self,
        measure: MeasureTone,
        *,
        grid: Sequence[int] = GRID,
        rule: StopRule | None = None,
        curve: Path | None = None,
        probes: Sequence[ProbeTexts] = (),
        train_on: bool = False,
        examples_seen: ExamplesSeen | None = None,
    ) -> None:
        """`curve`: the file to write; its verdicts lie beside it. `train_on`: only report where it would have stopped.

        `rule`: by default that of `stopping`; where `measure` is a `ToneProbe`, its bars are moved by the errors of the
        judge that it asks, if known. Of a judge of one's own: `StopRule(errors=errors_of(judge))`.

        `examples_seen` counts examples from the trainer's state, where a row of the training set is not one example.
        """
        if list(grid) != sorted(set(grid)) or (grid and grid[0] < 0):
            raise BadInput(f"grid {list(grid)}: not rising", fix="write numbers of examples such as 0, 64, 128")
        self.measure, self.grid = measure, tuple(grid)
        self.rule = rule or StopRule(errors=measure.errors if isinstance(measure, ToneProbe) else None)
        self.curve, self.probes, self.train_on = curve, tuple(probes), train_on
        self.examples_seen = examples_seen
        self.checks: list[Check] = []
        """The curve so far."""
        self.notes: list[str] = []
        """What had to be left out, a sentence each."""
        self.seconds = 0.0
        """Spent on checks in this process; no file knows it."""
        self.all_seconds = 0.0
        """From the beginning of the training to its end, in this process."""
        self._began = 0.0
        self._base: Base | None = None
        self._due = False
        self._resumed = 0

    @property
    def readings(self) -> list[ToneReading]:
        """What each check heard, prompt by prompt."""
        return [check.reading for check in self.checks]

    @property
    def stopped_at(self) -> Check | None:
        """Where training stopped, or would have; None where the rule never said so."""
        return next((check for check in self.checks if check.stop), None)

    @property
    def headroom(self) -> Headroom | None:
        """How much IFS could rise when training began; None where the first check is not from before it."""
        if not self.checks or self.checks[0].examples > 0:
            return None
        return Headroom(self.checks[0].numbers[IFS.key], self.rule.bar(self.checks[0].reading))

    @property
    def share_of_time(self) -> str:
        """What checks took in this process, in words."""
        share = self.seconds / self.all_seconds if self.all_seconds else 0.0
        return f"checks took {self.seconds:,.0f} s, {share:.0%} of the training's {self.all_seconds:,.0f} s"

    def as_json(self) -> dict[str, Json]:
        """Where training stopped and why, for card, ledger and report."""
        last, stopped = self.checks[-1] if self.checks else None, self.stopped_at
        bends = phases([check.examples for check in self.checks], self.readings, seed=self.rule.seed) if last else None
        return {
            "rule": self.rule.as_json(),
            "bar": None if last is None else self.rule.bar(last.reading),
            "stopped_at": None if stopped is None else stopped.examples,
            "trained_on": self.train_on,
            "reason": None if last is None else last.reason,
            "gap": None if last is None else last.gap_state,
            "can_stop": None if last is None else self.rule.can_stop(last.reading.sources),
            "checks": [check.as_json() for check in self.checks],
            "judge": None if last is None else last.reading.judge,
            "prompts": None if last is None else last.reading.prompts,
            "wrapper": None if last is None else last.reading.wrapper,
            "headroom": None if self.headroom is None else str(self.headroom),
            "phases": None if bends is None else str(bends),
        }

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """Take up the curve of a resumed training, or begin one with the model as it is."""
        self._began = time.monotonic()
        self._due, self._resumed = False, int(state.global_step)
        self._take_up(state)
        model, tokenizer = kwargs["model"], _tokenizer(kwargs)
        if self.probes and not self._over:
            with preserve_training_state(model):
                self._base = base_of(model, tokenizer, self.probes, self._folder, fresh=state.global_step == 0)
            if self._base is None:
                self.notes.append("what the base predicted is not kept, so the divergence from it is not measured")
        if self._over:
            # The trainer makes one step before it looks whether to stop; this one changes nothing.
            for group in getattr(kwargs.get("optimizer"), "param_groups", ()):
                group["lr"] = 0.0
            control.should_training_stop = True
        elif not self.checks and self.grid[:1] == (0,):
            self._check(args, state, control, kwargs)
        return control

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """See whether a check is due; it is made when the loss of this step has been logged."""
        if not self._over and (control.should_training_stop or self._reached(self._examples(args, state, kwargs))):
            self._due = True
        control.should_log = control.should_log or self._due or control.should_save
        return control

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """As at the end of a step, for a training that ends with its data, or because another callback says so."""
        if not self._over and control.should_training_stop and self._unseen(state):
            self._due = True
            if logged_until(state.log_history) == state.global_step:
                self._check(args, state, control, kwargs)
        control.should_log = control.should_log or self._due or control.should_save
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """The loss is known: make the check that is due."""
        if self._due and "loss" in (kwargs.get("logs") or {}):
            self._check(args, state, control, kwargs)
        return control

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """A last check, where none saw the last step; then what the base predicted is not needed any more."""
        if not self._over and self._unseen(state):
            if args.load_best_model_at_end:
                self.notes.append("no check at the end: the best model was loaded, and it is another one")
            else:
                self._check(args, state, control, kwargs)
        if self._folder is not None and state.is_world_process_zero:
            forget(self._folder)
        self.all_seconds = time.monotonic() - self._began
        return control

    @property
    def _over(self) -> bool:
        """The rule has stopped this training."""
        return self.stopped_at is not None and not self.train_on

    @property
    def _folder(self) -> Path | None:
        return None if self.curve is None else self.curve.with_name(self.curve.stem + _ENDS_IN)

    def _take_up(self, state: TrainerState) -> None:
        """The checks up to where training goes on, of the file or of this object."""
        checks = self.checks
        if self.curve is not None and state.global_step:
            checks, dropped = read_curve(self.curve, self.rule)
            self.notes.extend(dropped)
        self.checks = [check for check in checks if check.step <= state.global_step] if state.global_step else []
        if later := len(checks) - len(self.checks) if self.curve is not None and state.global_step else 0:
            self.notes.append(f"{self.curve}: {later} checks after step {state.global_step}, where training goes on")
        if self.curve is not None and state.is_world_process_zero:
            write_curve(self.curve, self.checks)

    def _examples(self, args: TrainingArguments, state: TrainerState, kwargs: dict[str, Any]) -> int:
        if self.examples_seen is not None:
            return self.examples_seen(state, args)
        return examples_by_now(state, args, kwargs.get("train_dataloader"))

    def _reached(self, examples: int) -> bool:
        """A point of the grid lies between the last check and now."""
        last = self.checks[-1].examples if self.checks else -1
        return any(last < point <= examples for point in self.grid)

    def _unseen(self, state: TrainerState) -> bool:
        return not self.checks or self.checks[-1].step < state.global_step

    def _check(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, kwargs: dict[str, Any]
    ) -> None:
        self._due = False
        began = time.monotonic()
        loss = self._loss(state)
        model, tokenizer = kwargs["model"], _tokenizer(kwargs)
        with preserve_training_state(model):
            reading = self.measure(model, tokenizer)
            moved = {probe.name: self._moved(model, tokenizer, probe) for probe in self.probes}
        check = self.rule.check(
            [*self.readings, reading],
            examples=self._examples(args, state, kwargs),
            step=int(state.global_step),
            loss=loss,
            divergences={name: distance for name, distance in moved.items() if distance is not None},
        )
        self.checks.append(check)
        if self.curve is not None and state.is_world_process_zero:
            append_check(self.curve, check)
        if check.stop and not self.train_on:
            control.should_training_stop = True
            # a kill right after this costs nothing, and the checkpoint is the student
            control.should_save = control.should_save or args.save_strategy != "no"
        self.seconds += time.monotonic() - began

    def _loss(self, state: TrainerState) -> float | None:
        after = self.checks[-1].step if self.checks else 0
        loss = mean_loss(state.log_history, after=after, until=int(state.global_step), resumed=self._resumed)
        if loss is not None and not abs(loss) < float("inf"):
            raise BadInput(
                f"the loss is {loss} after step {after}",
                place="training",
                fix="lower the learning rate, and go on from the last checkpoint",
            )
        return loss

    def _moved(self, model: Any, tokenizer: Any, probe: ProbeTexts) -> Divergence | None:  # noqa: ANN401 - imported late
        if isinstance(self._base, AdapterOff) and adds_nothing(model):
            return no_divergence(model, tokenizer, probe)
        return None if self._base is None else divergence(model, tokenizer, probe, self._base)


def _tokenizer(kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - imported late
    processor = kwargs.get("processing_class")
    if processor is None:
        raise BadInput(
            "the trainer has no tokenizer", place="StopOnIFS", fix="Trainer(..., processing_class=tokenizer)"
        )
    return getattr(processor, "tokenizer", processor)  # a processor of several kinds of input has one inside


def stage_callback(
    measure: MeasureTone,
    plan: CheckPlan,
    bench: Bench,
    seconds: float,
    **knobs: Any,  # noqa: ANN401 - of `StopOnIFS`
) -> StopOnIFS:
    """The callback of the stage `finetune`: it says before each check what that will take, `seconds` for the first."""
    took = [seconds]

    def announced(model: Any, tokenizer: Any) -> ToneReading:  # noqa: ANN401 - imported late
        number = f"check {len(callback.checks) + 1} of {plan.checks}"
        bench.notice(f"{number}: {plan.prompts} prompts, {in_round_figures(took[-1])}")
        bench.doing(number, 0, 0)
        began = time.monotonic()
        reading = measure(model, tokenizer)
        took.append(time.monotonic() - began)
        if not callback.checks:
            _tell_limits(reading, callback, bench)
        return reading

    callback = StopOnIFS(
        announced,
        grid=plan.grid,
        examples_seen=lambda state, _args: int(state.examples_seen),  # type: ignore[attr-defined] # training.py
        **knobs,
    )
    return callback


def _tell_limits(first: ToneReading, callback: StopOnIFS, bench: Bench) -> None:
    """Before the training takes its time: what its checks cannot show."""
    if callback.grid[:1] == (0,):
        bench.notice(str(headroom(first, callback.rule)))
    if not callback.rule.can_stop(first.sources):
        bench.notice(
            f"checks of {first.sources} instructions show the tone before and after, and stop nothing: too few for the "
            "stop rule, which needs 99 or more (--set finetune.first=100)"
        )


def mean_loss(history: Sequence[Mapping[str, float]], *, after: int, until: int, resumed: int = 0) -> float | None:
    """Mean training loss of the steps `after` + 1 to `until`, as far as it was logged; None where nothing was.

    `history` is `TrainerState.log_history`: each loss in it is the mean over the steps since the one before. At
    `resumed` the training was taken up again, and what was not logged before it is lost.

    >>> mean_loss([{"loss": 4.0, "step": 2}, {"eval_loss": 9.0, "step": 2}, {"loss": 1.0, "step": 6}], after=0, until=6)
    2.0
    >>> mean_loss([{"train_loss": 4.0, "step": 2}], after=0, until=2) is None
    True
    """
    total, steps, before = 0.0, 0, 0
    for entry in history:
        if "loss" not in entry:
            continue
        step = int(entry["step"])
        first = max(before, resumed if resumed < step else 0)
        if after < step <= until:
            total += entry["loss"] * (step - first)
            steps += step - first
        before = step
    return total / steps if steps else None


def logged_until(history: Sequence[Mapping[str, float]]) -> int:
    """The last step whose loss was logged."""
    return max((int(entry["step"]) for entry in history if "loss" in entry), default=0)


def examples_by_now(state: Any, args: Any, loader: Any) -> int:  # noqa: ANN401 - imported late
    """Rows of the training set that went by: exact where its size is known, else steps times rows of a step.

    A packed row counts as one; whoever packs gives `StopOnIFS` a count of its own.
    """
    rows_of_a_batch = int(args.train_batch_size * args.world_size)
    try:
        batches, rows = len(loader), len(loader.dataset)
    except (TypeError, AttributeError):
        return int(state.global_step * rows_of_a_batch * args.gradient_accumulation_steps)
    done = round((state.epoch or 0.0) * batches)
    return done // batches * rows + min(done % batches * rows_of_a_batch, rows)
