"""From instructions with responses, and a base model, to a student.

In: tasks with their responses. Out: the tasks as they came; beside them `student/` (weights, tokenizer, card) and
`curve.jsonl` (one line for each check on the way).
Papers: Becoming self-instruct (arXiv 2307.03692): tune, and stop when the tone has settled; A closer look at the
limitations of instruction tuning (arXiv 2402.05119): LoRA against full; How far can camels go (arXiv 2306.04751):
loss on the assistant's tokens alone.

To change                                          open
the stage and its knobs                            finetune.py; knobs that make no sense, refused_knobs.py
how a task is written, and where loss is           training_text.py (templates: `prompt_templates`)
tokens and truncation; what is trained together    examples.py; packing.py
the training loop; the loss of a pass              training.py; loss.py
TRL instead of it; processes of a launcher         trl_training.py; launch.py
what a model and a machine allow                   machine_probe.py
the folder that comes out, and its card            student.py; a checkpoint, checkpoint.py
when to stop                                       stopping.py (the rule), stop_on_loss.py
a check during training                            stop_on_ifs.py, check_plan.py (what is asked: the floor `tone`)
the curve                                          curve.py, phases.py

`StopOnIFS`, a callback for any `transformers.Trainer`, can be imported from here; torch is loaded only then.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfinstruct.finetune.stop_on_ifs import StopOnIFS

__all__ = ["StopOnIFS"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name == "StopOnIFS":
        from selfinstruct.finetune.stop_on_ifs import StopOnIFS

        return StopOnIFS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
