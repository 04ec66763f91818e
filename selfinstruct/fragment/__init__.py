"""Does it answer, or carry on? Pairs from which that can be learned, and prompts by which it can be asked.

In: tasks with answers; of a conversation the first turn. Out: every task Kept, and a folder `fragments` with three
splits of labelled pairs: a prompt, whole (I) or cut (I_p), and what follows it. Paper: Becoming self-instruct
(arXiv 2307.03692), section 3: six kinds; eight more close off what a judge could learn instead of the tone.

A fragment: {"id", "prompt", "continuation", "label" (1 answer-like, 0 continuation-like), "kind", "whole", "complete"
(a cut prompt that reads as a sentence), "with_input", "open" (the continuation was ended early), "ic_words" (of the
I_c in it), "source" (id of the record), "set", "language" if known}.

To change the knobs or the folder                  open fragments.py (the stage `MakeFragments`), fragment.py (a line)
To change or add a kind, its label or its share    open kinds.py (the table), drafts.py (how it is made)
To change where a text may be cut                  open cuts.py
To change what counts as a complete sentence       open sentences.py
To change echoes, empty lists, loops, repetitions  open dead_ends.py
To change the questions back and other phrases     open prompts/ (a file for each language), phrases.py
To change which instruction is a neighbour         open neighbours.py
To change the ratio of labels and kinds            open plan.py
To change lengths and endings, or the seam         open lengths.py, seams.py
To change which record is in which split           open splits.py, sources.py (what is taken of a record)
To change the order of all this                    open build.py
To change what is counted, or the shortcut rules   open tally.py, shortcuts.py
To change how a language is told                   open languages.py
"""
