"""Has something like it been said before?

In: tasks, in order. Out: each Kept, or Rejected with the record it is too like (its id, text and the score).

- `novelty` (`too_similar`): greedy against the pool by ROUGE-L. Paper: Self-Instruct (arXiv 2212.10560), section 2.2:
  an instruction joins the pool if its ROUGE-L with all that is there is below 0.7. Exact throughout: whatever is
  skipped was first proven too unlike to matter.
- `exact` (`exact_duplicate`): the same text after normalising; the first stays.
- `near` (`near_duplicate`): Jaccard similarity of word shingles; MinHash (Broder 1997) proposes, the true one decides.
- `semantic` (`semantic_duplicate`): cosine of static embeddings, by the extra [semantic].
- `split` rejects nothing: it marks records for training and for testing, and what is near by any of the above measures
  of words stays on one side.

To change what novelty rejects and records         open filter.py (the stage `Novelty`)
To change which side of a border loses             open border.py (ROUGE-L of two texts: selfinstruct.text.rouge_l)
To change what can be asked of a pool              open index.py (plain.py while it is small, compiled.py from then on)
To change the one-pass selection of a large list   open selection.py
To change the compiled loops of novelty            open kernel.py (nearest), sweep.py (selection)
To change what makes texts the same                open exact.py (the stage `Exact`)
To change the near-duplicate stage and its knobs   open near.py (the stage `Near`), text_fields.py (which words count)
To change shingles, signatures or bands            open shingles.py, minhash.py, bands.py
To change which of a cluster stays                 open preference.py (the order), clusters.py (who meets whom)
To change the similarity curve                     open curve.py
To change the compiled loops of near               open near_kernel.py (sketches), cluster_kernel.py (clusters, curve)
To change the semantic stage                       open semantic.py (the stage `Semantic`)
To change who is for testing, and how much         open split.py (the stage `Split`), split_check.py
To change who hangs together with whom             open grouping.py; its compiled loop, grouping_kernel.py
"""
