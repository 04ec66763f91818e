"""Cleaning, shortening, measuring and mixing sets that exist, and rules for what a model proposes.

In: tasks. Out: the same tasks, or changed ones, or Rejected with a named reason and what was found as evidence.
Papers: Self-Instruct (Wang et al. 2023) and Stanford Alpaca for the rule sets `reference` and `alpaca`; A closer look
at the limitations of instruction tuning (2402.05119) for simplification; How far can camels go (2306.04751) for
mixtures.

To change                                          open
what is wrong with an instruction                  rules.py (the rules of the released programs too)
what is wrong with an answer                       answer_rules.py
what is wrong with any text, or its language       text_rules.py
secrets and personal data                          private_data.py
which rules stand for which set of rules           record_rules.py
rules that others wrote                            plugin_rules.py
how rules are chosen, weighted and counted         filter.py (instructions), apply_rules.py (whole records)
what rules and checkers read of a task             exchange.py
a checker of replies (stage `verify`)              checks/: verify.py, check_counts.py, check_syntax.py ...
what counts as contamination                       decontaminate.py, benchmark_index.py
how replies are shortened (stage `simplify`)       simplification/: plain_simplify.py (rules), rewriting.py (a model)
how replies are made fuller (stage `expand`)       expand.py
a number on each task, a rating                    measures/: measure.py, difficulty.py, rate.py
variety, balance, the best part of a set           variety/: diversity.py, balance.py, select.py
how much of each source goes into a mixture        mix.py
a prompt                                           prompts/
"""
