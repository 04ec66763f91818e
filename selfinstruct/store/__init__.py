"""Files that survive: journal, ledger, run folder, lock, atomic publishing.

In: answers, outcomes, events. Out: the files of a run, whole or absent. No paper.

To change                                          open
how an answer is kept; its tables and checksums    journal.py; journal_file.py
the layout of a run                                run_folder.py
how files are read back, how damage is noticed     reading.py, task_file.py
what a stage made beside its records               built_artifacts.py
how a file is published                            atomic_writes.py
who may write                                      lock.py
the diary                                          ledger.py
what earlier runs published, for later ones        published_index.py (a folder), redis_index.py
where tests may kill a run                         failpoints.py
"""
