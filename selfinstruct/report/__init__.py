"""One offline page that tells what happened.

In: a `Story`, plain values that the pipeline reads out of a run folder. Out: one HTML string that loads nothing.
Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), whose figures 4 and 5 it draws for every run.

To change which values there are open `story.py`; what is told, `sections.py` and `measures.py`; the records shown,
`examples.py`; the page around them, `page.py`; which charts there are, `charts.py`; how one looks, `drawing.py`;
colours and layout, `style.css`; how HTML is escaped, `markup.py`; how a number or a strange character is written,
`phrases.py`.
"""
