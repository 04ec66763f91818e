"""What a recipe may say, how it is read and checked, and the recipes that verbs and Python write.

In: a YAML file, words of a verb, or objects in Python. Out: a `Resolved` recipe, every knob of it known and checked.

To change                                             open
the name of a stage in YAML                           stage_names.py (one line a stage)
a recipe's keys                                       keys.py
what editors and `schema` say of keys and knobs       schema.py
how a recipe becomes stages with their knobs          resolve.py
what a resolved recipe is, and how it is written out  resolved.py
how YAML, `--set` words, files beside it are read     yaml_file.py
what a recipe must have to make sense                 checks.py
what must be installed and lie on this machine        requirements.py
how a verb becomes a recipe                           verb_recipes.py
how a recipe is made of objects in Python             python_recipe.py
where recipes that come with the package lie          builtin_recipes.py
"""
