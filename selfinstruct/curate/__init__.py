"""Cleaning, shortening, measuring and mixing sets that exist, and rules for what a model proposes.

In: tasks. Out: the same tasks, or changed ones, or Rejected with a named reason and what was found as evidence.
Papers: Self-Instruct (Wang et al. 2023) and Stanford Alpaca for the rule sets `reference` and `alpaca`; A closer look
at the limitations of instruction tuning (2402.05119) for simplification; How far can camels go (2306.04751) for
mixtures.

- rules on instructions (stage `filter`) and on whole records (stage `rules`): the files of this folder
- `checks/` (stage `verify`), `simplification/` (`simplify`), `contamination/` (`decontaminate`)
- `measures/` (`measure`, `difficulty`, `rate`), `variety/` (`diversity`, `balance`, `select`), `mixture/` (`mix`)

To change what is wrong with an instruction open `rules.py` (the released programs' own: `program_rules.py`); with an
answer, `answer_rules.py`, `refusals.py`, `endings.py`; with any text, `text_rules.py`; secrets and personal data,
`access_keys.py` and `personal_data.py`. Which rules stand for which set: `record_rules.py`.
Rules that others wrote come through `plugin_rules.py`.
To change how rules are chosen, weighted and counted open `filter.py` and `apply_rules.py`.
To change a prompt open `prompts/`.
"""
