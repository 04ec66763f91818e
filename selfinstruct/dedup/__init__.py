"""Has something like it been said before?

In: tasks, in order. Out: each Kept, or Rejected with the record it is too like (its id, text and the score).

- `novelty` (`too_similar`): greedy against the pool by ROUGE-L. Paper: Self-Instruct (arXiv 2212.10560), section 2.2:
  an instruction joins the pool if its ROUGE-L with all that is there is below 0.7. Exact throughout: whatever is
  skipped was first proven too unlike to matter.
- `exact` (`exact_duplicate`): the same text after normalising; the first stays.
- `near` (`near_duplicate`): Jaccard similarity of word shingles; MinHash (Broder 1997) proposes, the true one decides.
  With `index: FOLDER` (or one in Redis) what earlier runs published is a neighbour, too; the runner hands the index in.
- `semantic` (`semantic_duplicate`): cosine of static embeddings, by the extra [semantic].
- `split` rejects nothing: it marks records for training and for testing, and what is near by any of the above measures
  of words stays on one side.

To change                                          open
what novelty rejects and records, a large list     novelty.py (the stage `Novelty`, `select`)
what can be asked of a pool, which side loses      rouge_index.py (small pools), rouge_index_compiled.py (large ones)
the compiled loops of ROUGE-L                      lcs_kernel.py (nearest), sweep_kernel.py (selection, groups)
what makes texts the same                          exact.py (the stage `Exact`)
the near-duplicate stage and its knobs             near.py (the stage `Near`)
shingles, signatures or bands                      minhash.py
which words of a record count, which record stays  duplicate_records.py
who meets whom; the similarity curve               clusters.py
the compiled loops of near                         near_kernel.py (sketches), cluster_kernel.py (clusters, curve)
the semantic stage                                 semantic.py (the stage `Semantic`)
who is for testing, how much, how it is checked    split.py (the stage `Split`)
who hangs together with whom                       grouping.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.dedup.exact import Exact
    from selfinstruct.dedup.near import Near as NearDuplicates
    from selfinstruct.dedup.novelty import Novelty
    from selfinstruct.dedup.semantic import Semantic as SemanticDuplicates
    from selfinstruct.dedup.split import Split

__all__ = ["Exact", "NearDuplicates", "Novelty", "SemanticDuplicates", "Split"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "Exact": "exact:Exact",
            "NearDuplicates": "near:Near",
            "Novelty": "novelty:Novelty",
            "SemanticDuplicates": "semantic:Semantic",
            "Split": "split:Split",
        },
    )
