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

`StopOnIFS` is a callback for any `transformers.Trainer`; torch is loaded only when it is used.
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.finetune.finetune import Finetune
    from selfinstruct.finetune.stop_on_ifs import StopOnIFS

__all__ = ["Finetune", "StopOnIFS"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__, {"Finetune": "finetune:Finetune", "StopOnIFS": "stop_on_ifs:StopOnIFS"}
    )
