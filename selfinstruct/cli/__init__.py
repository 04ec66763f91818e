"""Words a person types become one call; no logic.

In: a command line. Out: data on stdout, everything else on stderr, and an exit code.

To change                                          open
which verbs there are, how errors and signals end  main.py (`VERBS`)
`run`, `generate`                                  run.py
`curate`, `simplify`, `verify`, `mix`, `convert`   sets.py
`fragment`, `train-judge`, `finetune`              train.py
`score`, `compare`                                 score.py
`audit`                                            audit.py
`show`, `why`, `report`, `review`, `reconsider`    run_folder.py
`check`, `schema`, `init`, `fetch`, `plugins`      setup.py
options that verbs of runs share                   running.py
the progress line; the last words of a run         progress.py; outcome.py
what may reach a terminal                          terminal.py
"""

from selfinstruct.cli.main import main

__all__ = ["main"]
