"""Does it answer, or carry on? Pairs from which that can be learned, and prompts by which it can be asked.

In: tasks with answers; of a conversation the first turn. Out: every task Kept, and a folder `fragments` with three
splits of labelled pairs: a prompt, whole (I) or cut (I_p), and what follows it. Paper: Becoming self-instruct
(arXiv 2307.03692), section 3: six kinds; eight more close off what a judge could learn instead of the tone.

A fragment: {"id", "prompt", "continuation", "label" (1 answer-like, 0 continuation-like), "kind", "whole", "complete"
(a cut prompt that reads as a sentence), "with_input", "open" (the continuation was ended early), "ic_words" (of the
I_c in it), "source" (id of the record), "set", "language" if known}.

To change                                          open
the knobs or the folder                            make_fragments.py (the stage `MakeFragments`)
a line of the folder; a kind, its label, its share fragment.py; how a kind is made: drafts.py
where a text may be cut, what a whole sentence is  cuts.py
questions back and other phrases, a language       prompts/ (a file for each language), stock_phrases.py
what is taken of a record, its split, a neighbour  pair_sources.py
the ratio of labels and kinds, the order of it all build_split.py
lengths, endings, the seam                         levelling.py
what is counted, the shortcut rules                shortcuts.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.fragment.make_fragments import MakeFragments as Fragment

__all__ = ["Fragment"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(__name__, {"Fragment": "make_fragments:MakeFragments"})
