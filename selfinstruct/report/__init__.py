"""One offline page that tells what happened.

In: a `Story`, plain values that the pipeline reads out of a run folder. Out: one HTML string that loads nothing.
To change what is told open `sections.py`; how a chart looks, `drawing.py`; which charts there are, `charts.py`; colours
and layout, `style.css`; how a number or a strange character is written, `phrases.py`.
"""
