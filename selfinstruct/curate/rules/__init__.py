"""Rules: each is a predicate that says what it objects to; its name is the reason, its doctest its specification.

In: instructions that a model proposed (stage `filter`), or whole records of a set (stage `rules`). Out: the same
records, or Rejected with the name of the rule and what was found.

To change                                                       open
what is wrong with an instruction                               instruction_rules.py (those of released programs too)
what is wrong with an answer beside what was asked              answer_rules.py
what is wrong with any text of a record, or its language        any_text_rules.py
what counts as a secret or personal data                        private_data_rules.py
which rules there are on records, which stand in a named set    rule_tables.py
how rules of plug-ins and of users are found                    plugin_rules.py
how the stage `filter` decides on proposed instructions         filter_instructions.py
how the stage `rules` weighs, decides on and counts records     filter_records.py
"""
