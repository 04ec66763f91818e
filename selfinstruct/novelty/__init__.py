"""Is there something in the pool that reads like it?

In: tasks, in order. Out: each Kept, or Rejected as `too_similar`; either way with its nearest neighbour and ROUGE-L.
Paper: Self-Instruct (arXiv 2212.10560), section 2.2: an instruction joins the pool if its ROUGE-L with all that is
there is below 0.7. Exact throughout: whatever is skipped was first proven too unlike to matter.

To change what is rejected and what is recorded   open filter.py (the stage `Novelty`)
To change ROUGE-L or which side of a border loses  open rouge_l.py
To change what can be asked of a pool              open index.py (plain.py while it is small, compiled.py from then on)
To change the one-pass selection of a large list   open selection.py
To change the compiled loops                       open kernel.py (nearest), sweep.py (selection)
"""
