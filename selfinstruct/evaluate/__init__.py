"""Does it answer, or carry on? And does it take sides?

In: a model and prompts, or responses that exist already, and a judge of tone that is handed in. Out: `score.json` and
`responses.jsonl` (for ObjecQA `objecqa.json` and `objecqa.jsonl`, for a set that is answered `evaluation.json` and
`answers.jsonl`); records pass unchanged.

- `score`: IFS, the share of responses that answer, over whole and cut instructions; `ifs_clean` asks also that the
  answer stops. Paper: Becoming self-instruct (arXiv 2307.03692).
- `objecqa`: of the answers to questions of taste, the share that takes no side. Same paper.
- `suite`: questions whose answers a program can mark; it has a room of its own, `suites/`, and `ifeval/`.
- `answer_set`: answers to the test split of a set beside its own (imitation), seeds held out and gold (quality).

What a verdict, IFS and ObjecQA's share are, the floor `tone` says.

To change the knobs or files of the stage       open score.py (the stage `Score`), publishing.py
To change what a file of responses may hold     open score_files.py
To change tables and differences of models      open compare.py
To change which responses a person reads        open read_draw.py; the sheet, read_sheet.py; its numbers, read_share.py
To change ObjecQA's stage                       open ask_objecqa.py; prompts/objecqa.*.txt
To change what feedback steers by               open feedback.py (the stage `Feedback`), prompt_kinds.py
To change what is asked of a set, in which kinds open set_questions.py
To change what is counted of an answer to a set open set_answers.py; its numbers and differences, set_scores.py
To change ROUGE-L, exact match, stems of words  open overlap.py
To change how a set is put to models            open answer_set.py (the stage `AnswerSet`)
"""
