"""Cleaning, shortening, measuring and mixing sets that exist, and rules for what a model proposes.

In: tasks. Out: the same tasks, or changed ones, or Rejected with a named reason and what was found as evidence.
Papers: Self-Instruct (Wang et al. 2023) and Stanford Alpaca for the rule sets `reference` and `alpaca`; A closer look
at the limitations of instruction tuning (2402.05119) for simplification; How far can camels go (2306.04751) for
mixtures.

To change                                          open
a rule, a set of rules, how rules decide           rules/: instruction_rules.py, answer_rules.py, any_text_rules.py,
                                                   private_data_rules.py, rule_tables.py, filter_records.py ...
what rules and checkers read of a task             exchanges.py
a checker of replies (stage `verify`)              checks/: verify.py, check_counts.py, check_syntax.py ...
what counts as contamination                       decontaminate.py, benchmark_index.py
how replies are shortened (stage `simplify`)       simplification/: simplify_by_rules.py, simplify_by_model.py
how replies are made fuller (stage `expand`)       expand.py
a number on each task, a rating                    measures/: measure.py, difficulty.py, rate.py
variety, balance, the best part of a set           variety/: diversity.py, balance.py, select.py
how much of each source goes into a mixture        mix.py
a prompt                                           prompts/
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.curate.checks.verify import Verify
    from selfinstruct.curate.decontaminate import Decontaminate
    from selfinstruct.curate.expand import Expand
    from selfinstruct.curate.measures.difficulty import Difficulty
    from selfinstruct.curate.measures.measure import Measure
    from selfinstruct.curate.measures.rate import Rate
    from selfinstruct.curate.mix import Mix
    from selfinstruct.curate.rules.filter_instructions import Filter
    from selfinstruct.curate.rules.filter_records import ApplyRules as Rules
    from selfinstruct.curate.simplification.simplify import Simplify
    from selfinstruct.curate.variety.balance import Balance
    from selfinstruct.curate.variety.diversity import Diversity
    from selfinstruct.curate.variety.select import Select

__all__ = [
    "Balance",
    "Decontaminate",
    "Difficulty",
    "Diversity",
    "Expand",
    "Filter",
    "Measure",
    "Mix",
    "Rate",
    "Rules",
    "Select",
    "Simplify",
    "Verify",
]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "Balance": "variety.balance:Balance",
            "Decontaminate": "decontaminate:Decontaminate",
            "Difficulty": "measures.difficulty:Difficulty",
            "Diversity": "variety.diversity:Diversity",
            "Expand": "expand:Expand",
            "Filter": "rules.filter_instructions:Filter",
            "Measure": "measures.measure:Measure",
            "Mix": "mix:Mix",
            "Rate": "measures.rate:Rate",
            "Rules": "rules.filter_records:ApplyRules",
            "Select": "variety.select:Select",
            "Simplify": "simplification.simplify:Simplify",
            "Verify": "checks.verify:Verify",
        },
    )
