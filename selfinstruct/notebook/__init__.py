"""What a notebook shows of our objects: sentences, tables and lines, drawn by one template that escapes everything.

In: the parts of a view, plain values. Out: HTML for `_repr_html_`.

To change                                 open
what a view is made of, how much it shows view_parts.py
how tables and lines are written          templates/view.html.jinja
"""

from selfinstruct.notebook.view_parts import ROWS, ViewLines, ViewTable, view

__all__ = ["ROWS", "ViewLines", "ViewTable", "view"]
