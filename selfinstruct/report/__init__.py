"""One offline page that shows what happened.

In: a `RunSummary`, plain values that are read out of a run folder. Out: one HTML string that loads nothing.
Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), whose figures 4 and 5 it draws for every run.

A section is one file that reads what a stage measured into a frozen record, and one template in `templates/` that
shows the record. To add one: both, and its line in `page.SECTIONS`.

To change which values there are                     open summary.py
To change the order of sections, the numbers on top  open page.py, templates/page.html.jinja
To change what is shown of records, calls and money  open record_sections.py
To change scores of tone and questions of taste      open tone_sections.py
To change fragments and judges                       open judge_sections.py
To change a training, a loop                         open student_sections.py, cycle_sections.py
To change suites, test splits, ablations             open evaluation_sections.py
To change token shift, facts lost, records traced    open audit_sections.py
To change all else that was measured                 open other_measures.py
To change the page of `compare`                      open compare_page.py
To change which charts there are                     open record_charts.py (of records), charts.py (of measures)
To change how a drawing is laid out and written      open drawing.py, templates/chart.html.jinja
To change tables and figures                         open page_parts.py, templates/blocks.html.jinja
To change how a number or a strange character reads  open number_words.py
To change how measured values are read               open json_values.py
To change colours and layout                         open templates/style.css
"""
