"""Judges of answers: any model that passes a check, in pairs, by five aspects, by four levels; and what they go by.

In: answers that `suite` left, and a judge model. Out: `judged.json` with win rates and ratings, `judged.jsonl` with
every verdict and its reason. A judge that does not know the better answer of our pairs is refused by name, with its
numbers.

- `pairwise`: win rate in both orders (names as in AlpacaEval and FastChat), beside the same with length and with unique
  tokens held equal, and beside judges that only count. Papers: arXiv 2306.04751 (Camels), 2404.04475.
- `just_eval`: helpful, clear, factual, deep, engaging, 1 to 5, as JSON with reasons (arXiv 2312.01552, 2402.05119).
- `user_oriented`: levels A to D beside those of people (arXiv 2212.10560).

To change what a judge is asked                       open prompts/pairwise.txt, just_eval.txt, user_oriented.txt
To change how a verdict is read                       open verdict_parsing.py
To change who judges, in which orders                 open answer_judges.py
To change which check a judge must pass               open judge_trial.py; the pairs are seeds/judge_check.jsonl
To change win rates, what is held equal               open win_rates.py
To change padded and shortened twins                  open length_test.py
To change the knobs or files of the stage             open judge_answers.py (the stage `JudgeAnswers`)
To change the numbers of aspects and levels           open judge_answers.py
"""
