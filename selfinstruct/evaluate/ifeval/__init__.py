"""IFEval: instructions whose following can be checked by a program (Zhou et al. 2023, arXiv 2311.07911).

In: prompts in the public schema (`key`, `prompt`, `instruction_id_list`, `kwargs`) and an answer to each. Out: of each
instruction whether it was followed, strictly and loosely. The names of kinds and of their arguments are the public
ones; what a kind asks is defined there, and the checkers are our own.

To change what a kind of instruction asks    open words.py (keywords, lengths, case), layout.py (format, begin and end)
To change which kinds there are              open kinds.py (the table, with the arguments of each)
To change what strict and loose mean         open following.py
To change what a file of prompts may hold    open prompts.py
"""
