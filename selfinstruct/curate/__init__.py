"""Rules that object to what a model wrote.

In: tasks. Out: the same tasks, or Rejected with the rule's name as the reason and the text it met as evidence.
Papers: Self-Instruct (Wang et al. 2023) and Stanford Alpaca, whose rule sets are `reference` and `alpaca`.

To add or change a rule, open `rules.py`: one function with its doctest, and the tables at its foot.
The released programs' own rules stand in `program_rules.py`.
To change how rules are chosen and bound to knobs, open `filter.py`.
"""
