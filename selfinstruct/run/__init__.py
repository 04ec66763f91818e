"""Reads a recipe strictly, walks it round by round, and alone decides what is published.

In: a recipe, and what the rooms can do. Out: a run folder with every outcome, a data set, a report.
The loop is that of Self-Instruct (Wang et al. 2023, arXiv 2212.10560), figure 2.

To change                                             open
the name of a stage in YAML                           stages.py (one line a stage); what packages add, schema.py
a recipe's keys                                       recipe_keys.py; what is told of them, schema.py
how a recipe is read                                  recipe.py; YAML, `--set` words, files beside it, yaml_file.py
what a recipe must have to make sense                 recipe_checks.py
how a verb becomes a recipe                           compose.py, for `finetune` tuning.py
a recipe with arms, contrasts between them            arms.py
when a run ends, what a round is                      loop.py, rounds.py, barren.py; a cycle, cycles.py
how one stage is run, alone or in processes           runner.py
who owns a folder, how a run begins and ends          run.py; what makes it the same run, fingerprint.py
what a run starts from: seeds, benchmarks, prompts    material.py; sets to work on, inputs.py
which models, budgets, prices a stage gets            wiring.py, endpoints.py
which judge a run takes, how a training is judged     judges.py
what must be installed and lie here                   requirements.py
what is published                                     publish.py, card.py; in the reference profile, reference.py
what the report is drawn from, what answers cost      run_summary.py, billing.py
what would be asked                                   dry_run.py
what a run folder tells (`show`, `why`, Python)       run_reader.py; its records, run_records.py
what `reconsider` finds                               reconsider.py
sheets for readers: of tasks, of responses, of levels sheets.py, rating.py
scores and judges without a run, scores side by side  scoring.py
a set written in another layout                       converting.py
students that audits train, where a text comes from   student_runs.py, tracing.py
recipes, models and stages called from Python         python_recipe.py, python_calls.py
where recipes that come with the package lie          recipes.py
what somebody who waits is told                       watch.py
"""
