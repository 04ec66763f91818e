"""The training by TRL's `SFTTrainer` (`engine: trl`): for several GPUs, a base in 4 bits (QLoRA), and trackers.

Examples, masks, steps and learning rates are those of training.py: the set is handed over as tokens and labels, a row
for each place of the plan, and a step that an epoch leaves short is filled up with rows that teach nothing. So the loss
of a step is the same mean over its learned tokens, on any number of processes. Rows are padded: TRL's packing keeps
examples apart only with FlashAttention. NEFTune's noise is that of transformers, smaller in rows that are filled up.

Checkpoints are the trainer's own, in the folder of the training: the adapter or weights as safetensors, what the
optimiser knows as a pickle of tensors. A training that goes on from one sees the same examples at the same rates, with
the same memory of the optimiser and the same random states; on one processor it ends with the same bytes (a test). Not
so sure as with our loop: a checkpoint is not put in place whole, so that one that a kill tore is left out and its steps
are made again; on GPUs sums may come in another order; and on another number of processes they do.

Nothing leaves the machine but to a tracker that was asked for: the library would tell its makers of each training, and
look on the Hub for the base of each adapter that it saves.
"""

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer  # type: ignore[attr-defined] # its library makes its names late

from selfinstruct.errors import BadInput
from selfinstruct.finetune.checkpoint import Progress, checkpoints, refusals, save
from selfinstruct.finetune.examples import TrainingExample, fingerprint
from selfinstruct.finetune.launch import process, shared_out
from selfinstruct.finetune.loss import Loss
from selfinstruct.finetune.machine_probe import MachineCapabilities
from selfinstruct.finetune.packing import Step, tensors
from selfinstruct.finetune.student import no_bars
from selfinstruct.finetune.training import (
    LONGEST_GRADIENT,
    Diverged,
    Hyperparameters,
    diverged,
    filling,
    no_progress,
    planned,
    rate,
)
from selfinstruct.finetune.training import train as again

UNLEARNED = -100
"""The label of a token without loss."""
_STATE = "trainer_state.json"  # written last of a checkpoint
_WAIT = 86_400  # seconds that processes wait at most, while the first one checks


def train(
    model: Any,  # noqa: ANN401 - no types that survive a late import
    tokenizer: Any,  # noqa: ANN401
    examples: Sequence[TrainingExample],
    recipe: Hyperparameters,
    examined: MachineCapabilities,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
    doing: Callable[[int, int], None] = no_progress,
) -> Progress:
    """As `training.train`, by TRL; where a launcher started several processes, this is one of them.

    Raises:
        BadInput: a step cannot be shared by the processes, or these read different sets.
        Diverged: the loss is no number any more; the last good checkpoint is kept.
        NoRoom: a checkpoint could not be written; the one before is kept.
    """
    from torch.optim import AdamW
    from transformers.trainer_callback import PrinterCallback
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    plan = planned(len(examples), recipe)
    with no_bars(), _quiet(model):
        arguments = _arguments(model, recipe, len(plan), folder)
        folder = _agreed(arguments, folder, examples)
        first = arguments.process_index == 0
        if not checkpoints(folder):  # else it is finished
            watch = _Watch(plan, recipe, folder, doing if first else no_progress)
            loss, filled = Loss(model, plain_head=examined.plain_head), filling(tokenizer)
            guard = _Guard(watch, lambda step: _is_sound(step, loss, model, examples, examined, filled))
            trainer = _Trainer(
                recipe,
                model=model,
                args=arguments,
                train_dataset=_rows(examples, plan, recipe.batch * recipe.accumulate, filled),
                # one of our own: to make one, the library would give the tokenizer a token to fill up with
                data_collator=DataCollatorForLanguageModeling(pad_token_id=filled),
                processing_class=tokenizer,
                callbacks=[watch, *(callbacks if first else ()), guard],
            )
            trainer.remove_callback(PrinterCallback)
            state, taken_up = _trained(trainer, _last(folder))
            guard.refuse_broken_weights(plan[state.global_step - 1], state)
            progress = _progress(state, plan, examples)
            trainer.accelerator.wait_for_everyone()
            if first:
                save(folder, model, AdamW(model.parameters()), progress)
            if taken_up or not first:
                return progress
    # what is finished is only looked at again, by callbacks, too
    return again(model, tokenizer, examples, recipe, examined, folder, callbacks if first else (), doing)


