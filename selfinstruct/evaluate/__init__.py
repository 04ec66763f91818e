"""Does it answer, or carry on? And does it take sides?

In: a model and prompts, or responses that exist already, and a judge of tone that is handed in. Out: `score.json` and
`responses.jsonl` (for ObjecQA `objecqa.json` and `objecqa.jsonl`, for a set that is answered `evaluation.json` and
`answers.jsonl`); records pass unchanged.

- `score`: IFS, the share of responses that answer, over whole and cut instructions; `ifs_clean` asks also that the
  answer stops. Paper: Becoming self-instruct (arXiv 2307.03692).
- `objecqa`: of the answers to questions of taste, the share that takes no side. Same paper.
- `compare`: one table of any folders that these left; a verb, and no stage.
- `suite`: questions whose answers a program can mark; it has a room of its own, `suites/`, and `ifeval/`.
- `judging/`: answers held against others or rated, by a judge that passed a check; `harness/`: lm-eval's tasks.
- `answer_set`: answers to the test split of a set beside its own (imitation), seeds held out and gold (quality).

What a verdict, IFS and ObjecQA's share are, the floor `tone` says.

To change the knobs or files of the stage        open score.py (the stage `Score`), result_json.py
To change what a file of responses may hold      open score_files.py
To change tables and differences within a score  open compare_models.py
To change what `selfinstruct compare` reads      open compare_columns.py; its table and tests, compare_table.py;
                                                 its text, compare_render.py (its page is in the room report)
To change which responses a person reads         open human_read_sample.py; the sheet, human_read_sheet.py;
                                                 IFS of what was read, human_read_ifs.py
To change ObjecQA's stage                        open objecqa.py; prompts/objecqa.*.txt
To change what feedback steers by                open feedback.py (the stage `Feedback`), feedback_prompt_kinds.py
To change what is asked of a set, what is marked open answer_set_marking.py; its numbers, answer_set_scores.py
To change how a set is put to models             open answer_set.py (the stage `AnswerSet`)
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.evaluate.answer_set import AnswerSet
    from selfinstruct.evaluate.feedback import Feedback
    from selfinstruct.evaluate.judging.judge_answers import JudgeAnswers
    from selfinstruct.evaluate.objecqa import ObjecQA
    from selfinstruct.evaluate.score import Score
    from selfinstruct.evaluate.suites.suite import Suite

__all__ = ["AnswerSet", "Feedback", "JudgeAnswers", "ObjecQA", "Score", "Suite"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "AnswerSet": "answer_set:AnswerSet",
            "Feedback": "feedback:Feedback",
            "JudgeAnswers": "judging.judge_answers:JudgeAnswers",
            "ObjecQA": "objecqa:ObjecQA",
            "Score": "score:Score",
            "Suite": "suites.suite:Suite",
        },
    )
