"""Does a response answer its prompt, or carry on with it? What fragment, judge, finetune and evaluate share.

In: prompts, what a model replied to them, and a judge of tone that is handed in. Out: a verdict on each response, and
from verdicts the Instruction Following Score (IFS, arXiv 2307.03692) and ObjecQA's share, each with its interval. No
model is asked here and no file is read.

To add or change a metric, or where one is shown       open tone_metrics.py
To change how metrics are counted, their intervals     open ifs.py; the arithmetic of intervals is the module `stats`
To change the score of a model under a wrapper         open tone_score.py; the judge's known errors, judge_error.py
To change what a verdict on a response rests on        open response_verdicts.py; first_tokens.py (the first 48)
To change what is empty, an echo, a loop, a run-on     open no_answer.py
To change what counts as a whole prompt                open whole_or_cut_prompt.py
To change which prompts are asked                      open prompt_sets.py
To change how prompts are put to a model               open prompt_wrappers.py (few-shot: prompts/few_shot.txt)
To change what a check of a model in training hears    open ask_loaded_model.py
To change ObjecQA's questions, counting and test       open objecqa_share.py
To change the offline classifier of opinions           open objecqa_classifier.py
"""
