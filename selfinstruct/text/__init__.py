"""What is a text made of, and in which language, and how is it shown?

In: text. Out: words, one printable line, ROUGE-L of two texts, a language, the root verb of an instruction, an answer
without the thinking that a model wrote before it.

To change where words are cut                        open segmentation.py
To change how a text is shown on one line            open display.py
To change an article or a plural in a message        open grammar.py
To change how a table is written as text or Markdown  open tables.py
To change ROUGE-L as measures and reports have it    open rouge_l.py
To change how the language of a text is told         open language.py
To change how the root verb of an instruction is found open verb_rule.py; its word lists, english.py
To change what is taken for a model's thinking       open thinking.py (a line a model family)
To change how a damaged row of a database is told      open checksums.py
"""

from selfinstruct.text.display import one_line, printable, shown
from selfinstruct.text.segmentation import has_signs, program_words, words, words_and_signs

__all__ = ["has_signs", "one_line", "printable", "program_words", "shown", "words", "words_and_signs"]
