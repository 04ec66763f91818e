"""Formats in, formats out: seeds and tasks from strangers' files, the published set and its card.

To change what is read open `seeds.py` (shapes) or `lines.py` (bounds); what a row looks like, `rows.py`; the published
folder, `dataset.py`; what the card says, `card.py`.
"""
