"""What people find when they read, and what a model does with its instructions.

In: published tasks, and sheets that people filled in. Out: a sheet to fill in; the four rates with their intervals, and
how far two readers agree. Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), table 2.

In, for `ablate`: tasks in the NatInst layout, and a model. Out: `ablation.json`, with what each change of an
instruction costs, beside guessing and with a control. Papers: Kung and Peng 2023 (arXiv 2305.11383), Yin et al. 2023
(arXiv 2306.01150).

To change the sheet open `sheet.py`; the arithmetic, `review.py`. To change how a model is asked open `ablate.py`; what
counts as a task, `ablation_tasks.py`; a condition, `conditions.py`; label spaces and guessing, `label_space.py`; when
something is called equal, `verdicts.py`; what is told, `ablation.py`, and as a table, `ablation_table.py`; what arms
that are trained learn and show, `trained.py`.
"""
