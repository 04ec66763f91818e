"""Reads a recipe strictly, walks it round by round, and alone decides what is published.

In: a recipe, and what the rooms can do. Out: a run folder with every outcome, a data set, a report.
The loop is that of Self-Instruct (Wang et al. 2023, arXiv 2212.10560), figure 2.

To change                                             open
what a recipe may say, how it is read and checked     recipe/ (its door plate says which file)
how a run begins and ends                             execute.py
whose folder it is, resuming, --fresh, --retry-failed resume.py (the lock: the room store)
what makes two runs the same run                      fingerprint.py
when a run ends                                       main_loop.py; what a round is, rounds.py; a cycle, cycle_result.py
how one stage is run, alone or in processes           stage_runner.py
which models, budgets, prices a stage gets            stage_models.py; what an endpoint can do, endpoints.py
which judge a run takes, how a training is judged     tone_judges.py
what a run starts from: seeds, benchmarks, prompts    seeds_and_benchmarks.py; sets to work on, inputs.py
what earlier runs published, to compare with          index_of_earlier_runs.py
what would be asked and cost (--dry-run)              dry_run.py
what the answers cost                                 run_cost.py
what is published: data set, card, reference files    publish.py
what report and card are drawn from                   run_summary.py
what a run folder says (`show`, `why`, Python)        run_reader.py; its records, run_records.py
what `reconsider` decides again                       reconsider.py
sheets that people fill in                            human_sheets.py
a recipe with arms, contrasts between them            recipe_arms.py
scores and judges without a run, scores side by side  score_without_run.py; tasks of the harness, lm_eval_*.py
a set written in another layout                       convert.py
students: a look at examples, GGUF, their template    student_files.py; those that audits train, audit_students.py
where a text comes from (`blame`), what descends      blame_and_lineage.py
models and stages called from Python                  python_calls.py
what is shown while a run goes on                     progress_events.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.run.inputs import read_tasks_of as read_set
    from selfinstruct.run.lm_eval_harness import harness
    from selfinstruct.run.python_calls import Applied, AskedModel, apply, load_model
    from selfinstruct.run.recipe.python_recipe import Recipe, generate_set
    from selfinstruct.run.run_reader import Run, load_run
    from selfinstruct.run.score_without_run import compare_folders as compare
    from selfinstruct.run.score_without_run import ifs

__all__ = [
    "Applied",
    "AskedModel",
    "Recipe",
    "Run",
    "apply",
    "compare",
    "generate_set",
    "harness",
    "ifs",
    "load_model",
    "load_run",
    "read_set",
]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "Applied": "python_calls:Applied",
            "AskedModel": "python_calls:AskedModel",
            "Recipe": "recipe.python_recipe:Recipe",
            "Run": "run_reader:Run",
            "apply": "python_calls:apply",
            "compare": "score_without_run:compare_folders",
            "generate_set": "recipe.python_recipe:generate_set",
            "harness": "lm_eval_harness:harness",
            "ifs": "score_without_run:ifs",
            "load_model": "python_calls:load_model",
            "load_run": "run_reader:load_run",
            "read_set": "inputs:read_tasks_of",
        },
    )