def _arguments(model: Any, recipe: Hyperparameters, count: int, folder: Path) -> Any:  # noqa: ANN401 - as above
    """Of a training of `count` steps."""
    from trl import SFTConfig  # type: ignore[attr-defined] # as above

    at_once, times = shared_out(recipe.batch, recipe.accumulate, process().count)
    cpu = model.device.type == "cpu"
    made = SFTConfig(
        output_dir=str(folder),
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",  # the rows lie as the plan has them
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=times,
        num_train_epochs=1,
        max_steps=count,
        learning_rate=recipe.learning_rate,
        weight_decay=0.0,
        max_grad_norm=LONGEST_GRADIENT,
        neftune_noise_alpha=recipe.neftune or None,
        bf16=recipe.autocast,
        gradient_checkpointing=getattr(model, "is_loaded_in_4bit", False),  # a fifth more time, far less memory
        seed=recipe.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=max(1, math.ceil(recipe.save_every / (recipe.batch * recipe.accumulate))),
        save_total_limit=1,
        use_cache=model.config.use_cache,  # the student's own settings would else say that it answers without one
        use_cpu=cpu,
        dataloader_pin_memory=not cpu,
        ddp_find_unused_parameters=False,
        ddp_timeout=_WAIT,
        disable_tqdm=True,
        log_level="error",
        project="selfinstruct",
        run_name=folder.name,
        trackio_static_space_id=False,
    )
    made.report_to = list(recipe.trackers)  # nobody else: the library adds one that it finds by itself
    if made.device.type == "cuda" and process().count == 1:
        made._n_gpu = 1  # noqa: SLF001 - several in one process it would not train on
    return made


class _Trainer(SFTTrainer):
    """`SFTTrainer` with our learning rates, that writes no card and asks no hub when it saves."""

    def __init__(self, recipe: Hyperparameters, **given: Any) -> None:  # noqa: ANN401 - of `SFTTrainer`
        self._recipe = recipe
        super().__init__(**given)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            what = "each process must hold the whole model: neither FSDP nor DeepSpeed is supported"
            raise BadInput(what, place="engine: trl", fix="accelerate launch --multi_gpu, without a config file")

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # noqa: ANN401
        """Up in a line and down in a line, as `training.rate`."""
        from torch.optim.lr_scheduler import LambdaLR

        def share(step: int) -> float:
            done = step >= num_training_steps  # asked for after the last step, too
            return 0.0 if done else rate(step, num_training_steps, 1.0, self._recipe.warm_up)

        walker: Any = optimizer or self.optimizer
        made = LambdaLR(walker, share)
        self.lr_scheduler = made
        return made

    def create_model_card(self, *_given: Any, **_named: Any) -> None:  # noqa: ANN401 - of `SFTTrainer`
        """None: a student has a card of ours."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401
        """NoRoom where it cannot be written; the one before is still there."""
        with refusals(Path(str(self.args.output_dir))):
            super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call] # as its library has it

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        if not self.args.should_save:
            return
        model: Any = self.model
        more = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
        model.save_pretrained(output_dir or self.args.output_dir, state_dict=state_dict, **more)


class _Watch(TrainerCallback):
    """Counts examples for the callbacks after it, tells how far the training is, and ends it where the loss is lost."""

    def __init__(
        self, plan: Sequence[Step], recipe: Hyperparameters, folder: Path, doing: Callable[[int, int], None]
    ) -> None:
        self.plan, self.recipe, self.folder, self._doing = plan, recipe, folder, doing

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> None:
        """From where a checkpoint says."""
        del args, control, kwargs
        self._count(state)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> None:
        """One step more; epochs are counted as the plan has them."""
        del args, control, kwargs
        state.epoch = self.recipe.epochs * state.global_step / len(self.plan)
        self._count(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> None:
        """Diverged before a checkpoint is made of it."""
        del args, control
        logs = kwargs.get("logs") or {}
        if not all(math.isfinite(float(logs.get(name, 0.0))) for name in ("loss", "grad_norm")):
            raise self.lost(state)

    def lost(self, state: TrainerState) -> Diverged:
        """Of the step before, which the checkpoints do not have yet."""
        step = max(state.global_step - 1, 0)
        last = _last(self.folder)
        return diverged(seen(self.plan, step), step, self.recipe.learning_rate, [] if last is None else [last])

    def _count(self, state: TrainerState) -> None:
        done = seen(self.plan, state.global_step)
        state.examples_seen = done  # type: ignore[attr-defined] # as in training.py
        self._doing(done, seen(self.plan, len(self.plan)))


class _Guard(TrainerCallback):
    """Comes last: lets the first process decide for all, and lets no checkpoint be made of broken weights."""

    def __init__(self, watch: _Watch, is_sound: Callable[[Step], bool]) -> None:
        """`is_sound`: whether the weights, as they are, learn from an example of a step."""
        self._watch, self._is_sound = watch, is_sound

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """After each step, when all others have said what they want."""
        del kwargs
        if args.world_size > 1:
            import torch

            said = torch.tensor([control.should_training_stop, control.should_save], device=args.device).int()
            torch.distributed.broadcast(said, 0)
            control.should_training_stop, control.should_save = map(bool, said.tolist())
        if control.should_save:
            self.refuse_broken_weights(self._watch.plan[state.global_step - 1], state)
        return control

    def refuse_broken_weights(self, step: Step, state: TrainerState) -> None:
        """Diverged where the last change left no loss or gradient that is a number."""
        if not self._is_sound(step):
            raise self._watch.lost(state)


def seen(plan: Sequence[Step], step: int) -> int:
    """Examples of the first so many steps."""
    return sum(len(past.examples) for past in plan[:step])


def _trained(trainer: _Trainer, last: Path | None) -> tuple[TrainerState, bool]:
    """What the trainer knows at its end, and whether it trained: one that ended before is only loaded."""
    if last is not None:
        state = TrainerState.load_from_json(str(last / _STATE))
        ended = state.stateful_callbacks.get("TrainerControl", {}).get("args", {}).get("should_training_stop", False)
        if ended:
            trainer._load_from_checkpoint(str(last))  # noqa: SLF001 - as it does itself to go on
            return state, False
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return trainer.state, True


def _progress(state: TrainerState, plan: Sequence[Step], examples: Sequence[TrainingExample]) -> Progress:
    done = plan[: state.global_step]
    return Progress(
        losses=tuple(float(entry["loss"]) for entry in state.log_history if "loss" in entry),
        examples=seen(plan, state.global_step),
        tokens=sum(examples[at].learned for step in done for at in step.examples),
        finished=True,
    )


def _rows(examples: Sequence[TrainingExample], plan: Sequence[Step], size: int, filled: int) -> Any:  # noqa: ANN401
    """A `datasets.Dataset` of tokens and labels, a row for each place of the plan.

    A step's rows are in order of length, so that little is filled up; where it is short, rows without loss follow.
    """
    from datasets import Dataset

    tokens = [example.tokens.tolist() for example in examples]
    labels = [
        [token if learned and at else UNLEARNED for at, (token, learned) in enumerate(zip(row, mask, strict=True))]
        for row, mask in zip(tokens, (example.supervised for example in examples), strict=True)
    ]
    order: list[int] = []
    for step in plan:
        order += sorted(step.examples, key=lambda at: (len(tokens[at]), at))
        order += [len(examples)] * (size - len(step.examples))
    rows = {"input_ids": [*tokens, [filled, filled]], "labels": [*labels, [UNLEARNED, UNLEARNED]]}
    return Dataset.from_dict(rows).select(order)


def _last(folder: Path) -> Path | None:
    """The last checkpoint of the trainer that is whole."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / _STATE).is_file()]
    return max(whole, key=lambda path: int(path.name.partition("-")[2]), default=None)


