"""IFEval: instructions whose following can be checked by a program (Zhou et al. 2023, arXiv 2311.07911).

In: prompts in the public schema (`key`, `prompt`, `instruction_id_list`, `kwargs`) and an answer to each. Out: of each
instruction whether it was followed, strictly and loosely. The names of kinds and of their arguments are the public
ones; what a kind asks is defined there, and the checkers are our own.

To change what a kind of instruction asks    open word_checks.py (keywords, lengths, case), layout_checks.py (format)
To change which kinds there are              open instruction_ids.py (the table, with the arguments of each)
To change what strict and loose mean         open strict_and_loose.py
To change what a file of prompts may hold    open prompt_records.py
"""
