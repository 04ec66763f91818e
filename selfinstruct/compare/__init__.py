"""One table for any students and any sets: rows what was scored, columns what was measured.

In: lines of the files that `score` leaves, with what their page says of the terms. Out: every number with its interval,
paired differences against a chosen row, and which of these hold after Holm's correction.

To change which files are read, and which columns they give    open measured.py
To change how differences are tested and corrected             open paired.py
To change what becomes a row, a column, a note                 open comparison.py
To change text, Markdown or LaTeX                              open writing.py; the HTML page is report/comparison.py
"""
