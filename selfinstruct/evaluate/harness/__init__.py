"""Tasks of lm-evaluation-harness, asked of our models: which, with what settings, and what comes back.

In: names of tasks. Out: `harness.json` with every number and its interval, `harness.jsonl` with every question and its
marks. The tasks are those of the suite of arXiv 2306.04751 (Camels); where the harness differs, it is said.

To change a task or its settings                      open tasks.py
To change what is read of the harness's results       open results.py
How the harness is run, in a process of its own: `run/lm_eval_harness.py` and `run/lm_eval_process.py`; how it asks
endpoints through our gate: `run/lm_eval_endpoint.py`.
"""
