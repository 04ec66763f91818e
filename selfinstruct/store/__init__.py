"""Files that survive: journal, ledger, run folder, lock, atomic publishing.

In: answers, outcomes, events. Out: the files of a run, whole or absent. No paper.

To change how an answer is kept open `journal.py`; its tables, totals and checksums, `journal_file.py`; the layout of a
run, `run_folder.py`; how its files are read back and damage is told, `reading.py`, `sealed.py` and `task_file.py`;
how a file is published, `files.py`; who may write, `lock.py`; the diary, `ledger.py`; where the tests may kill a run,
`failpoints.py`.
"""