def _is_sound(
    step: Step,
    loss: Loss,
    model: Any,  # noqa: ANN401 - as above
    examples: Sequence[TrainingExample],
    examined: MachineCapabilities,
    filled: int,
) -> bool:
    """Whether loss and gradient are numbers on the shortest example of a step."""
    from torch.nn.utils import clip_grad_norm_

    shortest = min((examples[at] for at in step.examples), key=len)
    nats = loss.backward(tensors([shortest], examined.batching, model.device, filled), 1 / shortest.learned)
    norm = clip_grad_norm_([weight for weight in model.parameters() if weight.requires_grad], LONGEST_GRADIENT)
    model.zero_grad(set_to_none=True)
    return math.isfinite(nats) and math.isfinite(float(norm))


def _agreed(arguments: TrainingArguments, folder: Path, examples: Sequence[TrainingExample]) -> Path:
    """The folder of the first process, where the set is the same in all of them."""
    if arguments.world_size == 1:
        return folder
    from accelerate.utils import broadcast_object_list

    own = fingerprint(examples)
    there, theirs = broadcast_object_list([str(folder), own])
    if theirs != own:
        what = f"process {arguments.process_index} of {arguments.world_size} read another set than the first one"
        raise BadInput(what, place="engine: trl", fix="give each the same files, base and knobs")
    return Path(there)


@contextmanager
def _quiet(model: Any) -> Iterator[None]:  # noqa: ANN401 - as above
    """No telemetry, no advice, nothing on stdout of the libraries; afterwards the model computes as it did before."""
    import transformers
    from huggingface_hub import constants

    words: Any = transformers.utils.logging
    verbosity, no_telemetry = words.get_verbosity(), constants.HF_HUB_DISABLE_TELEMETRY
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = no_telemetry
        words.set_verbosity(verbosity)
        for part in (model, model.get_base_model() if hasattr(model, "get_base_model") else model):
            for patched in ("forward", "_original_forward"):
                vars(part).pop(patched, None)
        model.eval()
