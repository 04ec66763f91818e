"""Does a text answer its prompt, or carry it on?

In: a folder of fragments (train, validation, test). Out: the tasks as they came; beside them `judge/`: a classifier
with its numbers, its weights and its card, which says for a pair of prompt and text how likely the text answers.
Paper: Becoming self-instruct (arXiv 2307.03692), section 3: its judge sees the response alone and was measured on the
corpus it learned from; ours sees the seam too, is calibrated, and is measured on sources that it never saw.

To change the stage and its knobs                  open train_judge.py (the stage `TrainJudge`)
To change what is trained, measured and written    open train.py
To change what a fragment needs to have            open fragments.py
To change what the linear judge sees               open features.py, reading.py (words and marks), hashing.py
To change how it learns                            open linear.py (sets, weights), logistic.py (the descent)
To change the encoder                              open encoder.py (judging), tuning.py (training)
To change probabilities or the threshold           open calibration.py
To change a metric or its interval                 open metrics.py
To change accuracy by kind, by length and so on    open evaluation.py
To change the folder or who may read it            open folder.py, load.py, tensors.py (weights), card.py (README)
"""
