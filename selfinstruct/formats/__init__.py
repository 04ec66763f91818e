"""Formats in, formats out: seeds and tasks from strangers' files, the published set and its card.

In come files of anybody's making; out go tasks, and a folder that `datasets.load_dataset` reads. To change what shapes
are read open `seeds.py`; how strictly, `json_text.py`; in what portions and bounds, `lines.py` and `streams.py`; what a
row looks like, `rows.py`; the published folder, `dataset.py`; what its card says, `card.py`; the upload, `hub.py`.
"""
