"""Measures a model in training at a grid of examples seen, writes the curve, and stops where IFS has settled.

For any `transformers.Trainer`, TRL's among them:

    stop = StopOnIFS(measure, curve=Path("curve.jsonl"))
    Trainer(model, args, train_dataset=rows, processing_class=tokenizer, callbacks=[stop]).train()
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfinstruct.errors import BadInput
from selfinstruct.finetune.before_tuning import AdapterOff, adds_nothing, base_of, forget
from selfinstruct.finetune.check_plan import GRID
from selfinstruct.finetune.curve import Check, Point, append_point, read_curve, write_curve
from selfinstruct.finetune.divergence import Base, Divergence, Probe, ProbeName, divergence, no_divergence
from selfinstruct.finetune.preserve_training_state import preserve_training_state
from selfinstruct.finetune.readings import levels
from selfinstruct.finetune.stopping import Decision, Headroom, StopRule
from selfinstruct.finetune.training_log import examples_by_now, logged_until, mean_loss
from selfinstruct.finetune.verdict_rows import Behind
from selfinstruct.stage import MeasureTone, ToneReading

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
        probes: Sequence[Probe] = (),
        train_on: bool = False,
        examples_seen: ExamplesSeen | None = None,
    ) -> None:
        """`curve`: the file to write; its verdicts lie beside it. `train_on`: only report where it would have stopped.

        `examples_seen` counts examples from the trainer's state, where a row of the training set is not one example.
        """
        if list(grid) != sorted(set(grid)) or (grid and grid[0] < 0):
            raise BadInput(f"grid {list(grid)}: not rising", fix="write numbers of examples such as 0, 64, 128")
        self.measure, self.grid, self.rule = measure, tuple(grid), rule or StopRule()
        self.curve, self.probes, self.train_on = curve, tuple(probes), train_on
        self.examples_seen = examples_seen
        self.points: list[Point] = []
        self.decisions: list[Decision] = []
        """Of the checks made in this process."""
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
    def checks(self) -> list[Check]:
        """The curve so far."""
        return [point.check for point in self.points]

    @property
    def readings(self) -> list[ToneReading]:
        """What each check heard, prompt by prompt."""
        return [point.behind.reading for point in self.points]

    @property
    def stopped_at(self) -> Check | None:
        """Where training stopped, or would have; None where the rule never said so."""
        return next((check for check in self.checks if check.stop), None)

    @property
    def headroom(self) -> Headroom | None:
        """How much IFS could rise when training began; None where the first check is not from before it."""
        if not self.points or self.points[0].check.examples > 0:
            return None
        return Headroom(levels(self.readings[0], seed=self.rule.seed, draws=self.rule.draws).ifs, self.rule.tau)

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
        self.decisions.clear()
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
        elif not self.points and self.grid[:1] == (0,):
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
        found = read_curve(self.curve) if self.curve is not None and state.global_step else None
        if found is not None:
            self.notes.extend(found.dropped)
            self.points = list(found.points)
        kept = [point for point in self.points if point.behind.step <= state.global_step] if state.global_step else []
        if found is not None and len(kept) < len(found.points):
            later = len(found.points) - len(kept)
            self.notes.append(f"{self.curve}: {later} checks after step {state.global_step}, where training goes on")
        self.points = kept
        if self.curve is not None and state.is_world_process_zero:
            write_curve(self.curve, self.points)

    def _examples(self, args: TrainingArguments, state: TrainerState, kwargs: dict[str, Any]) -> int:
        if self.examples_seen is not None:
            return self.examples_seen(state, args)
        return examples_by_now(state, args, kwargs.get("train_dataloader"))

    def _reached(self, examples: int) -> bool:
        """A point of the grid lies between the last check and now."""
        last = self.points[-1].check.examples if self.points else -1
        return any(last < point <= examples for point in self.grid)

    def _unseen(self, state: TrainerState) -> bool:
        return not self.points or self.points[-1].behind.step < state.global_step

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
        decision = self.rule.decide([*self.readings, reading])
        divergences = {name: found for name, found in moved.items() if found is not None}
        behind = Behind(
            examples=self._examples(args, state, kwargs),
            step=int(state.global_step),
            reading=reading,
            reason=decision.reason,
            divergences=divergences,
        )
        point = Point(_told(self.rule, behind, decision, loss), behind)
        self.points.append(point)
        self.decisions.append(decision)
        if self.curve is not None and state.is_world_process_zero:
            append_point(self.curve, point)
        if decision.stop and not self.train_on:
            control.should_training_stop = True
            # a kill right after this costs nothing, and the checkpoint is the student
            control.should_save = control.should_save or args.save_strategy != "no"
        self.seconds += time.monotonic() - began

    def _loss(self, state: TrainerState) -> float | None:
        after = self.points[-1].behind.step if self.points else 0
        loss = mean_loss(state.log_history, after=after, until=int(state.global_step), resumed=self._resumed)
        if loss is not None and not abs(loss) < float("inf"):
            raise BadInput(
                f"the loss is {loss} after step {after}",
                place="training",
                fix="lower the learning rate, and go on from the last checkpoint",
            )
        return loss

    def _moved(self, model: Any, tokenizer: Any, probe: Probe) -> Divergence | None:  # noqa: ANN401 - imported late
        if isinstance(self._base, AdapterOff) and adds_nothing(model):
            return no_divergence(model, tokenizer, probe)
        return None if self._base is None else divergence(model, tokenizer, probe, self._base)


def _told(rule: StopRule, behind: Behind, decision: Decision, loss: float | None) -> Check:
    """The line of the curve."""
    found = levels(behind.reading, seed=rule.seed, draws=rule.draws)
    estimates = {
        "ifs": found.ifs,
        "ifs_clean": found.ifs_clean,
        "ifs_partial": found.ifs_partial,
        "ifs_full": found.ifs_full,
        "gap": found.gap,
        "gain": decision.gain,
    }
    known = {name: one for name, one in estimates.items() if one is not None}
    values = {name: known[name].value if name in known else None for name in ("ifs_clean", "ifs_partial", "ifs_full")}
    return Check(
        examples=behind.examples,
        loss=loss,
        ifs=found.ifs.value,
        objecqa=behind.reading.objecqa,
        kl_prose=_forward(behind, "prose"),
        kl_reference=_forward(behind, "reference"),
        stop=decision.stop,
        intervals={
            name: (one.low, one.high)
            for name, one in known.items()
            if one.low is not None and one.high is not None  # of one source alone
        },
        **values,
    )


def _forward(behind: Behind, name: ProbeName) -> float | None:
    return behind.divergences[name].base_tuned if name in behind.divergences else None


def _tokenizer(kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - imported late
    found = kwargs.get("processing_class")
    if found is None:
        raise BadInput(
            "the trainer has no tokenizer", place="StopOnIFS", fix="Trainer(..., processing_class=tokenizer)"
        )
    return getattr(found, "tokenizer", found)  # a processor of several kinds of input has one inside
