"""Formats in, formats out: anybody's instruction sets, seeds, the published set and its card.

In: files, folders and Hub sets of anybody's making. Out: tasks, files in any layout, and a folder that
`datasets.load_dataset` reads. Paper: the twelve sets of Wang et al. 2023 are read by its rules, in `camels/`.

To change                                          open
which layouts of records are read                  layouts.py (NatInst-V2 and our own records too); camels/
layouts that others wrote                          plugin_formats.py
how conversations are read, their tags             conversations.py; text in a template: turns_in_text.py
customary names of columns                         aliases.py
how a layout is detected, how that is explained    detect.py; read_sets.py
what marks an answer as not to be learned          loss_marks.py
what the name of an input stands for, its splits   input_files.py; split_files.py
how files are opened and bounded                   streams.py; json_lines.py (JSONL), json_stream.py, json_text.py
tables                                             parquet_and_hub_rows.py (Parquet, saved sets, Hub), csv_and_xlsx.py
how a field is checked, what is said of a bad one  fields.py
seeds, more strictly                               seeds.py
what a row of the published set looks like         rows.py; its types in Parquet: parquet_writing.py
the published folder and its upload; its card      dataset.py; dataset_card.py
files in other layouts                             writing.py
"""
