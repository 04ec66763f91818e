"""From instructions with responses, and a base model, to a student.

In: tasks with their responses. Out: the tasks as they came; beside them `student/` (weights, tokenizer, card) and
`curve.jsonl` (one line for each check on the way).
Papers: Becoming self-instruct (arXiv 2307.03692): tune, and stop when the tone has settled; A closer look at the
limitations of instruction tuning (arXiv 2402.05119): LoRA against full; How far can camels go (arXiv 2306.04751):
loss on the assistant's tokens alone.
"""
