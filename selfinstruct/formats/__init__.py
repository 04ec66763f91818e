"""Formats in, formats out: anybody's instruction sets, seeds, the published set and its card.

In come files, folders and Hub sets of anybody's making; out go tasks, files in any layout, and a folder that
`datasets.load_dataset` reads. To change what layouts are read open `shapes.py` (of conversations, `conversations.py`;
of customary columns, `aliases.py`; of text in a template, `text_templates.py`; of NatInst, `natinst.py`; of the
Camels sets, `camels/`; of others' own, `plugin_formats.py`); how one is detected, `detect.py`, and how that is told,
`explaining.py`; what marks an answer as not to be learned, `learning.py`; what a name stands for, `sources.py`, which
split of it, `split_files.py`, what its card says, `front_matter.py`; tables, `tables.py`, `delimited.py` and
`sheets.py`; how strictly JSON is read, `json_text.py`; in what portions and bounds, `lines.py`, `json_stream.py` and
`streams.py`. What a row looks like, `rows.py`; files in other layouts, `writing.py`; the published folder,
`dataset.py`; what our own card says, `card.py` (of its splits, `card_splits.py`); the upload, `hub.py`. Seeds have a
stricter reader, `seeds.py`.
"""
