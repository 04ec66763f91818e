"""Stage: tunes a base on the records it gets, and stops where the student's tone has settled."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from selfinstruct.errors import BadInput
from selfinstruct.finetune.check_plan import GRID, as_asked, fitted, seconds_of_token
from selfinstruct.finetune.checkpoint import Progress
from selfinstruct.finetune.divergence import probes_of
from selfinstruct.finetune.examples import (
    Prepared,
    Refused,
    TooLong,
    TrainingExample,
    fingerprint,
    prepare,
    preview,
    shuffled_answers,
    unfit_lines,
)
from selfinstruct.finetune.launch import Engine, Quantize, process, take_place
from selfinstruct.finetune.lr_search import LearningRateTrial, Trials, lowest
from selfinstruct.finetune.machine_probe import Dtype, MachineCapabilities, Method, Precision, capabilities, precision
from selfinstruct.finetune.refused_knobs import check
from selfinstruct.finetune.stopping import EPSILON, PATIENCE, TAU, StopRule
from selfinstruct.finetune.student import CURVE, recipe_facts, training_facts, write_student
from selfinstruct.finetune.training import Hyperparameters, mean_loss, train
from selfinstruct.finetune.training_text import Template, Unfit
from selfinstruct.needs import OF_TRAINING, CheckNeed, JudgeNeed, Needs
from selfinstruct.records import Json, Task, digest
from selfinstruct.stage import Bench, Built, Kept, Loaded, Measured, Outcome, Rejected, Scope, Weights
from selfinstruct.tone.ask_loaded_model import DEV_PROMPTS, ToneProbe
from selfinstruct.tone.objecqa_share import OBJECQA, questions_of

if TYPE_CHECKING:
    from selfinstruct.finetune.stop_on_ifs import StopOnIFS
    from selfinstruct.finetune.stop_on_loss import StopOnLoss

RATES: dict[Method, float] = {"lora": 5e-4, "full": 4e-5}
"""Highest learning rates. LoRA of SmolLM2-135M on 32 seeds, 12 steps: held-out loss 2.31 before, 2.17 with 5e-4, 2.11
with 1e-3; but a 270M base got worse at 1e-3. arXiv 2402.05119 took 5e-5 for both methods, with 7B and more."""
_MERGE = "merge: true (`--merge`) writes one model that loads anywhere"
_HELD_OUT = 256  # records of the test split on which the loss is told


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """Build `student`, and `curve.jsonl` where there were checks; every record passes unchanged.

    Records whose own field `split` says `test` are not trained on; the loss on them is told.
    """

    name: ClassVar[str] = "finetune"
    version: ClassVar[int] = 5
    scope: ClassVar[Scope] = "set"

    base: str = "base"
    """Role of the weights that are tuned."""
    method: Method = "lora"
    """`lora`: a small adapter, the base stays as it is; `full`: all weights."""
    engine: Engine = "selfinstruct"
    """Who trains: our loop, or `trl`: TRL's SFTTrainer, for several GPUs, trackers and QLoRA."""
    quantize: Quantize = "none"
    """`4bit`: QLoRA, the base in 4 bits; needs engine: trl, method: lora and a GPU."""
    report_to: tuple[str, ...] = ()
    """With engine: trl, trackers that get the loss while it trains: tensorboard, trackio, wandb; empty: none."""
    template: Template = "chat"
    """How tasks are written: chat, tags, alpaca, ifs or self_instruct (training_text.py)."""
    rank: int = 8
    """Of LoRA; between 2 and 32 it made no difference in arXiv 2402.05119."""
    alpha: int = 16
    """Of LoRA: what it adds counts alpha / rank times."""
    targets: tuple[str, ...] = ("all-linear",)
    """Layers that LoRA adapts, by name; `all-linear` is all but the head."""
    learning_rate: float = 0.0
    """At its highest; 0: 5e-4 for lora, 4e-5 for full."""
    learning_rates: tuple[float, ...] = ()
    """Rates to choose from by the loss on the test split; empty: `learning_rate` it is."""
    trial: int = 256
    """Examples on which each of them is tried; its loss is measured on as many of the test split, at most."""
    epochs: float = 2.0
    """Times that each example is seen; 0.5 is half of them, once."""
    batch: int = 8
    """Examples that go through the model together."""
    accumulate: int = 2
    """Times so many examples make one step."""
    max_tokens: int = 1024
    """Of an example, the most that is read; less where the base reads less."""
    too_long: TooLong = "reject"
    """What becomes of a record with more: `reject` it by name, `truncate` its end (and count it), or `stop`."""
    refused: Refused = "reject"
    """What becomes of one that cannot be learned at all: no answer, or a chat template that refuses its turns."""
    warm_up: float = 0.03
    """Share of the steps in which the learning rate rises; then it falls in a line."""
    neftune: float = 0.0
    """Strength of NEFTune's noise on embeddings, 5 being usual; 0: none."""
    dtype: Dtype = "auto"
    """float32, bfloat16, or auto: two bytes where the machine gains from them."""
    merge: bool = False
    """LoRA: write base and adapter as one model, in 4 bytes; it loads without the base and without peft."""
    save_every: int = 256
    """Examples between checkpoints, from which a killed training goes on."""
    stop: Literal["ifs", "loss", "none"] = "ifs"
    """`ifs`: check the tone on a grid, and stop where it has settled; `loss`: stop where the loss on the test split is
    not below its lowest for `patience` checks; `none`: no checks."""
    train_on: bool = False
    """Train to the end, and tell where it would have stopped; with `ifs` and a test split, where by its loss, too."""
    grid: tuple[int, ...] = ()
    """Examples seen at which there is a check; empty: of 0, 64, 128, 256 and so on what `checks_at_most` allows."""
    checks_at_most: float = 1 / 3
    """Share of the time that checks may take, by estimate, where neither `grid` nor `first` is given; 1: any."""
    epsilon: float = EPSILON
    """Of IFS: what is no gain worth training on for."""
    tau: float = TAU
    """IFS from which on a model answers, of what the judge would say of one that always does (stopping.py)."""
    patience: int = PATIENCE
    """Checks back to which the gain is measured; with `loss`, checks without a lower loss."""
    objecqa: bool = False
    """Ask the questions of taste at each check, too."""
    phrasings: int = 1
    """Of each of them, up to all four: 100 to 400 questions a check."""
    wrapper: str = ""
    """How a check puts its prompts; empty: as the template does."""
    shuffled: bool = False
    """Learn another record's answers: a score that rises all the same measures the form of answers, not their sense."""
    first: int = 0
    """Only as many instructions of the 150 that checks ask, each whole and cut; 0: what `checks_at_most` allows."""
    judge: str = ""
    """Name of the judge of tone; empty: the one this run trained, or else the shipped one."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(
            base=self.base,
            judge=JudgeNeed(named=self.judge, fast=True),
            checks=CheckNeed(tone=self.stop == "ifs", taste=self.objecqa, sets=(DEV_PROMPTS, OBJECQA)),
            extras=(
                "train",
                *(("trl",) if self.engine == "trl" else ()),
                *(("qlora",) if self.quantize == "4bit" else ()),
                *self.report_to,
            ),
            gpu=self.quantize == "4bit",
            builds=("student",),
            tunes=True,
            preview=self.preview,
            learns_answers=True,
        )

    def __post_init__(self) -> None:
        """Refuse knobs that train nothing."""
        check(self)
        StopRule(epsilon=self.epsilon, tau=self.tau, patience=self.patience)

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the student, its curve and what was measured."""
        _refuse_nothing(records)
        if alone := take_place(self.engine):
            bench.notice(alone)
        weights = self._weights(bench)
        numbers = precision(self.dtype, self.method, self.quantize)
        loaded = weights.load(dtype=numbers.weights)
        examined = capabilities(loaded.model, weights.name)
        prepared = self._prepared(self._learned(records, bench), loaded, examined, bench)
        yield from _fates(records, prepared.unfit)
        _tell_unfit(prepared, bench)
        held_out = self._held_out(records, loaded, examined, bench)
        recipe = self._recipe(numbers, bench)
        folder = self._folder(prepared, weights, recipe, bench)
        trials = self._trials(prepared, held_out, recipe, examined, folder, bench)
        recipe = replace(recipe, learning_rate=lowest(trials)) if trials else recipe
        tests = list(islice((task for task in records if task.held_out), _HELD_OUT))
        curve = folder / CURVE if self.stop == "ifs" else None
        model = self._learner(loaded, weights, bench)
        checks = None if curve is None else self._checks(prepared, Loaded(model, loaded.tokenizer), tests, curve, bench)
        by_loss = self._by_loss(
            checks,
            prepared,
            partial(mean_loss, tokenizer=loaded.tokenizer, examples=held_out, recipe=recipe, examined=examined)
            if held_out
            else None,
            folder,
        )
        callbacks = [callback for callback in (checks, by_loss) if callback is not None]
        doing = partial(bench.doing, "examples seen:")
        training = self._training()
        progress = training(model, loaded.tokenizer, prepared.examples, recipe, examined, folder, callbacks, doing)
        if process().helps:
            return  # the first process has the same student, and keeps it
        examined = examined if self.engine == "selfinstruct" else examined.in_rows()
        if checks is not None:
            bench.notice(checks.share_of_time)
        facts: dict[str, Json] = {
            "base": weights.name,
            "notice": weights.notice,
            "recipe": recipe_facts(self, recipe, numbers, examined),
            **({"trials": [trial.as_json() for trial in trials]} if trials else {}),
            "data": {**prepared.counts.as_json(), "test_left_out": _tests(records), "sha256": prepared.fingerprint},
            "training": {
                **training_facts(model, prepared, recipe, examined, progress),
                "held_out_examples": len(held_out),
                "held_out_loss": mean_loss(model, loaded.tokenizer, held_out, recipe, examined) if held_out else None,
            },
            "stop": None if checks is None else checks.as_json(),
            **({} if by_loss is None else {"stop_by_loss": by_loss.as_json()}),
        }
        student = write_student(bench.scratch / "student", model, loaded.tokenizer, facts, curve, merge=self.merge)
        yield Built("student", student)
        if (folder / "runs").is_dir():
            copied = shutil.copytree(folder / "runs", bench.scratch / "tensorboard", dirs_exist_ok=True)
            yield Built("tensorboard", Path(copied))
        if curve is not None and curve.is_file():
            # a copy: the runner moves what it is given, and after a kill the original is needed again
            yield Built(CURVE, Path(shutil.copyfile(curve, bench.scratch / CURVE)))
        yield Measured(OF_TRAINING, facts)

    def preview(self, records: Sequence[Task], bench: Bench) -> str:
        """The first three examples with their masks, and what is unfit among all records; nothing is trained."""
        weights = self._weights(bench)
        loaded = weights.load()
        context = capabilities(loaded.model, weights.name)
        prepared = self._prepared(self._learned(records, bench), loaded, context, bench)
        return preview(prepared, loaded.tokenizer)

    def _learned(self, records: Sequence[Task], bench: Bench) -> "Iterator[Task] | Sequence[Task]":
        return shuffled_answers(list(_to_train(records)), bench.seed) if self.shuffled else _to_train(records)

    def _weights(self, bench: Bench) -> Weights:
        if self.base not in bench.weights:
            known = ", ".join(bench.weights) or "none here"
            raise BadInput(f"no weights called '{self.base}'", place="stage finetune: base", fix=f"one of: {known}")
        return bench.weights[self.base]

    def _prepared(
        self, tasks: "Iterator[Task] | Sequence[Task]", loaded: Loaded, examined: MachineCapabilities, bench: Bench
    ) -> Prepared:
        most = min(self.max_tokens, examined.context)
        return prepare(
            tasks,
            loaded.tokenizer,
            template=self.template,
            max_tokens=most,
            words=examined.words,
            seed=bench.seed,
            too_long=self.too_long,
            refused=self.refused,
        )

    def _held_out(
        self, records: Sequence[Task], loaded: Loaded, examined: MachineCapabilities, bench: Bench
    ) -> list[TrainingExample]:
        """Of the test split, what can be read; a record that cannot is no reason to lose a finished training."""
        made: list[TrainingExample] = []
        for task in islice((task for task in records if task.held_out), _HELD_OUT):
            try:
                made += self._prepared([task], loaded, examined, bench).examples
            except BadInput:
                continue
        return made

    def _recipe(self, numbers: Precision, bench: Bench) -> Hyperparameters:
        return Hyperparameters(
            learning_rate=self.learning_rate or RATES[self.method],
            epochs=self.epochs,
            batch=self.batch,
            accumulate=self.accumulate,
            warm_up=self.warm_up,
            neftune=self.neftune,
            autocast=numbers.autocast,
            seed=bench.seed,
            save_every=self.save_every,
            trackers=self.report_to,
        )

    def _training(self) -> Callable[..., Progress]:
        """What trains: of both engines the same is asked, and both give the same back."""
        if self.engine == "selfinstruct":
            return train
        from selfinstruct.finetune.trl_training import train as train_by_trl

        return train_by_trl

    def _trials(
        self,
        prepared: Prepared,
        held_out: Sequence[TrainingExample],
        recipe: Hyperparameters,
        examined: MachineCapabilities,
        folder: Path,
        bench: Bench,
    ) -> list[LearningRateTrial]:
        """Each of the learning rates, tried; none where there is nothing to choose from."""
        if not self.learning_rates:
            return []
        weights, told_on = self._weights(bench), held_out[: self.trial]

        def learner() -> tuple[Loaded, Any]:
            loaded = weights.load(dtype=precision(self.dtype, self.method, self.quantize).weights)
            return loaded, self._learner(loaded, weights, bench)

        trials = Trials(
            learner=learner,
            examples=prepared.examples,
            held_out=told_on,
            recipe=recipe,
            examined=examined,
            folder=folder.with_name(f"{folder.name}-trials-{fingerprint(told_on)[:12]}"),
            doing=bench.doing,
        )
        return trials(self.learning_rates, self.trial)

    def _checks(
        self, prepared: Prepared, learner: Loaded, tests: Sequence[Task], curve: Path, bench: Bench
    ) -> "StopOnIFS":
        """The callback that checks and stops.

        Its reference answers are those of the human seeds; without any, of `tests`, which are not trained on.
        """
        from selfinstruct.finetune.stop_on_ifs import stage_callback

        examples, tokens = round(len(prepared.examples) * self.epochs), prepared.counts.tokens * self.epochs
        questions = sum(question.phrasing < self.phrasings for question in questions_of(self._taste(bench)))
        if self.grid or self.first:
            plan = as_asked(self.grid or GRID, self.first, examples, questions=questions)
        else:
            plan = fitted(GRID, examples, tokens, self.checks_at_most, questions=questions)
        probe = self._probe(plan.first or self.first, bench)
        numbers = precision(self.dtype, self.method, self.quantize).weights
        second = seconds_of_token(learner.model, max(prepared.examples, key=len))
        bench.notice(plan.announced(tokens, numbers, second))
        return stage_callback(
            probe,
            plan,
            bench,
            plan.cost_in(numbers) / plan.checks * second,
            rule=StopRule(
                epsilon=self.epsilon,
                tau=self.tau,
                patience=self.patience,
                seed=bench.seed,
                errors=probe.errors,
            ),
            curve=curve,
            probes=probes_of(bench.pool.seeds or tests, learner.tokenizer, self.template, bench.seed),
            train_on=self.train_on,
        )

    def _by_loss(
        self, checks: "StopOnIFS | None", prepared: Prepared, measure: "Callable[[Any], float] | None", folder: Path
    ) -> "StopOnLoss | None":
        """What stops by the loss on the test split, or tells where it would beside `checks`; `measure`: that loss."""
        from selfinstruct.finetune.stop_on_loss import StopOnLoss

        file = folder / "loss.jsonl"
        if self.stop == "loss":
            if measure is None:
                fix = "put `split` before it, or write stop: none"
                raise BadInput("no test split to stop by", place="stage finetune: stop", fix=fix)
            examples = round(len(prepared.examples) * self.epochs)
            grid = [point for point in self.grid or GRID if point < examples]
            return StopOnLoss(measure, grid=grid, patience=self.patience, file=file, train_on=self.train_on)
        if checks is None or measure is None or not self.train_on:
            return None
        return StopOnLoss(measure, grid=checks.grid, patience=self.patience, file=file, train_on=True)

    def _probe(self, first: int, bench: Bench) -> ToneProbe:
        """What a check asks; BadInput where there is nothing to measure the tone with."""
        judge = next(iter(bench.judges.values()), None)
        if judge is None or bench.ask_loaded is None or DEV_PROMPTS not in bench.benchmarks:
            what = "no judge of tone to stop by"
            raise BadInput(what, place="stage finetune: stop", fix="write stop: none, or train a judge first")
        return ToneProbe.of_tasks(
            bench.benchmarks[DEV_PROMPTS],
            self._taste(bench),
            judge=judge,
            ask=bench.ask_loaded,
            wrapper=self.wrapper or self.template,
            phrasings=self.phrasings,
            first=first,
        )

    def _taste(self, bench: Bench) -> Sequence[Task]:
        return bench.benchmarks[OBJECQA] if self.objecqa else ()

    def _folder(self, prepared: Prepared, weights: Weights, recipe: Hyperparameters, bench: Bench) -> Path:
        """Where this training's checkpoints lie: another set, base or knob is another training."""
        knobs: Json = repr(self)
        name = digest("finetune", self.version, knobs, asdict(recipe), prepared.fingerprint, weights.name)
        return bench.scratch / f"training-{name[:12]}"

    def _learner(self, loaded: Loaded, weights: Weights, bench: Bench) -> Any:  # noqa: ANN401 - imported late
        if self.method == "full":
            return loaded.model.requires_grad_(requires_grad=True)
        from selfinstruct.finetune.adapter import base_name, check_mergeable, with_adapter

        base = base_name(loaded, weights)
        if base.startswith("gguf:") and not self.merge:
            bench.notice(
                f"the student will be an adapter on {weights.name}, which other programs cannot load: {_MERGE}"
            )
        made = with_adapter(
            loaded.model, rank=self.rank, alpha=self.alpha, targets=self.targets, seed=bench.seed, base=base
        )
        if self.merge:
            check_mergeable(made)
        return made


def _to_train(records: Sequence[Task]) -> Iterator[Task]:
    return (task for task in records if not task.held_out)


def _refuse_nothing(records: Sequence[Task]) -> None:
    """BadInput before weights are loaded, where there is nothing to learn."""
    if next(_to_train(records), None) is None:
        came = f"all {len(records)} records are for testing" if records else "no record came this far"
        what = f"{came}: none is left to learn from"
        raise BadInput(what, place="stage finetune", fix="`rejected.jsonl` of the stages before it says why")


def _fates(records: Sequence[Task], unfit: Mapping[int, Unfit]) -> Iterator[Outcome]:
    """Rejected where it cannot be learned; records for testing are kept, and come in between."""
    place = -1
    for task in records:
        place += not task.held_out
        problem = None if task.held_out else unfit.get(place)
        yield (
            Kept(task)
            if problem is None
            else Rejected(task, problem.reason, {"problem": problem.what, "fix": problem.fix})
        )


def _tell_unfit(prepared: Prepared, bench: Bench) -> None:
    """Before the training, so that one can still stop it."""
    for line in unfit_lines(prepared):
        bench.notice(line)


def _tests(records: Sequence[Task]) -> int:
    return sum(task.held_out for task in records)
