"""Suites: sets of questions whose answers are marked by a program, asked of any model.

In: the questions of each suite as tasks, and models. Out: `suite.json` with every number and its interval, over all
and by category, and `suite.jsonl` with every answer and its marks, from which what else is to be known needs no model.

- `ifeval`: verifiable instructions, strict and loose (arXiv 2311.07911; the checkers are in `evaluate/ifeval`).
- `user_oriented`: everyday tasks whose answers people rate, A to D (`review --ratings`; arXiv 2212.10560).
- `superni`: tasks of Super-NaturalInstructions, by their definition alone (arXiv 2204.07705 and 2212.10560).

To change which suites there are, or add one         open suite_questions.py (the table `SUITES`)
To change how a suite's files become tasks           open suite_files.py
To change the numbers of the marks                    open suite_scores.py
To change how models are asked, or the knobs         open suite.py (the stage `Suite`)
"""
