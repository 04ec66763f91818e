"""Does it answer, or carry on? And does it take sides?

In: a model and prompts, or responses that exist already, and a judge of tone that is handed in. Out: `score.json` and
`responses.jsonl` (for ObjecQA `objecqa.json` and `objecqa.jsonl`); records pass unchanged.

- `score`: IFS, the share of responses that answer, over whole and cut instructions; `ifs_clean` asks also that the
  answer stops. Paper: Becoming self-instruct (arXiv 2307.03692).
- `objecqa`: of the answers to questions of taste, the share that takes no side. Same paper.

To change which numbers a score has             open ifs.py (tables of what is counted and what is divided)
To change what a verdict on a response rests on open judged.py; tokens.py (the first 48)
To change what is empty, an echo or a loop      open failures.py
To change what runs on into a new task          open run_on.py
To change how prompts are put to a model        open wrappers.py; the demonstrations are prompts/few_shot.txt
To change which prompts are asked               open prompt_sets.py
To change the knobs or files of the stage       open score.py (the stage `Score`), publishing.py
To change what a file of responses may hold     open responses.py; given.py scores it
To change tables and differences of models      open side_by_side.py
To change intervals, or the judge's correction  open intervals.py, judge_error.py
To change ObjecQA's numbers and tests           open objecqa.py
To change ObjecQA's stage or its questions      open ask_objecqa.py, taste_questions.py; prompts/objecqa.*.txt
To change the offline classifier                open opinion.py (the rules), opinion_cues.py (the word lists)
"""
