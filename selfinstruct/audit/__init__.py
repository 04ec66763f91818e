"""What people find when they read, and what a model does with its instructions.

In: published tasks, and sheets that people filled in. Out: a sheet to fill in; the four rates with their intervals, and
how far two readers agree. Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), table 2.

In, for `ablate`: tasks in the NatInst layout, and a model. Out: `ablation.json`, with what each change of an
instruction costs, beside guessing and with a control. Papers: Kung and Peng 2023 (arXiv 2305.11383), Yin et al. 2023
(arXiv 2306.01150).

In, for `shift`, `knowledge` and `trace`: weights before and after a tuning, prompts, facts or the training set. Out:
how far each token moved, which facts were lost, which records taught what is said; `forget`: a set without some.
Papers: URIAL (Lin et al. 2023, arXiv 2312.01552), A closer look (Ghosh et al. 2024, arXiv 2402.05119).

To change the sheet, its arithmetic or its table open `review.py`; the four levels of answers, `rating.py`. To change
how a model is asked open `ablate.py`; what counts as a task, label spaces and guessing, `ablation_tasks.py`; a
condition, `conditions.py`; when something is called equal, `verdicts.py`; what is told, `ablation.py`, and as a table,
`ablation_table.py`; what arms that are trained learn and show, `trained.py`. To change how two models are looked into
open `two_models.py`; what is counted of a token, `token_shift.py`, and told of all, `shift_figures.py`; how facts are
ranked, `facts.py`; which words are looked up, `spans.py`, where and in which order, `origins.py`; the manner of a set,
`copying.py`; what retunings show, `counterfactual.py`; the last words of a verb, `in_words.py`.
"""
