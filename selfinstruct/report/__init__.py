"""One offline page that tells what happened.

In: a `RunSummary`, plain values that the pipeline reads out of a run folder. Out: one HTML string that loads nothing.
Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), whose figures 4 and 5 it draws for every run.

To change which values there are open `summary.py`; the numbers at the top, `key_figures.py`; what is
told of the records, `sections.py` and `examples.py`; which stages have a part of their own, `registry.py`, and then
`fragments.py`, `judges.py`, `tone.py`, `taste.py`, `tuning.py`, `loop.py` or `answers.py`; all else that was
measured, `measures.py` and `generic_table.py`; how such values are read, `json_values.py`; a cell of a table,
`cells.py`; the page around them, `page.py`; which charts there are, `charts.py`, `rings.py`, `curve_charts.py` and
`side_charts.py`; how one looks, `drawing.py`; colours and layout, `style.css`; how HTML is escaped, `markup.py`; how
a number or a strange character is written, `phrases.py`.
"""
