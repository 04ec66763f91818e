"""Formats in, formats out: anybody's instruction sets, seeds, the published set and its card.

In come files, folders and Hub sets of anybody's making; out go tasks, files in any layout, and a folder that
`datasets.load_dataset` reads. To change what layouts are read open `shapes.py` (of conversations, `conversations.py`;
of NatInst, `natinst.py`; of the Camels sets, `camels/`); how one is decided on, `deciding.py`; what a name stands for,
`sources.py` and `tables.py`; how strictly JSON is read, `json_text.py`; in what portions and bounds, `lines.py`,
`cursor.py` and `streams.py`. What a row looks like, `rows.py`; files in other layouts, `writing.py`; the published
folder, `dataset.py`; what its card says, `card.py` (of its splits, `card_splits.py`); the upload, `hub.py`. Seeds
have a stricter reader, `seeds.py`.
"""
