"""Does a text answer its prompt, or carry it on?

In: a folder of fragments (train, validation, test). Out: the tasks as they came; beside them `judge/`: a classifier
with its numbers, its weights and its card, which says for a pair of prompt and text how likely the text answers.
Paper: Becoming self-instruct (arXiv 2307.03692), section 3: its judge sees the response alone and was measured on the
corpus it learned from; ours sees the seam too, is calibrated, and is measured on sources that it never saw.

To change                                          open
the stage and its knobs                            train_judge.py (the stage `TrainJudge`)
what is trained, measured and written              fit_judge.py
what a fragment needs to have                      read_fragments.py
what the linear judge sees; how it learns          features.py; linear_judge.py
the probe of hidden states                         probe_judge.py
the encoder                                        encoder_judge.py
probabilities or the threshold                     calibration.py
a metric or its interval, on fragments             judge_metrics.py
what is measured on completions of real models     validate_on_reads.py, cross_validation.py (lineages left out)
the folder, who may read it, its README            judge_folder.py; judge_card.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.judge.train_judge import TrainJudge

__all__ = ["TrainJudge"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(__name__, {"TrainJudge": "train_judge:TrainJudge"})
